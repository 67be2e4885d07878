"""What a shopper does, in a real browser."""

import io
from collections.abc import Iterator

import grpc
import PIL.Image
import pytest
from playwright.sync_api import FilePayload, Page, Route, expect

from clothing_retrieval.v1.types_pb2 import Item
from tests.fake_gateway import FakeGateway, picture, status
from tests.storefront.conftest import PHONE, Visit

PHOTO: FilePayload = {"name": "street.jpg", "mimeType": "image/jpeg", "buffer": picture(size=(480, 640))}
TEXT: FilePayload = {"name": "notes.jpg", "mimeType": "image/jpeg", "buffer": b"these are notes"}
AWAY = status(grpc.StatusCode.UNAVAILABLE, "segment is restarting", reason="UNAVAILABLE", service="segment")


@pytest.fixture(autouse=True)
def patience() -> Iterator[None]:
    expect.set_options(timeout=10_000)
    yield
    expect.set_options(timeout=5_000)


def hold(page: Page, address: str) -> list[Route]:
    """Requests there wait from now on: the held ones."""
    held: list[Route] = []
    page.route(address, lambda route: held.append(route))
    return held


def release(page: Page, held: list[Route], count: int = 1) -> None:
    """Lets the last of them go on, as soon as there are so many."""
    while len(held) < count:
        page.wait_for_timeout(20)  # lets the handler run
    held[-1].continue_()


def expect_waiting(page: Page, said: str) -> None:
    expect(page.locator("#found")).to_have_attribute("aria-busy", "true")
    expect(page.locator(".card.waiting")).not_to_have_count(0)
    expect(page.locator("#count")).to_have_text(said)
    expect(page.locator("#empty")).to_be_hidden()


def search(page: Page, photo: FilePayload = PHOTO) -> None:
    page.set_input_files("#file", photo)
    expect(page.locator("#garments button").first).to_be_visible()
    expect(page.locator(".card.waiting")).to_have_count(0)


def searches(gateway: FakeGateway) -> int:
    return sum(type(request).__name__ == "SearchRequest" for request in gateway.requests)


def heading(page: Page) -> str:
    return page.locator("#heading").inner_text()


def test_a_photo_shows_its_garments_and_the_items_most_like_the_largest(visit: Visit) -> None:
    page = visit()
    search(page)

    expect(page.locator("#garments button")).to_have_text(["1 Dress", "2 Bag", "Skirt, perhaps"])
    assert heading(page) == "Like the dress"
    assert page.title() == "Like the dress · Atelier"
    expect(page.locator(".card")).to_have_count(12)
    expect(page.locator("#status")).to_have_text("2 pieces of clothing found in your photo. The 20 nearest pieces")
    first = page.locator(".card").first
    assert first.locator("a").get_attribute("href") == "https://boutique.example/items/0"
    assert first.locator(".prices").inner_text() == "NT$1,000"
    expect(first.locator("img")).to_have_js_property("complete", True)
    assert first.locator("img").evaluate("image => image.naturalWidth") == 120


def test_a_sale_shows_both_prices(visit: Visit) -> None:
    page = visit()
    search(page)
    page.locator("#garments button").nth(1).click()
    expect(page.locator(".card")).to_have_count(2)
    sale = page.locator(".card").nth(1).locator(".prices")
    assert sale.locator("ins").inner_text().endswith("NT$530")
    assert sale.locator("del").inner_text().endswith("NT$1,030")


def test_a_garment_is_chosen_by_a_tap_on_the_photo(visit: Visit) -> None:
    page = visit(**PHONE)
    search(page)
    box = page.locator("#frame").bounding_box()
    assert box
    # The fake gateway finds a bag around (95, 115) of 120 × 160.
    page.touchscreen.tap(box["x"] + box["width"] * 95 / 120, box["y"] + box["height"] * 115 / 160)
    expect(page.locator("#heading")).to_have_text("Like the bag")
    expect(page.locator("#garments button").nth(1)).to_have_attribute("aria-pressed", "true")


