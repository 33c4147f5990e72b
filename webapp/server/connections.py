"""The connections of a web process, and when they are ended."""

import resource
import socket
import struct
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.conf import settings
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher
from waitress.wasyncore import loop

from jobs.access.identity import counted_as
from jobs.web.middleware import most_body_bytes
from webapp.server.requests import Answer, Request

LOOK_SECONDS = 1.0
BLOCK_BYTES = 65_536
TURN_BYTES = 1_000_000
"""What one client is sent before it is another's turn."""

MOST = 1000
MOST_OF_ADDRESS = 200
FILES_OF_A_CONNECTION = 2  # its socket, and the file it is sent or that takes its body
OTHER_FILES = 100
MOST_PARKED = 32

Site = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Connection(HTTPChannel):
    """A client, who may be slow, or may send on where all has been said."""

    task_class = Answer
    parser_class = Request
    close_when_flushed: bool
    sendbuf_len: int
    total_outbufs_len: int

    def __init__(
        self, server: "Connections", sock: socket.socket, addr: Any, adj: Any, map: Any = None
    ) -> None:
        self._said_all = False
        self._turn = 0
        super().__init__(server, sock, addr, adj, map)
        self.counted_as = counted_as(addr[0])
        self.sendbuf_len = min(self.sendbuf_len, BLOCK_BYTES)
        server.make_room(self)

    def is_overdue(self, now: float) -> bool:
        """Whether nothing has come or gone for too long, or a header is not complete after as long."""
        since: float = now - self.adj.channel_timeout
        quiet = self.last_activity < since
        if self.requests:  # quiet while the site works on it, but for a reader who does not read
            return bool(quiet and self.total_outbufs_len >= self.adj.send_bytes)
        header = self.request is not None and not self.request.headers_finished
        return quiet or bool(header and self.request.begun_at < since)

    def let_go(self) -> None:
        """End it, whatever it is still owed."""
        if self.total_outbufs_len:  # else the kernel would try for minutes to send what it holds
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.handle_close()

    def readable(self) -> bool:
        return bool(self._said_all or super().readable())

    def writable(self) -> bool:
        return bool(not self._said_all and super().writable())

    def handle_read(self) -> None:
        if self._said_all:
            self.recv(BLOCK_BYTES)  # in vain; ends the connection when the client has
        else:
            super().handle_read()

    def handle_write(self) -> None:
        """As waitress does, but an answer reaches also those who are still sending: to close would undo it."""
        ends = self.close_when_flushed
        if ends:
            self.close_when_flushed = False
        super().handle_write()
        if ends and self.total_outbufs_len:
            self.close_when_flushed = True
        elif ends and self.connected:
            self._said_all = True
            with suppress(OSError):
                self.socket.shutdown(socket.SHUT_WR)

    def send(self, data: bytes, do_close: bool = True) -> int:
        sent: int = super().send(data[: self._turn], do_close=do_close) if self._turn > 0 else 0
        self._turn -= sent
        return sent

    def _flush_some(self, do_close: bool = True) -> bool:
        self._turn = TURN_BYTES
        return bool(super()._flush_some(do_close=do_close))

    def _flush_outbufs_below_high_watermark(self) -> None:
        """Waits for who reads what is made while it is sent; another thread does this one's work meanwhile."""
        if self.total_outbufs_len > self.adj.outbuf_high_watermark:
            with self.server.task_dispatcher.parked() as may_wait:
                if may_wait:
                    super()._flush_outbufs_below_high_watermark()
                else:
                    self.connected = False  # whoever writes more learns that the client is gone


