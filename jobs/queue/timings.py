"""How long jobs waited and ran, counted in Redis as it happens."""

import logging
from bisect import bisect_left
from collections import defaultdict
from typing import Any, Literal

import redis

from jobs.queue import redis_client

log = logging.getLogger(__name__)

EDGES = ("0.1", "0.25", "0.5", "1", "2.5", "5", "10", "30", "60", "120", "300", "600", "1800", "+Inf")
"""Upper edges of the histograms' buckets, in seconds, as Prometheus writes them."""
BOUNDS = tuple(map(float, EDGES))
HELP = {
    "wait": "Seconds from being queued to being started",
    "run": "Seconds that a run took which succeeded",
}


def observe(what: Literal["wait", "run"], operation: str, seconds: float) -> None:
    """Count how long a job waited or ran; a count is lost where Redis is away."""
    try:
        pipe = redis_client.client().pipeline(transaction=False)
        pipe.hincrby(_key(what), f"{operation} {bisect_left(BOUNDS, seconds)}")
        pipe.hincrbyfloat(_key(what), f"{operation} sum", seconds)
        pipe.execute()
    except redis.RedisError as error:
        log.debug("a time was not counted: %s", error)


def _key(what: str) -> str:
    return f"latent:seconds:{what}"


def told(what: str) -> dict[str, dict[str, str]]:
    """What was counted, by operation; nothing where Redis is away."""
    told: dict[str, dict[str, str]] = defaultdict(dict)
    try:
        counted: Any = redis_client.client().hgetall(_key(what))
    except redis.RedisError:
        return told
    for name, value in counted.items():
        operation, _space, part = name.decode().partition(" ")
        told[operation][part] = value.decode()
    return told