def test_filters_apply_without_a_second_upload(visit: Visit, gateway: FakeGateway) -> None:
    page = visit()
    search(page)
    page.locator("[name=gender]").select_option("male")
    page.locator("[name=price_max]").fill("1200")
    page.locator("[name=in_stock]").check()
    # Of the even numbers up to 20: men's or for both, and not every fifth, which is sold out.
    expect(page.locator(".card .title")).to_have_text(["Piece 2", "Piece 8", "Piece 10", "Piece 16", "Piece 20"])
    expect(page.locator("#status")).to_have_text("The 5 nearest pieces")
    assert searches(gateway) == 1

    page.locator("#clear").click()
    expect(page.locator(".card")).to_have_count(12)
    assert searches(gateway) == 1


def test_where_too_few_are_left_the_shop_is_asked_for_more(visit: Visit, gateway: FakeGateway) -> None:
    near, far = ([f"{where}-{number:02}" for number in range(60)] for where in ("near", "far"))
    for id in (*near, *far):
        gateway.items[id] = Item(id=id, title=id, category="dress", price=1000 if id in near else 10)
    gateway.found["dress"] = [*near, *far[:30]]
    page = visit()
    search(page)
    page.locator("[name=price_max]").fill("20")
    expect(page.locator(".card .title").first).to_have_text("far-00")
    expect(page.locator("#count")).to_have_text("The 30 nearest pieces")
    assert searches(gateway) == 2


def test_nothing_that_meets_the_filters_is_said_and_mended(visit: Visit) -> None:
    page = visit()
    search(page)
    page.locator("[name=price_min]").fill("90000")
    expect(page.locator("#empty-text")).to_have_text("Nothing like this meets your filters.")
    expect(page.locator(".card")).to_have_count(0)
    page.locator("#empty-clear").click()
    expect(page.locator(".card")).to_have_count(12)
    assert page.locator("[name=price_min]").input_value() == ""


def test_prices_that_exclude_each_other_are_said(visit: Visit) -> None:
    page = visit()
    page.locator("#filters summary").click()
    page.locator("[name=price_min]").fill("2000")
    page.locator("[name=price_max]").fill("1000")
    expect(page.locator("#empty-text")).to_have_text("The lowest price is above the highest.")


def test_a_garment_that_nothing_is_like_is_said(visit: Visit, gateway: FakeGateway) -> None:
    gateway.found["bag"] = []
    page = visit()
    search(page)
    page.locator("#garments button").nth(1).click()
    expect(page.locator("#empty-text")).to_have_text("We have nothing like this.")


def test_a_photo_without_clothes_is_searched_as_a_whole_and_says_so(visit: Visit, gateway: FakeGateway) -> None:
    gateway.whole_photo = True
    page = visit()
    page.set_input_files("#file", PHOTO)
    expect(page.locator("#whole")).to_be_visible()
    expect(page.locator("#heading")).to_have_text("Like your photo")
    expect(page.locator(".card")).to_have_count(12)


def test_more_like_an_item_and_back_again(visit: Visit) -> None:
    page = visit()
    search(page)
    page.get_by_role("button", name="More like this: Piece 2", exact=True).click()
    expect(page.locator("#heading")).to_have_text("More like “Piece 2”")
    expect(page.locator("#heading")).to_be_focused()
    expect(page.locator(".card .title").first).to_have_text("Piece 0")
    assert "Piece 2" not in page.locator(".card .title").all_inner_texts()

    page.locator("#back").click()
    expect(page.locator("#heading")).to_have_text("Like the dress")
    page.go_back()
    expect(page.locator("#heading")).to_have_text("From the shop")
    expect(page.locator("h1")).to_be_visible()


def test_more_are_shown_when_asked_for(visit: Visit) -> None:
    page = visit()
    search(page)
    page.locator("#more").click()
    expect(page.locator(".card")).to_have_count(20)
    expect(page.locator(".card").nth(12).locator("a")).to_be_focused()
    expect(page.locator("#more")).to_be_hidden()


def test_a_bad_file_is_said_and_never_sent(visit: Visit, gateway: FakeGateway) -> None:
    page = visit()
    page.set_input_files("#file", TEXT)
    expect(page.get_by_role("alert")).to_contain_text("no photo that we can open")
    expect(page.locator("#notice-choose")).to_be_focused()
    assert searches(gateway) == 0
    search(page)
    expect(page.locator("#notice")).to_be_hidden()


