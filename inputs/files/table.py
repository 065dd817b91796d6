"""A table that was read from a file."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from validation import InvalidInput

MOST_NAMES = 60


class BadFile(InvalidInput):
    """A file that cannot be used; the message is one line that says why."""


@dataclass(frozen=True)
class Table:
    """The rows of a file in their order; `name` is what messages call it.

    `typed`: the format distinguishes numbers from text, so that text which looks like a number is still text.
    `decimal`: what parts whole numbers from fractions in text.
    """

    name: str
    frame: pd.DataFrame
    typed: bool = False
    decimal: str = "."

    def rows(self, kept: Any) -> "Table":
        """The same columns with some of the rows (n,) bool, numbered anew."""
        return replace(self, frame=self.frame[kept].reset_index(drop=True))

    def __len__(self) -> int:
        return len(self.frame)

    def __contains__(self, column: str) -> bool:
        return column in self.frame

    @property
    def columns(self) -> list[str]:
        return [str(column) for column in self.frame.columns]

    def __getitem__(self, column: str) -> "pd.Series[Any]":
        if column not in self.frame:
            raise BadFile(f"{self.name} has no column {column!r}; it has {list_names(self.columns)}.")
        return self.frame[column]

    def named(self, text: str) -> list[str]:
        """The columns that a list with commas names; a name may hold a comma itself. Raises BadFile."""
        parts, found = text.split(","), []
        while parts:
            for taken in range(len(parts), 0, -1):
                name = ",".join(parts[:taken]).strip()
                if name in self.frame or taken == 1:
                    break
            found += [name] if name else []
            parts = parts[taken:]
        for name in found:
            self[name]
        return found


def list_names(names: Sequence[str]) -> str:
    """The names in one line, the first of them where they are very many."""
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more
