from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db.models.functions import Now

from jobs.models import Delivery, Job, JobEvent, Owner
from jobs.notify import deliveries, outbox
from jobs.queue import lifecycle
from tests.jobs.notify.receiver import Receiver
from tests.support import saying, submit


@pytest.fixture
def start_receiver() -> Iterator[Callable[..., Receiver]]:
    """Starts programs on this machine that are told."""
    started: list[Receiver] = []

    def start(**how: Any) -> Receiver:
        receiver = Receiver(**how)
        receiver.start()
        started.append(receiver)
        return receiver

    yield start
    for receiver in started:
        receiver.kill()


@pytest.fixture
def receiver(start_receiver: Callable[..., Receiver]) -> Receiver:
    return start_receiver()


@pytest.fixture
def may_be_private(settings: Any) -> None:
    """The site allows webhooks that lead to this machine."""
    settings.LATENT = settings.LATENT.model_copy(update={"private_webhooks": True})


@pytest.fixture
def done(stored: Any, db: None) -> Callable[[Owner | None], Job]:
    """Jobs that have succeeded."""

    def make(owner: Owner | None) -> Job:
        job = submit(owner)
        claim = lifecycle.claim("cpu")
        assert claim
        lifecycle.finish(claim, stored(claim))
        return job

    return make


@pytest.fixture
def failed(db: None) -> Callable[[Owner], Job]:
    def make(owner: Owner) -> Job:
        job = submit(owner)
        claim = lifecycle.claim("cpu")
        assert claim
        lifecycle.fail(claim, "bad_input", saying("Too dark."))
        return job

    return make


def tell() -> None:
    """What the scheduler does at each turn, here until nothing is due."""
    outbox.hand_over()
    for receiver in deliveries.receivers():
        deliveries.work_off(receiver)


def make_due() -> None:
    """The pauses are over."""
    Delivery.objects.filter(next_try_at__isnull=False).update(next_try_at=Now())


def undelivered() -> int:
    return JobEvent.objects.filter(delivered_at=None).count()