def test_a_gateway_that_is_away_is_said_and_tried_again(visit: Visit, gateway: FakeGateway) -> None:
    page = visit()
    gateway.failures["Search"].extend([AWAY] * 4)  # the client itself tries four times
    page.set_input_files("#file", PHOTO)
    expect(page.get_by_role("alert")).to_contain_text("away for a moment")
    expect(page.locator("#retry")).to_be_focused()
    page.locator("#retry").click()
    expect(page.locator("#heading")).to_have_text("Like the dress")
    expect(page.locator("#notice")).to_be_hidden()


def test_a_shop_that_cannot_be_reached_is_said(visit: Visit) -> None:
    page = visit()
    page.context.set_offline(True)
    page.set_input_files("#file", PHOTO)
    expect(page.get_by_role("alert")).to_contain_text("Is your device online?")
    page.context.set_offline(False)
    page.locator("#retry").click()
    expect(page.locator("#heading")).to_have_text("Like the dress")


def test_a_photo_that_only_the_gateway_cannot_read_is_said(visit: Visit, gateway: FakeGateway) -> None:
    page = visit()
    gateway.failures["Search"].append(
        status(grpc.StatusCode.INVALID_ARGUMENT, "image: too many pixels", reason="INVALID_IMAGE")
    )
    page.set_input_files("#file", PHOTO)
    expect(page.get_by_role("alert")).to_contain_text("no photo that we can open")


def test_a_large_picture_is_made_smaller_before_it_is_sent(visit: Visit, gateway: FakeGateway) -> None:
    page = visit()
    large = {"name": "large.png", "mimeType": "image/png", "buffer": picture(size=(3000, 2000), kind="PNG")}
    search(page, large)  # type: ignore[arg-type]
    sent = [request for request in gateway.requests if type(request).__name__ == "SearchRequest"][0]
    with PIL.Image.open(io.BytesIO(sent.image.encoded)) as small:
        assert (small.format, small.size) == ("JPEG", (1280, 853))


def test_everything_works_by_keyboard_alone(visit: Visit) -> None:
    page = visit()
    page.on("filechooser", lambda _: None)  # else the browser is told to hand it over only when it may be open already
    press = page.keyboard.press

    def go_to(selector: str, most: int = 40) -> None:
        for _ in range(most):
            press("Tab")
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"{selector} is not reached by the Tab key")

    go_to("#choose")
    with page.expect_file_chooser() as chosen:
        press("Enter")
    chosen.value.set_files(PHOTO)
    expect(page.locator("#heading")).to_be_focused()
    press("Shift+Tab")  # the button for another photo
    for _ in range(2):  # over the alternative to the bag
        press("Shift+Tab")
    press("Enter")
    expect(page.locator("#heading")).to_have_text("Like the bag")
    go_to("[name=gender]")
    press("ArrowDown")
    expect(page.locator("#filtered")).to_have_text("1")
    go_to(".card .like")
    press("Enter")
    expect(page.locator("#heading")).to_be_focused()
    press("Shift+Tab")
    press("Enter")
    expect(page.locator("#heading")).to_have_text("Like the bag")


def test_a_photo_may_be_dropped_or_pasted(visit: Visit) -> None:
    give = """async ([event, bytes]) => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(bytes)], "a.jpg", { type: "image/jpeg" }));
        const given = { bubbles: true, cancelable: true, dataTransfer: data, clipboardData: data };
        const Given = event === "drop" ? DragEvent : ClipboardEvent;
        document.body.dispatchEvent(new Given(event, given));
    }"""
    for event in ("drop", "paste"):
        page = visit()
        page.evaluate(give, [event, list(picture())])
        expect(page.locator("#heading")).to_have_text("Like the dress")


def test_it_speaks_the_browsers_language_and_the_one_that_was_chosen(visit: Visit) -> None:
    page = visit(locale="zh-TW")
    assert page.locator("h1").inner_text() == "用照片找衣服"
    assert page.locator("html").get_attribute("lang") == "zh-Hant"
    search(page)
    expect(page.locator("#garments button")).to_have_text(["1 洋裝", "2 包包", "也可能是裙子"])
    assert heading(page) == "與洋裝相似"
    page.locator("#garments button").nth(2).click()
    expect(page.locator("#heading")).to_have_text("與裙子相似")

    page.locator("#language").click()
    assert heading(page) == "Like the skirt"
    page.locator("#garments button").nth(0).click()
    assert heading(page) == "Like the dress"
    expect(page.locator(".card .like").first).to_have_text("More like this")
    page.reload()
    expect(page.locator("h1")).to_have_text("Find it by a photo")


