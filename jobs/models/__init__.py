"""What the database knows."""

from jobs.models.draft import Draft
from jobs.models.job import Job, JobEvent, JobInput, JobQuerySet, Output, Turn
from jobs.models.owner import ApiToken, Owner
from jobs.models.photo import Photo
from jobs.models.sharing import ShareLink

__all__ = [
    "ApiToken",
    "Draft",
    "Job",
    "JobEvent",
    "JobInput",
    "JobQuerySet",
    "Output",
    "Owner",
    "Photo",
    "ShareLink",
    "Turn",
]
