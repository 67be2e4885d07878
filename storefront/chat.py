"""The LINE bot beside the page, where the environment names its channel."""

import os

from fastapi import APIRouter
from pydantic import ValidationError

from clothing_retrieval import AsyncClient
from storefront.settings import SettingsError

_CHANNEL = ("LINE_CHANNEL_SECRET", "LINE_CHANNEL_ACCESS_TOKEN")


def routers(client: AsyncClient) -> list[APIRouter]:
    """None where no channel is named. Raises SettingsError."""
    if not any(map(os.environ.get, _CHANNEL)):
        return []
    try:
        from storefront import line
    except ModuleNotFoundError as error:
        raise SettingsError(f"the LINE bot needs {error.name}: pip install 'clothing-retrieval[line]'") from error
    try:
        return [line.router(line.Settings(), client)]
    except ValidationError as error:  # without the values, which are secrets
        problems = [
            f"LINE_{problem['loc'][0]}".upper() + f": {problem['msg'].removeprefix('Value error, ')}"
            for problem in error.errors()
        ]
        raise SettingsError("; ".join(problems)) from error
