"""Pictures of every page, in var/screenshots: `make screenshots ADMIN=ada PASSWORD=…`.

Wide and narrow, light and dark, of a running site with the operations of Latent and an admin of that name; makes
an account there. The few that README shows are copied to docs/screenshots by hand.
"""

import io
import sys
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.browser.chromium import ARGUMENTS, path

FOLDER = Path("var/screenshots")
SIZES = {"wide": (1440, 900), "narrow": (390, 844)}
SCHEMES = ("light", "dark")
LONGEST = 2400
PASSWORD = "korn-blume-7"


def main(site: str, admin: str, password: str) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path(), args=ARGUMENTS)
        context = browser.new_context(base_url=site)
        page = context.new_page()
        page.goto("/signup")
        page.fill("[name=username]", f"alice{int(time.time()) % 1000}")
        page.fill("[name=password1]", PASSWORD)
        page.fill("[name=password2]", PASSWORD)
        page.click("main button.primary")
        page.wait_for_url("**/library/")
        made = {
            "labels": _make(page, "chelsea", "classify"),
            "files": _make(page, "coffee", "augmentation", "count=6"),
            "rotated": _make(page, "astronaut", "transform", "action=rotate&angle=12"),
            "enlarged": _make(page, "chelsea", "super-resolution", "method=bicubic"),
            "cancelled": _make(page, "coffee", "deep-dream", cancel=True),
            "failed": _make(page, "coffee", "style-transfer", "method=gatys&features=vgg19"),
            "styled": _make(page, "astronaut", "style-transfer"),
            "result": _make(page, "coffee", "denoise"),
        }
        page.goto(made["result"])
        page.click("#share > summary")
        page.click("#share button.primary")
        page.wait_for_selector("[data-share-link]")
        made["sharing"], link = f"{page.url}?link=0#share", page.input_value("[data-share-link]")
        state = context.storage_state()
        context = browser.new_context(base_url=site)
        page = context.new_page()
        page.goto("/admin/")
        page.fill("[name=username]", admin)
        page.fill("[name=password]", password)
        page.press("[name=password]", "Enter")
        page.wait_for_url("**/admin/")
        staff = context.storage_state()
        for name, (width, height) in SIZES.items():
            for scheme in SCHEMES:
                narrow = name == "narrow"
                context = browser.new_context(
                    base_url=site, viewport={"width": width, "height": height}, color_scheme=scheme,
                    storage_state=state, is_mobile=narrow, has_touch=narrow,
                )  # fmt: skip
                _all(context.new_page(), f"{name}-{scheme}", made, link, whole=narrow)
                context.close()
                context = browser.new_context(
                    base_url=site, viewport={"width": width, "height": height}, color_scheme=scheme,
                    storage_state=staff,
                )  # fmt: skip
                _admin(context.new_page(), f"{name}-{scheme}")
                context.close()
        browser.close()


def _all(page: Page, suffix: str, made: dict[str, str], link: str, *, whole: bool) -> None:
    def shoot(name: str, address: str = "", *, full: bool = whole) -> None:
        if address:
            page.goto(address)
        page.wait_for_timeout(900)
        _save(page.screenshot(full_page=full), f"{name}-{suffix}")

    shoot("home", "/", full=True)
    for name, address in {"library": "/library/", "albums": "/albums/", "jobs": "/library/jobs"}.items():
        shoot(name, address, full=True)
    for name, address in made.items():
        shoot(name, address, full=whole or name == "sharing")
    page.goto("/")
    page.click("button[value=chelsea]")
    page.wait_for_url("**/choose?*")
    shoot("choose")
    chosen = page.url
    shoot("form", chosen.replace("/choose?", "/new/denoise?"))
    page.click(".fold summary")
    shoot("fine-tuning", full=True)
    page.goto(chosen.replace("/choose?", "/new/deep-dream?"))
    page.click("[data-start]")
    page.wait_for_selector("#stage .plate.over img", timeout=60_000)
    page.wait_for_selector(".plot")
    shoot("running")
    running = page.url
    page.goto(chosen.replace("/choose?", "/new/super-resolution?"))
    page.click("[data-start]")
    page.wait_for_url("**/jobs/*")
    shoot("queued")
    page.click("text=Cancel")
    page.goto(running)
    if page.locator("form.actions button").count():
        page.click("form.actions button")
    for name, address in {
        "links": "/links/",
        "account": "/account/",
        "tokens": "/account/tokens",
        "password": "/account/password",
        "delete-account": "/account/delete",
        "operation": "/operations/style-transfer",
        "weights": "/weights/",
        "card": "/weights/real-esrgan-x4plus",
        "not-found": "/nowhere",
        "empty-form": "/new/super-resolution",
    }.items():
        shoot(name, address, full=True)
    page.context.clear_cookies()
    for name, address in {
        "shared": link,
        "log-in": "/login",
        "sign-up": "/signup",
        "empty-library": "/library/",
    }.items():
        shoot(name, address, full=True)


def _admin(page: Page, suffix: str) -> None:
    for name, address in {
        "admin": "/admin/",
        "admin-jobs": "/admin/jobs/job/",
        "admin-job": "/admin/jobs/job/?status__exact=failed",
    }.items():
        page.goto(address)
        if name == "admin-job":
            page.click("#result_list th a")
            page.wait_for_load_state()
        page.wait_for_timeout(900)
        _save(page.screenshot(full_page=True), f"{name}-{suffix}")


def _make(page: Page, sample: str, operation: str, settings: str = "", *, cancel: bool = False) -> str:
    """A finished job on a sample photo."""
    page.goto("/")
    page.click(f"button[value={sample}]")
    page.wait_for_url("**/choose?*")
    page.goto(f"{page.url.replace('/choose?', f'/new/{operation}?')}&{settings}")
    page.click("[data-start]")
    page.wait_for_url("**/jobs/*")
    if cancel:
        page.click("form.actions button")
    page.wait_for_selector(".status:is(.succeeded, .failed, .cancelled)", timeout=300_000)
    return page.url


def _save(screenshot: bytes, name: str) -> None:
    image = Image.open(io.BytesIO(screenshot)).convert("RGB")
    image = image.crop((0, 0, image.width, min(image.height, LONGEST)))
    image.save(FOLDER / f"{name}.webp", "WEBP", quality=55 if name.startswith("home") else 78, method=5)


if __name__ == "__main__":
    main(*sys.argv[1:])
