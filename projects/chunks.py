"""Lists cut into pieces that fit the parameters of one database statement."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

CHUNK = 500  # rows or keys a statement; SQLite and PostgreSQL take more, and gain nothing by it

Value = TypeVar("Value")


def chunks(values: Sequence[Value], size: int = CHUNK) -> Iterator[Sequence[Value]]:
    """The values in their order, `size` at a time; none for an empty list."""
    return (values[start : start + size] for start in range(0, len(values), size))
