"""Lists cut into pieces: by number, to fit the parameters of a database statement, and by size, to fit an answer."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

CHUNK = 500  # rows or keys a statement; SQLite and PostgreSQL take more, and gain nothing by it

Value = TypeVar("Value")


def chunks(values: Sequence[Value], size: int = CHUNK) -> Iterator[Sequence[Value]]:
    """The values in their order, `size` at a time; none for an empty list."""
    return (values[start : start + size] for start in range(0, len(values), size))


def within_size(values: Sequence[Value], *, size: Callable[[Value], int], most: int) -> list[Value]:
    """The first of these values, as many as are `most` in size together; never none of some."""
    total = 0
    kept: list[Value] = []
    for value in values:
        total += size(value)
        if kept and total > most:
            break
        kept.append(value)
    return kept
