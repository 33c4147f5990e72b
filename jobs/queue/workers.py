"""The workers there are, by what they last said of themselves."""

import json
import logging
import os
import platform
import time
from dataclasses import asdict, dataclass
from typing import Any

import psutil
import redis

from jobs.queue import redis_client

log = logging.getLogger(__name__)

SEEN_SECONDS, KNOWN_SECONDS = 60, 3600
WORKERS = "latent:workers"


@dataclass(frozen=True)
class Worker:
    """What a worker last said of itself."""

    name: str
    queues: list[str]
    device: str
    host: str
    memory_bytes: int
    seen_at: float

    @property
    def is_up(self) -> bool:
        """Whether it was seen within the last minute."""
        return abs(time.time() - self.seen_at) < SEEN_SECONDS  # a clock may be set back


def i_am_here(name: str, queues: list[str], device: str) -> None:
    """Say that a worker is alive; called every few seconds by its parent process."""
    try:
        parent = psutil.Process(os.getpid())
        memory = sum(process.memory_info().rss for process in (parent, *parent.children(recursive=True)))
        worker = Worker(name, queues, device, platform.node(), memory, time.time())
        redis_client.client().hset(WORKERS, name, json.dumps(asdict(worker)))
        long_ago = time.time() - KNOWN_SECONDS
        gone = [worker.name for worker in known_workers() if worker.seen_at < long_ago]
        if gone:
            redis_client.client().hdel(WORKERS, *gone)
    except (redis.RedisError, psutil.Error):
        log.debug("a worker could not say that it is here")


def workers() -> list[Worker]:
    """The workers seen within the last minute, by name; none where Redis is away."""
    return [worker for worker in known_workers() if worker.is_up]


def known_workers() -> list[Worker]:
    """Those too that have been away for an hour at most."""
    try:
        said: Any = redis_client.client().hvals(WORKERS)
    except redis.RedisError:
        return []
    return sorted((Worker(**json.loads(worker)) for worker in said), key=lambda worker: worker.name)


def workers_of(queue: str) -> int:
    return sum(queue in worker.queues for worker in workers())
