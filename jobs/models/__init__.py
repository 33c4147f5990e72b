"""What the database knows."""

from jobs.models.album import Album, AlbumPhoto
from jobs.models.asset import Asset, AssetQuerySet
from jobs.models.batch import Batch
from jobs.models.draft import Draft
from jobs.models.job import UNFINISHED, FairShare, Job, JobEvent, JobInput, JobQuerySet
from jobs.models.owner import ApiToken, Carried, Owner
from jobs.models.preset import Preset
from jobs.models.sharing import Shareable, ShareLink
from jobs.models.webhook import Delivery, Webhook

__all__ = [
    "UNFINISHED",
    "Album",
    "AlbumPhoto",
    "ApiToken",
    "Asset",
    "AssetQuerySet",
    "Batch",
    "Carried",
    "Delivery",
    "Draft",
    "FairShare",
    "Job",
    "JobEvent",
    "JobInput",
    "JobQuerySet",
    "Owner",
    "Preset",
    "ShareLink",
    "Shareable",
    "Webhook",
]
