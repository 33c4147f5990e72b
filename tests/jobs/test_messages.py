"""What the site says is kept as codes and values, and put into words for whoever reads it."""

from gettext import NullTranslations
from typing import Any

import pytest
from django.utils.translation import override, trans_real

from jobs.errors import Refused
from jobs.messages import TOO_MANY_JOBS, TOO_MANY_UPLOADS, WORKER_LOST, told
from jobs.models import Asset, Job, JobEvent
from jobs.queue import lifecycle, live
from jobs.queue.state import state_of
from jobs.web.presenters import humanize
from jobs.web.problems import problem
from ml.core.messages import FIRST_PAGE, FROM_PROFILE
from tests.messages import ROOT, formatted_too_early, sources, with_wrong_values
from tests.operations.nap import SLEEPING
from tests.support import saying, submit

SHOWS = ("web", "admin", "management", "notify", "library")
"""Packages that put into words what is read at once; those below keep and hand over messages."""

GERMAN = {
    WORKER_LOST.template: "Der Arbeiter ging {count}-mal verloren.",
    SLEEPING.template: "schlafend",
    FROM_PROFILE.template: "Aus dem Farbprofil „{name}“ umgerechnet.",
    FIRST_PAGE.template: "Nur die erste Seite blieb.",
    TOO_MANY_UPLOADS.template: "{count} Fotos sind genug.",
    "submitted": "abgegeben",
}


class German(NullTranslations):
    def gettext(self, message: str) -> str:
        return GERMAN.get(message, message)

    def language(self) -> str:
        return "de"


@pytest.fixture(autouse=True)
def _german(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(trans_real._translations, "de", German())


def test_a_message_gets_the_values_of_its_placeholders() -> None:
    assert {str(path): wrong for path in sources("jobs") if (wrong := with_wrong_values(path))} == {}


def test_what_is_not_shown_is_not_put_into_words() -> None:
    beneath = [path for path in sources("jobs") if path.relative_to(ROOT / "jobs").parts[0] not in SHOWS]
    assert {str(path): wrong for path in beneath if (wrong := formatted_too_early(path))} == {}
    assert [path for path in beneath if "translation import gettext as" in path.read_text("utf-8")] == []


def test_a_job_that_failed_under_one_language_is_read_in_another(alice: Any) -> None:
    job = submit(alice.owner)
    claim = lifecycle.claim("cpu")
    assert claim
    with override("de"):
        assert lifecycle.fail(claim, "worker_lost", WORKER_LOST(count=3))
    job.refresh_from_db()
    assert (job.error, job.error_text) == ({"code": "worker_lost", "values": {"count": 3}}, "")
    asked = f"/api/v1/jobs/{job.uuid}"
    english = alice.client.get(asked).json()["error"]
    assert english["message"].startswith("The worker was lost 3 times")
    with override("de"):
        german = alice.client.get(asked).json()["error"]
        page = alice.client.get(f"/jobs/{job.uuid}").content.decode()
        lines = [event.detail for event in job.events.all()]
    assert german == english | {"message": "Der Arbeiter ging 3-mal verloren."}
    assert english["code"] == english["reason"] == "worker_lost"
    assert german["message"] in page
    assert lines == ["abgegeben", "", german["message"]]


def test_a_note_of_progress_is_read_in_the_readers_language(alice: Any) -> None:
    job = submit(alice.owner)
    assert lifecycle.claim("cpu")
    job.refresh_from_db()
    live.say(job.uuid, 0.5, SLEEPING)
    assert humanize.status_line(job, state_of(job)).startswith("Sleeping")
    with override("de"):
        assert humanize.status_line(job, state_of(job)).startswith("Schlafend")
        assert alice.client.get(f"/api/v1/jobs/{job.uuid}").json()["note"] == "schlafend"


def test_the_notes_of_a_photo_are_read_in_the_readers_language() -> None:
    photo = Asset(notes=[FROM_PROFILE(name="P3").as_json(), FIRST_PAGE.as_json()])
    assert photo.note == "Converted from the colour profile “P3” to sRGB. Only the first page was kept."
    with override("de"):
        assert photo.note == "Aus dem Farbprofil „P3“ umgerechnet. Nur die erste Seite blieb."


def test_a_refusal_tells_programs_its_code_its_reason_and_its_values() -> None:
    with override("de"):
        refused = Refused(TOO_MANY_UPLOADS(count=9, minutes=2), code="busy", status=429, retry_after=60)
        body = problem(refused).content.decode()
    assert '"code": "busy", "reason": "too_many_uploads", "values": {"count": 9, "minutes": 2}' in body
    assert "9 Fotos sind genug." in body
    assert str(refused).startswith("You have sent 9 photos")


def test_rows_of_versions_before_show_their_words() -> None:
    job = Job(error_code="bad_input", error_text="This picture is upside down. Turn it.")
    event = JobEvent(status="queued", attempt=0, detail_text="tried again")
    photo = Asset(note_text="Converted from CMYK to sRGB.")
    assert job.error_message == "This picture is upside down. Turn it."
    assert (event.detail, photo.note) == ("tried again", "Converted from CMYK to sRGB.")


def test_a_message_of_another_version_does_no_harm() -> None:
    assert told({"code": "of.the.future", "values": {"a": 1}}).endswith("of.the.future")
    assert told(TOO_MANY_JOBS(count=3).as_json()).startswith("You have 3 jobs waiting")
    assert told(None) == told("") == ""
    assert told(saying("as it is")) == "as it is"
