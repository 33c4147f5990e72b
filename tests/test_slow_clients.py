"""A real web server and clients who are slow, or stop: they keep nobody else from being answered."""

import random
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from http.client import HTTPConnection, HTTPResponse

import pytest
import requests
from django.core.files.base import ContentFile

from jobs.models import Asset, Owner
from tests.conftest import Person, end
from tests.jobs.hostile import encode, picture
from tests.site import free_port
from tests.support import Process, wait_for
from webapp.server.connections import MOST_OF_ADDRESS, MOST_PARKED

SLOW = 60
"""More than all threads of the web server, also where each that waits for a reader has one in its place."""
TIMEOUT_SECONDS = 3
FILE_BYTES = 12_000_000
"""More than is sent ahead of a reader."""

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]


class Web(Process):
    """A web server of one process."""

    def __init__(self, **variables: str) -> None:
        self.port = free_port()
        super().__init__(
            f"web-{self.port}",
            *(sys.executable, "-m", "gunicorn", "--config", "python:webapp.gunicorn"),
            PORT=str(self.port),
            WEB_PROCESSES="1",
            WEB_TIMEOUT_SECONDS=str(TIMEOUT_SECONDS),
            MAX_UPLOAD_MEGABYTES="5",
            **variables,
        )
        wait_for(lambda: not self.alive or listens(self.port), 60)


@pytest.fixture(scope="module")
def web(redis_server: object, django_db_setup: None) -> Iterator[Web]:
    started = Web()
    yield started
    end([started])


@pytest.fixture
def port(web: Web) -> int:
    return web.port


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def large(alice: Person, photo: Callable[[Owner], Asset]) -> Asset:
    """A photo of Alice's whose file is large; what is in it is no picture."""
    stored = photo(alice.owner)
    content = random.Random(1).randbytes(FILE_BYTES)
    stored.file.save(f"{stored.id}.png", ContentFile(content))
    stored.bytes, stored.sha256 = FILE_BYTES, sha256(content).hexdigest()
    stored.save()
    return stored


def kinds(alice: Person, large: Asset) -> dict[str, str]:
    """What slow clients of each kind send, before they stop."""
    head = f"Host: localhost\r\nAuthorization: Bearer {alice.token}\r\nCookie: {cookie(alice)}\r\n"
    form = "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 300000\r\n\r\n"
    return {
        "half a header": f"GET / HTTP/1.1\r\n{head}",
        "half a body": f"POST /api/v1/photos HTTP/1.1\r\n{head}{form}--x\r\n" + 150_000 * "x",
        "an unread file": f"GET /files/photos/{large.id} HTTP/1.1\r\n{head}\r\n",
        "an unread stream": f"GET /files/photos/{large.id} HTTP/1.1\r\n{head}Range: bytes=1-\r\n\r\n",
        "nothing more": f"GET /healthz HTTP/1.1\r\n{head}\r\n",
    }


def cookie(person: Person) -> str:
    return f"sessionid={person.client.cookies['sessionid'].value}"


def slow_client(port: int, sent: str = "") -> socket.socket:
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", port))
    client.settimeout(1)
    client.sendall(sent.encode())
    return client


def is_open(client: socket.socket) -> bool:
    """Whether the server has not ended it, whatever it has sent before."""
    try:
        client.setblocking(False)
        while client.recv(1_000_000):
            pass
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def answers(port: int) -> bool:
    return ask(port, "/healthz").status == 200


def ask(port: int, path: str, method: str = "GET", **headers: str) -> HTTPResponse:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, headers={"Host": "localhost", "Connection": "close"} | headers)
    answer = connection.getresponse()
    answer.read()
    return answer


@pytest.mark.parametrize(
    "kind", ["half a header", "half a body", "an unread file", "an unread stream", "nothing more"]
)
def test_slow_clients_keep_nobody_from_being_answered_and_are_let_go(
    port: int, alice: Person, large: Asset, kind: str
) -> None:
    sent = kinds(alice, large)[kind]
    clients = [slow_client(port, sent) for _ in range(SLOW)]
    try:
        assert answers(port)
        for client in clients:
            wait_for(lambda client=client: not is_open(client))  # type: ignore[misc]
    finally:
        for client in clients:
            client.close()


def test_who_sends_a_byte_now_and_then_must_end_the_header_in_time(port: int) -> None:
    with slow_client(port, "GET / HTTP/1.1\r\nX-Long: ") as client:
        wait_for(lambda: not says_more(client))


