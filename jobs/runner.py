"""A claimed job -> `ml` -> stored outputs. Runs in a worker's child, one job at a time."""

import contextvars
import errno
import hashlib
import logging
import math
import os
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import redis
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import DatabaseError, InterfaceError, OperationalError, close_old_connections, connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from jobs import lifecycle, progress, scratch
from jobs.errors import StorageAway, storage_away
from jobs.lifecycle import Claim, Lease, Outcome
from jobs.models import Output
from jobs.pictures import mean_color, preview_bytes
from ml.core import allocator, execution
from ml.core.context import Context, Inputs, Result
from ml.core.device import default_device
from ml.core.errors import Cancelled, DeadlineExceeded, OperationError, Stopped, UnknownOperation
from ml.core.images import MEDIA_TYPES, FileFormat, Picture, write_picture
from ml.core.operation import Params
from ml.core.text import Message
from ml.registry import registry
from webapp import logs
from webapp.config import config

log = logging.getLogger(__name__)

TICK_SECONDS = 0.1
PREVIEW_SECONDS = 0.5
WATCH_SECONDS = 0.2
PAUSE_SECONDS = 1.0
SUFFIXES = {"png": "png", "jpeg": "jpg", "webp": "webp"}


NO_LONGER_OFFERED = Message("no_longer_offered", gettext_noop("This operation is no longer offered."))
PHOTO_DELETED = Message(
    "photo_deleted", gettext_noop("A photo of this job has been deleted. Upload it again.")
)


class HandedBack(Stopped):
    """The worker is told to go; somebody else will run the job."""


class LeaseLost(Stopped):
    """The job was given to another worker, or deleted."""


class Work:
    """Whether this child works, or has worked a moment ago."""

    def __init__(self) -> None:
        self._until = 0.0

    def __enter__(self) -> None:
        self._until = math.inf

    def __exit__(self, *_: object) -> None:
        self._until = time.monotonic() + PAUSE_SECONDS

    def wait_for_a_pause(self) -> None:
        while time.monotonic() < self._until:
            time.sleep(WATCH_SECONDS)


work = Work()


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


def warm_up(worker: str) -> None:
    """What a fresh child does while it waits for work: see to its predecessor's job, and import the networks."""
    scratch.sweep()
    try:
        lifecycle.lose_dead_children(worker)
    except DatabaseError:
        log.warning("the jobs of a lost child are left to the clock: the database is away")
    finally:
        connection.close()
    time.sleep(PAUSE_SECONDS)
    for operation in registry().all():
        work.wait_for_a_pause()  # imports hold up what runs beside them
        operation.function()


def run(claim: Claim, *, told_to_go: Callable[[], bool] = lambda: False) -> None:
    """Run a claimed job to one of its ends."""
    try:
        with scratch.folder() as folder, Watch(claim, told_to_go) as watch:
            started = time.monotonic()
            outcome = _develop(claim, JobContext(claim, watch, folder))
            outcome.run_seconds = time.monotonic() - started
            if not _insist(lambda: lifecycle.finish(claim, outcome)):
                raise (
                    Cancelled
                    if _insist(lambda: lifecycle.renew(claim) is Lease.CANCEL_REQUESTED)
                    else LeaseLost
                )
    except Cancelled:
        _insist(lambda: lifecycle.stop(claim))
    except DeadlineExceeded:
        _insist(lambda: lifecycle.fail(claim, "deadline", lifecycle.deadline_sentence(claim.job)))
    except HandedBack:
        _insist(lambda: lifecycle.hand_back(claim))
    except LeaseLost:
        log.info("job %s is no longer ours; what was made of it is thrown away", claim.job.uuid)
        lifecycle.discard(claim.job)
    except OperationError as error:
        code, sentence = error.code, str(error)
        _insist(lambda: lifecycle.fail(claim, code, sentence))
    except MemoryError:
        sentence = _("This needs more memory than there is. Try a smaller photo.")
        _insist(lambda: lifecycle.fail(claim, "out_of_memory", sentence))
    except (OperationalError, InterfaceError):
        log.warning("job %s is given up: the database went away", claim.job.uuid)
        _insist(lambda: lifecycle.lose(claim.job))
    except Exception as error:
        code, sentence = _our_fault(error)
        log.exception("job %s failed", claim.job.uuid)
        _insist(lambda: lifecycle.fail(claim, code, sentence))
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
        outputs=_store(claim, result, params, context.scratch),
        metrics={name: value if _finite(value) else None for name, value in result.metrics.items()},
        labels=[{"title": str(label.title), "score": label.score} for label in result.labels],
        series={
            name: [point for point in points if _finite(*point)]
            for name, points in {**context.curves, **result.series}.items()
        },
        recipe=recipe,
    )


def _finite(*values: float | None) -> bool:
    """Whether JSON can hold the numbers."""
    return all(value is not None and math.isfinite(value) for value in values)


def _inputs(claim: Claim, folder: Path) -> Inputs:
    files: dict[str, list[Path]] = defaultdict(list)
    for item in claim.job.inputs.select_related("photo"):
        if item.photo is None:
            raise OperationError(PHOTO_DELETED)
        files[item.slot].append(_local(item.photo.file, folder))
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


