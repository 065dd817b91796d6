"""Word by word differences between two texts, by the matching of difflib (Ratcliff and Obershelp)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

Standing = Literal["same", "added", "removed"]
WORD = re.compile(r"\s+|\w+|[^\w\s]")
MOST_WORDS = 4_000  # of a changed passage that are compared one by one; the matching is quadratic


@dataclass(frozen=True)
class TextPart:
    """A run of text that stands in both texts, in the second one only, or in the first one only."""

    standing: Standing
    text: str


def word_changes(before: str, after: str) -> list[TextPart]:
    """The parts in reading order; without the removed ones they are `after`, without the added ones `before`."""
    parts: list[TextPart] = []
    for part in _by_line(before.splitlines(keepends=True), after.splitlines(keepends=True)):
        if parts and parts[-1].standing == part.standing:
            parts[-1] = TextPart(part.standing, parts[-1].text + part.text)
        elif part.text:
            parts.append(part)
    return parts


def _by_line(before: list[str], after: list[str]) -> Iterator[TextPart]:
    """Lines first, so that a long text costs little; then the words of the lines that differ."""
    for tag, start, end, begin, finish in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        old, new = "".join(before[start:end]), "".join(after[begin:finish])
        if tag == "equal":
            yield TextPart("same", old)
        else:
            yield from _by_word(WORD.findall(old), WORD.findall(new))


def _by_word(before: list[str], after: list[str]) -> Iterator[TextPart]:
    if max(len(before), len(after)) > MOST_WORDS:
        yield from (TextPart("removed", "".join(before)), TextPart("added", "".join(after)))
        return
    for tag, start, end, begin, finish in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        old, new = "".join(before[start:end]), "".join(after[begin:finish])
        if tag == "equal":
            yield TextPart("same", old)
        else:
            yield from (TextPart("removed", old), TextPart("added", new))
