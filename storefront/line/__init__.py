"""A LINE bot: a photo in the chat, the items most like it as the answer."""

from storefront.line.settings import Settings
from storefront.line.webhook import router

__all__ = ["Settings", "router"]