def says_more(client: socket.socket) -> bool:
    """Whether a byte more can be sent."""
    time.sleep(0.2)
    try:
        client.sendall(b"x")
    except OSError:
        return False
    return is_open(client)


def test_a_slow_but_steady_upload_arrives(port: int, alice: Person) -> None:
    content = encode(picture(size=(300, 200)), "PNG")
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
        + content
        + b"\r\n--x--\r\n"
    )
    head = (
        f"POST /api/v1/photos HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {alice.token}\r\n"
        f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with slow_client(port, head) as client:
        pieces = 2 * TIMEOUT_SECONDS
        for number in range(pieces):
            time.sleep(1)
            client.sendall(body[number * len(body) // pieces : (number + 1) * len(body) // pieces])
        client.settimeout(20)
        assert client.recv(1000).startswith(b"HTTP/1.1 201 ")


@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=0-"}], ids=["file", "stream"])
def test_a_slow_but_steady_reader_gets_it_all(
    port: int, alice: Person, large: Asset, headers: dict[str, str]
) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    connection.sock = slow_client(port)
    connection.sock.settimeout(20)
    connection.request("GET", f"/files/photos/{large.id}", headers={"Cookie": cookie(alice), **headers})
    answer = connection.getresponse()
    digest = sha256()
    pieces = 2 * TIMEOUT_SECONDS
    for _ in range(pieces):
        time.sleep(1)
        digest.update(answer.read(FILE_BYTES // pieces))
    digest.update(answer.read())
    assert digest.hexdigest() == large.sha256


def test_an_address_has_so_many_connections_and_the_quietest_makes_room(port: int) -> None:
    clients = [slow_client(port, "GET / HTTP/1.1\r\n") for _ in range(MOST_OF_ADDRESS + 20)]
    try:
        assert answers(port)
        assert not any(map(is_open, clients[:20]))
        assert is_open(clients[-1])
    finally:
        for client in clients:
            client.close()


def test_a_long_address_is_refused_in_words(port: int) -> None:
    for length in (40_000, 3_000_000):
        with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
            client.sendall(b"GET /" + length * b"a" + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b" 431 Request Header Fields Too Large\r\n" in client.recv(1000)


def test_a_body_that_is_too_large_is_refused_in_words_to_who_is_still_sending(
    port: int, alice: Person
) -> None:
    told = send(port, alice, 20_000_000)
    assert (told.status_code, told.headers["Content-Type"]) == (413, "application/problem+json")
    assert "at most 5 MB can be sent" in told.json()["detail"]


def test_no_body_fills_the_disk(alice: Person) -> None:
    web = Web(MIN_FREE_MEGABYTES="1000000000")
    try:
        told = send(web.port, alice, 3_000_000)
        assert told.status_code == 507
        assert "nearly full" in told.text
    finally:
        end([web])


def send(port: int, person: Person, size: int) -> requests.Response:
    """What is answered to an upload of so many bytes."""
    headers = {
        "Authorization": f"Bearer {person.token}",
        "Content-Type": "multipart/form-data; boundary=x",
    }
    url = f"http://127.0.0.1:{port}/api/v1/photos"
    return requests.post(url, data=size * b"x", headers=headers, timeout=20)


def test_a_connection_is_kept_after_answers_without_a_body(port: int, alice: Person, large: Asset) -> None:
    path, headers = f"/files/photos/{large.id}", {"Cookie": cookie(alice)}
    known = headers | {"If-None-Match": f'"{large.sha256[:32]}"'}
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    connection.connect()
    first = connection.sock
    for method, sent, status in (("HEAD", headers, 200), ("GET", known, 304), ("HEAD", headers, 200)):
        connection.request(method, path, headers=sent)
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (status, b"")
        assert connection.sock is first
    assert answer.headers["Content-Length"] == str(FILE_BYTES)


@pytest.mark.parametrize("kind", ["half a body", "an unread file", "an unread stream"])
def test_it_ends_in_time_with_slow_clients(alice: Person, large: Asset, kind: str) -> None:
    web = Web()
    try:
        sent = kinds(alice, large)[kind]
        clients = [slow_client(web.port, sent) for _ in range(MOST_PARKED // 2)]
        assert answers(web.port)
        web.process.send_signal(signal.SIGTERM)
        assert web.process.wait(10) == 0
        for client in clients:
            client.close()
    finally:
        end([web])
