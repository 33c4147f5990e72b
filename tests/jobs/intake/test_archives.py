"""Archives and models that are uploaded: made anew, or refused in one sentence with nothing left behind."""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from jobs.errors import Refused
from jobs.intake import archives, receive
from jobs.models import Asset, Job, Owner
from jobs.queue import deletion, lifecycle
from jobs.storage import outputs
from ml.classify import FEATURES
from ml.classify.heads import Head, write_head
from ml.core.formats import Kind
from tests.conftest import Person
from tests.jobs import hostile
from tests.jobs.hostile import SECRET
from tests.support import submit_one

pytestmark = pytest.mark.usefixtures("real_operations")

Send = Callable[..., Asset]


@pytest.fixture
def send(alice: Person, folders: tuple[Path, Path]) -> Send:
    def send(content: bytes, name: str = "file", owner: Owner = alice.owner) -> Asset:
        return receive.receive(owner, SimpleUploadedFile(name, content))

    return send


@pytest.fixture
def refusal(send: Send, folders: tuple[Path, Path]) -> Callable[[bytes], str]:
    """Why a file is refused; nothing is left of it."""

    def refusal(content: bytes) -> str:
        with pytest.raises(Refused) as caught:
            send(content)
        assert caught.value.status == 422
        assert not [path for folder in folders for path in folder.rglob("*") if path.is_file()]
        assert not Asset.objects.exists()
        return str(caught.value)

    return refusal


def photo(number: int) -> bytes:
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    Image.new("RGB", (30, 20), (number * 7 % 256, 90, 60)).save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def album(count: int = 10) -> dict[str, bytes]:
    return {
        f"pets/{name}/{number}.jpg": photo(number) for name in ("cats", "dogs") for number in range(count)
    }


def model() -> bytes:
    path = default_storage.path("model")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    write_head(
        Head(("cats", "dogs"), np.ones((2, FEATURES), np.float32), np.zeros(2, np.float32)), Path(path)
    )
    content = Path(path).read_bytes()
    Path(path).unlink()
    return content


def content_of(stored: Asset) -> bytes:
    with stored.file.open() as file:
        return bytes(file.read())


# Archives ------------------------------------------------------------------------------------------------


def test_an_archive_is_made_anew_of_photos_made_anew(send: Send) -> None:
    stored = send(zipped({**album(), "__MACOSX/._1.jpg": SECRET, "pets/.DS_Store": SECRET}), "pets.zip")

    assert (stored.kind, stored.format, stored.frames) == (Kind.ARCHIVE, "zip", 20)
    assert stored.note == "Photos of cats (10), dogs (10)."
    content = content_of(stored)
    assert SECRET not in content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist()[:2] == ["cats/0001.jpg", "cats/0002.jpg"]
        for entry in archive.infolist():
            with Image.open(archive.open(entry)) as image:
                assert image.size == (30, 20)
                assert not image.getexif()


def test_the_same_archive_makes_the_same_file(send: Send) -> None:
    assert send(zipped(album())).sha256 == send(zipped(album())).sha256


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("pets/cats/x.txt", b"only a letter", "“pets/cats/x.txt” in this archive: This is not a picture"),
        ("pets/cats/x.jpg", photo(1)[:300], "“pets/cats/x.jpg” in this archive: This picture is damaged"),
        ("pets/cats/x.zip", zipped(album()), "“pets/cats/x.zip” in this archive: This is no photo"),
        ("pets/cats/x.svg", hostile.HTML, "“pets/cats/x.svg” in this archive: This is a HTML file"),
        ("../../x.jpg", photo(1), "outside of its folder"),
    ],
)
def test_whatever_is_no_photo_is_refused_by_its_name(
    refusal: Callable[[bytes], str], name: str, content: bytes, words: str
) -> None:
    assert words in refusal(zipped({**album(), name: content}))


def test_too_few_photos_are_refused_and_the_class_is_named(refusal: Callable[[bytes], str]) -> None:
    assert "The class “cats” has 9 photos, and 10 are needed" in refusal(zipped(album(9)))


