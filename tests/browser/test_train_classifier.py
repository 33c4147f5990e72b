"""A classifier of one's own: from photos to a model, with which the next photo is classified."""

from collections.abc import Callable

from playwright.sync_api import FilePayload, expect

from tests.browser.conftest import Visit
from tests.browser.steps import drop, wait_for_result, wait_until
from tests.browser.test_whole_way import log_in
from tests.conftest import Person
from tests.ml.test_train_classifier import COLORS, photo_bytes


def photos(color: str) -> list[FilePayload]:
    return [
        {"name": f"{number}.png", "mimeType": "image/png", "buffer": photo_bytes(COLORS[color], number)}
        for number in range(15)
    ]


def test_alice_trains_a_classifier_that_is_hers_alone(
    visit: Visit, alice: Person, bob: Person, media: Callable[[], set[str]]
) -> None:
    page = visit()
    page.goto("/new/train-classifier")
    expect(page.locator(".refusal")).to_contain_text("This is for members.")
    expect(page.locator("[data-start]")).to_be_disabled()
    expect(page.locator("#cost")).to_be_empty()

    log_in(page, "alice")
    page.goto("/new/train-classifier")
    expect(page.locator(".refusal")).to_have_count(0)
    expect(page.locator("[data-slot=class_3]")).to_be_hidden()
    for number, color in enumerate(COLORS, 1):
        page.set_input_files(f"[data-slot=class_{number}] input[type=file]", photos(color))
        expect(page.locator(f"[data-slot=class_{number}] [data-photo]")).to_have_count(15, timeout=20_000)
    expect(page.locator("[data-slot=class_4]")).to_be_visible()
    page.fill("[name=names]", ", ".join(COLORS))
    page.click(".fold > summary")
    page.fill("[name=variants]", "2")
    page.click("[data-start]")
    page.wait_for_url("**/jobs/*")
    trained = page.url
    page.wait_for_selector("#live .plot", timeout=60_000)
    curve = "document.querySelector('#live .curve')"
    begun = page.evaluate(f"{curve}.getAttribute('points')")
    wait_until(page, f"{curve} && {curve}.getAttribute('points') !== {begun!r}", 60)
    wait_for_result(page, 90_000)

    page.click("text=Classify with it")
    page.wait_for_url("**/new/classify?*")
    expect(page.locator("[data-slot=model] .slot-file")).to_contain_text("safetensors")
    drop(page, ("unseen.png", photo_bytes(COLORS["blue"], 99)), on="[data-slot=image]")
    expect(page.locator("[data-slot=image] [data-photo]")).to_have_count(1)
    page.click("[data-start]")
    page.wait_for_url("**/jobs/*")
    wait_for_result(page)
    expect(page.locator(".label-title").first).to_have_text("blue")

    other = visit()
    log_in(other, "bob")
    response = other.goto(trained)
    assert response
    assert response.status == 404

    page.goto(trained)
    page.click(".drawer > summary:has-text('Delete')")
    page.click("button.danger")
    page.wait_for_url("**/library/")
    assert not [name for name in media() if name.endswith(".safetensors")]
