"""The one connection to Redis, and what to do where Redis is away: all that it carries is a hint."""

import logging
from collections.abc import Callable
from functools import cache, wraps
from typing import ParamSpec, TypeVar

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

log = logging.getLogger(__name__)

READY_SECONDS = 60

P = ParamSpec("P")
T = TypeVar("T")


@cache
def client() -> "redis.Redis":
    # One more try at once, since a connection may be older than the server; waiting is not worth a hint.
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=0.5, retry=Retry(NoBackoff(), 1)
    )


def takes_writes() -> bool:
    """Whether Redis takes what a job sends it: one whose memory is full, or whose disk is, still answers a ping."""
    try:
        return bool(client().set("latent:ready", 1, ex=READY_SECONDS))
    except redis.RedisError:
        return False


def hint(default: T) -> Callable[[Callable[P, T]], Callable[P, T]]:
    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
            try:
                return function(*args, **kwargs)
            except redis.RedisError as error:
                log.debug("the live channel is away: %s", error)
                return default

        return guarded

    return decorate
