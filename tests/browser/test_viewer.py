"""The stage in a browser: what is seen of two pictures, and how near."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from django.core.files.base import ContentFile
from PIL import Image
from playwright.sync_api import Page, expect

from jobs.models import Asset, Job
from tests.browser.conftest import Visit
from tests.browser.steps import wait_until
from tests.browser.test_whole_way import log_in
from tests.conftest import Person
from tests.jobs.web.pages import finished

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


def png(width: int, height: int, spot: tuple[float, float] | None = None, color: int = 90) -> bytes:
    """Of one gray, with a fine chequerboard at a spot, in shares of its sides."""
    pixels = np.full((height, width, 3), (color, color + 1, color + 2), np.uint8)
    if spot:
        x, y, side = int(spot[0] * width), int(spot[1] * height), width // 16
        patch = pixels[y : y + side, x : x + side]
        patch[np.indices(patch.shape[:2]).sum(axis=0) // 4 % 2 == 0] = 255
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def result(alice: Person, photo: Callable[..., Asset], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Job]:
    """A job of Alice's on a photo of 300 x 200, whose result is so many times as large; no worker hears of it."""
    monkeypatch.setattr("jobs.queue.broker.announce", lambda *_queues: None)

    def make(scale: int = 1, spot: tuple[float, float] | None = None, color: int = 90) -> Job:
        original = photo(alice.owner, width=300, height=200)
        _store(original, png(300, 200, spot), 300, 200)
        job = finished(alice.owner, original)
        _store(job.outputs.get(), png(300 * scale, 200 * scale, spot, color), 300 * scale, 200 * scale)
        return job

    return make


def _store(asset: Asset, content: bytes, width: int, height: int) -> None:
    asset.file.save("picture.png", ContentFile(content), save=False)
    asset.width, asset.height, asset.bytes = width, height, len(content)
    asset.save()


def opened(page: Page, job: Job) -> None:
    page.goto(f"/jobs/{job.uuid}")
    page.wait_for_selector("#stage[data-ready]")
    wait_until(page, "[...document.querySelectorAll('.layer img')].every((one) => one.naturalWidth > 0)")


def box(page: Page, selector: str) -> dict[str, float]:
    found = page.locator(selector).bounding_box()
    assert found
    return dict(found)


def percent(page: Page) -> int:
    return int(page.inner_text("[data-percent]").removesuffix(" %"))


def test_two_pictures_are_seen_in_every_way(visit: Visit, alice: Person, result: Callable[..., Job]) -> None:
    page = visit()
    log_in(page, "alice")
    opened(page, result(color=190))
    assert page.is_visible(".split")
    page.click("[data-show=side]")
    left, right = box(page, ".layer.before img"), box(page, ".layer.after img")
    assert left["width"] == right["width"]
    assert left["x"] + left["width"] <= right["x"] + 1 or left["y"] + left["height"] <= right["y"] + 1
    page.click("[data-zoom=in]")
    nearer = [box(page, f".layer.{side} img")["width"] for side in ("before", "after")]
    assert nearer[0] == nearer[1] > left["width"]
    page.click("[data-show=difference]")
    blend = "getComputedStyle(document.querySelector('.layer.after')).mixBlendMode"
    assert page.evaluate(blend) == "difference"
    page.click("[data-show=flicker]")
    wait_until(page, "document.querySelector('#stage').classList.contains('turned')")
    wait_until(page, "!document.querySelector('#stage').classList.contains('turned')")
    page.click("[data-show=before]")
    assert not page.is_visible(".layer.after")


def test_an_enlargement_opens_on_its_most_detailed_spot(
    visit: Visit, alice: Person, result: Callable[..., Job]
) -> None:
    page = visit()
    log_in(page, "alice")
    opened(page, result(scale=4, spot=(0.7, 0.3)))
    expect(page.locator("[data-overview]")).to_be_visible()
    assert percent(page) >= 100
    picture, viewer = box(page, ".layer.after img"), box(page, ".viewer")
    middle = [
        (viewer["x"] + viewer["width"] / 2 - picture["x"]) / picture["width"],
        (viewer["y"] + viewer["height"] / 2 - picture["y"]) / picture["height"],
    ]
    assert middle == pytest.approx([0.73, 0.34], abs=0.06)
    page.keyboard.press("0")
    expect(page.locator("[data-zoom=fit]")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("[data-overview]")).to_be_hidden()


def test_keys_wheel_and_double_click_zoom_and_the_percentage_is_told(
    visit: Visit, alice: Person, result: Callable[..., Job]
) -> None:
    page = visit()
    log_in(page, "alice")
    opened(page, result())
    fit = percent(page)
    page.keyboard.press("1")
    assert percent(page) == 100 or percent(page) == fit  # no smaller than the window
    page.keyboard.press("0")
    page.keyboard.press("+")
    assert percent(page) == pytest.approx(1.5 * fit, rel=0.01)
    page.keyboard.press("-")
    assert percent(page) == pytest.approx(fit, rel=0.01)
    page.mouse.move(500, 400)
    page.mouse.wheel(0, -60)
    assert percent(page) > fit
    for _ in range(6):
        page.mouse.wheel(0, 60)
    expect(page.locator("[data-zoom=fit]")).to_have_attribute("aria-pressed", "true")
    page.mouse.dblclick(500, 300)
    assert percent(page) >= 2 * fit - 1
    page.mouse.dblclick(500, 300)
    assert percent(page) == fit


def test_the_colours_under_the_pointer_are_told(
    visit: Visit, alice: Person, result: Callable[..., Job]
) -> None:
    page = visit()
    log_in(page, "alice")
    opened(page, result(color=190))
    viewer = box(page, ".viewer")
    page.mouse.move(viewer["x"] + viewer["width"] / 2, viewer["y"] + viewer["height"] * 0.6)
    expect(page.locator("[data-pixel]")).to_contain_text("90 91 92  →  190 191 192")
    page.mouse.move(5, 5)
    expect(page.locator("[data-pixel]")).to_have_text("")


def test_the_whole_screen_is_filled_and_given_back(
    visit: Visit, alice: Person, result: Callable[..., Job]
) -> None:
    page = visit(**PHONE)
    log_in(page, "alice")
    opened(page, result())
    whole = box(page, ".viewer")
    assert (whole["x"], whole["width"]) == (0, 390)
    page.click("[data-fill]")
    filled = box(page, "#stage")
    assert (filled["width"], filled["height"]) == (390, 844)
    page.click("[data-fill]")
    assert box(page, "#stage")["height"] < 844


def test_two_fingers_bring_it_nearer(visit: Visit, alice: Person, result: Callable[..., Job]) -> None:
    page = visit(**PHONE)
    log_in(page, "alice")
    opened(page, result())
    before = percent(page)
    hand = page.context.new_cdp_session(page)

    def touch(kind: str, *xs: float) -> None:
        points = [{"x": x, "y": 200, "id": number} for number, x in enumerate(xs)]
        hand.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 170)
    touch("touchStart", 170, 220)
    for step in range(1, 6):
        touch("touchMove", 170 - 15 * step, 220 + 15 * step)
    touch("touchEnd")
    assert percent(page) > 1.5 * before
