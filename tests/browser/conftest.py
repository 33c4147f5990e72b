"""A real Chromium before a real site with a real worker."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

from ml import registry as ml_registry
from tests.browser.chromium import ARGUMENTS, path
from tests.browser.steps import choose
from tests.conftest import end
from tests.operations import OPERATIONS
from tests.support import Redis, Worker

PATIENCE_MILLISECONDS = 20_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    executable = path()
    if executable is None:
        reason = "There is no Chromium: install the package chromium (apt install chromium)."
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    # Playwright's loop runs in this thread, and Django cannot know that no query waits for it.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def lab_worker(django_db_setup: None, redis_server: Redis) -> Iterator[Worker]:
    """A worker for all tests of a module: its networks take long to import."""
    worker = Worker("browser")
    yield worker
    end([worker])


@pytest.fixture
def site(
    live_server: LiveServer, redis: Redis, lab_worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The address of a site with the operations of Latent and those of the tests."""
    monkeypatch.setenv("LATENT_ROOMS", OPERATIONS)
    ml_registry.registry.cache_clear()
    yield live_server.url
    ml_registry.registry.cache_clear()


class Visit:
    """Browser contexts, each a person's own, and what the browser complained of in them."""

    def __init__(self, chromium: Browser, site: str) -> None:
        self._chromium = chromium
        self._site = site
        self.contexts: list[BrowserContext] = []
        self.complaints: list[str] = []

    def __call__(self, **options: Any) -> Page:
        """A page of somebody who has not been here before."""
        context = self._chromium.new_context(
            base_url=self._site, **({"viewport": {"width": 1440, "height": 900}} | options)
        )
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        self.contexts.append(context)
        page = context.new_page()
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.complaints.append(message.text)


@pytest.fixture
def visit(chromium: Browser, site: str) -> Iterator[Visit]:
    """Opens pages; in the end no script may have failed and the content security policy may have stopped nothing."""
    visits = Visit(chromium, site)
    yield visits
    for context in visits.contexts:
        context.close()
    assert visits.complaints == []


@pytest.fixture
def start_job() -> Callable[..., str]:
    """From the home page to a job on a sample photo, by mouse; the address of the job."""

    def start(page: Page, operation: str, sample: str = "coffee", settings: str = "") -> str:
        page.goto("/")
        page.click(f"button[value={sample}]")
        page.wait_for_url("**/choose?*")
        if settings:
            page.goto(page.url.replace("/choose?", f"/new/{operation}?") + "&" + settings)
        else:
            choose(page, operation)
        page.click("[data-start]")
        page.wait_for_url("**/jobs/*")
        return page.url

    return start
