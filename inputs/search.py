"""The text by which an item is searched, and the parts of a query that it has to contain."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from inputs.registry import INPUT_TYPES
from inputs.tokens import SCRIPTS
from inputs.values import INVISIBLE

# The two characters that compatibility spells out as whole phrases, of 18 and 8 characters: they stay what they are, so
# that a body of nothing else cannot make a text of many times its size. Any other becomes seven characters at most.
PHRASES = re.compile("([\ufdfa\ufdfb])")
UNEVEN = re.compile(r"[\x01\t\v\f\r\x1c-\x1f]|^ | $|  ", re.MULTILINE)  # what `normalise` changes of an ASCII text
ACCENTS = re.compile("[\u0300-\u036f]")  # the combining marks of Latin, Greek and Cyrillic letters
BETWEEN = "\x01"
UNSPACED_RUN = re.compile(f"[{SCRIPTS}]+")
TRIGRAM = 3
PARTS = re.compile(r'"([^"]+)"|“([^”]+)”|(\S+)')


def normalise(text: str) -> str:
    """Text as it is compared: Unicode's caseless match of compatible characters, without accents, with single spaces.

    In scripts that put no spaces between words BETWEEN stands around each character, so that the trigrams of a text
    hold each character and each two neighbours of it (`trigrams`); a part of a text stays a part of it.
    """
    text = text.replace(BETWEEN, "")
    if text.isascii():  # then there is nothing to compose, and folding makes small letters
        return " ".join(text.lower().split())
    pieces = PHRASES.split(text.translate(INVISIBLE))
    folded = [piece if place % 2 else _fold(piece) for place, piece in enumerate(pieces)]
    return UNSPACED_RUN.sub(_apart, " ".join("".join(folded).split()))


def _fold(text: str) -> str:
    folded = unicodedata.normalize("NFD", text)
    for _ in range(2):  # a case folding can yield characters that are folded again (UAX 15 and UTR 21, rule X7)
        folded = unicodedata.normalize("NFKD", folded.casefold())
    return unicodedata.normalize("NFKC", ACCENTS.sub("", folded))


def _apart(run: "re.Match[str]") -> str:
    return BETWEEN + BETWEEN.join(run[0]) + BETWEEN


def trigrams(parts: Iterable[str]) -> list[str]:
    """Three characters each of these parts of a query, which cover all of it: a text with the parts has them all.

    A part of fewer than three characters has none.
    """
    found: set[str] = set()
    for part in parts:
        last = len(part) - TRIGRAM
        found |= {part[at : at + TRIGRAM] for at in [*range(0, last, TRIGRAM), last] if at >= 0}
    return sorted(found)


def search_text(key: str, inputs: Mapping[str, Any], types: Mapping[str, str]) -> str:
    """The item's key and each value, a line each, as `normalise` leaves them; names of inputs are no part of it.

    `types` maps each input to its type. An input that the contract no longer has is searched if it is a text.
    """
    return search_texts([(key, inputs)], types)[0]


def search_texts(items: Iterable[tuple[str, Mapping[str, Any]]], types: Mapping[str, str]) -> list[str]:
    """`search_text` of each item, given as key and inputs."""
    texts = {name: INPUT_TYPES[kind].search_writer() for name, kind in types.items() if kind in INPUT_TYPES}
    return [_search_text(key, inputs, texts) for key, inputs in items]


def _search_text(key: str, inputs: Mapping[str, Any], texts: Mapping[str, Callable[[Any], str]]) -> str:
    lines = [key]
    for name, value in inputs.items():
        if value is None or (type(value) is dict and "media" in value):  # a stored image, whatever the contract says
            continue
        found = texts[name](value) if name in texts else value if isinstance(value, str) else ""
        if found:
            lines.append(found)
    text = "\n".join(lines)
    if text.isascii() and text.count("\n") == len(lines) - 1 and not UNEVEN.search(text):
        return text.lower()
    return "\n".join(filter(None, map(normalise, lines)))


def query_parts(query: str) -> list[str]:
    """What the search text has to contain, all of it, the longest part first: words, and phrases in double quotes."""
    found = {normalise("".join(match.groups(default=""))) for match in PARTS.finditer(query)}
    parts = sorted(filter(None, found), key=lambda part: (-len(part), part))
    return [part for i, part in enumerate(parts) if not any(part in longer for longer in parts[:i])]
