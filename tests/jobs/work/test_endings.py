"""Whatever ends a run has its ending of the job."""

import errno
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError

from jobs.errors import StorageAway
from jobs.models import Job
from jobs.queue import lifecycle
from jobs.work import runner
from jobs.work.endings import HandedBack, LeaseLost, end
from ml.core.errors import Cancelled, DeadlineExceeded, InputError
from ml.core.text import Message
from tests.conftest import Person
from tests.support import submit

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis", "operations")]

TOO_DARK = Message("tests.too_dark", "This photo is too dark. Take another one.")

ENDINGS = [
    (Cancelled(), "cancelled", ""),
    (DeadlineExceeded(), "failed", "deadline"),
    (HandedBack(), "queued", ""),
    (LeaseLost(), "running", ""),  # it is somebody else's, who sees to it
    (InputError(TOO_DARK), "failed", "bad_input"),
    (MemoryError(), "failed", "out_of_memory"),
    (OperationalError("server closed the connection"), "queued", ""),
    (InterfaceError("connection already closed"), "queued", ""),
    (StorageAway("no answer"), "failed", "storage_away"),
    (OSError(errno.ENOSPC, "No space left on device"), "failed", "disk_full"),
    (OSError(errno.EDQUOT, "Disk quota exceeded"), "failed", "disk_full"),
    (ValueError("a blunder of ours"), "failed", "internal"),
]
NAMES = [f"{type(error).__name__}-{code or status}" for error, status, code in ENDINGS]


@pytest.mark.parametrize(("error", "status", "code"), ENDINGS, ids=NAMES)
def test_each_has_its_own(alice: Person, error: BaseException, status: str, code: str) -> None:
    submit(alice.owner)
    claim = lifecycle.claim("cpu")
    assert claim
    end(claim, error)
    job = Job.objects.get()
    assert (job.status, job.error_code) == (status, code)
    assert "blunder" not in job.error_message


def test_a_database_that_went_away_counts_as_a_loss_and_a_worker_told_to_go_does_not(alice: Person) -> None:
    for error, losses in ((HandedBack(), 0), (OperationalError(), 1)):
        Job.objects.all().delete()
        submit(alice.owner)
        claim = lifecycle.claim("cpu")
        assert claim
        end(claim, error)
        assert Job.objects.get().losses == losses


def test_a_run_ends_by_the_table(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    def develop(*_: Any) -> None:
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(runner, "_develop", develop)
    submit(alice.owner)
    assert runner.run_next("cpu", worker="w", task_id="", told_to_go=lambda: False)
    assert Job.objects.get().status == "queued"
