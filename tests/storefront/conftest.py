import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.fake_gateway import FakeGateway
from tests.shop import fill, opened

AXE = Path(__file__).parents[2] / "build/node/node_modules/axe-core/axe.min.js"
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
NO_LIMIT: dict[str, Any] = {"searches_per_minute": 0, "requests_per_minute": 0}

Visit: TypeAlias = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not CHROMIUM:
        pytest.skip("no chromium: `make test-storefront` installs it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def gateway() -> Iterator[FakeGateway]:
    with FakeGateway() as gateway:
        fill(gateway)
        gateway.found = {"dress": [f"item-{number:02}" for number in range(0, 40, 2)], "bag": ["item-01", "item-03"]}
        yield gateway


@pytest.fixture
def address(gateway: FakeGateway) -> Iterator[str]:
    with opened(gateway.target, name="Atelier", **NO_LIMIT) as address:
        yield address


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Visit]:
    """Opens the page as some visitor's browser would. A script that fails, or breaks the policy, fails the test."""
    with ExitStack() as stack:
        faults: list[str] = []

        def open_page(path: str = "/", **context: Any) -> Page:
            visitor = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, "locale": "en"} | context)
            stack.callback(visitor.close)
            page = visitor.new_page()
            page.set_default_timeout(10_000)
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.on(
                "console",
                lambda said: faults.append(said.text) if "Content Security Policy" in said.text else None,
            )
            page.goto(address + path)
            if path == "/":
                page.locator(".card:not(.waiting)").first.wait_for()
            return page

        yield open_page
        assert not faults


PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
    "device_scale_factor": 2,
}
