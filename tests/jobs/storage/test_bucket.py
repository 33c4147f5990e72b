"""The whole way of a photo where a bucket keeps the files, against an S3 server of the tests' own."""

import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from moto.server import ThreadedMotoServer
from PIL import Image

from jobs.intake import limits
from jobs.library import naming, retention
from jobs.models import Asset, Job
from jobs.storage import thumbnails
from jobs.storage.bucket import Bucket
from jobs.web.presenters.picture import PicturePresenter
from jobs.work import runner
from tests.conftest import Person
from tests.ml.films import film

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis", "real_operations")]

NAME = "latent"
API = "/api/v1"


def options(endpoint: str) -> dict[str, str]:
    return {"bucket_name": NAME, "endpoint_url": endpoint, "access_key": "key", "secret_key": "secret"}


def keep_files(settings: Any, endpoint: str) -> None:
    """The site keeps its files in the bucket there."""
    there = {"BACKEND": "jobs.storage.bucket.Bucket", "OPTIONS": options(endpoint)}
    settings.STORAGES = settings.STORAGES | {"default": there}


@pytest.fixture(scope="module")
def made() -> Iterator[Bucket]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    bucket = Bucket(**options(f"http://{host}:{port}"))
    bucket.connection.create_bucket(Bucket=NAME)
    yield bucket
    server.stop()


@pytest.fixture
def bucket(made: Bucket, settings: Any) -> Bucket:
    """The site keeps its files in it; none at first."""
    for name in names(made):
        made.delete(name)
    keep_files(settings, made.endpoint_url)
    return made


@pytest.fixture
def nowhere(settings: Any) -> None:
    """The site's bucket is out of reach."""
    keep_files(settings, "http://127.0.0.1:9")


def names(bucket: Bucket) -> list[str]:
    return [name for folder in ("photos", "outputs", "thumbnails") for name, _ in bucket.files(folder)]


def png(width: int = 600, height: int = 400) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((width, height), 80).save(buffer, "PNG")
    return buffer.getvalue()


def send(client: Client, content: bytes, name: str = "photo.png") -> dict[str, Any]:
    response = client.post(f"{API}/photos", {"file": SimpleUploadedFile(name, content)})
    assert response.status_code == 201, response.content
    sent: dict[str, Any] = response.json()
    return sent


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_photo_goes_all_the_way_and_nothing_is_left_when_it_is_deleted(
    bucket: Bucket, alice: Person
) -> None:
    photo = send(alice.client, png())
    submitted = alice.client.post(
        f"{API}/jobs", {"operation": "transform", "inputs": {"image": photo["id"]}}, "application/json"
    )
    assert submitted.status_code == 202, submitted.content
    assert runner.run_next("cpu", worker="near", task_id="", told_to_go=lambda: False)

    job = Job.objects.get()
    assert (job.status, job.error_message) == ("succeeded", "")
    output = job.outputs.get()
    shown = PicturePresenter.of(output)
    whole = alice.client.get(shown.url)
    content = body(whole)
    assert (len(content), whole["Content-Length"]) == (output.bytes, str(output.bytes))
    part = alice.client.get(shown.url, headers={"range": "bytes=100-199"})
    assert (part.status_code, body(part)) == (206, content[100:200])
    assert body(alice.client.get(shown.download)) != content  # it carries the recipe
    assert alice.client.get(shown.thumbnail)["Content-Type"] == "image/webp"

    with zipfile.ZipFile(io.BytesIO(body(alice.client.get("/account/export")))) as archive:
        assert archive.read(f"results/{naming.file_name(output)}") == content

    given = alice.client.post(f"{API}/jobs/{job.uuid}/share", {}, "application/json").json()
    link = given["url"].removeprefix("http://testserver")
    shared = f"{link}/outputs/{output.id}"
    seen = Client().get(shared)
    assert (seen.status_code, body(seen), seen["Cache-Control"]) == (200, content, "private, no-cache")
    alice.client.delete(f"{API}/jobs/{job.uuid}/share")
    assert Client().get(shared, headers={"if-none-match": seen["ETag"]}).status_code == 404

    assert {name.partition("/")[0] for name in names(bucket)} == {"photos", "outputs", "thumbnails"}
    alice.client.delete(f"{API}/jobs/{job.uuid}")
    retention.delete_asset(Asset.objects.get())
    assert names(bucket) == []


