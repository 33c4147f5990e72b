"""Whether a page is answered while slow clients hold on: `python -m benchmarks.slow_clients [--url URL]`.

Starts a site of its own as `make run` does, in a temporary folder, unless one is named. Then, for each kind of slow
client, opens `--clients` connections of it and asks meanwhile, each time by a fresh connection, whether the site is
alive and, as a page does, how a job stands. Then tells how many of them the server has let go.
Ends with status 1 where a question had no answer or the 95th percentile of a poll exceeds `GOAL_MILLISECONDS`.

The slow clients come from several addresses of this machine, `OF_AN_ADDRESS` from each, so that what is measured is
not a limit of connections per address; the last line is of as many from one address.
"""

import argparse
import io
import os
import re
import select
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from html import unescape
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import requests
from PIL import Image

from benchmarks import report

GOAL_MILLISECONDS = 200
OF_AN_ADDRESS = 50
PATIENCE_SECONDS = 2.0
PATIENCE_WITH_START_SECONDS = 300
PAUSE_SECONDS = 0.05
SETTLE_SECONDS = 3.0
SMALL_BUFFER = 4096
SIDE = 2000
"""Of a picture of noise, of which a file of 12 MB is made: more than the sockets between can hold."""
JOB: Mapping[str, Any] = {
    "operation": "super-resolution",
    "params": {"method": "bicubic", "scale": 2, "format": "jpeg"},
}
POLLED = re.compile(r'hx-get="([^"]+)" hx-trigger="poll"')


@dataclass(frozen=True)
class Visitor:
    """Somebody with a photo and a job that waits."""

    host: str
    port: int
    cookie: str
    file: str
    polled: str

    def ask(self, path: str) -> bool:
        """Whether an answer comes in time."""
        with closing(HTTPConnection(self.host, self.port, timeout=PATIENCE_SECONDS)) as connection:
            try:
                connection.request("GET", path, headers={"Cookie": self.cookie, "HX-Request": "true"})
                answer = connection.getresponse()
                answer.read()
            except (OSError, HTTPException):
                return False
            return answer.status in (200, 204)


@dataclass
class Seen:
    """How questions of a kind were answered, in milliseconds."""

    took: list[float] = field(default_factory=list)
    unanswered: int = 0

    def note(self, ask: Callable[[], bool]) -> None:
        begun = time.perf_counter()
        self.unanswered += not ask()
        self.took.append(1000 * (time.perf_counter() - begun))

    @property
    def p95(self) -> float:
        return statistics.quantiles(self.took, n=20)[-1]

    @property
    def told(self) -> tuple[str, str, str]:
        median = statistics.median(self.took)
        return f"{median:.0f} ms", f"{self.p95:.0f} ms", f"{self.unanswered} of {len(self.took)}"

    @property
    def holds(self) -> bool:
        return not self.unanswered and self.p95 <= GOAL_MILLISECONDS


@dataclass(frozen=True)
class Kind:
    """Slow clients: what they do, from which addresses they come, and what they send."""

    name: str
    addresses: Sequence[str]
    data: bytes


@dataclass(frozen=True)
class Found:
    """What a kind did to the site, and how many of its connections were open soon and in the end."""

    kind: Kind
    open_at_first: int
    open_at_the_end: int
    health: Seen
    poll: Seen

    @property
    def holds(self) -> bool:
        return self.health.holds and self.poll.holds

    @property
    def row(self) -> tuple[str, ...]:
        opened = (str(self.open_at_first), str(self.open_at_the_end))
        return self.kind.name, *opened, *self.health.told, *self.poll.told


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--url", default="")
    parser.add_argument("--clients", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=35)
    arguments = parser.parse_args()
    with site(arguments.url) as url:
        visitor = arrive(url)
        found = [measured(visitor, kind, arguments.seconds) for kind in kinds(visitor, arguments.clients)]
    tell(found, arguments)
    sys.exit(not all(one.holds for one in found))


@contextmanager
def site(url: str) -> Iterator[str]:
    """The address of the site that is named, or of one that lasts as long as the context."""
    if url:
        yield url
        return
    with tempfile.TemporaryDirectory(prefix="latent-") as folder, ExitStack() as stack:
        # Its worker looks for work where there is none, so that a job waits for ever.
        os.environ |= {"LOG_LEVEL": "WARNING", "SAMPLE_JOBS": "0", "WORKER_QUEUES": "nothing"}
        os.environ |= {"LATENT_HOME": f"{folder}/home", "DJANGO_SETTINGS_MODULE": "webapp.settings"}
        import django

        django.setup()
        from tests.site import Site, free_port

        started = Site(Path(folder) / "home", free_port())
        stack.callback(started.end)
        started.wait_until_ready(PATIENCE_WITH_START_SECONDS)
        yield started.url


