"""Photos of phones and cameras go up, are shown, enlarged, and come back with their date and camera, and without their place."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image
from playwright.sync_api import Page

from jobs.models import Asset
from ml.core.about import About, about_of, exif_of
from tests.browser.conftest import Visit
from tests.browser.steps import drop, wait_for_result, wait_until
from tests.browser.test_whole_way import log_in
from tests.conftest import Person
from tests.jobs.kinds import dng, heic, made_up

TAKEN = About(taken="2020-01-02T03:04:05", maker="Maker", camera="Camera", place=(51.4778, -0.0014))
HEIC, DNG = heic(made_up(120, 80), exif=exif_of(TAKEN)), dng(made_up(120, 80))


def downloaded(page: Page, selector: str, path: Path) -> About:
    """What the file says that a link gives."""
    with page.expect_download() as download:
        page.click(selector)
    download.value.save_as(path)
    with Image.open(path) as image:
        image.load()
        assert b"GPS" not in path.read_bytes()
        return about_of(image.info.get("exif", b""))


@pytest.mark.parametrize(
    ("name", "content", "wanted"),
    [("IMG_1.HEIC", HEIC, TAKEN.without_place()), ("IMG_2.dng", DNG, About(maker="Maker", camera="Camera"))],
    ids=["heic", "dng"],
)
def test_it_goes_up_is_enlarged_and_comes_back(
    visit: Visit, alice: Person, tmp_path: Path, name: str, content: bytes, wanted: About
) -> None:
    page = visit()
    log_in(page, "alice")
    page.goto("/")
    drop(page, (name, content))
    page.wait_for_url("**/choose?*")
    photo = Asset.objects.get()

    page.goto(f"/library/{photo.pk}")
    wait_until(page, "document.querySelector('#stage img').naturalWidth > 0")
    page.click("summary:has-text('About the file')")
    assert "Maker Camera" in page.inner_text(".facts")
    assert "51.47" not in page.content()

    page.goto(f"/new/super-resolution?photo={photo.pk}&method=bicubic&scale=2")
    page.click("[data-start]")
    page.wait_for_url("**/jobs/*")
    wait_for_result(page)
    assert downloaded(page, ".actions a.primary", tmp_path / "result") == wanted
    with Image.open(tmp_path / "result") as image:
        assert image.size == (240, 160)
        assert image.format == ("JPEG" if name.endswith("HEIC") else "PNG")

    page.click("#share > summary")
    page.click("#share button.primary")
    bob = visit()
    bob.goto(page.input_value("[data-share-link]"))
    bob.wait_for_selector("#stage[data-ready]")
    assert _facts_shared(bob, tmp_path / "shared") == About()
    assert "Maker" not in bob.content()


def _facts_shared(page: Page, path: Path) -> About:
    address: Any = page.get_attribute(".layer.after img", "src")
    shared = urlsplit(address).path
    path.write_bytes(page.request.get(f"{shared}?download&facts=all").body())
    with Image.open(path) as image:
        image.load()
        assert b"Maker" not in path.read_bytes()
        return about_of(image.info.get("exif", b""))
