"""Every knob of the LINE bot; each is an environment variable LINE_…"""

import json
from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


def _listed(value: object) -> object:
    """pydantic_settings would raise an error of its own, which names no variable."""
    if not isinstance(value, str):
        return value
    try:
        words = json.loads(value)
    except ValueError:
        words = None
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ValueError('must be a JSON list of words: ["top","outer"]')
    return words


Categories = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="LINE_", hide_input_in_errors=True)  # secrets

    channel_secret: SecretStr = Field(min_length=1, description="Tells LINE's webhooks from those of strangers.")
    channel_access_token: SecretStr = Field(min_length=1, description="What the bot answers with.")
    public_url: str = Field(
        "",
        pattern=r"^(https://\S+)?$",
        description="Where LINE reaches this storefront: items without a public picture are shown with the one that "
        "the storefront has. Empty: without a picture.",
    )
    collection: str = Field("", description='What is searched: a name or an alias. Empty: "default".')
    items: int = Field(5, ge=1, le=12, description="Items in an answer. LINE takes no more than 12.")
    max_distance: float | None = Field(
        None, ge=0, le=2, description="Items farther than this are not shown. Absent: the gateway's own limit."
    )
    upper_categories: Categories = Field(("top", "outer"), description="Categories that 上身 stands for, as JSON.")
    lower_categories: Categories = Field(
        ("pants", "skirt", "leggings"), description="Categories that 下身 stands for, as JSON."
    )
    dress_categories: Categories = Field(("dress",), description="Categories that 洋裝/連身裙 stands for, as JSON.")
    push: bool = Field(
        False,
        description="Send what came too late for a reply as a push message, which counts against the plan's quota.",
    )
    reply_s: float = Field(
        50.0, gt=0, le=60, description="How long a reply token is good for, in seconds. LINE promises a minute."
    )
    answer_s: float = Field(30.0, gt=0, description="Longest time to find an answer, in seconds.")
    api_timeout_s: float = Field(10.0, gt=0, description="Longest time for a call to LINE, in seconds.")
    at_a_time: int = Field(8, ge=1, description="Events that are answered at a time.")
    most_events: int = Field(256, ge=1, description="Events that are answered or wait; further ones are refused.")
    remembered_events: int = Field(10_000, ge=1, description="Events that are known again when LINE sends them twice.")
    grace_s: float = Field(20.0, ge=0, description="When the storefront stops, how long answers may take, in seconds.")
    max_body_bytes: int = Field(1 << 20, ge=1, description="Largest webhook that is read, in bytes.")
    max_photo_bytes: int = Field(20 << 20, ge=1, description="Largest photo that is searched with, in bytes.")
    api_url: str = Field("https://api.line.me", description="LINE's Messaging API.")
    blob_url: str = Field("https://api-data.line.me", description="Where LINE keeps the photos that were sent.")
