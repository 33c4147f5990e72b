"""From a photo to a shared result, and who can see what on the way."""

import itertools
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from jobs.models import Job
from ml.core import recipe as recipes
from tests.browser.conftest import Visit
from tests.browser.steps import (
    SQUARE,
    choose,
    drop,
    drop_photo,
    pictures_arrived,
    press_until,
    split,
    wait_for_result,
    wait_until,
)
from tests.conftest import Person
from tests.site import Site, free_port

COFFEE = Path("static/samples/coffee.jpg")


def log_in(page: Page, name: str) -> None:
    page.goto("/login")
    page.fill("[name=username]", name)
    page.fill("[name=password]", name)
    page.click("main button.primary")
    page.wait_for_url("**/library/")


def test_alice_makes_and_shares_bob_sees_and_charlie_does_not(
    visit: Visit, alice: Person, charlie: Person, tmp_path: Path
) -> None:
    page = visit()
    log_in(page, "alice")

    page.goto("/")
    drop_photo(page)
    page.wait_for_url("**/choose?photo=*")
    choose(page, "nap")
    page.fill("[name=seconds]", "4")
    expect(page.locator("#cost")).to_contain_text("About 4 s on this machine")
    page.click("[data-start]")
    page.wait_for_url("**/jobs/*")
    job_address = page.url

    # Progress moves, and a preview takes the place of the photo.
    page.wait_for_selector("#live[data-status=running]")
    page.wait_for_selector("#stage .plate.over img")
    preview_address = page.get_attribute("#live", "data-preview")
    fractions = []
    while page.locator("#live").count():
        fractions.append(page.evaluate("document.querySelector('#live progress')?.value ?? 1"))
        page.wait_for_timeout(300)
    moving = [fraction for fraction, _ in itertools.groupby(fractions)]
    assert len(moving) >= 3
    assert moving == sorted(moving)

    # The result develops; the split goes by mouse and by keyboard.
    wait_for_result(page)
    wait_until(page, "document.querySelector('.split').ariaValueNow === '50'")
    box = page.locator(".split").bounding_box()
    viewer = page.locator(".viewer").bounding_box()
    assert box
    assert viewer
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(viewer["x"] + viewer["width"] / 2 - 150, box["y"] + 60, steps=5)
    page.mouse.up()
    dragged = split(page)
    assert 5 < dragged < 45
    page.focus(".split")
    page.keyboard.press("ArrowRight")
    assert split(page) == dragged + 2
    page.keyboard.press("End")
    assert split(page) == 100
    page.keyboard.press("Home")
    assert split(page) == 0
    assert "percent of the left one" in (page.get_attribute(".split", "aria-valuetext") or "")

    # She shares it; Bob, whom the site does not know, sees result and original.
    page.click("#share > summary")
    page.click("#share button.primary")
    link = page.input_value("[data-share-link]")
    bob = visit()
    response = bob.goto(link)
    assert response
    assert response.status == 200
    bob.wait_for_selector("#stage[data-ready]")
    wait_until(bob, "[...document.querySelectorAll('.layer img')].every((image) => image.naturalWidth > 0)")
    shared_picture = bob.get_attribute(".layer.after img", "src")
    assert "alice" not in bob.content()

    # Charlie, logged in, finds neither the job nor the photo, the result or the preview.
    other = visit()
    log_in(other, "charlie")
    job = Job.objects.get()
    photo = job.inputs.get().asset_id
    for address in (
        job_address,
        f"/files/photos/{photo}",
        f"/files/outputs/{job.outputs.get().id}",
        preview_address,
    ):
        assert address
        assert page.request.get(address).status == 200, address
        assert other.request.get(address).status == 404, address

    # The link is revoked, and dead at once, picture included.
    page.click(".link form button")
    page.wait_for_selector("[data-share-link]", state="detached")
    gone = bob.reload()
    assert gone
    assert gone.status == 404
    assert shared_picture
    assert bob.request.get(shared_picture).status == 404

    # The file she downloads carries its recipe: dropping it opens the form with those settings.
    with page.expect_download() as download:
        page.click(".actions a.primary")
    saved = tmp_path / "result.png"
    download.value.save_as(saved)
    recipe = recipes.extract(saved)
    assert recipe
    assert recipe["params"] == {"seconds": 4.0}
    page.goto("/")
    drop(page, ("result.png", saved.read_bytes()))
    page.wait_for_url("**/new/nap?*")
    assert page.input_value("[name=seconds]") == "4"
    assert page.input_value("[name=slot-photo]") == str(photo)


