"""What the cleaner takes, and what it leaves alone."""

import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from jobs.access import sharing
from jobs.errors import Refused
from jobs.library import retention
from jobs.models import Asset, Job, Owner, ShareLink
from jobs.queue import deletion, lifecycle
from tests.conftest import Person
from tests.support import submit, submit_one
from webapp.config import config

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("redis", "operations", "media"),
]


@pytest.fixture
def done(stored: Any) -> Callable[..., Job]:
    """Makes jobs that ended so many days ago."""

    def make(owner: Owner | None, days: int, *photos: Asset, **changes: Any) -> Job:
        job = submit_one(owner, "instant", {}, {"photo": photos} if photos else {})
        claim = lifecycle.claim("cpu")
        assert claim
        assert claim.job == job
        lifecycle.finish(claim, stored(claim))
        Job.objects.filter(pk=job.pk).update(finished_at=ago(days=days), **changes)
        job.refresh_from_db()
        return job

    return make


def ago(**age: float) -> Any:
    return timezone.now() - timedelta(**age)


def aged(path: Path, hours: float = 7) -> Path:
    os.utime(path, (time.time() - 3600 * hours,) * 2)
    return path


def kept_file(name: str) -> Path:
    return Path(default_storage.path(default_storage.save(name, ContentFile(b"picture"))))


def test_jobs_past_their_time_go_with_their_files(alice: Person, done: Any, media: Any) -> None:
    late = config().keep_days + 1
    old, kept = done(alice.owner, late), done(alice.owner, late, kept=True)
    sample, young = done(None, late, sample=True), done(alice.owner, late - 2)
    waiting = submit(alice.owner)
    Job.objects.filter(pk=waiting.pk).update(created_at=ago(days=late), queued_at=ago(days=late))
    assert retention.clean()["jobs"] == 1
    assert set(Job.objects.all()) == {kept, sample, young, waiting}
    assert not any(str(old.uuid) in name for name in media())
    assert len(media()) == 3


def test_photos_go_once_no_job_needs_them(alice: Person, photo: Any, done: Any, media: Any) -> None:
    unused, waited_for, used, young = (photo(alice.owner) for _ in range(4))
    Asset.objects.exclude(pk=young.pk).update(created_at=ago(days=config().keep_days + 1))
    done(alice.owner, 1, used)
    submit_one(alice.owner, "instant", {}, {"photo": [waited_for]})
    assert retention.clean()["photos"] == 1
    assert set(Asset.objects.uploaded()) == {waited_for, used, young}
    assert not default_storage.exists(unused.file.name)
    assert default_storage.exists(waited_for.file.name)


