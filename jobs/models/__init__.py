"""What the database knows."""

from jobs.models.album import Album, AlbumPhoto
from jobs.models.asset import Asset, AssetQuerySet
from jobs.models.draft import Draft
from jobs.models.job import FairShare, Job, JobEvent, JobInput, JobQuerySet
from jobs.models.owner import ApiToken, Owner
from jobs.models.sharing import Shareable, ShareLink

__all__ = [
    "Album",
    "AlbumPhoto",
    "ApiToken",
    "Asset",
    "AssetQuerySet",
    "Draft",
    "FairShare",
    "Job",
    "JobEvent",
    "JobInput",
    "JobQuerySet",
    "Owner",
    "ShareLink",
    "Shareable",
]
