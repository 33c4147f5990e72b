"""The pages of the admin. Here too, jobs change through `jobs.queue` alone."""

from jobs.admin import job, owners, records, users

__all__ = ["job", "owners", "records", "users"]
