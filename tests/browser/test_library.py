"""The library in a browser: photos with their versions, found, compared, loved, thrown away and taken back."""

import re
import time
import zipfile
from collections.abc import Callable

from axes.models import AccessAttempt
from playwright.sync_api import Page, expect

from jobs.library import albums
from jobs.models import Asset
from tests.browser.conftest import Visit
from tests.browser.steps import drop, wait_for_result, wait_until
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
    expect(page.locator(".layer.before")).to_have_attribute("data-title", "Original")
    page.wait_for_selector("#stage[data-ready]")
    newest, middle, _first, original = page.locator("[data-side=left] option").evaluate_all(
        "all => all.map((one) => one.value)"
    )
    page.select_option("[data-side=left]", middle)
    expect(page.locator(".layer.before")).to_have_attribute("data-picture", middle)
    page.select_option("[data-side=right]", middle)  # which stands left already: they change places
    expect(page.locator(".layer.after")).to_have_attribute("data-picture", middle)
    expect(page.locator(".layer.before")).to_have_attribute("data-picture", newest)
    page.select_option("[data-side=right]", original)
    expect(page.locator(".layer.after")).to_have_attribute("data-title", "Original")

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


def test_an_album_of_two_is_shared_with_a_password(visit: Visit, alice: Person) -> None:
    page = visit()
    log_in(page, "alice")
    upload(page, "beach.png", "castle.png", "harbour.png")
    ids = {asset.name: str(asset.pk) for asset in Asset.objects.all()}
    page.goto("/library/")
    for name in ("beach", "castle"):
        page.locator(".tile.photo", has_text=name).locator("[name=photo]").check()
    page.locator(".selection summary", has_text="Add to album").click()
    page.fill("[name=album_name]", "Summer")
    page.click(".selection [value=album]")
    page.click(".message a")
    expect(page.locator(".tile.photo")).to_have_count(2)

    # Making a link leaves the page as it is.
    here = page.url
    page.click("#share > summary")
    page.fill("[name=password]", "korn-blume-7")
    page.click("#share button.primary")
    link = page.input_value("[data-share-link]")
    assert page.url == here
    selected = (
        "() => document.activeElement?.matches('[data-share-link]') && getSelection().toString().length > 20"
    )
    wait_until(page, f"({selected})()")

    bob = visit()
    bob.goto(link)
    assert "Summer" not in bob.content()
    for _ in range(11):
        bob.goto(link)
        bob.fill("[name=password]", "wrong")
        with bob.expect_navigation():
            bob.press("[name=password]", "Enter")
    expect(bob.locator("[role=alert]")).to_contain_text("Too many wrong passwords")
    AccessAttempt.objects.all().delete()  # an hour later
    bob.fill("[name=password]", "korn-blume-7")
    bob.press("[name=password]", "Enter")
    expect(bob.locator("h1")).to_have_text("Summer")
    expect(bob.locator(".wall .tile")).to_have_count(2)
    assert "castle" not in bob.content()
    bob.locator(".wall a").first.click()
    expect(bob.locator("#stage[data-ready]")).to_be_visible()
    shown = bob.get_attribute(".layer.after img", "src")
    assert shown
    assert bob.request.get(shown).status == 200
    harbour = ids["harbour.png"]
    for address in (f"{link}/photos/{harbour}", f"{link}/view/{harbour}", f"/files/photos/{harbour}"):
        assert bob.request.get(address).status == 404
    with bob.expect_download() as download:
        bob.goto(link)
        bob.click("text=Download all")
    with zipfile.ZipFile(download.value.path()) as archive:
        assert archive.namelist() == ["photo.png", "photo (2).png"]

    # Thrown away it is gone from the link, taken back it is there again.
    page.goto("/library/")
    page.locator(".tile.photo", has_text="castle").locator("[name=photo]").check()
    page.click(".selection [value=trash]")
    bob.goto(link)
    expect(bob.locator(".wall .tile")).to_have_count(1)
    page.get_by_text("Undo").click()
    bob.goto(link)
    expect(bob.locator(".wall .tile")).to_have_count(2)

    page.goto("/links/")
    expect(page.locator(".row")).to_contain_text("opened")
    page.get_by_text("Revoke").click()
    for address in (link, shown, f"{link}/zip"):
        assert bob.request.get(address).status == 404


def test_an_album_is_ordered_by_dragging_by_keys_and_by_buttons(visit: Visit, alice: Person) -> None:
    page = visit()
    log_in(page, "alice")
    upload(page, "a.png", "b.png", "c.png")
    a, b, c = (Asset.objects.get(name=f"{name}.png") for name in "abc")
    album = albums.create(alice.owner, "Row", [a, b, c])
    page.goto(f"/albums/{album.pk}?arrange")

    def told(*order: Asset) -> None:
        shown = [str(each.pk) for each in order]
        expect(page.locator("[data-arranged] > li").first).to_have_attribute("data-photo", shown[0])
        seen = page.locator("[data-arranged] > li").evaluate_all("all => all.map((one) => one.dataset.photo)")
        assert seen == shown
        give_up_at = time.monotonic() + 5
        while list(albums.photos(album)) != list(order):
            assert time.monotonic() < give_up_at
            page.wait_for_timeout(50)

    page.locator(f"#photo-{a.pk} [value=later]").click()
    told(b, a, c)
    page.keyboard.press("ArrowRight")
    told(b, c, a)
    page.keyboard.press("ArrowLeft")
    told(b, a, c)
    expect(page.locator("[data-said]")).to_have_text("Now number 2 of 3")
    page.drag_and_drop(f"#photo-{c.pk}", f"#photo-{b.pk}", target_position={"x": 4, "y": 40})
    told(c, b, a)

    plain = visit(java_script_enabled=False, storage_state=page.context.storage_state())
    plain.goto(f"/albums/{album.pk}?arrange")
    plain.locator(f"#photo-{a.pk} [value=earlier]").click()
    assert list(albums.photos(album)) == [c, a, b]


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
