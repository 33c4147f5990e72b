"""The end of a batch is told once, as the end of all of it."""

import json
from typing import Any

import pytest
from django.core import mail

from jobs.models import Owner
from jobs.notify import webhooks
from jobs.queue import lifecycle
from tests.conftest import Person
from tests.jobs.notify.conftest import tell
from tests.jobs.notify.receiver import Receiver
from tests.jobs.queue.states import chained

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("operations", "redis", "may_be_private"),
]


def run_a_batch(owner: Owner, stored: Any) -> Any:
    jobs = chained(owner, "nap", "nap", photos=[{}, {}], name="Holiday")
    while claim := lifecycle.claim("cpu"):
        lifecycle.finish(claim, stored(claim))
    return jobs[0].batch


def test_a_program_is_told_of_each_job_and_once_of_the_batch(
    alice: Person, receiver: Receiver, stored: Any
) -> None:
    webhooks.make(alice.owner, receiver.url)
    batch = run_a_batch(alice.owner, stored)
    tell()
    said = [json.loads(request.body) for request in receiver.got]
    (told,) = [each["data"] for each in said if each["type"] == "batch.succeeded"]
    assert (told["batch"], told["name"], told["counts"]) == (str(batch.pk), "Holiday", {"succeeded": 4})
    assert sum(each["type"] == "job.succeeded" for each in said) == 4


def test_a_person_gets_one_line_for_all_of_it(alice: Person, stored: Any, settings: Any) -> None:
    settings.EMAIL_HOST, settings.DEFAULT_FROM_EMAIL = "mail.example", "latent@photos.example"
    settings.LATENT = settings.LATENT.model_copy(update={"site_url": "https://photos.example"})
    Owner.objects.filter(pk=alice.owner.pk).update(mail="alice@home.example")
    batch = run_a_batch(alice.owner, stored)
    tell()
    (letter,) = mail.outbox
    assert [line for line in letter.body.splitlines() if "succeeded" in line] == [
        f"Holiday: succeeded. https://photos.example/batches/{batch.pk}"
    ]
