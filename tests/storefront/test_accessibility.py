"""axe finds no serious fault, whatever the page shows."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.storefront.conftest import AXE, PHONE, Visit
from tests.storefront.test_page import TEXT, search

LOOKS: dict[str, dict[str, Any]] = {
    "desktop": {},
    "dark": {"color_scheme": "dark"},
    "phone": PHONE | {"locale": "zh-TW"},
}


def faults(page: Page) -> list[str]:
    if not AXE.exists():
        pytest.skip("no axe-core: `make test-storefront` installs it")
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run()")
    assert found["passes"]
    return [
        f"{one['impact']}: {one['help']}: {', '.join(node['html'] for node in one['nodes'])}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("look", LOOKS)
def test_no_serious_fault(visit: Visit, look: str) -> None:
    page = visit(reduced_motion="reduce", **LOOKS[look])
    assert not faults(page)

    search(page)
    page.locator("#filters").evaluate("filters => { filters.open = true }")
    assert not faults(page)

    page.locator(".card .like").first.click()
    expect(page.locator("#back")).to_be_visible()
    expect(page.locator(".card.waiting")).to_have_count(0)
    assert not faults(page)

    page.locator("[name=price_min]").fill("90000")
    expect(page.locator("#empty")).to_be_visible()
    page.set_input_files("#file", TEXT)
    expect(page.get_by_role("alert")).to_be_visible()
    assert not faults(page)


def test_the_reference_of_the_api_has_none_either(visit: Visit) -> None:
    page = visit("/docs")
    expect(page.get_by_role("heading", name="POST /v1/search")).to_be_visible()
    expect(page.locator("section")).to_have_count(8)
    assert not faults(page)