def test_what_is_no_album_is_refused(refusal: Callable[[bytes], str]) -> None:
    assert "“secret.txt” does not lie in the folder of a class" in refusal(hostile.archive())


@pytest.mark.parametrize("part", [0.3, 0.9, 0.999])
def test_an_archive_cut_short_is_refused(refusal: Callable[[bytes], str], part: float) -> None:
    content = zipped(album())
    assert "damaged or cut short" in refusal(content[: int(part * len(content))])


@pytest.mark.slow
def test_flipped_bytes_make_an_archive_or_a_refusal(send: Send) -> None:
    content, statuses = zipped(album()), []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        spoilt = bytearray(content)
        for place in rng.integers(4, len(content), 4):
            spoilt[place] ^= 1 << rng.integers(8)
        try:
            assert send(bytes(spoilt)).frames == 20
        except Refused as error:
            statuses.append(error.status)
    assert set(statuses) == {422}


def test_an_archive_without_its_beginning_is_damaged(refusal: Callable[[bytes], str]) -> None:
    whole = zipped(album())
    assert "damaged" in refusal(whole[:60] + whole[3000:]), "its parts seem to lie before it"


@pytest.mark.usefixtures("in_process")
def test_all_pixels_of_an_archive_count(
    refusal: Callable[[bytes], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MOST_MEGAPIXELS_FACTOR", 0.0002)
    assert "megapixels in all" in refusal(zipped(album()))


def test_an_archive_is_offered_to_what_takes_one(alice: Person, send: Send) -> None:
    stored = send(zipped(album()), "pets.zip")
    page = alice.client.get(f"/choose?photo={stored.id}").content.decode()
    assert f"/new/train-classifier?photo={stored.id}&amp;into=archive" in page
    form = alice.client.get(f"/new/train-classifier?photo={stored.id}&into=archive")
    assert {field.slot.name: field.photos for field in form.context["draft"].slots}["archive"] == [stored]
    assert "/new/denoise" not in page
    assert f'src="/photos/{stored.id}' not in page


# Models --------------------------------------------------------------------------------------------------


def test_a_model_is_made_anew(send: Send) -> None:
    stored = send(model(), "mine.safetensors")
    assert (stored.kind, stored.format) == (Kind.MODEL, "safetensors")
    assert stored.note == "Tells apart: cats, dogs."
    assert content_of(stored) == model()


@pytest.mark.parametrize(
    "content", [b"\x40\0\0\0\0\0\0\0{" + b" " * 100, b"\x08\0\0\0\0\0\0\0{}      " + b"x" * 300_000]
)
def test_what_is_no_model_of_ours_is_refused(refusal: Callable[[bytes], str], content: bytes) -> None:
    assert "not a model that was trained here" in refusal(content)


@pytest.fixture
def trained(alice: Person, folders: tuple[Path, Path]) -> Job:
    """A job of Alice's that has trained a model."""
    job = submit_one(
        alice.owner,
        "train-classifier",
        {},
        {"archive": [receive.receive(alice.owner, SimpleUploadedFile("pets.zip", zipped(album())))]},
    )
    claim = lifecycle.claim("cpu")
    assert claim is not None
    content = model()
    output = Asset(
        made_by=job,
        attempt=1,
        output="model",
        kind=Kind.MODEL,
        format="safetensors",
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )
    output.file.name = default_storage.save(
        f"{outputs.folder_of(claim.job)}/model.safetensors", ContentFile(content)
    )
    assert lifecycle.finish(claim, lifecycle.Outcome(outputs=[output]))
    job.refresh_from_db()
    return job


def use(person: Person, job: Job) -> Any:
    return person.client.post(reverse("job-use", args=[job.uuid]))


def test_a_trained_model_is_put_into_the_form_of_classify(alice: Person, trained: Job) -> None:
    page = alice.client.get(reverse("job", args=[trained.uuid])).content.decode()
    assert "Classify with it" in page

    response = use(alice, trained)

    stored = Asset.objects.get(kind=Kind.MODEL)
    assert response.url == f"/new/classify?slot-model={stored.id}&method=own&again=1"
    form = alice.client.get(response.url).content.decode()
    assert f'name="slot-model" value="{stored.id}"' in form
    assert 'value="own" checked' in form


def test_nobody_else_sees_or_uses_a_model(alice: Person, bob: Person, trained: Job, client: Client) -> None:
    use(alice, trained)
    stored, output = Asset.objects.get(kind=Kind.MODEL), trained.outputs.get()
    for person in (bob.client, client):
        assert person.post(reverse("job-use", args=[trained.uuid])).status_code == 404
        assert person.get(reverse("output-file", args=[output.id])).status_code == 404
        assert person.get(reverse("photo-file", args=[stored.id])).status_code == 404
    mine = receive.receive(bob.owner, SimpleUploadedFile("photo.jpg", photo(1)))
    body = {
        "operation": "classify",
        "params": {"method": "own"},
        "inputs": {"image": str(mine.id), "model": str(stored.id)},
    }
    response = client.post(
        "/api/v1/jobs",
        json.dumps(body),
        content_type="application/json",
        headers={"Authorization": f"Bearer {bob.token}"},
    )
    assert response.status_code == 422
    assert response.json()["code"] == "unknown_photo"


def test_a_model_is_served_as_a_download(alice: Person, trained: Job) -> None:
    use(alice, trained)
    stored = Asset.objects.get(kind=Kind.MODEL)
    for address in (
        reverse("photo-file", args=[stored.id]),
        reverse("output-file", args=[trained.outputs.get().id]),
    ):
        response = alice.client.get(address)
        assert response["Content-Type"] == "application/x-safetensors"
        assert response["Content-Disposition"].startswith("attachment")
        assert b"".join(response.streaming_content) == model()


def test_deleting_the_job_deletes_the_model_wherever_it_was_used(
    alice: Person, trained: Job, folders: tuple[Path, Path], django_capture_on_commit_callbacks: Any
) -> None:
    use(alice, trained)
    with django_capture_on_commit_callbacks(execute=True):
        deletion.delete(trained)
    assert not Asset.objects.filter(kind=Kind.MODEL).exists()
    assert not list(folders[0].rglob("*.safetensors"))


def test_whoever_has_the_link_can_download_the_model(alice: Person, trained: Job, client: Client) -> None:
    alice.client.post(reverse("job-share", args=[trained.uuid]), {"days": "7", "download": "on"})
    link = trained.shares.get()
    page = client.get(reverse("shared", args=[link.token])).content.decode()
    assert str(trained.outputs.get().id) in page
    address = reverse("shared-output", args=[link.token, trained.outputs.get().id])
    assert b"".join(client.get(address).streaming_content) == model()


def test_names_stand_in_the_form_with_commas_between(alice: Person) -> None:
    page = alice.client.get("/new/train-classifier?names=cat&names=dog&again=1").content.decode()
    assert 'value="cat, dog"' in page


# Members only --------------------------------------------------------------------------------------------


def test_a_visitor_cannot_train(visitor: Owner, send: Send) -> None:
    stored = send(zipped(album()), owner=visitor)
    with pytest.raises(Refused) as caught:
        submit_one(visitor, "train-classifier", {}, {"archive": [stored]})
    assert (caught.value.code, caught.value.status) == ("members_only", 403)
    assert not Job.objects.exists()


def test_the_form_says_so_before_photos_are_chosen_and_does_not_start(alice: Person, client: Client) -> None:
    address = reverse("new-job", args=["train-classifier"])
    for_visitor, for_member = client.get(address), alice.client.get(address)
    assert "This is for members." in for_visitor.content.decode()
    assert "data-barred disabled" in for_visitor.content.decode()
    assert "This is for members." not in for_member.content.decode()
    assert "data-barred disabled" not in for_member.content.decode()
    assert [page.context["refusal"] for page in (for_visitor, for_member)] == ["", ""]
    cost = reverse("new-job-cost", args=["train-classifier"])
    assert client.post(cost, {}).context["refusal"] == ""
    assert "Give photos of 2 to 10 classes" in alice.client.post(cost, {}).context["refusal"]
