"""Accessibility, stillness, weight and ways of every page."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

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
    page.wait_for_url("**/jobs/")


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
        "/jobs/",
        "/login",
        "/signup",
        "/links/",
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
    visit_and_check("/jobs/")
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
    page.wait_for_url("**link=*")
    page.click("details.recipe summary")
    check("sharing")
    link = page.input_value("[data-share-link]")
    visit_and_check("/links/")
    visit_and_check("/jobs/")
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
    page.goto("/jobs/")
    look("gallery")
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
