"""The pages of the admin. Here too, jobs change through `jobs.queue` alone."""

from jobs.admin import job, records, users

__all__ = ["job", "records", "users"]
