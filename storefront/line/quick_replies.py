"""Buttons below the last message, gone when the shopper writes again."""

from collections.abc import Sequence
from typing import Any

from linebot.v3 import messaging as line

from storefront.line import wording
from storefront.line.choice import GarmentChoice
from storefront.line.kinds import ASK, KINDS
from storefront.line.lengths import cut, units

MOST = 13
_MOST_LABEL = 20
_MOST_DATA = 300
_MOST_DISPLAYED = 300


def kinds() -> Any:
    return line.QuickReply(items=[_says(kind.label) for kind in KINDS])


def ask() -> Any:
    return line.QuickReply(items=[_says(ASK)])


def garments(choices: Sequence[GarmentChoice]) -> Any:
    """A button for each garment, and one to ask without a photo."""
    fitting = [choice for choice in choices if units(choice.data) <= _MOST_DATA]
    return line.QuickReply(items=[*map(_chooses, fitting[: MOST - 1]), _says(ASK)])


def _says(text: str) -> Any:
    return line.QuickReplyItem(action=line.MessageAction(label=text, text=text))


def _chooses(choice: GarmentChoice) -> Any:
    action = line.PostbackAction(
        label=cut(wording.garment_name(choice.category), _MOST_LABEL),
        data=choice.data,
        display_text=cut(wording.look_at(choice.category), _MOST_DISPLAYED),
    )
    return line.QuickReplyItem(action=action)
