"""A claimed job -> `ml` -> stored outputs. Runs in a worker's child, one job at a time."""

import logging
import os
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections

from jobs import logs
from jobs.messages import NO_LONGER_OFFERED, PHOTO_DELETED
from jobs.queue import lifecycle
from jobs.queue.lifecycle import Claim, Lease, Outcome
from jobs.work import scratch
from jobs.work.child import work
from jobs.work.context import JobContext, finite
from jobs.work.endings import LeaseLost, end
from jobs.work.heartbeat import Heartbeat
from jobs.work.outputs import store
from ml.core import allocator, execution
from ml.core.context import Inputs
from ml.core.errors import Cancelled, OperationError, Stopped, UnknownOperation

log = logging.getLogger(__name__)


def run_next(queue: str, *, worker: str, task_id: str, told_to_go: Callable[[], bool]) -> bool:
    """Run the next job of a queue; False where nothing waits."""
    if told_to_go():
        return False
    claim = lifecycle.claim(queue, worker=worker, pid=os.getpid(), task_id=task_id)
    if claim is None:
        return False
    with work, logs.about(job=str(claim.job.uuid), request=claim.job.request_id):
        run(claim, told_to_go=told_to_go)
    return True


def run(claim: Claim, *, told_to_go: Callable[[], bool] = lambda: False) -> None:
    """Run a claimed job to one of its ends."""
    try:
        with scratch.folder() as folder, Heartbeat(claim, told_to_go) as heartbeat:
            started = time.monotonic()
            outcome = _develop(claim, JobContext(claim, heartbeat, folder))
            outcome.run_seconds = time.monotonic() - started
            if not _insist(lambda: lifecycle.finish(claim, outcome)):
                raise (
                    Cancelled
                    if _insist(lambda: lifecycle.renew(claim) is Lease.CANCEL_REQUESTED)
                    else LeaseLost
                )
    except (Stopped, Exception) as error:
        _explain(claim, error)
        ended_by = error  # the name of an except clause is gone after it
        _insist(lambda: end(claim, ended_by))
    finally:
        allocator.return_freed()


def _develop(claim: Claim, context: "JobContext") -> Outcome:
    job = claim.job
    operation = job.declaration
    if operation is None:
        raise UnknownOperation(NO_LONGER_OFFERED)
    params = operation.parse(job.params)
    inputs = _inputs(claim, context.scratch)
    result = execution.execute(operation, params, inputs, context)
    context.check_cancelled()
    recipe = execution.recipe(operation, params, inputs, result, context)
    return Outcome(
        outputs=store(claim, result, params, inputs, context.scratch),
        metrics={name: value if finite(value) else None for name, value in result.metrics.items()},
        labels=[label.as_json() for label in result.labels],
        series={
            name: [point for point in points if finite(*point)]
            for name, points in {**context.curves, **result.series}.items()
        },
        recipe=recipe,
    )


def _inputs(claim: Claim, folder: Path) -> Inputs:
    files: dict[str, list[Path]] = defaultdict(list)
    for item in claim.job.inputs.select_related("asset"):
        if item.asset is None:
            raise OperationError(PHOTO_DELETED)
        files[item.slot].append(_local(item.asset.file, folder))
    return Inputs(files)


def _local(file: Any, folder: Path) -> Path:
    """A path to a stored file; where the storage has none, a copy."""
    try:
        return Path(file.path)
    except NotImplementedError:
        copy = folder / Path(file.name).name
        with file.open("rb") as source, copy.open("wb") as target:
            for chunk in source.chunks():
                target.write(chunk)
        return copy


def _insist(change: Callable[[], bool]) -> bool:
    """Make a change although the database may be away for a while; past the lease it is somebody else's to make."""
    give_up = time.monotonic() + settings.LATENT.lease_seconds
    while True:
        try:
            return change()
        except (OperationalError, InterfaceError):
            if time.monotonic() > give_up:
                raise
            log.warning("the database is away; trying again")
            close_old_connections()
            time.sleep(1)


def _explain(claim: Claim, error: BaseException) -> None:
    """Say in the log what its reader would not learn from the job."""
    match error:
        case LeaseLost():
            log.info("job %s is no longer ours; what was made of it is thrown away", claim.job.uuid)
        case OperationalError() | InterfaceError():
            log.warning("job %s is given up: the database went away", claim.job.uuid)
        case Stopped() | OperationError() | MemoryError():
            pass
        case _:
            log.error("job %s failed", claim.job.uuid, exc_info=error)