def _store(claim: Claim, result: Result, params: Params, folder: Path) -> list[Output]:
    """Write every output under this attempt."""
    outputs: list[Output] = []
    file_format: FileFormat = getattr(params, "format", "png")
    for name, picture in result.images.items():
        path = folder / f"{name}.{SUFFIXES[file_format]}"
        write_picture(picture, path, file_format)
        outputs.append(_stored(claim, len(outputs), name, path, MEDIA_TYPES[file_format], picture))
        path.unlink()
    for name, file in result.files.items():
        outputs.append(_stored(claim, len(outputs), name, file.path, file.media_type))
    return outputs


def _stored(
    claim: Claim, position: int, name: str, path: Path, media_type: str, picture: Picture | None = None
) -> Output:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        stored = default_storage.save(f"{lifecycle.folder_of(claim.job)}/{name}{path.suffix}", File(file))
    return Output(
        job=claim.job,
        attempt=claim.attempt,
        position=position,
        name=name,
        file=stored,
        media_type=media_type,
        width=picture.width if picture else None,
        height=picture.height if picture else None,
        bytes=path.stat().st_size,
        sha256=digest,
        color=mean_color(picture) if picture else "#808080",
    )


def _insist(change: Callable[[], bool]) -> bool:
    """Make a change although the database may be away for a while; past the lease it is somebody else's to make."""
    give_up = time.monotonic() + config().lease_seconds
    while True:
        try:
            return change()
        except (OperationalError, InterfaceError):
            if time.monotonic() > give_up:
                raise
            log.warning("the database is away; trying again")
            close_old_connections()
            time.sleep(1)


def _our_fault(error: Exception) -> tuple[str, str]:
    if isinstance(error, StorageAway):
        told = storage_away()
        return told.code, str(told)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "disk_full", _(
            "The disk of this site is full, so the result could not be kept. Try again later."
        )
    return "internal", _("Something went wrong on our side. Try again; if it happens again, tell the admin.")


class JobContext(Context):
    """Reports to the live channel, and heeds what the watch has seen."""

    def __init__(self, claim: Claim, watch: "Watch", folder: Path) -> None:
        super().__init__(seed=claim.job.seed, device=default_device(), deadline=watch.deadline)
        self.scratch = folder
        self.curves: dict[str, list[tuple[float, float]]] = defaultdict(list)
        self._uuid = claim.job.uuid
        self._watch = watch
        self._next_tick = self._next_preview = 0.0

    def progress(self, fraction: float, note: Message | None = None) -> None:
        now = time.monotonic()
        if now >= self._next_tick:
            self._next_tick = now + TICK_SECONDS
            progress.say(self._uuid, fraction, str(note or ""))

    def preview(self, picture: Picture) -> None:
        now = time.monotonic()
        if now >= self._next_preview:
            self._next_preview = now + PREVIEW_SECONDS
            progress.show(self._uuid, preview_bytes(picture))

    def series(self, name: str, x: float, y: float) -> None:
        self.curves[name].append((x, y))
        if _finite(x, y):
            progress.add_point(self._uuid, name, x, y)

    def check_cancelled(self) -> None:
        if self._watch.reason is not None:
            raise self._watch.reason
        super().check_cancelled()


class Watch:
    """Holds the lease of a running job and sees when it must stop; ends the process if the run does not heed."""

    def __init__(self, claim: Claim, told_to_go: Callable[[], bool]) -> None:
        self.reason: type[Stopped] | None = None
        self.deadline = time.monotonic() + claim.job.deadline_seconds
        self._claim = claim
        self._told_to_go = told_to_go
        self._over = threading.Event()
        here = contextvars.copy_context()  # so that it logs about the same job
        self._thread = threading.Thread(target=here.run, args=(self._look,), name="watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        try:
            next_renewal = time.monotonic() + config().renew_seconds
            while self.reason is None and not self._over.wait(WATCH_SECONDS):
                if self._told_to_go():
                    self.reason = HandedBack
                elif time.monotonic() > self.deadline:
                    self.reason = DeadlineExceeded
                elif self._must_ask_database() or time.monotonic() >= next_renewal:
                    next_renewal = time.monotonic() + config().renew_seconds
                    self.reason = self._renew()
            if self.reason is not None and not self._over.wait(config().cancel_grace_seconds):
                self._end_process()
        finally:
            connection.close()

    def _must_ask_database(self) -> bool:
        try:
            return progress.cancel_hinted(self._claim.job.uuid)
        except redis.RedisError:
            self._over.wait(1)
            return True

    def _renew(self) -> type[Stopped] | None:
        try:
            lease = lifecycle.renew(self._claim, self.deadline - time.monotonic())
        except DatabaseError:
            log.warning("the lease of job %s could not be renewed", self._claim.job.uuid)
            return None
        return {Lease.HELD: None, Lease.CANCEL_REQUESTED: Cancelled, Lease.LOST: LeaseLost}[lease]

    def _end_process(self) -> None:
        log.warning("job %s does not heed; its process is ended", self._claim.job.uuid)
        try:
            if self.reason is Cancelled:
                lifecycle.stop(self._claim)
            elif self.reason is DeadlineExceeded:
                lifecycle.fail(self._claim, "deadline", lifecycle.deadline_sentence(self._claim.job))
            elif self.reason is HandedBack:
                lifecycle.hand_back(self._claim)
        finally:  # without the database, its lease will tell
            os.kill(os.getpid(), signal.SIGKILL)
