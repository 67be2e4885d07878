"""Finds a catalogue's items in a photo of clothing: the client of the gateway."""

from clothing_retrieval import errors
from clothing_retrieval.async_client import AsyncClient
from clothing_retrieval.calls import Deadlines, NewItem, Photo
from clothing_retrieval.client import Client
from clothing_retrieval.errors import RetrievalError

__all__ = ["AsyncClient", "Client", "Deadlines", "NewItem", "Photo", "RetrievalError", "errors"]
