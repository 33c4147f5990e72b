"""What the database knows."""

from jobs.models.asset import Asset, AssetQuerySet
from jobs.models.draft import Draft
from jobs.models.job import FairShare, Job, JobEvent, JobInput, JobQuerySet
from jobs.models.owner import ApiToken, Owner
from jobs.models.sharing import ShareLink
from jobs.models.webhook import Delivery, Webhook

__all__ = [
    "ApiToken",
    "Asset",
    "AssetQuerySet",
    "Delivery",
    "Draft",
    "FairShare",
    "Job",
    "JobEvent",
    "JobInput",
    "JobQuerySet",
    "Owner",
    "ShareLink",
    "Webhook",
]
