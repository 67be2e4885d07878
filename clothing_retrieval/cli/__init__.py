"""The command line: ``clothing-retrieval``."""

from clothing_retrieval.cli.app import app, main

__all__ = ["app", "main"]