def test_what_the_catalogue_says_is_text_and_nothing_else(visit: Visit, gateway: FakeGateway) -> None:
    gateway.items["item-00"].title = "<img src=x onerror=alert(1)>"
    gateway.items["item-00"].url = "javascript:alert(1)"
    page = visit()
    search(page)
    first = page.locator(".card").first
    expect(first.locator(".title")).to_have_text("<img src=x onerror=alert(1)>")
    expect(first.locator("a")).to_have_count(0)


def test_an_item_without_a_picture_shows_a_letter(visit: Visit, gateway: FakeGateway) -> None:
    del gateway.pictures["item-00"]
    page = visit()
    search(page)
    expect(page.locator(".card").first.locator(".letter")).to_have_text("D")


@pytest.mark.parametrize("width", [320, 390, 820])
def test_nothing_is_wider_than_the_screen(visit: Visit, width: int) -> None:
    page = visit(**PHONE | {"viewport": {"width": width, "height": 800}})
    expect(page.locator("#take")).to_be_visible()
    assert page.locator("#camera").get_attribute("capture") == "environment"
    page.locator("#filters summary").click()
    for act in (lambda: None, lambda: search(page), lambda: page.locator(".card .like").first.click()):
        act()
        expect(page.locator(".card.waiting")).to_have_count(0)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_it_shows_that_it_works_and_a_later_photo_makes_an_earlier_one_void(visit: Visit) -> None:
    page = visit()
    held = hold(page, "**/v1/search*")
    page.set_input_files("#file", PHOTO)
    expect(page.locator("#status")).to_have_text("Looking for the clothes in your photo …")
    expect(page.locator("#photo")).to_have_class("photo busy")
    expect(page.locator("#found")).to_have_attribute("aria-busy", "true")
    expect(page.locator(".card.waiting")).not_to_have_count(0)

    page.set_input_files("#file", TEXT)  # says what is wrong, and stops nothing
    expect(page.get_by_role("alert")).to_be_visible()
    with page.expect_event("requestfailed") as failed:
        page.set_input_files("#file", PHOTO)
    assert "ERR_ABORTED" in (failed.value.failure or "")
    expect(page.locator("#notice")).to_be_hidden()
    release(page, held, count=2)
    expect(page.locator("#heading")).to_have_text("Like the dress")
    expect(page.locator("#photo")).to_have_class("photo")


def test_too_many_searches_are_said_with_how_long_to_wait(visit: Visit) -> None:
    page = visit()
    page.route("**/v1/search*", lambda route: route.fulfill(status=429, json={"retry_after_s": 7.2}))
    page.set_input_files("#file", PHOTO)
    expect(page.get_by_role("alert")).to_contain_text("Please wait 8 seconds.")
    page.unroute_all()
    page.locator("#retry").click()
    expect(page.locator("#heading")).to_have_text("Like the dress")


def test_another_language_during_a_search_still_says_that_it_runs(visit: Visit) -> None:
    page = visit()
    held = hold(page, "**/v1/search*")
    page.set_input_files("#file", PHOTO)
    expect_waiting(page, "Looking for the clothes in your photo …")
    page.locator("#language").click()
    expect_waiting(page, "正在尋找照片裡的衣服…")
    release(page, held)
    expect(page.locator("#heading")).to_have_text("與洋裝相似")


def test_another_language_while_the_shop_comes_does_not_say_that_it_is_empty(visit: Visit) -> None:
    page = visit()
    shop = hold(page, "**/v1/items?*")
    page.reload()
    while not shop:
        page.wait_for_timeout(20)
    page.wait_for_timeout(300)  # cards are shown to wait a little later
    expect_waiting(page, "One moment …")
    page.locator("#language").click()
    expect_waiting(page, "請稍候…")


