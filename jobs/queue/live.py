"""The live channel: how far a job is, its note, preview and curves, through Redis.

All of it is a hint. When Redis is away nothing here raises: writers go on without, readers see nothing.
"""

import json
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

import redis

from jobs.queue.redis_client import client, hint
from ml.core.text import Message, stored

log = logging.getLogger(__name__)
KEEP_SECONDS = 3600
LONGEST_SERIES = 2000
ENDED = ("succeeded", "failed", "cancelled")


@dataclass(frozen=True)
class Live:
    """What a running job last said of itself."""

    fraction: float = 0.0
    note: Message | None = None
    preview: str = ""
    series: dict[str, list[tuple[float, float]]] = field(default_factory=dict)


def _key(job: UUID, part: str = "") -> str:
    return f"latent:job:{job}{part}"


def _fresh() -> str:
    """A version nobody can guess, so that whoever has it has seen the page it stands for."""
    return secrets.token_urlsafe(9)


@hint(None)
def say(job: UUID, fraction: float, note: Message | None = None) -> None:
    pipe = client().pipeline(transaction=False)
    pipe.hset(_key(job), mapping={"fraction": fraction, "note": json.dumps(note and note.as_json())})
    pipe.expire(_key(job), KEEP_SECONDS)
    _touch(pipe, job, waiting=False)
    pipe.execute()


@hint(None)
def show(job: UUID, preview: bytes) -> None:
    pipe = client().pipeline(transaction=False)
    pipe.set(_key(job, ":preview"), preview, ex=KEEP_SECONDS)
    pipe.hset(_key(job), "preview", _fresh())
    _touch(pipe, job, waiting=False)
    pipe.execute()


@hint(None)
def add_point(job: UUID, name: str, x: float, y: float) -> None:
    pipe = client().pipeline(transaction=False)
    pipe.rpush(_key(job, ":series"), json.dumps([name, x, y]))
    pipe.ltrim(_key(job, ":series"), -LONGEST_SERIES, -1)
    pipe.expire(_key(job, ":series"), KEEP_SECONDS)
    _touch(pipe, job, waiting=False)
    pipe.execute()


@hint(None)
def changed(status: str, *jobs: UUID) -> None:
    """The rows of jobs have a new status; the places in the queue may have changed with it."""
    pipe = client().pipeline(transaction=False)
    for job in jobs:
        if status == "running":  # what an earlier attempt said is no longer true
            pipe.delete(_key(job), _key(job, ":preview"), _key(job, ":series"))
        if status == "queued":
            pipe.delete(_key(job, ":cancel"))
        _touch(pipe, job, waiting=status == "queued")
        if status in ENDED:
            pipe.publish(_key(job, ":ended"), status)
    pipe.set("latent:queues", _fresh(), ex=KEEP_SECONDS)
    pipe.execute()


@hint(None)
def ended(batch: UUID, status: str) -> None:
    """The last of the jobs of a batch has ended."""
    client().publish(_key(batch, ":ended"), status)


def _touch(pipe: "redis.client.Pipeline", job: UUID, *, waiting: bool) -> None:
    pipe.set(_key(job, ":version"), ("q" if waiting else "r") + _fresh(), ex=KEEP_SECONDS)


@hint(None)
def wait_for_end(job_or_batch: UUID, seconds: float, has_ended: Callable[[], bool]) -> None:
    """Return when it has ended, or after so many seconds; at once where Redis is away.

    `has_ended` is asked once, when no word of an end can be missed any more.
    """
    until = time.monotonic() + seconds
    with client().pubsub(ignore_subscribe_messages=True) as words:  # type: ignore[no-untyped-call]
        words.subscribe(_key(job_or_batch, ":ended"))
        words.get_message(timeout=1)  # that it is subscribed
        if has_ended():
            return
        while (left := until - time.monotonic()) > 0 and not words.get_message(timeout=left):
            pass


@hint("")
def version(job: UUID) -> str:
    """What changes whenever the page of the job would; empty when unknown."""
    said: Any = client().mget(_key(job, ":version"), "latent:queues")
    found, queues = said
    if not found:
        return ""
    mine = found.decode()
    return f"{mine}.{queues.decode() if queues else ''}" if mine.startswith("q") else mine


def only_the_queue_moved(known: str, version: str) -> bool:
    """Whether both versions are of a job that waits, and differ by what others did in the queue at most."""
    return known.startswith("q") and known.partition(".")[0] == version.partition(".")[0]


@hint(Live())
def read(job: UUID) -> Live:
    pipe = client().pipeline(transaction=False)
    pipe.hgetall(_key(job))
    pipe.lrange(_key(job, ":series"), 0, -1)
    said, points = pipe.execute()
    series: dict[str, list[tuple[float, float]]] = {}
    for point in points:
        name, x, y = json.loads(point)
        series.setdefault(name, []).append((x, y))
    return Live(
        fraction=float(said.get(b"fraction", 0)),
        note=_note(said.get(b"note")),
        preview=said.get(b"preview", b"").decode(),
        series=series,
    )


def _note(said: bytes | None) -> Message | None:
    kept = json.loads(said) if said else None
    return stored(kept["code"], kept["values"]) if kept else None


@hint(cast("bytes | None", None))
def preview(job: UUID) -> bytes | None:
    found: Any = client().get(_key(job, ":preview"))
    return cast("bytes | None", found)


@hint(None)
def hurry_cancel(job: UUID) -> None:
    """Tell the worker at once what it would read from the row within a lease's renewal."""
    client().set(_key(job, ":cancel"), 1, ex=KEEP_SECONDS)


def cancel_hinted(job: UUID) -> bool:
    """Whether a cancel was hurried along; raises `redis.RedisError` when the channel is away."""
    return bool(client().exists(_key(job, ":cancel")))


@hint(None)
def forget(job: UUID) -> None:
    client().delete(*(_key(job, part) for part in ("", ":preview", ":series", ":version")))