@pytest.mark.slow
def test_the_end_of_a_large_file_is_all_that_is_asked_for(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = os.urandom(3_000_000)
    name = bucket.save("outputs/large.bin", ContentFile(content))
    answers = []
    make_object = bucket.bucket.Object

    class Watched:
        def __init__(self, key: str) -> None:
            self._stored = make_object(key)

        def get(self, **options: Any) -> Any:
            answers.append((options.get("Range"), answer := self._stored.get(**options)))
            return answer

    monkeypatch.setattr(bucket.bucket, "Object", Watched)
    with bucket.open(name) as file:
        file.seek(-10, io.SEEK_END)
        assert file.read() == content[-10:]
    (first, head), (second, end) = answers
    assert (first, second, end["ContentLength"]) == (None, "bytes=2999990-", 10)
    assert head["Body"]._amount_read == 0


@pytest.mark.slow
def test_a_video_has_a_poster(bucket: Bucket, alice: Person, tmp_path: Path) -> None:
    sent = send(alice.client, film(tmp_path / "film.mp4", size=(320, 240)).read_bytes(), "film.mp4")
    poster = alice.client.get(f"/files/photos/{sent['id']}?size=256")
    assert Image.open(io.BytesIO(poster.content)).size == (256, 192)
    part = alice.client.get(f"/files/photos/{sent['id']}", headers={"range": "bytes=4-7"})
    assert (part.status_code, body(part)) == (206, b"ftyp")


@pytest.mark.slow
def test_what_belongs_to_no_row_is_cleaned_away(
    bucket: Bucket, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = Asset.objects.get(pk=send(alice.client, png())["id"])
    thumbnails.thumbnail_of(photo.file, photo.sha256, 256)
    kept = names(bucket)
    for name in ("photos/ab/lost.png", "outputs/ab/lost/1/result.png", f"thumbnails/ab/{'ab' * 32}-256.webp"):
        bucket.save(name, ContentFile(b"lost"))
    assert retention.clean()["orphans"] == 0  # they may belong to something under way
    monkeypatch.setattr(retention, "ORPHAN_SECONDS", -60)
    assert retention.clean()["orphans"] == 3
    assert names(bucket) == kept


@pytest.mark.slow
def test_a_file_that_is_gone_is_not_found(bucket: Bucket, alice: Person) -> None:
    photo = send(alice.client, png())
    bucket.delete(Asset.objects.get().file.name)
    for query in ("", "?size=256"):
        assert alice.client.get(f"/files/photos/{photo['id']}{query}").status_code == 404


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("nowhere")
def test_a_bucket_out_of_reach_is_said_in_a_sentence(alice: Person) -> None:
    there = Asset.objects.create(
        owner=alice.owner, kind="image", format="png", file="photos/a.png", width=1, height=1, bytes=1
    )
    sent = alice.client.post(f"{API}/photos", {"file": SimpleUploadedFile("photo.png", png(9, 9))})
    assert (sent.status_code, sent.json()["code"]) == (503, "storage_away")
    assert sent["Retry-After"]
    assert Asset.objects.count() == 1
    assert alice.client.get(f"/files/photos/{there.id}").status_code == 503

    alice.client.post(
        f"{API}/jobs", {"operation": "transform", "inputs": {"image": str(there.id)}}, "application/json"
    )
    runner.run_next("cpu", worker="near", task_id="", told_to_go=lambda: False)
    job = Job.objects.get()
    assert (job.status, job.error_code) == ("failed", "storage_away")


def test_the_disk_matters_only_as_far_as_files_pass_through_it(
    monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    room = {settings.HOME: 5_000, tmp_path: 10}
    monkeypatch.setattr(limits.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": room[folder]}))
    assert limits.free_bytes() == 10
    settings.LATENT = settings.LATENT.model_copy(update={"s3_bucket": NAME})
    assert limits.free_bytes() == 5_000
