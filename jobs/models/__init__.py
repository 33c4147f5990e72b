"""What the database knows."""

from jobs.models.asset import Asset, AssetQuerySet
from jobs.models.draft import Draft
from jobs.models.job import FairShare, Job, JobEvent, JobInput, JobQuerySet
from jobs.models.owner import ApiToken, Carried, Owner
from jobs.models.sharing import ShareLink

__all__ = [
    "ApiToken",
    "Asset",
    "AssetQuerySet",
    "Carried",
    "Draft",
    "FairShare",
    "Job",
    "JobEvent",
    "JobInput",
    "JobQuerySet",
    "Owner",
    "ShareLink",
]
