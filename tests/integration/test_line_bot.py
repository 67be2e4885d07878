"""The LINE bot from end to end: signed webhooks in, messages that LINE would take out."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator

import grpc
import pytest
from aiohttp import web
from google.rpc import error_details_pb2

from storefront.line import wording
from storefront.line.kinds import KINDS
from storefront.line.signature import sign
from tests.fake_gateway import picture, status
from tests.fake_line import SECRET, TOKEN, FakeLine, refusal
from tests.line_bot import Bot, Boutique, running, settled

REPLY, PUSH = "/v2/bot/message/reply", "/v2/bot/message/push"
UNAVAILABLE = status(grpc.StatusCode.UNAVAILABLE, "search is away", reason="UNAVAILABLE", service="search")
UNREADABLE = status(
    grpc.StatusCode.INVALID_ARGUMENT, "image: not a JPEG, PNG or WebP", error_details_pb2.BadRequest(),
    reason="INVALID_IMAGE",
)  # fmt: skip


@pytest.fixture
def gateway() -> Iterator[Boutique]:
    with Boutique() as boutique:
        for number in range(7):
            boutique.add(f"dress-{number}", category="dress", price=1290, currency="TWD", gender="female")
        boutique.add("bag-1", category="bag", price=990, sale_price=790, currency="TWD", in_stock=False)
        boutique.found = {"dress": [f"dress-{number}" for number in range(5)], "bag": ["bag-1"]}
        yield boutique


@pytest.fixture
async def line() -> AsyncIterator[FakeLine]:
    async with FakeLine() as fake:
        yield fake
        assert fake.refused == []


@pytest.fixture
async def bot(line: FakeLine, gateway: Boutique) -> AsyncIterator[Bot]:
    async with running(line, gateway.target) as bot:
        yield bot


async def test_a_photo_is_answered_with_the_nearest_items_of_its_largest_garment(line: FakeLine, bot: Bot) -> None:
    event = line.photo(picture())
    assert (await bot.receive(event)).status_code == 200
    answer = await line.answer()
    assert (answer.how, answer.to) == ("reply", event["replyToken"])
    assert answer.texts == ["這是和照片裡的洋裝最相似的商品："]
    assert answer.messages[0]["quoteToken"] == event["message"]["quoteToken"]
    assert answer.titles == [f"Dress-{number}" for number in range(5)]
    assert "NT$1,290" in str(answer.bubbles[0])
    assert answer.bubbles[0]["footer"]["contents"][0]["action"]["uri"] == "https://shop.example/dress-0"
    assert [action["label"] for action in answer.actions] == ["包包", "幫我找"]
    assert line.loading == [{"chatId": event["source"]["userId"], "loadingSeconds": 60}]


async def test_a_quick_reply_shows_another_garment_of_the_photo(line: FakeLine, bot: Bot) -> None:
    event = line.photo(picture())
    await bot.receive(event)
    bag = (await line.answer()).actions[0]
    await bot.receive(line.tap(bag))
    answer = await line.answer()
    assert answer.texts == ["這是和照片裡的包包最相似的商品："]
    assert answer.titles == ["Bag-1"]
    assert {"NT$790", "NT$990", "已售完"} <= set(_texts(answer.bubbles[0]))
    assert [action["label"] for action in answer.actions] == ["洋裝", "幫我找"]
    assert line.photo_requests == [event["message"]["id"]] * 2


async def test_a_photo_that_line_keeps_no_longer_is_asked_for_again(line: FakeLine, bot: Bot) -> None:
    await bot.receive(line.photo(picture()))
    bag = (await line.answer()).actions[0]
    line.photos.clear()
    await bot.receive(line.tap(bag))
    assert (await line.answer()).texts == [wording.GONE]


async def test_a_postback_that_is_none_of_the_bots_is_passed_over(line: FakeLine, bot: Bot) -> None:
    for data in ("", "do=garment", "do=garment&photo=../../token&rank=0&category=bag", "x" * 300):
        assert (await bot.receive(line.event("postback", postback={"data": data}))).status_code == 200
    await bot.receive(line.text("幫我找"))
    assert (await line.answer()).texts == [wording.WHICH_KIND]
    assert line.photo_requests == []


async def test_several_photos_at_once_are_answered_one_by_one(line: FakeLine, bot: Bot) -> None:
    events = [line.photo(picture()) for _ in range(3)]
    await bot.receive(*events)
    answers = await settled(line.answers, 3)
    quoted = {answer.to: answer.messages[0]["quoteToken"] for answer in answers}
    assert quoted == {event["replyToken"]: event["message"]["quoteToken"] for event in events}


async def test_a_photo_without_garments_is_searched_as_a_whole_and_says_so(
    line: FakeLine, bot: Bot, gateway: Boutique
) -> None:
    gateway.whole_photo = True
    await bot.receive(line.photo(picture()))
    answer = await line.answer()
    assert answer.texts == ["照片裡沒有辨識出衣服，這是和整張照片最相似的商品："]
    assert [action["label"] for action in answer.actions] == ["幫我找"]


async def test_where_nothing_is_near_enough_the_bot_is_sorry_and_offers_the_other_garments(
    line: FakeLine, gateway: Boutique
) -> None:
    gateway.found["dress"] = []
    async with running(line, gateway.target, max_distance=0.5) as bot:
        await bot.receive(line.photo(picture()))
        answer = await line.answer()
    assert answer.texts == ["抱歉,沒有找到相關的商品"]
    assert answer.bubbles == []
    assert [action["label"] for action in answer.actions] == ["包包", "幫我找"]
    assert gateway.requests[0].max_distance == 0.5


async def test_help_offers_the_five_kinds(line: FakeLine, bot: Bot) -> None:
    await bot.receive(line.text(" 幫我找 "))
    labels = [action["text"] for action in (await line.answer()).actions]
    assert labels == ["男生上身", "女生上身", "男生下身", "女生下身", "洋裝/連身裙"]


WARDROBE = {
    "shirt": ("top", "male"),
    "coat": ("outer", "unisex"),
    "blouse": ("top", "female"),
    "chinos": ("pants", "male"),
    "skirt": ("skirt", "female"),
    "joggers": ("pants", "unisex"),
    "gown": ("dress", "female"),
    "tee": ("top", ""),
    "cap": ("headwear", "male"),
}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("男生上身", {"Shirt", "Coat"}),
        ("女生上身", {"Blouse", "Coat"}),
        ("男生下身", {"Chinos", "Joggers"}),
        ("女生下身", {"Skirt", "Joggers"}),
        ("洋裝/連身裙", {"Gown"}),
    ],
)
async def test_a_kind_shows_items_of_its_category_and_gender_only(
    line: FakeLine, bot: Bot, gateway: Boutique, kind: str, expected: set[str]
) -> None:
    gateway.items.clear()
    for name, (category, gender) in WARDROBE.items():
        gateway.add(name, category=category, gender=gender)
    gateway.add("sold-out", category=gateway.items["gown"].category, gender="female", in_stock=False)
    await bot.receive(line.text(kind))
    answer = await line.answer()
    assert answer.texts == [f"為您挑選的{kind}："]
    assert set(answer.titles) == expected
    assert [action["text"] for action in answer.actions] == [known.label for known in KINDS]


async def test_five_items_of_a_kind_are_chosen_at_random(line: FakeLine, bot: Bot, gateway: Boutique) -> None:
    for number in range(1500):
        gateway.add(f"gown-{number}", category="dress")
    shown = []
    for _ in range(8):
        await bot.receive(line.text("洋裝"))
        titles = (await line.answer()).titles
        assert len(set(titles)) == 5
        shown += titles
    assert len(set(shown)) > 20
    assert len([request for request in gateway.requests if hasattr(request, "page_token")]) == 2  # two pages, once


async def test_a_kind_of_which_there_is_none_says_so(line: FakeLine, bot: Bot, gateway: Boutique) -> None:
    gateway.items.clear()
    await bot.receive(line.text("男生下身"))
    assert (await line.answer()).texts == [wording.NOTHING]


async def test_other_messages_get_a_short_help_but_not_in_groups(line: FakeLine, bot: Bot) -> None:
    sticker = {"type": "sticker", "id": "1", "quoteToken": "q", "packageId": "1", "stickerId": "1",
               "stickerResourceType": "STATIC"}  # fmt: skip
    for event in (line.text("你好"), line.event("message", message=sticker)):
        await bot.receive(event)
        answer = await line.answer()
        assert answer.texts == [wording.HELP]
        assert answer.actions[0]["text"] == "幫我找"
    await bot.receive(line.text("晚餐吃什麼", chat="group"), line.text("幫我找", chat="group"))
    assert (await line.answer()).texts == [wording.WHICH_KIND]


async def test_a_photo_in_a_group_is_answered_there_without_the_animation(line: FakeLine, bot: Bot) -> None:
    await bot.receive(line.photo(picture(), chat="group"))
    assert (await line.answer()).titles
    assert line.loading == []


async def test_new_friends_and_groups_are_greeted(line: FakeLine, bot: Bot) -> None:
    follow = line.event("follow", follow={"isUnblocked": False})
    await bot.receive(follow, line.event("join", chat="group"), line.event("unfollow"), line.event("of-tomorrow"))
    answers = await settled(line.answers, 2)
    assert [answer.texts for answer in answers] == [[wording.HELLO]] * 2


async def test_where_another_application_answers_the_chat_the_bot_is_silent(line: FakeLine, bot: Bot) -> None:
    await bot.receive({**line.text("你好"), "mode": "standby"})
    await bot.receive(line.text("幫我找"))
    assert (await line.answer()).texts == [wording.WHICH_KIND]


async def test_a_webhook_without_the_right_signature_is_refused_before_it_is_read(line: FakeLine, bot: Bot) -> None:
    missing = await bot.http.post("/line/webhook", content=b"{")
    assert missing.status_code == 401
    for wrong in ("", "bm90IHRoZSBzaWduYXR1cmU=", sign(b"{", SECRET), sign(b'{"events": [', "another secret")):
        assert (await bot.receive_bytes(b'{"events": [', **{"X-Line-Signature": wrong})).status_code == 401
    assert (await bot.receive_bytes(b'{"events": [')).status_code == 400
    assert line.sent == []


async def test_the_webhook_that_only_tests_the_connection_is_taken(bot: Bot) -> None:
    assert (await bot.receive()).status_code == 200


async def test_a_signed_webhook_of_another_shape_does_no_harm(bot: Bot) -> None:
    for body in (b"", b"[]", b"{}", b'{"events": 1}', b"\xff"):
        assert (await bot.receive_bytes(body)).status_code == 400
    assert (await bot.receive_bytes(b'{"events": [1, null, {}, {"type": 3}, {"type": "message"}]}')).status_code == 200


async def test_a_body_that_is_too_large_is_not_read(line: FakeLine, gateway: Boutique) -> None:
    async with running(line, gateway.target, max_body_bytes=1000) as bot:
        assert (await bot.receive_bytes(b" " * 1001)).status_code == 413


async def test_an_event_that_comes_twice_is_answered_once(line: FakeLine, bot: Bot) -> None:
    event = line.photo(picture())
    again = {**event, "deliveryContext": {"isRedelivery": True}}
    assert [(await bot.receive(each)).status_code for each in (event, again)] == [200, 200]
    await bot.receive(again, line.text("幫我找"))
    assert {answer.to for answer in await settled(line.answers, 2)} > {event["replyToken"]}
    assert line.photo_requests == [event["message"]["id"]]  # no work was done for the others


async def test_an_event_that_was_answered_elsewhere_is_not_pushed_again(line: FakeLine, gateway: Boutique) -> None:
    async with running(line, gateway.target, push=True) as bot:
        event = line.text("你好", redelivered=True)
        line.refusals[REPLY].append(refusal(400, "Invalid reply token"))
        await bot.receive(event)
    assert line.sent == []


@pytest.mark.parametrize("push", [True, False])
async def test_where_the_reply_token_is_spent_only_an_allowed_push_answers(
    line: FakeLine, gateway: Boutique, push: bool
) -> None:
    event = line.text("你好")
    line.refusals[REPLY].append(refusal(400, "Invalid reply token"))
    async with running(line, gateway.target, push=push) as bot:
        await bot.receive(event)
    assert [(sent.how, sent.to) for sent in line.sent] == ([("push", event["source"]["userId"])] if push else [])


@pytest.mark.parametrize("push", [True, False])
async def test_a_reply_token_that_is_too_old_is_not_tried(line: FakeLine, gateway: Boutique, push: bool) -> None:
    line.photos_held.clear()
    async with running(line, gateway.target, push=push, reply_s=0.2 if push else 2.2, answer_s=20) as bot:
        await bot.receive(line.photo(picture()))
        if push:
            await line.asked_for_photo.wait()
            await asyncio.sleep(0.2)  # the token's time
            line.photos_held.set()
        answer = await line.answer()
    # without push, the search is given up while there is still time to say so
    assert (answer.how, bool(answer.bubbles), answer.texts == [wording.AWAY]) == (
        ("push", True, False) if push else ("reply", False, True)
    )


async def test_the_search_has_what_is_left_of_the_tokens_time(line: FakeLine, gateway: Boutique) -> None:
    async with running(line, gateway.target, reply_s=10) as bot:
        await bot.receive(line.photo(picture()))
        await line.answer()
    assert gateway.deadlines[0] is not None
    assert 4 < gateway.deadlines[0] <= 8


async def test_a_reply_that_line_failed_to_take_is_sent_again(line: FakeLine, bot: Bot) -> None:
    line.refusals[REPLY] += [refusal(429, "Too many requests"), refusal(500, "Internal server error")]
    await bot.receive(line.text("你好"))
    assert (await line.answer()).texts == [wording.HELP]


async def test_a_reply_that_came_through_all_the_same_is_not_pushed(line: FakeLine, gateway: Boutique) -> None:
    line.after_sending[REPLY].append(refusal(500, "Internal server error"))
    async with running(line, gateway.target, push=True) as bot:
        await bot.receive(line.text("你好"))
    assert [sent.how for sent in line.sent] == ["reply"]


async def test_a_push_that_came_through_all_the_same_comes_once(line: FakeLine, gateway: Boutique) -> None:
    line.refusals[REPLY].append(refusal(400, "Invalid reply token"))
    line.after_sending[PUSH].append(refusal(500, "Internal server error"))
    async with running(line, gateway.target, push=True) as bot:
        await bot.receive(line.text("你好"))
    assert [sent.how for sent in line.sent] == ["push"]


async def test_where_the_quota_of_pushes_is_used_up_no_more_are_tried(
    line: FakeLine, gateway: Boutique, caplog: pytest.LogCaptureFixture
) -> None:
    line.refusals[REPLY].append(refusal(400, "Invalid reply token"))
    line.refusals[PUSH].append(refusal(429, "You have reached your monthly limit."))
    async with running(line, gateway.target, push=True) as bot:
        await bot.receive(line.text("你好"))
    assert line.sent == []
    assert "monthly limit" in caplog.text


async def test_messages_that_line_does_not_take_are_replaced_by_a_sentence(line: FakeLine, bot: Bot) -> None:
    line.refusals[REPLY].append(refusal(400, "A message (messages[1]) in the request body is invalid"))
    await bot.receive(line.photo(picture()))
    assert (await line.answer()).texts == [wording.TROUBLE]


async def test_without_the_animation_the_answer_still_comes(line: FakeLine, bot: Bot) -> None:
    line.refusals["/v2/bot/chat/loading/start"].append(refusal(500, "Internal server error"))
    await bot.receive(line.photo(picture()))
    assert (await line.answer()).titles


async def test_the_answer_does_not_wait_for_the_animation(line: FakeLine, gateway: Boutique) -> None:
    line.loading_held.clear()
    async with running(line, gateway.target, reply_s=6) as bot:
        await bot.receive(line.photo(picture()))
        answer = await asyncio.wait_for(line.answers.get(), 5)
    assert answer.titles


async def test_where_too_little_time_is_left_for_a_search_the_bot_says_that_it_is_busy(
    line: FakeLine, gateway: Boutique
) -> None:
    async with running(line, gateway.target, reply_s=1.9) as bot:
        for event, told in ((line.photo(picture()), wording.BUSY), (line.text("你好"), wording.HELP)):
            await bot.receive(event)
            assert (await line.answer()).texts == [told]
    assert gateway.requests == []


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (UNREADABLE, wording.UNREADABLE),
        (status(grpc.StatusCode.RESOURCE_EXHAUSTED, "full", reason="OVERLOADED"), wording.BUSY),
        (status(grpc.StatusCode.DEADLINE_EXCEEDED, "late", reason="DEADLINE_EXCEEDED"), wording.AWAY),
        (status(grpc.StatusCode.UNAUTHENTICATED, "no key", reason="NO_API_KEY"), wording.TROUBLE),
        (status(grpc.StatusCode.INVALID_ARGUMENT, "collection", reason="INVALID_FIELD"), wording.TROUBLE),
    ],
)
async def test_a_search_that_fails_is_told_as_it_is(
    line: FakeLine, bot: Bot, gateway: Boutique, failure: object, told: str
) -> None:
    gateway.failures["Search"].append(failure)  # type: ignore[arg-type]
    await bot.receive(line.photo(picture()))
    assert (await line.answer()).texts == [told]


async def test_while_the_gateway_is_away_the_bot_says_so_and_then_answers_again(
    line: FakeLine, bot: Bot, gateway: Boutique
) -> None:
    gateway.failures["Search"] += [UNAVAILABLE] * 4  # the client tries four times
    await bot.receive(line.photo(picture()))
    assert (await line.answer()).texts == [wording.AWAY]
    await bot.receive(line.photo(picture()))
    assert (await line.answer()).titles


async def test_a_photo_that_line_fails_to_give_or_that_is_too_large_is_told(line: FakeLine, gateway: Boutique) -> None:
    async with running(line, gateway.target, max_photo_bytes=1000) as bot:
        for event, told in ((line.photo(None), wording.GONE), (line.photo(b"x" * 1001), wording.TOO_LARGE)):
            await bot.receive(event)
            assert (await line.answer()).texts == [told]
        broken = line.photo(picture())
        line.refusals[f"/v2/bot/message/{broken['message']['id']}/content"].append(refusal(500, "broken"))
        await bot.receive(broken)
        assert (await line.answer()).texts == [wording.AWAY]
    assert not [request for request in gateway.requests if hasattr(request, "image")]


async def test_many_events_at_once_are_all_answered_and_line_does_not_wait_for_it(
    line: FakeLine, gateway: Boutique
) -> None:
    line.photos_held.clear()
    async with running(line, gateway.target, at_a_time=4) as bot:
        events = [line.photo(picture()) for _ in range(20)]
        assert (await bot.receive(*events)).status_code == 200
        await line.asked_for_photo.wait()
        assert line.sent == []
        assert len(line.photo_requests) <= 4
        line.photos_held.set()
        answers = await settled(line.answers, 20)
    assert {answer.to for answer in answers} == {event["replyToken"] for event in events}


async def test_events_without_room_are_refused_and_taken_when_they_come_again(
    line: FakeLine, gateway: Boutique
) -> None:
    line.photos_held.clear()
    async with running(line, gateway.target, most_events=2) as bot:
        events = [line.photo(picture()) for _ in range(3)]
        assert (await bot.receive(*events)).status_code == 503
        line.photos_held.set()
        await settled(line.answers, 2)
        while (await bot.receive(*events)).status_code == 503:
            await asyncio.sleep(0)
        await line.answer()
    assert {sent.to for sent in line.sent} == {event["replyToken"] for event in events}


async def test_what_was_taken_is_answered_before_the_bot_stops(line: FakeLine, gateway: Boutique) -> None:
    line.photos_held.clear()
    async with asyncio.TaskGroup() as group, running(line, gateway.target) as bot:
        await bot.receive(line.photo(picture()))
        await line.asked_for_photo.wait()
        group.create_task(_release(line))
    assert [bool(sent.bubbles) for sent in line.sent] == [True]


async def test_an_answer_that_takes_longer_than_the_grace_is_given_up(
    line: FakeLine, gateway: Boutique, caplog: pytest.LogCaptureFixture
) -> None:
    line.photos_held.clear()
    async with running(line, gateway.target, grace_s=0.05) as bot:
        await bot.receive(line.photo(picture()))
        await line.asked_for_photo.wait()
    assert "1 shoppers unanswered" in caplog.text


async def test_logs_hold_neither_secrets_nor_what_shoppers_write(
    line: FakeLine, bot: Bot, gateway: Boutique, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    event = line.text("幫我找洋裝")
    line.refusals[REPLY] += [web.Response(status=401, text="not even JSON")]
    gateway.failures["ListItems"] += [UNAVAILABLE] * 4
    await bot.receive(event)
    line.refusals[REPLY] += [refusal(500, "Internal server error")]
    await bot.receive(line.text("你好"))
    await line.answer()
    assert "LINE answered 500" in caplog.text
    assert "request-1" in caplog.text
    assert not [
        secret for secret in (TOKEN, event["replyToken"], event["source"]["userId"], "洋裝") if secret in caplog.text
    ]


async def test_a_picture_comes_from_the_catalogue_or_else_from_the_storefront(
    line: FakeLine, gateway: Boutique
) -> None:
    gateway.items["dress-0"].image_url = "https://cdn.example/圖 1.jpg"
    gateway.items["dress-1"].image_url = "http://cdn.example/1.jpg"  # LINE takes only https
    gateway.items["dress-1"].id = "a/1"
    gateway.pictures["a/1"] = picture()
    async with running(line, gateway.target, public_url="https://shop.example/find/", collection="live") as bot:
        await bot.receive(line.photo(picture()))
        bubbles = (await line.answer()).bubbles
    assert [bubble.get("hero", {}).get("url") for bubble in bubbles] == [
        "https://cdn.example/%E5%9C%96%201.jpg",
        "https://shop.example/find/v1/items/a%2F1/picture?collection=live",
        None,
        None,
        None,
    ]


async def _release(line: FakeLine) -> None:
    line.photos_held.set()


def _texts(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        if part.get("type") == "text":
            yield part["text"]
        for inner in part.values():
            yield from _texts(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _texts(inner)
