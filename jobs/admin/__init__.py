"""The pages of the admin. Here too, jobs change through `jobs.lifecycle` alone."""

from jobs.admin import job, records, users

__all__ = ["job", "records", "users"]
