"""Accessibility, stillness, weight and ways of every page."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import FilePayload, Page

from jobs.library.samples import SAMPLES
from jobs.queue import redis_client, workers
from tests.browser.conftest import Visit
from tests.browser.steps import shifts, wait_for_result, watch_shifts

STRANGERS_WORDS = ("/login", "/signup", "/weights/", "/links/", "/nowhere")
MEMBERS_WORDS = (
    *(
        "/account/",
        "/account/tokens",
        "/account/webhooks",
        "/account/mail",
        "/account/password",
        "/account/delete",
    ),
)
HEAVIEST_BYTES = 100_000
MOST_ADDRESSES = 6
"""On the way to the first result, each answer that leads on to another address counted too."""


def sign_up(page: Page) -> None:
    page.goto("/signup")
    page.fill("[name=username]", "dora")
    page.fill("[name=password1]", "korn-blume-7")
    page.fill("[name=password2]", "korn-blume-7")
    page.click("main button.primary")
    page.wait_for_url("**/library/")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(visit: Visit, start_job: Callable[..., str], scheme: str) -> None:
    page = visit(color_scheme=scheme)
    violations: list[str] = []

    def check(name: str) -> None:
        page.wait_for_timeout(100)
        for found in Axe().run(page).response["violations"]:
            nodes = "; ".join(
                f"{node['html'][:160]} {node['failureSummary'][:200]}" for node in found["nodes"][:3]
            )
            violations.append(f"{name}, {found['id']}: {nodes}")

    def visit_and_check(address: str) -> None:
        page.goto(address)
        check(address)

    for address in (
        "/",
        "/library/",
        "/library/jobs",
        "/albums/",
        "/offline",
        "/login",
        "/signup",
        "/links/",
        "/presets/",
        "/nowhere",
        "/weights/",
        "/operations/denoise",
    ):
        visit_and_check(address)
    sign_up(page)
    for address in (*MEMBERS_WORDS, "/new/transform"):
        visit_and_check(address)
    page.goto("/account/tokens")
    page.click("text=Make a token")
    check("a new token")
    page.goto("/weights/")
    page.locator(".rows a").first.click()
    check("a card")
    for operation in ("super-resolution", "denoise", "nap"):
        visit_and_check(f"/new/{operation}")
        if page.locator(".fold summary").count():
            page.click(".fold summary")
            check(f"{operation}, fine tuning")
    page.goto("/new/nap")
    page.fill("[name=seconds]", "-1")
    page.click("[data-start]")
    page.wait_for_selector("[aria-invalid=true]")
    check("a wrong setting")
    page.goto("/")
    page.click("button[value=chelsea]")
    page.wait_for_url("**/choose?*")
    check("choose")
    start_job(page, "picky")
    page.wait_for_selector(".failure")
    check("failed")
    start_job(page, "nap", settings="seconds=30")
    page.wait_for_selector(".plot")
    check("running")
    running = page.url
    start_job(page, "denoise")
    page.wait_for_selector("#live[data-status=queued]")
    check("queued")
    visit_and_check("/library/jobs")
    page.goto(running)
    page.click("text=Cancel")
    page.wait_for_selector("[data-job-status=cancelled]")
    check("cancelled")
    start_job(page, "denoise")
    wait_for_result(page)
    page.wait_for_timeout(1500)
    check("succeeded")
    made = page.url
    page.click("text=All versions")
    page.wait_for_selector("#stage[data-ready]")
    page.wait_for_timeout(1000)
    check("a photo")
    for mode in ("side", "difference", "after"):
        page.click(f"[data-show={mode}]")
        check(f"a photo, {mode}")
    page.click("[data-fill]")
    check("a photo on the whole screen")
    page.click("[data-fill]")
    visit_and_check("/library/")
    page.locator(".tile.photo [name=photo]").first.check()
    page.click(".selection summary")
    page.fill("[name=album_name]", "Summer")
    check("into an album")
    page.click(".selection [value=album]")
    page.click(".message a")
    page.wait_for_url("**/albums/*")
    check("an album")
    album = page.url
    page.click("#share > summary")
    page.click("#share button.primary")
    shared_album = page.input_value("[data-share-link]")
    check("sharing an album")
    visit_and_check(f"{album}?arrange")
    visit_and_check("/albums/")
    visit_and_check(shared_album)
    page.click(".wall a")
    page.wait_for_selector("#stage[data-ready]")
    page.wait_for_timeout(500)
    check("a photo of a shared album")
    visit_and_check("/library/")
    page.locator(".tile.photo [name=photo]").first.check()
    check("chosen photos")
    page.keyboard.press("?")
    check("keys")
    page.keyboard.press("Escape")
    page.click("[value=trash]")
    page.wait_for_selector(".undo")
    check("thrown away")
    visit_and_check("/library/trash")
    page.goto(made)
    page.click("#share > summary")
    page.click("#share button.primary")
    link = page.input_value("[data-share-link]")
    page.click(".link-row .more > summary")
    page.click("details.recipe summary")
    check("sharing")
    visit_and_check("/links/")
    visit_and_check("/library/jobs")
    visit_and_check(link)
    assert violations == []


def test_nothing_moves_when_pictures_arrive(visit: Visit, start_job: Callable[..., str]) -> None:
    page = visit()
    watch_shifts(page)
    moved: dict[str, object] = {}

    def look(name: str) -> None:
        page.wait_for_load_state("networkidle")
        if found := shifts(page):
            moved[name] = found

    page.goto("/")
    look("home")
    page.click("button[value=coffee]")
    page.wait_for_url("**/choose?*")
    look("choose")
    redis_client.client().delete(
        workers.WORKERS
    )  # until they are heard of again, none runs, and the page says so
    start_job(page, "nap", sample="astronaut", settings="seconds=3")
    wait_for_result(page)
    page.wait_for_timeout(1500)
    if found := shifts(page):  # from the photo over previews to the result, on one page
        moved["job"] = found
    start_job(page, "transform", settings="action=rotate&angle=20")
    wait_for_result(page)
    page.reload()
    look("result")
    page.goto("/library/jobs")
    look("jobs")
    page.goto("/library/")
    look("library")
    page.click(".tile.photo a")
    look("a photo")
    assert moved == {}


def test_the_picture_stays_in_its_place_from_the_form_to_the_result(visit: Visit) -> None:
    page = visit()
    page.goto("/")
    page.click("button[value=astronaut]")
    page.wait_for_url("**/choose?*")
    places = [page.locator(".plate .picture").bounding_box()]
    page.click(".offer[href^='/new/transform?']")
    page.wait_for_url("**/new/*")
    places.append(page.locator(".slot-main .slot-photo .picture").bounding_box())
    page.click("[data-start]")
    wait_for_result(page)
    places.append(page.locator(".viewer").bounding_box())
    assert places[0] == places[1] == places[2]


def test_pages_of_words_are_light(visit: Visit) -> None:
    page = visit()
    weights: dict[str, int] = {}

    def weigh(address: str) -> None:
        page.goto(address, wait_until="networkidle")
        weights[address] = page.evaluate(
            """() => ["navigation", "resource"].flatMap((type) => performance.getEntriesByType(type))
                .reduce((sum, entry) => sum + entry.decodedBodySize, 0)"""
        )

    for address in STRANGERS_WORDS:
        weigh(address)
    sign_up(page)
    for address in MEMBERS_WORDS:
        weigh(address)
    print("\n".join(f"{address:24} {size / 1000:6.1f} KB, uncompressed" for address, size in weights.items()))
    assert max(weights.values()) < HEAVIEST_BYTES


def test_the_library_is_light_and_its_pictures_begin_high(visit: Visit) -> None:
    """With 60 photos of a megapixel, as cameras take them, on a telephone, for whoever comes for the first time."""
    page = visit(
        viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True, device_scale_factor=2
    )
    sign_up(page)
    photos = [np.asarray(Image.open(sample.path).convert("RGB").resize((1200, 800))) for sample in SAMPLES]
    for _ in range(2):
        files: list[FilePayload] = []
        for number in range(30):
            buffer = io.BytesIO()
            Image.fromarray(np.roll(photos[number % 3], 37 * number, axis=1)).save(buffer, "JPEG", quality=85)
            files.append({"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": buffer.getvalue()})
        page.goto("/")
        page.locator("[type=file][multiple]").first.set_input_files(files)
        page.wait_for_url("**/choose?draft=*", timeout=120_000)
    fresh = visit(
        viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True, device_scale_factor=2,
        storage_state=page.context.storage_state(),
    )  # fmt: skip
    fresh.add_init_script(
        """window.largest = 0;
        new PerformanceObserver((list) => { for (const {startTime} of list.getEntries()) window.largest = startTime; })
            .observe({type: "largest-contentful-paint", buffered: true});"""
    )
    watch_shifts(fresh)

    def loaded(address: str) -> int:
        """The bytes that were sent; beside them, what nobody asserts since machines differ."""
        fresh.goto(address, wait_until="networkidle")
        sent: int = fresh.evaluate(
            """() => ["navigation", "resource"].flatMap((type) => performance.getEntriesByType(type))
                .reduce((sum, entry) => sum + entry.transferSize, 0)"""
        )
        print(
            f"\n{address}: {sent / 1000:.0f} KB, largest paint after {fresh.evaluate('window.largest'):.0f} ms"
        )
        assert shifts(fresh) == []
        return sent

    sent = loaded("/library/")
    first = fresh.locator(".tile.photo").first.bounding_box()
    assert first
    print(f"pictures begin at {first['y']:.0f} of 844")
    assert fresh.locator(".tile.photo").count() == 60
    assert sent < 1_000_000
    assert first["y"] < 844 / 3
    assert loaded(fresh.locator(".tile.photo a").first.get_attribute("href") or "") < 1_000_000


def test_the_first_result_takes_three_clicks_and_six_addresses(visit: Visit) -> None:
    page = visit()
    clicks = 0

    def click(selector: str) -> None:
        nonlocal clicks
        clicks += 1
        page.click(selector)

    addresses: list[str] = []
    page.on(
        "request", lambda request: addresses.append(request.url) if request.is_navigation_request() else None
    )
    page.goto("/")
    click("button[value=chelsea]")
    click(".offer[href^='/new/transform?']")
    click("[data-start]")
    wait_for_result(page)
    assert clicks <= 3
    assert len(addresses) <= MOST_ADDRESSES, addresses
