"""A real gunicorn without a proxy in front: what a stranger's headers can make of a request."""

import http.client
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from django.db import connection, transaction

from jobs.web.api.waiting import MOST_OF_ONE
from tests.conftest import Person, end
from tests.jobs.hostile import encode, picture
from tests.ml.films import film
from tests.site import free_port
from tests.support import Process, wait_for

PATIENCE_SECONDS = 20
"""More than a web process waits for a lock, and less than a worker does."""

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]

ODD = ("SCRIPT_NAME", "PATH_INFO", "REMOTE_USER", "REMOTE_ADDR", "QUERY_STRING", "HTTPS", "wsgi.url_scheme")
FORWARDED = {"X-Forwarded-Proto": "https", "X-Forwarded-Protocol": "ssl", "X-Forwarded-Ssl": "on"}


@pytest.fixture(scope="module")
def port(redis_server: object, django_db_setup: None) -> Iterator[int]:
    """Of a site that is public, and not behind a proxy."""
    number = free_port()
    command = (sys.executable, "-m", "gunicorn", "--config", "python:webapp.gunicorn")
    web = Process("bare-web", *command, PORT=str(number), HTTPS="1", BEHIND_PROXY="0", WEB_PROCESSES="1")
    try:
        wait_for(lambda: web.alive and answers(number), 60)
        yield number
    finally:
        end([web])


@pytest.fixture(scope="module")
def plain_port(redis_server: object, django_db_setup: None) -> Iterator[int]:
    """Of a site on a machine of one's own."""
    number = free_port()
    command = (sys.executable, "-m", "gunicorn", "--config", "python:webapp.gunicorn")
    web = Process("plain-web", *command, PORT=str(number), WEB_PROCESSES="1")
    try:
        wait_for(lambda: web.alive and answers(number), 60)
        yield number
    finally:
        end([web])


def answers(port: int) -> bool:
    try:
        return ask(port, "/healthz")[0] == 200
    except OSError:
        return False


def ask(port: int, path: str, **headers: str) -> tuple[int, str, str]:
    """Status, where it leads, and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", path, headers={"Host": "localhost"} | headers)
        answer = connection.getresponse()
        return answer.status, answer.headers.get("Location", ""), answer.read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize("header", ODD)
def test_no_header_sets_what_the_server_itself_knows_of_a_request(port: int, header: str) -> None:
    plain = ask(port, "/jobs/")
    assert plain[:2] == (301, "https://localhost/jobs/")
    for value in ("/evil", "/jobs"):
        assert ask(port, "/jobs/", **{header: value}) == plain


@pytest.mark.parametrize("header", FORWARDED)
def test_without_a_proxy_nobody_says_that_a_request_came_by_tls(port: int, header: str) -> None:
    assert ask(port, "/jobs/", **{header: FORWARDED[header]})[:2] == (301, "https://localhost/jobs/")


def test_uploads_that_take_long_leave_threads_for_pages(
    plain_port: int, alice: Person, tmp_path: Path
) -> None:
    url, bearer = f"http://127.0.0.1:{plain_port}/api/v1/photos", {"Authorization": f"Bearer {alice.token}"}
    slow = film(tmp_path / "slow.mp4", codec="mpeg4", size=(1280, 720), count=60, sound="").read_bytes()
    answers: list[requests.Response] = []

    def send() -> None:
        answers.append(requests.post(url, files={"file": ("film.mp4", slow)}, headers=bearer, timeout=120))

    senders = [threading.Thread(target=send) for _ in range(36)]
    for sender in senders:
        sender.start()
    asked_meanwhile = 0
    while any(sender.is_alive() for sender in senders):
        assert ask(plain_port, "/healthz")[0] == 200
        asked_meanwhile += len(answers) < len(senders)

    assert asked_meanwhile > 2, "pages are answered while videos are decoded"
    taken = [answer for answer in answers if answer.status_code == 201]
    told_to_come_back = [answer for answer in answers if answer.status_code in (429, 503)]
    assert (len(answers), len(taken) + len(told_to_come_back)) == (36, 36)
    assert taken
    assert told_to_come_back
    assert {answer.headers["Retry-After"] for answer in told_to_come_back} == {"2"}


def test_nobody_waits_long_for_the_lock_of_the_database(plain_port: int, alice: Person) -> None:
    url, bearer = f"http://127.0.0.1:{plain_port}/api/v1/photos", {"Authorization": f"Bearer {alice.token}"}
    sent = {"file": ("photo.png", encode(picture(), "PNG"))}
    with transaction.atomic():
        if connection.vendor == "postgresql":
            connection.cursor().execute("LOCK TABLE jobs_apitoken, jobs_asset IN EXCLUSIVE MODE")
        answer = requests.post(url, files=sent, headers=bearer, timeout=PATIENCE_SECONDS)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    assert requests.post(url, files=sent, headers=bearer, timeout=60).status_code == 201


def test_programs_that_wait_for_jobs_leave_threads_for_pages(plain_port: int, alice: Person) -> None:
    """More of them than there are threads; nobody runs their jobs."""
    url, bearer = f"http://127.0.0.1:{plain_port}/api/v1/jobs", {"Authorization": f"Bearer {alice.token}"}
    answers: list[requests.Response] = []

    def wait() -> None:
        headers = bearer | {"Prefer": "wait=5"}
        answers.append(requests.post(url, json={"operation": "instant"}, headers=headers, timeout=60))

    waiters = [threading.Thread(target=wait) for _ in range(12)]
    for waiter in waiters:
        waiter.start()
    asked_meanwhile = 0
    while any(waiter.is_alive() for waiter in waiters):
        assert ask(plain_port, "/api/v1/operations")[0] == 200
        asked_meanwhile += len(answers) < MOST_OF_ONE
    assert asked_meanwhile > 10, "pages are answered while programs wait"
    assert {answer.status_code for answer in answers} == {202}
    assert sum("Preference-Applied" in answer.headers for answer in answers) == MOST_OF_ONE
    assert {answer.headers.get("Retry-After") for answer in answers} == {None, "1"}
