"""The one way a command ends with exit code 1."""


class Stop(Exception):
    """Something that was to be expected went wrong. The message says what to do next; empty: it was said already."""