def test_a_photo_that_a_job_takes_at_the_last_moment_stays(
    alice: Person, photo: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = photo(alice.owner)
    Asset.objects.update(created_at=ago(days=config().keep_days + 1))
    expired = retention.expired_assets

    def and_then_it_is_taken() -> Any:
        found = list(expired())
        if not Job.objects.exists():
            submit_one(alice.owner, "instant", {}, {"photo": [picture]})
            return found
        return expired()

    monkeypatch.setattr(retention, "expired_assets", and_then_it_is_taken)
    assert retention.clean()["photos"] == 0
    assert default_storage.exists(picture.file.name)


def test_a_job_whose_photo_went_at_that_moment_is_refused(alice: Person, photo: Any) -> None:
    picture = photo(alice.owner)
    Asset.objects.filter(pk=picture.pk).delete()
    with pytest.raises(Refused, match="Upload it again") as refusal:
        submit_one(alice.owner, "instant", {}, {"photo": [picture]})
    assert (refusal.value.code, refusal.value.status) == ("photo_gone", 409)
    assert not Job.objects.exists()


def test_sessions_links_visitors_and_idempotency_keys_end(alice: Person, done: Any) -> None:
    for days in (-1, 1):
        session = SessionStore()
        session.save()
        Session.objects.filter(pk=session.session_key).update(expire_date=ago(days=-days))
    late = config().keep_days + 1
    job = done(alice.owner, 1)
    dead, live = (sharing.share(job, expires_in=timedelta(days=day)) for day in (-late, 1))
    Owner.objects.create(address="long ago")
    Owner.objects.update(created_at=ago(days=400))
    new = Owner.objects.create(address="today")
    Job.objects.update(idempotency_key="key", created_at=ago(days=2))
    cleaned = retention.clean()
    assert (cleaned["sessions"], cleaned["links"], cleaned["visitors"]) == (1, 1, 1)
    assert cleaned["idempotency keys"] == 1
    assert Session.objects.get().expire_date > timezone.now()
    assert list(ShareLink.objects.all()) == [live] != [dead]
    assert set(Owner.objects.all()) == {alice.owner, new}


def test_where_a_member_signed_up_is_forgotten_once_it_limits_nothing(alice: Person, visitor: Owner) -> None:
    Owner.objects.filter(pk=alice.owner.pk).update(address="there")
    retention.clean()
    alice.owner.refresh_from_db()
    assert alice.owner.address == "there"
    Owner.objects.update(created_at=timezone.now() - timedelta(hours=2))
    retention.clean()
    alice.owner.refresh_from_db(), visitor.refresh_from_db()
    assert (alice.owner.address, visitor.address) == ("", "somewhere")


def test_files_without_a_row_go_once_they_are_old(alice: Person, photo: Any, done: Any, media: Any) -> None:
    picture = photo(alice.owner)
    done(alice.owner, 1, picture)
    for path in Path(settings.MEDIA_ROOT).rglob("*.png"):
        aged(path)
    digest = picture.sha256
    needed = media() | {f"thumbnails/{digest[:2]}/{digest}-400.webp", "outputs/cd/fresh.png"}
    aged(kept_file(f"thumbnails/{digest[:2]}/{digest}-400.webp"))
    kept_file("outputs/cd/fresh.png")
    for name in ("outputs/ab/lost/1/result.png", "photos/ab/lost.png", "thumbnails/ab/lost-400.webp"):
        aged(kept_file(name))
    uploading = Path(settings.FILE_UPLOAD_TEMP_DIR)
    (uploading / "cut-short").touch()
    aged(uploading / "cut-short")
    assert retention.clean()["orphans"] == 4
    assert media() == needed
    assert not (uploading / "cut-short").exists()


def test_an_account_takes_everything_along_small_copies_too(
    alice: Person, bob: Person, photo: Any, done: Any, media: Any
) -> None:
    theirs = photo(bob.owner, color="#c04080")
    job = done(alice.owner, 1, photo(alice.owner))
    submit(alice.owner)
    assert alice.client.get(f"/files/photos/{job.inputs.get().asset_id}?size=256").status_code == 200
    assert any(name.startswith("thumbnails/") for name in media())
    alice.client.post("/account/delete", {"password": "alice"})
    assert media() == {theirs.file.name}
    assert not Job.objects.exists()
    assert not Owner.objects.filter(pk=alice.owner.pk).exists()


def test_folders_of_deleted_jobs_go(alice: Person, done: Any) -> None:
    job = done(alice.owner, 1)
    folder = Path(settings.MEDIA_ROOT) / "outputs" / str(job.uuid)[:2] / str(job.uuid)
    deletion.delete(job)
    retention.clean()
    assert folder.exists()  # a run may be about to write here
    for path in (folder / "1", folder):
        aged(path)
    retention.clean()
    assert not (folder / "1").exists()


def test_every_card_says_until_when_it_is_kept(alice: Person, done: Any) -> None:
    finished = done(alice.owner, 3)
    until = timezone.now() + timedelta(days=config().keep_days - 3)
    wall = alice.client.get("/library/jobs").content.decode()
    assert f"Kept until {until.day} {until:%B}" in wall
    assert (
        f"Until {until.day} {until:%B} {until.year}"
        in alice.client.get(f"/jobs/{finished.uuid}").content.decode()
    )
    Job.objects.update(kept=True)
    wall = alice.client.get("/library/jobs").content.decode()
    assert "Kept for good" in wall
    assert "Kept until" not in wall
