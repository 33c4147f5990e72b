"""Where the files of an attempt lie, and how they go again."""

from collections.abc import Callable
from functools import partial, update_wrapper
from typing import Any

from django.core.files.storage import default_storage
from django.db import transaction

from jobs.models import Job


def folder_of(job: Job) -> str:
    """Where the running attempt of a job stores its files."""
    return f"outputs/{str(job.uuid)[:2]}/{job.uuid}/{job.attempt}"


def discard(job: Job) -> None:
    """Delete what an attempt has stored that did not make a success of the job."""
    try:
        _folders, names = default_storage.listdir(folder_of(job))
    except FileNotFoundError:
        return
    for name in names:
        default_storage.delete(f"{folder_of(job)}/{name}")


def after_commit(clear: Callable[..., None], *arguments: Any) -> None:
    """Clear away after the commit; what cannot be is logged, and left to the cleaner."""
    # Django's log names the function, and a partial has none of its own.
    transaction.on_commit(update_wrapper(partial(clear, *arguments), clear), robust=True)