def test_ada_finds_a_failed_job_in_the_history_and_requeues_it(
    visit: Visit, alice: Person, ada: Person, start_job: Callable[..., str]
) -> None:
    page = visit()
    log_in(page, "alice")
    address = start_job(page, "nap", settings="seconds=1")
    wait_for_result(page)
    # As it would stand had its worker been lost three times.
    job = Job.objects.get()
    job.outputs.all().delete()
    Job.objects.update(status="failed", losses=3, error_code="worker_lost", error_text="It was lost.")
    assert "It was lost." in (page.reload() and page.inner_text(".failure"))

    admin = visit()
    admin.goto("/admin/")
    admin.fill("[name=username]", "ada")
    admin.fill("[name=password]", "ada")
    admin.press("[name=password]", "Enter")
    admin.wait_for_url("**/admin/")
    admin.goto("/admin/jobs/job/?status__exact=failed")
    admin.click(f"#result_list a[href*='/jobs/job/{job.pk}/']")
    expect(admin.locator(".latent-error")).to_contain_text("worker_lost")
    admin.click("text=Requeue")
    expect(admin.locator("#job .latent-stage img")).to_be_visible()
    expect(admin.locator("#job")).to_contain_text("tried again")

    page.goto(address)
    wait_for_result(page)
    job.refresh_from_db()
    assert (job.status, job.attempt, job.losses) == ("succeeded", 2, 0)


def test_several_photos_are_sent_side_by_side_and_make_a_job_each(visit: Visit) -> None:
    page = visit()
    page.goto("/")
    drop(page, ("one.jpg", COFFEE.read_bytes()), ("two.jpg", SQUARE.read_bytes()))
    page.wait_for_url("**/choose?draft=*")
    expect(page.locator("h1")).to_have_text("What should happen to these 2 photos?")
    page.click(".offer[href^='/new/transform?']")
    expect(page.locator("[data-start]")).to_have_text("Start with 2 photos")
    page.click("[data-start]")
    page.wait_for_url("**/batches/*")
    expect(page.locator(".tile.succeeded")).to_have_count(2, timeout=30_000)


def test_a_file_that_is_no_picture_is_refused_beside_those_that_are(visit: Visit) -> None:
    page = visit()
    page.goto("/")
    drop(page, ("song.mp3", b"ID3 no picture at all" * 9), ("photo.jpg", COFFEE.read_bytes()))
    expect(page.locator(".upload.failed")).to_contain_text("cannot be read here")
    page.click("[data-uploads] button.primary")
    page.wait_for_url("**/choose?photo=*")


def test_a_photo_is_pasted_and_a_form_takes_one_by_dropping(visit: Visit) -> None:
    page = visit()
    page.goto("/new/transform")
    drop(page, ("photo.jpg", COFFEE.read_bytes()))
    expect(page.locator(".slot-main .slot-photo img")).to_have_attribute("width", "600")
    expect(page.locator("#cost")).to_contain_text("on this machine")
    page.goto("/")
    page.evaluate(
        """(content) => {
            const bytes = Uint8Array.from(content);
            const clipboardData = new DataTransfer();
            clipboardData.items.add(new File([bytes], "pasted.jpg"));
            document.body.dispatchEvent(new ClipboardEvent("paste", {bubbles: true, cancelable: true, clipboardData}));
        }""",
        list(COFFEE.read_bytes()),
    )
    page.wait_for_url("**/choose?photo=*")


def test_a_running_job_is_cancelled_and_a_failed_one_says_why(
    visit: Visit, start_job: Callable[..., str]
) -> None:
    page = visit()
    start_job(page, "nap", settings="seconds=60")
    page.wait_for_selector("#live[data-status=running]")
    page.click("text=Cancel")
    page.wait_for_selector("[data-job-status=cancelled]", timeout=10_000)
    start_job(page, "picky")
    expect(page.locator(".failure")).to_contain_text("This photo is too blue. Take another one.")
    assert page.title().startswith("Picky · Failed")


def test_zoom_and_split_stay_when_the_view_changes(visit: Visit, start_job: Callable[..., str]) -> None:
    page = visit()
    start_job(page, "denoise")
    wait_for_result(page)
    page.focus(".split")
    page.keyboard.press("+")
    page.keyboard.press("+")
    width = "document.querySelector('.layer.after img').getBoundingClientRect().width"
    zoomed = page.evaluate(width)
    page.click("[data-show=after]")
    assert page.evaluate(width) == zoomed
    assert not page.is_visible(".layer.before")
    page.click("[data-show=compare]")
    page.click("[data-zoom=fit]")
    assert page.evaluate(width) < zoomed
    assert page.is_visible(".layer.before")


