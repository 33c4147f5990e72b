"""A folder of photos and one wish, in a browser: one damaged, all others done, taken away, and done again to more."""

import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from jobs.models import Batch, Job
from tests.browser.conftest import Visit
from tests.browser.steps import drop
from tests.jobs.web.pages import png

FOLDER = "input[webkitdirectory]"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Thirty photos, one of them damaged, and what a system leaves in a folder."""
    path = tmp_path / "holiday"
    path.mkdir()
    for number in range(30):
        (path / f"photo-{number:02}.png").write_bytes(png(40 + number, 30))
    (path / "photo-07.png").write_bytes(png(47, 30)[:60])
    (path / ".DS_Store").write_bytes(b"of the system")
    return path


def fractions_until_done(page: Page, count: int) -> list[float]:
    """How far the batch was said to be, each time that it was looked at."""
    seen: list[float] = []
    done = page.locator(".status-line", has_text=f"All {count} are done")
    for _ in range(600):
        seen.append(float(page.get_attribute("#batch progress", "value") or 0))
        if done.count():
            return seen
        page.wait_for_timeout(100)
    raise AssertionError(f"not done: {page.text_content('.status-line')}")


def test_a_folder_is_worked_on_as_one(visit: Visit, folder: Path, tmp_path: Path) -> None:
    page = visit()
    page.goto("/")
    page.set_input_files(FOLDER, folder)
    expect(page.locator(".upload.failed")).to_have_count(1, timeout=60_000)
    expect(page.locator(".upload.failed")).to_contain_text("photo-07.png")
    page.click("[data-uploads] button.primary")
    page.wait_for_url("**/choose?draft=*")
    expect(page.locator("h1")).to_have_text("What should happen to these 29 photos?")

    # Two steps, put together on the way.
    page.click(".offer[href^='/new/transform?']")
    page.click("button[name=then]")
    page.wait_for_url("**/choose?draft=*")
    page.click(".offer[href^='/new/transform?']")
    page.check("[name=action][value=rotate]", force=True)
    page.click("[data-start]")
    page.wait_for_url("**/choose?draft=*")
    expect(page.locator(".chain-step")).to_have_count(2)
    page.click(".go button")
    page.wait_for_url("**/batches/*")

    seen = fractions_until_done(page, 29)
    assert len({*seen}) > 3
    assert seen == sorted(seen)
    expect(page.locator(".tile.succeeded")).to_have_count(29)
    with page.expect_download() as download:
        page.get_by_text("Download all").click()
    download.value.save_as(tmp_path / "all.zip")
    names = zipfile.ZipFile(tmp_path / "all.zip").namelist()
    assert len({*names}) == 29
    assert {name[:8] for name in names} == {f"photo-{number:02}" for number in range(30) if number != 7}

    # Under a name, and done to three more.
    page.get_by_text("Save as a preset").click()
    page.fill("[name=name]", "Small and turned")
    page.press("[name=name]", "Enter")
    page.wait_for_url("**/presets/")
    page.locator(".preset", has_text="Small and turned").get_by_role("button", name="Use").click()
    page.wait_for_url("**/choose?draft=*")
    drop(page, *((f"more-{number}.png", png(50 + number, 40)) for number in range(3)))
    expect(page.locator(".go button")).to_have_text("Start with 3 photos", timeout=30_000)
    page.click(".go button")
    page.wait_for_url("**/batches/*")
    fractions_until_done(page, 3)
    assert Batch.objects.count() == 2
    assert Job.objects.filter(batch__isnull=False, status="succeeded").count() == 2 * 29 + 2 * 3


def test_a_batch_is_cancelled_as_a_whole(visit: Visit) -> None:
    page = visit()
    page.goto("/")
    drop(page, *((f"photo-{number}.png", png(300 + number, 200)) for number in range(4)))
    page.wait_for_url("**/choose?draft=*")
    page.click(".offer[href^='/new/deep-dream?']")
    page.click("[data-start]")
    page.wait_for_url("**/batches/*")
    page.get_by_text("Cancel all").click()
    expect(page.locator(".tile.cancelled")).to_have_count(4, timeout=30_000)
