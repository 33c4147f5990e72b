"""One POST to an address that a stranger chose: to where it leads and no further, with caps of time and size."""

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from jobs.messages import NO_ANSWER, REDIRECTED, TOO_SLOW, WRONG_ANSWER
from jobs.notify import addresses
from jobs.notify.undelivered import Undelivered
from ml.core.text import excerpt

MOST_SECONDS = 10.0
"""For a delivery as a whole, from the connection to the answer's last header. Its body is not read."""


def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """The status of the answer, one of 200 to 299; raises `Undelivered`."""
    overdue = threading.Event()
    parts = urlsplit(url)
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    try:
        with _connection(url, overdue) as connection:
            connection.request("POST", target, body, {"Host": parts.netloc, **headers})
            status = connection.getresponse().status
            if overdue.is_set():  # the end of the headers was that of the connection
                raise TimeoutError
    except (OSError, http.client.HTTPException, ValueError) as error:
        if overdue.is_set() or isinstance(error, TimeoutError):
            raise Undelivered(TOO_SLOW(seconds=MOST_SECONDS)) from None
        raise Undelivered(NO_ANSWER(why=excerpt(str(error) or type(error).__name__, 120))) from None
    if 300 <= status < 400:
        raise Undelivered(REDIRECTED(status=status), status)
    if not 200 <= status < 300:
        raise Undelivered(WRONG_ANSWER(status=status), status)
    return status


def port_of(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)


@contextmanager
def _connection(url: str, overdue: threading.Event) -> Iterator[http.client.HTTPConnection]:
    """A connection to a checked address, cut after `MOST_SECONDS` however busy it looks: a byte now and then resets no clock."""
    parts = urlsplit(url)
    host = str(parts.hostname)
    plain = addresses.connected(host, port_of(url), MOST_SECONDS)
    same = plain.dup()  # TLS takes the other one over
    cut = threading.Timer(MOST_SECONDS, _cut, (same, overdue))
    cut.start()
    connection = http.client.HTTPConnection("receiver")  # it has its connection already
    try:
        secure = parts.scheme == "https"
        connection.sock = (
            ssl.create_default_context().wrap_socket(plain, server_hostname=host) if secure else plain
        )
        yield connection
    finally:
        cut.cancel()
        same.close()
        connection.close()
        plain.close()


def _cut(connection: socket.socket, overdue: threading.Event) -> None:
    overdue.set()
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