def test_the_page_asks_seldom_while_its_tab_is_hidden_and_at_once_when_it_is_back(
    visit: Visit, start_job: Callable[..., str]
) -> None:
    page = visit()
    start_job(page, "nap", settings="seconds=30")
    page.wait_for_selector("#live[data-status=running]")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/status" in request.url else None)
    hide = """(hidden) => {
        Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(hide, True)
    page.wait_for_timeout(1500)
    asked.clear()
    page.wait_for_timeout(4000)
    assert asked == []
    page.wait_for_timeout(8000)
    assert len(asked) == 1
    asked.clear()
    page.evaluate(hide, False)
    page.wait_for_timeout(300)
    assert asked
    page.click("text=Cancel")


def test_the_whole_way_by_keyboard_alone(visit: Visit) -> None:
    page = visit()
    page.goto("/")
    press_until(page, "Tab", "button[value=astronaut]")
    page.keyboard.press("Enter")
    page.wait_for_url("**/choose?*")
    press_until(page, "Tab", ".offer[href^='/new/transform?']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/new/transform?*")
    press_until(page, "Tab", "[name=percent]")
    page.keyboard.press("Control+a")
    page.keyboard.type("25")
    press_until(page, "Tab", "[data-start]")
    page.keyboard.press("Enter")
    page.wait_for_url("**/jobs/*")
    wait_for_result(page)
    press_until(page, "Tab", ".split")
    page.keyboard.press("Home")
    assert split(page) == 0
    press_until(page, "Tab", "#share > summary")
    page.keyboard.press("Enter")
    press_until(page, "Tab", "#share button.primary")
    page.keyboard.press("Enter")
    link = page.input_value("[data-share-link]")
    press_until(page, "Tab", "#share .link form button")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-share-link]", state="detached")
    assert page.request.get(link).status == 404
    press_until(page, "Tab", "details:has(.danger) > summary")
    page.keyboard.press("Enter")
    press_until(page, "Tab", ".danger")
    page.keyboard.press("Enter")
    page.wait_for_url("**/library/")
    assert not Job.objects.exists()


def test_a_phone_goes_the_whole_way(visit: Visit, start_job: Callable[..., str]) -> None:
    page = visit(
        viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True, device_scale_factor=2
    )
    start_job(page, "transform")
    wait_for_result(page)
    for address in (
        "/",
        "/library/",
        "/library/jobs",
        "/albums/",
        page.url,
        "/new/super-resolution",
        "/operations/transform",
        "/weights/",
    ):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, address


def test_without_scripts_a_file_goes_in_and_the_result_comes_out(visit: Visit) -> None:
    page = visit(java_script_enabled=False)
    page.goto("/")
    page.locator("[name=file][multiple]").set_input_files(COFFEE)
    page.click("text=Upload")
    choose(page, "nap")
    page.fill("[name=seconds]", "3")
    page.click("[data-start]")
    page.wait_for_url("**/jobs/*")
    # It refreshes itself until the result is there, side by side with the original.
    expect(page.locator(".status.succeeded")).to_be_visible(timeout=30_000)
    before, after = (page.locator(f".layer.{side} img").bounding_box() for side in ("before", "after"))
    assert before
    assert after
    assert after["x"] + after["width"] <= before["x"] or before["y"] >= after["y"] + after["height"]
    page.click("#share > summary")
    page.click("#share button.primary")
    link = page.input_value("[data-share-link]")
    assert page.request.get(link).status == 200
    page.goto("/library/jobs")
    page.locator(".tick input").check()
    page.click(".selection summary")
    page.click(".selection .danger")
    expect(page.locator(".tile")).to_have_count(0)


def test_reduced_motion_is_respected(visit: Visit, start_job: Callable[..., str]) -> None:
    page = visit(reduced_motion="reduce")
    page.add_init_script(
        """window.motions = [];
        for (const kind of ["animationstart", "transitionrun"])
            document.addEventListener(kind, (event) => {
                const longest = Math.max(0, ...event.target.getAnimations().map((one) => one.effect.getTiming().duration));
                if (longest > 1) window.motions.push([kind, event.animationName ?? event.propertyName, longest]);
            }, true);"""
    )
    start_job(page, "nap", sample="astronaut", settings="seconds=2")
    wait_for_result(page)
    page.wait_for_timeout(300)
    assert split(page) == 50
    assert page.evaluate("window.motions") == []


@pytest.mark.slow
def test_jobs_are_found_again_after_the_tab_was_closed_and_the_service_restarted(
    chromium: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENT_ROOMS", "tests.operations.nap")
    port = free_port()
    site = Site(tmp_path / "home", port)
    context = chromium.new_context(base_url=site.url)
    try:
        site.wait_until_ready()
        page = context.new_page()
        for seconds in (1, 6):
            page.goto("/new/nap")
            page.fill("[name=seconds]", str(seconds))
            page.click("[data-start]")
            page.wait_for_url("**/jobs/*")
        page.wait_for_selector("#live[data-status=running]", timeout=60_000)
        page.close()
        site.end()
        site = Site(tmp_path / "home", port)
        site.wait_until_ready()
        page = context.new_page()
        page.goto("/library/jobs")
        assert page.locator("[name=job]").count() == 2
        expect(page.locator("[name=job]")).to_have_count(2)
        expect(page.locator(".tile.succeeded:has([name=job])")).to_have_count(2, timeout=60_000)
    finally:
        context.close()
        site.end()
        assert not os.path.exists(f"/proc/{site.started.pid}")


def test_pictures_of_every_page_arrive(visit: Visit, start_job: Callable[..., str]) -> None:
    page = visit()
    start_job(page, "transform", settings="action=rotate&angle=10")
    wait_for_result(page)
    for address in ("/", "/library/", "/library/jobs", "/albums/", page.url, "/operations/denoise"):
        page.goto(address, wait_until="networkidle")
        for image in page.locator("img[loading=lazy]").all():  # what lies far below comes when it is near
            image.scroll_into_view_if_needed()
        page.wait_for_load_state("networkidle")
        assert pictures_arrived(page), address
