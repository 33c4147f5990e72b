"""The library in a browser: photos with their versions, found, compared, loved, thrown away and taken back."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from jobs.models import Asset
from tests.browser.conftest import Visit
from tests.browser.steps import drop, wait_for_result
from tests.browser.test_whole_way import log_in
from tests.conftest import Person
from tests.jobs.web.pages import png


def upload(page: Page, *names: str) -> None:
    page.goto("/")
    drop(page, *((name, png(60 + 7 * number, 40)) for number, name in enumerate(names)))
    page.wait_for_url("**/choose?*")


def rotate(page: Page, photo: str, angle: int) -> None:
    page.goto(f"/new/transform?photo={photo}&action=rotate&angle={angle}")
    page.click("[data-start]")
    page.wait_for_url("**/jobs/*")
    wait_for_result(page)


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.querySelector('.tile-title')?.textContent ?? ''"))


def test_a_photo_with_its_versions(visit: Visit, alice: Person) -> None:
    page = visit()
    log_in(page, "alice")
    upload(page, "beach.png", "castle.png", "harbour.png")
    castle = str(Asset.objects.get(name="castle.png").pk)
    for angle in (90, 180, 270):
        rotate(page, castle, angle)

    page.goto("/library/")
    expect(page.locator(".tile.photo")).to_have_count(3)
    tile = page.locator(".tile.photo", has_text="castle")
    expect(tile).to_contain_text("3 versions")
    page.fill("[name=q]", "castle")
    page.press("[name=q]", "Enter")
    expect(page.locator(".tile.photo")).to_have_count(1)

    # Any version against any other.
    page.click(".tile.photo a")
    expect(page.locator(".versions > li")).to_have_count(3)
    expect(page.locator("#stage figure.before figcaption")).to_have_text("Original")
    page.locator(".version").last.click()
    page.select_option("[name=against]", index=2)
    page.wait_for_url("**against=*")
    expect(page.locator("#stage figure.before figcaption")).to_contain_text("Transform")

    # A result is edited further as it is, and its result is a version of the same photo.
    page.locator(".versions > li").first.get_by_text("Edit further").click()
    page.click(".offer[href^='/new/transform?']")
    page.click("[data-start]")
    wait_for_result(page)
    page.click("text=All versions")
    expect(page.locator(".versions > li")).to_have_count(4)
    with page.expect_download() as download:
        page.locator(".versions > li").first.get_by_text("Download").click()
    assert download.value.suggested_filename == "castle-edited.png"


def test_photos_are_loved_and_thrown_away_by_keyboard_alone(visit: Visit, alice: Person) -> None:
    page = visit()
    log_in(page, "alice")
    upload(page, "beach.png", "castle.png", "harbour.png")
    page.goto("/library/")
    names = page.locator(".tile.photo .tile-title").all_text_contents()
    for key, expected in (("ArrowRight", names[0]), ("ArrowRight", names[1]), ("ArrowLeft", names[0])):
        page.keyboard.press(key)
        assert focused(page) == expected
    page.keyboard.press("f")
    expect(page.locator(".tile.photo", has_text=names[0]).locator(".star")).to_be_visible()

    for key in ("ArrowRight", "x", "ArrowRight", "ArrowRight", "Shift+X"):
        page.keyboard.press(key)
    expect(page.locator("[data-count]")).to_have_text("3 photos")
    page.keyboard.press("Escape")
    expect(page.locator("[data-count]")).to_be_hidden()
    page.keyboard.press("x")
    page.keyboard.press("Delete")
    expect(page.locator(".tile.photo")).to_have_count(2)
    page.get_by_text("Undo").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".tile.photo")).to_have_count(3)


def test_nobody_finds_what_is_alices(
    visit: Visit, alice: Person, charlie: Person, start_job: Callable[..., str]
) -> None:
    page = visit()
    log_in(page, "alice")
    upload(page, "secret.png")
    photo = str(Asset.objects.get(name="secret.png").pk)
    stranger = visit()
    log_in(stranger, "charlie")
    stranger.goto("/library/?q=secret")
    expect(stranger.get_by_text(re.compile("Nothing matches"))).to_be_visible()
    answer = stranger.goto(f"/library/{photo}")
    assert answer
    assert answer.status == 404
