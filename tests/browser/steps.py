"""What people do with a page, and what they see."""

import base64
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from jobs.library.samples import SAMPLES

SQUARE = next(sample for sample in SAMPLES if sample.width == sample.height).path


def drop(page: Page, *files: tuple[str, bytes], on: str = "body") -> None:
    """Drag files from the desktop onto something, and let go."""
    page.evaluate(
        """([files, on]) => {
            const transfer = new DataTransfer();
            for (const [name, content] of files) {
                const bytes = Uint8Array.from(atob(content), (char) => char.charCodeAt(0));
                transfer.items.add(new File([bytes], name));
            }
            const target = document.querySelector(on);
            target.scrollIntoView();
            const {left, top} = target.getBoundingClientRect();
            for (const type of ["dragenter", "dragover", "drop"])
                target.dispatchEvent(new DragEvent(type, {
                    bubbles: true, cancelable: true, dataTransfer: transfer, clientX: left + 8, clientY: top + 8,
                }));
        }""",
        [[[name, base64.b64encode(content).decode()] for name, content in files], on],
    )


def drop_photo(page: Page, path: Path = SQUARE) -> None:
    drop(page, (path.name, path.read_bytes()))


def choose(page: Page, operation: str) -> None:
    """Among what is offered for a photo; the laboratory is folded away."""
    offer = page.locator(f".offer[href^='/new/{operation}?']")
    if not offer.is_visible():
        page.locator("details.fold", has=offer).locator("summary").click()
    offer.click()


def wait_until(page: Page, expression: str, seconds: float = 10) -> None:
    """As Playwright's wait_for_function, which asks by eval from within the page, where the policy forbids it."""
    give_up_at = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < give_up_at, f"waited {seconds} s in vain for {expression}"
        page.wait_for_timeout(50)


def wait_for_result(page: Page, milliseconds: float = 60_000) -> None:
    page.wait_for_selector("[data-job-status=succeeded]", timeout=milliseconds)
    page.wait_for_selector("#stage[data-ready] .layer.after img")
    wait_until(page, "document.querySelector('#stage .layer.after img').naturalWidth > 0")


def split(page: Page) -> int:
    return int(page.get_attribute(".split", "aria-valuenow") or -1)


def pictures_arrived(page: Page) -> bool:
    return bool(
        page.evaluate(
            """() => [...document.images].filter((image) => image.checkVisibility())
                .every((image) => image.complete && image.naturalWidth > 0)"""
        )
    )


def press_until(page: Page, key: str, selector: str, most: int = 60) -> None:
    """Press a key, as Tab, until what a selector names has the focus."""
    for _ in range(most):
        if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{selector} cannot be reached by {key}")


def watch_shifts(page: Page) -> None:
    """From the next page on, note what moves: asked later, the browser forgets what was taken off the page since."""
    page.add_init_script(
        """window.shifts = [];
        new PerformanceObserver((list) => {
            for (const {value, sources} of list.getEntries())
                window.shifts.push([value, sources.map(({node, previousRect, currentRect}) =>
                    [node?.outerHTML?.slice(0, 200) ?? node?.data, previousRect, currentRect])]);
        }).observe({type: "layout-shift", buffered: true});"""
    )


def shifts(page: Page) -> list[Any]:
    """How much what was on the page has moved by itself since the page was opened, and what; see `watch_shifts`."""
    page.wait_for_timeout(100)
    found: list[Any] = page.evaluate("window.shifts")
    return found
