"""What a file is called when it leaves."""

import pytest

from jobs.library.naming import file_name, nameless
from jobs.models import Asset, Job
from ml.registry import registry


def asset(name: str = "", format: str = "png", **values: object) -> Asset:
    return Asset(name=name, format=format, **values)  # type: ignore[arg-type]


def made(operation: str, output: str = "image", original: Asset | None = None, **params: object) -> Asset:
    job = Job(operation=operation, params=params)
    return asset(output=output, made_by=job, original=original or asset("tubingen.jpeg", "jpeg"))


@pytest.mark.parametrize(
    ("name", "format", "expected"),
    [
        ("tubingen.jpg", "jpeg", "tubingen.jpg"),
        ("scan.tif", "png", "scan.png"),
        ("IMG_1.HEIC.jpg", "jpeg", "IMG_1.HEIC.jpg"),
        ("v1.5 final", "webp", "v1.5 final.webp"),
        (".jpg", "jpeg", ".jpg.jpg"),
        ("", "png", "photo.png"),
        ("Straße 3.PNG", "png", "Straße 3.png"),
    ],
)
def test_an_upload_keeps_its_name_and_its_ending_is_what_it_is(name: str, format: str, expected: str) -> None:
    assert file_name(asset(name, format)) == expected


@pytest.mark.usefixtures("real_operations")
def test_a_result_is_called_after_its_photo() -> None:
    assert file_name(made("super-resolution", scale=2)) == "tubingen-2x.png"
    assert file_name(made("super-resolution", scale=2.5, size="scale")) == "tubingen-2.5x.png"
    assert file_name(made("super-resolution", size="width", width=3000)) == "tubingen-3000px.png"
    assert file_name(made("denoise")) == "tubingen-denoised.png"
    assert file_name(made("style-transfer", output="film")) == "tubingen-painted-film.png"
    assert file_name(made("none-of-ours", output="some_thing")) == "tubingen-none-of-ours-some-thing.png"


@pytest.mark.usefixtures("real_operations")
@pytest.mark.parametrize("letter", ["a", "ä", "図"])
def test_a_long_name_fits_and_still_says_what_was_done(letter: str) -> None:
    photo = asset(f"{letter * 250}.jpg", "jpeg")
    name = file_name(made("super-resolution", original=photo, scale=2))
    assert name.startswith(letter * 70)
    assert name.endswith(f"{letter}-2x.png")
    assert 235 <= len(name.encode()) <= 240
    assert len(file_name(photo).encode()) <= 240


@pytest.mark.usefixtures("real_operations")
def test_whoever_has_a_link_does_not_learn_the_name() -> None:
    assert nameless(made("super-resolution", scale=2)) == "photo-2x.png"
    assert nameless(asset("secret.jpg", "jpeg")) == "photo.jpg"


@pytest.mark.usefixtures("real_operations")
def test_every_operation_names_its_results() -> None:
    for operation in registry().all():
        params = operation.params().model_dump(mode="json")
        job = Job(operation=operation.slug, params=params)
        name = file_name(asset(output=operation.result, made_by=job, original=asset("a.jpg")))
        assert name.startswith("a-"), operation.slug
        assert "{" not in name, operation.slug