def arrive(url: str) -> Visitor:
    """Send a photo, ask for a job, and find what its page asks for again and again."""
    session = requests.Session()
    session.headers["Accept"] = "application/json"
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', session.get(f"{url}/").text)
    assert token
    session.headers["X-CSRFToken"] = token[1]
    photo = session.post(f"{url}/photos", files={"file": ("noise.png", noise(), "image/png")}).json()
    sent = session.post(f"{url}/api/v1/jobs", json={**JOB, "inputs": {"image": photo["id"]}})
    page = session.get(f"{url}/jobs/{sent.json()['id']}").text
    polled = POLLED.search(page)
    assert polled, "the job has ended already"
    cookie = "; ".join(f"{name}={value}" for name, value in session.cookies.items())
    where = urlsplit(url)
    return Visitor(str(where.hostname), where.port or 80, cookie, photo["url"], unescape(polled[1]))


def noise() -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(1).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def kinds(visitor: Visitor, many: int) -> list[Kind]:
    head = f"Host: {visitor.host}\r\nCookie: {visitor.cookie}\r\n"
    form = "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 2000000\r\n"
    body = '--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n' + 100_000 * "x"
    half = f"GET / HTTP/1.1\r\n{head}".encode()
    scattered = [f"127.0.{1 + number // OF_AN_ADDRESS}.1" for number in range(many)]
    return [
        Kind("none", [], b""),
        Kind("send half a header", scattered, half),
        Kind("send half a body", scattered, f"POST /photos HTTP/1.1\r\n{head}{form}\r\n{body}".encode()),
        Kind(
            "do not read what they ask for", scattered, f"GET {visitor.file} HTTP/1.1\r\n{head}\r\n".encode()
        ),
        Kind("ask nothing more", scattered, f"GET /healthz HTTP/1.1\r\n{head}\r\n".encode()),
        Kind("send half a header, all from one address", many * ["127.0.0.1"], half),
    ]


def measured(visitor: Visitor, kind: Kind, seconds: float) -> Found:
    slow = [client for address in kind.addresses if (client := slow_client(visitor, address, kind.data))]
    health, poll = Seen(), Seen()
    time.sleep(SETTLE_SECONDS if slow else 0)
    open_at_first = still_open(slow)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        health.note(lambda: visitor.ask("/healthz"))
        poll.note(lambda: visitor.ask(visitor.polled))
        time.sleep(PAUSE_SECONDS)
    open_at_the_end = still_open(slow)
    for client in slow:
        client.close()
    return Found(kind, open_at_first, open_at_the_end, health, poll)


def slow_client(visitor: Visitor, address: str, data: bytes) -> socket.socket | None:
    """A client that has sent this and now only waits; nothing where the server takes none."""
    client = socket.socket()
    try:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
        client.settimeout(PATIENCE_SECONDS)
        client.bind((address, 0))
        client.connect((visitor.host, visitor.port))
        client.setblocking(False)
        client.send(data)
    except OSError:
        client.close()
        return None
    return client


def still_open(clients: Sequence[socket.socket]) -> int:
    """How many of these connections the server has not ended."""
    poller = select.poll()
    for client in clients:
        poller.register(client, select.POLLRDHUP)
    return len(clients) - len(poller.poll(0))


def tell(found: Sequence[Found], arguments: argparse.Namespace) -> None:
    head: tuple[str, ...] = ("slow clients", "open at first", "in the end")
    head += tuple(
        f"{asked}: {what}" for asked in ("/healthz", "poll") for what in ("median", "95 %", "unanswered")
    )
    report.write(
        "Slow clients",
        f"python -m benchmarks.slow_clients --clients {arguments.clients} --seconds {arguments.seconds:g}",
        report.table([head, *(one.row for one in found)])
        + f"\n\nA site as `make run` starts it, and {arguments.clients} clients that each do one thing and then nothing "
        f"for {arguments.seconds:g} s, while another one asks both addresses, each time by a fresh connection.",
    )


if __name__ == "__main__":
    main()
