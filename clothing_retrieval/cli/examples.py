"""Examples under a command's help."""


def examples(*lines: str) -> str:
    """An epilog: each line is one to be copied, or a word about the next."""
    return "\n\n".join(("Examples:", *lines))
