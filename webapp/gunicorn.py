"""How gunicorn starts the processes of the site: `gunicorn --config python:webapp.gunicorn`."""

import os
from functools import partial
from logging.config import dictConfig
from pathlib import Path
from typing import Any

from gunicorn import glogging

from ml.core.allocator import limit_heaps
from webapp import logs
from webapp.config import config as read_config  # `config` is a setting of gunicorn's
from webapp.supervisor.processes import end_with

CONFIG = read_config()
dictConfig(logs.configuration(CONFIG))


class Logger(glogging.Logger):
    """Speaks through the log of the site, in its format."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


logger_class = Logger

wsgi_app = "webapp.wsgi"
bind = (
    f"[{CONFIG.bind_address}]:{CONFIG.port}"
    if ":" in CONFIG.bind_address
    else f"{CONFIG.bind_address}:{CONFIG.port}"
)
worker_class = "webapp.server.worker.Worker"
workers = (
    CONFIG.web_processes
)  # Python runs one thread of a process at a time: `benchmarks.load` has the figures
preload_app = True  # what they import is in memory once
graceful_timeout = 5
timeout = 60
loglevel = CONFIG.log_level
control_socket_disable = True
# The heartbeat file of a worker must not wait for a busy disk.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 (files there have no name)

# Under a stream of uploads the process grew without end, with two heaps it does not.
limit_heaps(2)

_end_with_master = partial(end_with, os.getpid())


def post_fork(_server: Any, _worker: Any) -> None:
    _end_with_master()
