"""What the database knows."""

from jobs.models.draft import Draft
from jobs.models.job import FairShare, Job, JobEvent, JobInput, JobQuerySet, Output
from jobs.models.owner import ApiToken, Owner
from jobs.models.photo import Photo
from jobs.models.sharing import ShareLink

__all__ = [
    "ApiToken",
    "Draft",
    "FairShare",
    "Job",
    "JobEvent",
    "JobInput",
    "JobQuerySet",
    "Output",
    "Owner",
    "Photo",
    "ShareLink",
]
