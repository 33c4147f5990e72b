"""The scheduler and the receiver are killed, and what was committed is told all the same."""

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook as Verifier

from jobs.models import Delivery, Job
from jobs.notify import webhooks
from tests.conftest import Person, end
from tests.jobs.notify.conftest import undelivered
from tests.jobs.notify.receiver import Receiver
from tests.support import Process, wait_for

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("redis", "may_be_private"),
]


@pytest.fixture
def start_clock() -> Iterator[Callable[[], Process]]:
    started: list[Process] = []

    def start() -> Process:
        started.append(Process("clock", sys.executable, "manage.py", "clock", PRIVATE_WEBHOOKS="1"))
        return started[-1]

    yield start
    end(started[-1:])
    for process in started[:-1]:
        process.kill()


def test_a_clock_killed_between_commit_and_delivery_loses_nothing(
    alice: Person, receiver: Receiver, done: Callable[..., Job], start_clock: Callable[[], Process]
) -> None:
    webhook = webhooks.make(alice.owner, receiver.url)
    clock = start_clock()
    wait_for(lambda: clock.alive and not undelivered())
    clock.kill()
    job = done(alice.owner)
    assert undelivered() == 3
    start_clock()
    wait_for(lambda: receiver.got)
    (sent,) = receiver.got
    assert Verifier(webhook.secret).verify(sent.body, sent.headers)["data"]["job"] == str(job.uuid)


def test_a_receiver_killed_meanwhile_is_told_after_its_return(
    alice: Person, receiver: Receiver, done: Callable[..., Any], start_clock: Callable[[], Process]
) -> None:
    webhook = webhooks.make(alice.owner, receiver.url)
    receiver.kill()
    start_clock()
    done(alice.owner)
    wait_for(lambda: Delivery.objects.filter(error__isnull=False).exists(), 40)
    receiver.start()
    wait_for(lambda: receiver.got, 40)
    Verifier(webhook.secret).verify(receiver.got[0].body, receiver.got[0].headers)