class Threads(ThreadedTaskDispatcher):
    """The threads that run the site, without those that wait: for a reader, or for the end of a job."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._count = count
        self._changes = threading.Lock()
        self._parked = 0
        self.set_thread_count(count)

    @contextmanager
    def parked(self) -> Iterator[bool]:
        """Have another thread in the place of this one, which waits. False where so many do already that this one may not."""
        self._park(1)
        try:
            yield self._parked <= MOST_PARKED
        finally:
            self._park(-1)

    def _park(self, more: int) -> None:
        with self._changes:
            self._parked += more
            self.set_thread_count(self._count + self._parked)


class Connections(TcpWSGIServer):
    """All connections of a process, at most so many of an address; who is quiet longest makes room."""

    channel_class = Connection

    def __init__(self, site: Site, listener: socket.socket) -> None:
        adjustments = Adjustments(
            sockets=[listener],
            threads=settings.LATENT.web_threads,
            connection_limit=2 * MOST,  # never reached: there is room for whoever comes
            channel_timeout=settings.LATENT.web_timeout_seconds,
            cleanup_interval=1,
            recv_bytes=BLOCK_BYTES,
            send_bytes=18_000,  # an answer goes in one piece
            inbuf_overflow=BLOCK_BYTES,
            outbuf_overflow=4 * BLOCK_BYTES,
            outbuf_high_watermark=4_000_000,
            max_request_header_size=32_768,
            max_request_body_size=most_body_bytes() + 1,
            clear_untrusted_proxy_headers=not settings.LATENT.behind_proxy,
            log_socket_errors=False,
            asyncore_use_poll=True,
            ident="",
        )
        family = (listener.family, listener.type, listener.proto, listener.getsockname())
        super().__init__(
            without_bodies_for_heads(site),
            {},
            True,
            listener,
            Threads(adjustments.threads),
            adjustments,
            family,
            False,
        )
        tempfile.tempdir = str(
            settings.FILE_UPLOAD_TEMP_DIR
        )  # waitress names no folder for what it keeps in files
        files = open_files(MOST * FILES_OF_A_CONNECTION + OTHER_FILES)
        self._most = min(MOST, (files - OTHER_FILES) // FILES_OF_A_CONNECTION)

    def set_socket_options(self, conn: socket.socket) -> None:
        super().set_socket_options(conn)
        if sys.platform == "linux":
            # So that who takes little is seen to take it, and a thousand who take nothing fill no memory.
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, BLOCK_BYTES)

    def turn(self) -> None:
        loop(timeout=LOOK_SECONDS, use_poll=True, map=self._map, count=1)

    def maintenance(self, now: float) -> None:
        # Not as waitress does it, which waits until it could send to who does not read.
        for connection in list(self.active_channels.values()):
            if connection.is_overdue(now):
                connection.let_go()

    def make_room(self, newest: Connection) -> None:
        there: list[Connection] = list(self.active_channels.values())
        of_address = [connection for connection in there if connection.counted_as == newest.counted_as]
        # All that a proxy brings come from one address; there it is the proxy who counts.
        if len(of_address) > MOST_OF_ADDRESS and not settings.LATENT.behind_proxy:
            end_the_quietest(of_address)
        elif len(there) > self._most:
            end_the_quietest(there)

    def say_goodbye(self) -> None:
        """Take no more, and let go who is owed nothing."""
        self.accepting = False
        for connection in list(self.active_channels.values()):
            for request in connection.requests:
                request.headers["CONNECTION"] = "close"
            if not self._owes(connection):
                connection.handle_close()

    @property
    def owes_answers(self) -> bool:
        return any(map(self._owes, self.active_channels.values()))

    @staticmethod
    def _owes(connection: Connection) -> bool:
        return bool(connection.requests or connection.total_outbufs_len)


def end_the_quietest(connections: list[Connection]) -> None:
    """The newest among them has just come: where the site works for all others, it is the one."""
    quiet = [connection for connection in connections if not connection.requests]
    min(quiet, key=lambda connection: connection.last_activity).let_go()


def open_files(wanted: int) -> int:
    """How many this process may have, which is as many as wanted where the machine allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = max(soft, min(wanted, hard))
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    return files


def without_bodies_for_heads(site: Site) -> Site:
    """To HEAD, waitress would send a body where the site makes one."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = site(environ, start_response)
        if environ["REQUEST_METHOD"] != "HEAD":
            return body
        if hasattr(body, "close"):
            body.close()
        return []

    return answer
