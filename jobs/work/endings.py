"""From whatever ended a run to the ending of its job: one table, for the runner and for the heartbeat."""

import errno
from collections.abc import Callable

from django.db import InterfaceError, OperationalError

from jobs.errors import StorageAway
from jobs.messages import INTERNAL, OUT_OF_MEMORY, RESULT_NOT_KEPT, STORAGE_AWAY
from jobs.queue import lifecycle
from jobs.queue.lifecycle import Claim
from jobs.storage import outputs
from ml.core.errors import Cancelled, DeadlineExceeded, OperationError, Stopped
from ml.core.text import Message


class HandedBack(Stopped):
    """The worker is told to go; somebody else will run the job."""


class LeaseLost(Stopped):
    """The job was given to another worker, or deleted."""


def end(claim: Claim, error: BaseException) -> bool:
    """End the job of a claim as the table has it; False, and nothing, where it is no longer this worker's."""
    ending = next(ending for kinds, ending in ENDINGS if isinstance(error, kinds))
    return ending(claim, error)


def _deadline(claim: Claim, _error: BaseException) -> bool:
    return lifecycle.fail(claim, "deadline", lifecycle.past_deadline(claim.job))


def _throw_away(claim: Claim, _error: BaseException) -> bool:
    outputs.discard(claim.job)
    return False


def _in_words(claim: Claim, error: BaseException) -> bool:
    assert isinstance(error, OperationError)
    return lifecycle.fail(claim, error.code, error.message)


def _our_fault(claim: Claim, error: BaseException) -> bool:
    return lifecycle.fail(claim, *_blame(error))


def _blame(error: BaseException) -> tuple[str, Message]:
    if isinstance(error, StorageAway):
        return "storage_away", STORAGE_AWAY
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "disk_full", RESULT_NOT_KEPT
    return "internal", INTERNAL


Kinds = type[BaseException] | tuple[type[BaseException], ...]
ENDINGS: tuple[tuple[Kinds, Callable[[Claim, BaseException], bool]], ...] = (
    (Cancelled, lambda claim, _error: lifecycle.stop(claim)),
    (DeadlineExceeded, _deadline),
    (HandedBack, lambda claim, _error: lifecycle.hand_back(claim)),
    (LeaseLost, _throw_away),
    (OperationError, _in_words),
    (MemoryError, lambda claim, _error: lifecycle.fail(claim, "out_of_memory", OUT_OF_MEMORY)),
    ((OperationalError, InterfaceError), lambda claim, _error: lifecycle.lose(claim.job)),
    (Exception, _our_fault),
)
"""The first row that fits. A database that went away is no fault of the job: it is queued again."""
