"""Which JSON values a database can store, and how a value is quoted in an error message."""

import re
from typing import Any

LONGEST_QUOTE = 80
SURROGATES = re.compile("[\ud800-\udfff]")


def is_finite_number(value: Any) -> bool:
    """Whether the value is a number, not a boolean, that every database stores: finite and below 1e300 in size."""
    kind = type(value)
    is_number = kind is float or kind is int or (isinstance(value, int | float) and kind is not bool)
    return is_number and -1e300 < value < 1e300


def is_storable_text(text: str) -> bool:
    """Whether a text holds no NUL and no half of a surrogate pair."""
    return "\x00" not in text and (text.isascii() or not SURROGATES.search(text))


def is_storable(value: Any) -> bool:
    """Whether a JSON value holds no NaN, no infinity, no NUL and no half of a surrogate pair, at any depth."""
    if isinstance(value, str):
        return is_storable_text(value)
    if isinstance(value, dict):
        return all(is_storable(name) and is_storable(part) for name, part in value.items())
    if isinstance(value, list):
        return all(is_storable(part) for part in value)
    return value is None or isinstance(value, bool) or is_finite_number(value)


def is_deeper_than(value: Any, levels: int) -> bool:
    """Whether lists and objects are nested more than `levels` deep."""
    if not isinstance(value, dict | list):
        return False
    if levels == 0:
        return True
    for part in value.values() if isinstance(value, dict) else value:
        if isinstance(part, dict | list) and is_deeper_than(part, levels - 1):
            return True
    return False


def shorten(text: str, longest: int) -> str:
    """The text as an answer repeats it: cut with a mark where it is longer, and encodable as UTF-8."""
    text = text[: longest + 1].encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= longest else text[: longest - 1] + "…"


def quote(value: Any, longest: int = LONGEST_QUOTE) -> str:
    """The value as an error message repeats it: never long, on one line, and encodable as UTF-8."""
    text = repr(value[: longest + 1] if isinstance(value, str) else value)
    return shorten(text, longest)
