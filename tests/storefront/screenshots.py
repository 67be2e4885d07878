"""``make storefront-images``: the page as it looks, searching the drawn boutique with the shipped models."""

import asyncio
import io
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import PIL.Image
from playwright.async_api import Browser, Page, async_playwright

from clothing_retrieval import AsyncClient, samples
from clothing_retrieval.catalog.boutique import draw_boutique
from clothing_retrieval.catalog.folder import read_folder
from clothing_retrieval.importer import Importer
from clothing_retrieval.up import Options, Stack
from clothing_retrieval.up.logs import to_files
from clothing_retrieval.up.stack import free_port
from tests.shop import opened
from tests.storefront.conftest import PHONE

REPOSITORY = Path(__file__).parents[2]
IMAGES = REPOSITORY / "docs/images"
BUILD = REPOSITORY / "build/storefront"
ITEMS = 300
COLLECTION = "boutique"
PROBE = "pants-0063"
DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}, "locale": "en"}


async def main() -> None:
    boutique = BUILD / "boutique"
    if not (boutique / "probes/pairs.csv").exists():  # it is written last
        await asyncio.to_thread(draw_boutique, boutique, items=ITEMS)
    shutil.rmtree(BUILD / "data", ignore_errors=True)  # of another model, perhaps
    with ExitStack() as cleanup:
        log = cleanup.enter_context(to_files(BUILD / "logs"))
        async with Stack(Options(BUILD / "data", free_port()), log, print) as stack:
            await stack.ready()
            async with AsyncClient(stack.target) as client:
                await Importer(client, collection=COLLECTION).run(read_folder(boutique / "catalogue"))
            address = cleanup.enter_context(opened(stack.target, collection=COLLECTION))
            shots = samples.second_shots(boutique / "probes")
            (photo,) = [shot.path for shot in shots if shot.item_id == PROBE]
            await take_all(address, photo)


async def take_all(address: str, photo: Path) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        await take(browser, address, "storefront-start", DESKTOP, None)
        await take(browser, address, "storefront-desktop", DESKTOP, photo)
        await take(browser, address, "storefront-phone", PHONE | {"locale": "zh-TW", "device_scale_factor": 1}, photo)
        await browser.close()


async def take(browser: Browser, address: str, name: str, context: dict[str, Any], photo: Path | None) -> None:
    visitor = await browser.new_context(reduced_motion="reduce", **context)
    page = await visitor.new_page()
    await page.goto(address)
    await page.locator(".card:not(.waiting)").first.wait_for()
    if photo:
        await page.set_input_files("#file", photo)
        await page.locator("#garments button").first.wait_for()
        await page.locator(".card.waiting").first.wait_for(state="detached")
        await page.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
    await pictures_shown(page)
    save(await page.screenshot(), IMAGES / f"{name}.png")
    await visitor.close()


async def pictures_shown(page: Page) -> None:
    await page.evaluate(
        """() => Promise.all([...document.images]
            .filter((image) => image.getClientRects().length && image.getBoundingClientRect().top < innerHeight)
            .map((image) => image.decode()))"""
    )


def save(screenshot: bytes, path: Path) -> None:
    with PIL.Image.open(io.BytesIO(screenshot)) as picture:
        picture.convert("RGB").save(path, optimize=True)
    print(path.relative_to(REPOSITORY))


if __name__ == "__main__":
    asyncio.run(main())
