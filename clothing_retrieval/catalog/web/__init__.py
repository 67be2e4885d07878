"""Fetches from shops: the one place that knows how to be polite and what to be afraid of."""

from clothing_retrieval.catalog.web.errors import WebError
from clothing_retrieval.catalog.web.fetched import Fetched, Purpose, Validators
from clothing_retrieval.catalog.web.manners import Manners
from clothing_retrieval.catalog.web.web import Web

__all__ = ["Fetched", "Manners", "Purpose", "Validators", "Web", "WebError"]
