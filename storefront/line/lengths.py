"""Texts that are no longer than LINE takes them. It counts UTF-16 code units."""


def units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, most: int) -> str:
    """The text, or its beginning and an ellipsis where it has more than ``most`` units."""
    if units(text) <= most:
        return text
    while units(text) > most - 1:
        text = text[: most - 1] if len(text) > most - 1 else text[:-1]
    return f"{text}…"
