"""A process of gunicorn's."""

import os
import time
from typing import TYPE_CHECKING, Any

from gunicorn.workers.base import Worker as Process

if TYPE_CHECKING:
    from webapp.server.connections import Connections


class Worker(Process):
    """Runs waitress until told to end; then gives the answers that are owed, as far as the time allows."""

    _connections: "Connections | None" = None

    def run(self) -> None:
        from webapp.server.connections import Connections  # needs the site, which gunicorn has loaded by now

        self._connections = connections = Connections(self.wsgi, self.sockets[0].sock)
        while self.alive and self.ppid == os.getppid():
            self.notify()
            connections.turn()
        connections.say_goodbye()
        until = time.monotonic() + self.cfg.graceful_timeout - 1
        while connections.owes_answers and time.monotonic() < until:
            connections.turn()

    def handle_exit(self, sig: int, frame: Any) -> None:
        super().handle_exit(sig, frame)
        if self._connections:
            self._connections.pull_trigger()