def test_neither_a_language_nor_a_filter_changes_what_is_said_of_a_search_that_failed(
    visit: Visit, gateway: FakeGateway
) -> None:
    page = visit()
    gateway.failures["Search"].extend([AWAY] * 4)
    page.set_input_files("#file", PHOTO)
    expect(page.locator("#retry")).to_be_focused()
    for act in (lambda: page.locator("#language").click(), lambda: page.locator("[name=in_stock]").check()):
        act()
        page.wait_for_timeout(400)  # a filter waits for the next key
        expect(page.locator("#retry")).to_be_visible()
        expect(page.locator("#empty")).to_be_hidden()
        expect(page.locator(".card")).to_have_count(0)
        expect(page.locator("#count")).to_have_text("")
    page.locator("#retry").click()
    expect(page.locator("#heading")).to_have_text("與洋裝相似")


def test_a_filter_during_a_search_lists_nothing_else_and_applies_to_its_matches(visit: Visit) -> None:
    page = visit()
    search(page)
    held = hold(page, "**/v1/search*")
    page.set_input_files("#file", PHOTO)
    expect_waiting(page, "Looking for the clothes in your photo …")
    page.locator("[name=price_max]").fill("1040")
    expect(page.locator("#filtered")).to_have_text("1")
    expect_waiting(page, "Looking for the clothes in your photo …")
    release(page, held)
    expect(page.locator(".card .title")).to_have_text(["Piece 0", "Piece 2", "Piece 4"])


def test_back_during_a_search_stops_it_and_forward_searches_again(visit: Visit) -> None:
    page = visit()
    held = hold(page, "**/v1/search*")
    page.set_input_files("#file", PHOTO)
    expect_waiting(page, "Looking for the clothes in your photo …")
    with page.expect_event("requestfailed") as failed:
        page.go_back()
    assert "ERR_ABORTED" in (failed.value.failure or "")
    expect(page.locator("#heading")).to_have_text("From the shop")
    expect(page.locator("#status")).to_have_text("")

    page.go_forward()
    expect_waiting(page, "Looking for the clothes in your photo …")
    release(page, held, count=2)
    expect(page.locator("#heading")).to_have_text("Like the dress")
    page.go_back()
    expect(page.locator("#heading")).to_have_text("From the shop")


def test_a_photo_while_the_shop_comes_is_not_shown_the_shops_items(visit: Visit) -> None:
    page = visit()
    shop = hold(page, "**/v1/items?*")
    page.reload()
    while len(shop) < 3:  # of each kind, and others
        page.wait_for_timeout(20)
    held = hold(page, "**/v1/search*")
    page.set_input_files("#file", PHOTO)
    expect_waiting(page, "Looking for the clothes in your photo …")
    while shop:
        with page.expect_response("**/v1/items?*"):
            shop.pop().continue_()
    page.wait_for_timeout(200)
    expect_waiting(page, "Looking for the clothes in your photo …")
    release(page, held)
    expect(page.locator("#heading")).to_have_text("Like the dress")


def test_the_shops_own_items_are_nearest_to_nothing(visit: Visit) -> None:
    page = visit()
    page.locator("#filters summary").click()
    page.locator("[name=in_stock]").check()
    expect(page.locator("#status")).to_have_text("32 pieces")


def test_items_of_no_kind_are_listed_once_and_make_no_kind(visit: Visit, gateway: FakeGateway) -> None:
    for number in range(0, 40, 5):
        gateway.items[f"item-{number:02}"].category = ""
    page = visit()
    expect(page.locator("[name=category] option")).to_have_text(["All kinds", "Bag", "Dress"])
    expect_all_listed_once(page)


def test_a_shop_of_many_kinds_is_asked_about_as_many_as_the_first_page_shows(
    visit: Visit, gateway: FakeGateway
) -> None:
    for number, item in enumerate(gateway.items.values()):
        item.category = f"kind {number:02}"
    page = visit()
    assert sum(type(request).__name__ == "ListItemsRequest" for request in gateway.requests) == 13  # and for others
    expect(page.locator("[name=category] option")).to_have_count(41)
    expect_all_listed_once(page)


def expect_all_listed_once(page: Page) -> None:
    while page.locator("#more").is_visible():
        page.locator("#more").click()
    titles = page.locator(".card .title").all_inner_texts()
    assert sorted(titles) == sorted(f"Piece {number}" for number in range(40))
