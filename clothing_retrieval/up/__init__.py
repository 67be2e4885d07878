"""The four services on one machine, as separate processes that are kept alive together."""

from clothing_retrieval.up.errors import UpError
from clothing_retrieval.up.stack import Options, Stack

__all__ = ["Options", "Stack", "UpError"]
