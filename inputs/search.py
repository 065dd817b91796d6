"""The text by which an item is searched, and the parts of a query that it has to contain."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from inputs.registry import INPUT_TYPES
from inputs.values import INVISIBLE

# The two characters that compatibility spells out as whole phrases, of 18 and 8 characters: they stay what they are, so
# that a body of nothing else cannot make a text of many times its size. Any other becomes seven characters at most.
PHRASES = re.compile("([\ufdfa\ufdfb])")
UNEVEN = re.compile(r"[\t\v\f\r\x1c-\x1f]|^ | $|  ", re.MULTILINE)  # white space that `normalise` changes
PARTS = re.compile(r'"([^"]+)"|“([^”]+)”|(\S+)')


def normalise(text: str) -> str:
    """Text as it is compared: Unicode's caseless match of compatible characters, with single spaces.

    The accents stay, whether they were written as one character or as two.
    """
    if text.isascii():  # then there is nothing to compose, and folding makes small letters
        return " ".join(text.lower().split())
    pieces = PHRASES.split(text.translate(INVISIBLE))
    folded = [piece if place % 2 else _fold(piece) for place, piece in enumerate(pieces)]
    return " ".join("".join(folded).split())


def _fold(text: str) -> str:
    folded = unicodedata.normalize("NFD", text)
    for _ in range(2):  # a case folding can yield characters that are folded again (UAX 15 and UTR 21, rule X7)
        folded = unicodedata.normalize("NFKD", folded.casefold())
    return unicodedata.normalize("NFKC", folded)


def search_text(key: str, inputs: Mapping[str, Any], types: Mapping[str, str]) -> str:
    """The item's key and each value, a line each, as `normalise` leaves them; names of inputs are no part of it.

    `types` maps each input to its type. An input that the contract no longer has is searched if it is a text.
    """
    found = [_searchable(value, types.get(name)) for name, value in inputs.items() if value is not None]
    lines = [key, *filter(None, found)]
    text = "\n".join(lines)
    if text.isascii() and text.count("\n") == len(lines) - 1 and not UNEVEN.search(text):
        return text.lower()
    return "\n".join(filter(None, map(normalise, lines)))


def _searchable(value: Any, kind: str | None) -> str:
    if isinstance(value, dict) and "media" in value:  # a stored image, whatever the contract now says
        return ""
    known = None if kind is None else INPUT_TYPES.get(kind)
    if known is not None:
        return known.search_text(value)
    return value if isinstance(value, str) else ""


def query_parts(query: str) -> list[str]:
    """What the search text has to contain, all of it, the longest part first: words, and phrases in double quotes."""
    found = {normalise("".join(match.groups(default=""))) for match in PARTS.finditer(query)}
    parts = sorted(filter(None, found), key=lambda part: (-len(part), part))
    return [part for i, part in enumerate(parts) if not any(part in longer for longer in parts[:i])]
