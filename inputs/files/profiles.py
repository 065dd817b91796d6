"""What the cells of a column are: their type, and the numbers by which a person recognises it."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inputs.columns import LOOKED_AT, WORDS_OF_TEXT
from inputs.files.cells import parse_numbers, stripped
from inputs.files.columns import typed_columns
from inputs.files.spellings import TRUTHS, folded
from inputs.files.table import BadFile, Table
from inputs.tokens import word_count
from inputs.turns import is_conversation

FIRST = 5_000  # rows from which a type is guessed
NEARLY = 0.99  # share of those rows that are numbers where some are not, such as "unknown"
MANY_LEVELS = 20  # from which categories of several words are texts that were repeated
MOST_LEVELS = 1_000  # that are counted one by one
SHOWN = 3
LONGEST_SHOWN = 80

PICTURE = re.compile(r"(?:https?://|[\w./\\-]*)\S*\.(?:png|jpe?g|gif|webp|bmp|tiff?)(?:\?\S*)?", re.IGNORECASE)
PICTURE_ADDRESS = re.compile(r"https?://\S+\.(?:png|jpe?g|gif|webp)(?:\?\S*)?", re.IGNORECASE)
PICTURE_BYTES = re.compile(
    r"(?:data:image/[a-z+.-]+;base64,|iVBORw0KGgo|/9j/|R0lGOD|Qk[0-9A-Za-z+/]{20})[A-Za-z0-9+/=]*"
)
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}")
PHONE = re.compile(r"(?:\+|00|\(\+?\d)[\d\s()/.-]{6,}\d")
NAME = re.compile(r"[A-ZÄÖÜÉ][a-zäöüéèß'-]+(?: [A-ZÄÖÜÉ]\.?[a-zäöüéèß'-]*)+")

FRACTION = re.compile(r"-?\d+\.\d{5,}(?:e-?\d+)?")

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class ColumnProfile:
    """A column in numbers.

    kind       text, number, category, boolean, time, image, image_url, image_path, conversation, vector, or empty
    n          rows; missing: those without a value; distinct: different values of the others
    low, high  of numbers, or of times as datetime64
    unlike     values that are not of the kind, though nearly all others are
    levels     the values with their counts, the most frequent first; empty where there are very many
    person     what the values say of a person: "e-mail addresses", "telephone numbers", "names of people", or ""
    examples   the first three rows
    """

    name: str
    kind: str
    n: int
    missing: int = 0
    distinct: int = 0
    low: Any = None
    high: Any = None
    whole: bool = False
    rising: bool = False
    spaced: bool = False
    unlike: int = 0
    words: float = 0
    levels: tuple[tuple[str, int], ...] = ()
    person: str = ""
    examples: tuple[str, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether every row has a value, and another one than every other row."""
        return self.n > 1 and not self.missing and self.distinct == self.n

    @property
    def values(self) -> tuple[str, ...]:
        return tuple(value for value, _ in self.levels)


def profile_columns(table: Table) -> list[ColumnProfile]:
    """The profile of every column, its type from the first rows and its numbers from all."""
    return [profile_column(table, name) for name in table.columns]


def profile_column(table: Table, name: str) -> ColumnProfile:
    text, gap = stripped(without_fractions(table[name]))
    present = text[~gap]
    made = ColumnProfile(name, "empty", len(text), int(gap.sum()), examples=_examples(text, gap))
    if present.empty:
        return made
    counts = present.value_counts()
    levels = tuple((str(value), int(count)) for value, count in counts.head(MOST_LEVELS).items())
    made = replace(
        made,
        kind=_kind(table, name, present),
        distinct=len(counts),
        levels=levels if len(counts) <= MOST_LEVELS else (),
        words=_mean_words(present),
        spaced=bool(present.head(LOOKED_AT).str.contains(" ", regex=False).mean() > 0.5),
        person=_person(present),
    )
    return _measured(made, table)


def without_fractions(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Whole numbers that a gap made floats of as they were: 1.0 is 1."""
    if not pd.api.types.is_float_dtype(column.dtype):
        return column
    known = column.dropna().to_numpy(dtype=np.float64)
    whole = np.isfinite(known).all() and (known == np.round(known)).all() and (np.abs(known) < 2**53).all()
    return column.astype("Int64") if whole else column


def _examples(text: "pd.Series[str]", gap: Bools) -> tuple[str, ...]:
    shown = ["" if missing else " ".join(cell.split()) for cell, missing in zip(text[:SHOWN], gap[:SHOWN], strict=True)]
    shown = [f"{float(cell):.4g}" if FRACTION.fullmatch(cell) else cell for cell in shown]
    return tuple(cell if len(cell) <= LONGEST_SHOWN else f"{cell[: LONGEST_SHOWN - 1]}…" for cell in shown)


def _kind(table: Table, name: str, present: "pd.Series[str]") -> str:
    head = present.head(FIRST)
    for kind, fits in SPECIAL:
        if fits(head):
            return kind
    try:
        kind = typed_columns([replace(table, frame=table.frame.head(FIRST))], [name])[1][name]
    except BadFile:  # numbers beyond what is stored
        return "text"
    if kind in ("category", "text") and not table.typed and _nearly_numbers(head, table.decimal):
        return "number"
    return _repeated_text(head) if kind == "category" else kind


def _nearly_numbers(head: "pd.Series[str]", decimal: str) -> bool:
    _, wrong = parse_numbers(head, decimal)
    zeros = head.str.fullmatch(r"[+-]?0\d+").any()
    return bool(not zeros and wrong.mean() <= 1 - NEARLY and head.nunique() > MANY_LEVELS)


def _repeated_text(head: "pd.Series[str]") -> str:
    """Texts that were repeated are still texts, as are short ones that hardly repeat."""
    levels = pd.Series(head.unique())
    spaced = levels.str.contains(" ", regex=False).mean()
    many = len(levels) > MANY_LEVELS
    sentences = _mean_words(levels) >= WORDS_OF_TEXT
    return "text" if many and (sentences or (spaced > 0.5 and len(levels) > len(head) / 2)) else "category"


def _mean_words(present: "pd.Series[str]") -> float:
    return float(np.mean([word_count(cell) for cell in present.head(LOOKED_AT)]))


def _person(present: "pd.Series[str]") -> str:
    head = present.head(LOOKED_AT)
    for pattern, words in ((EMAIL, "e-mail addresses"), (PHONE, "telephone numbers")):
        if head.map(lambda cell, pattern=pattern: pattern.fullmatch(cell) is not None).mean() > 0.5:
            return words
    names = head.map(lambda cell: NAME.fullmatch(cell) is not None).mean()
    return "names of people" if names > 0.9 and head.nunique() > len(head) / 2 else ""


def _measured(made: ColumnProfile, table: Table) -> ColumnProfile:
    """With the range of numbers and times, and how many values are neither."""
    column = table[made.name]
    if made.kind == "number":
        values, wrong = parse_numbers(column, table.decimal)
        known = values[np.isfinite(values)]
        if not known.size:  # times of day
            return replace(made, kind="category")
        return replace(
            made,
            low=float(known.min()),
            high=float(known.max()),
            whole=bool((known == np.round(known)).all()),
            rising=bool((np.diff(known) > 0).all()),
            unlike=int(wrong.sum()),
        )
    if made.kind == "time":
        return _timed(made, table)
    return made


def _timed(made: ColumnProfile, table: Table) -> ColumnProfile:
    columns, kinds = typed_columns([table], [made.name])
    if kinds[made.name] != "time":  # among the first rows only
        return replace(made, kind="category")
    moments = columns[0][made.name]
    known = moments[~np.isnat(moments)]
    return replace(made, low=known.min(), high=known.max())


def _mostly(fits: Callable[[str], bool], head: "pd.Series[str]") -> bool:
    return bool(head.map(fits).mean() > 0.9)


def _matches(pattern: re.Pattern[str], cell: str) -> bool:
    return pattern.fullmatch(cell[:20_000]) is not None


def _parsed(cell: str) -> Any:
    try:
        return json.loads(cell) if cell.startswith("[") else None
    except (ValueError, RecursionError):
        return None


def _is_conversation(cell: str) -> bool:
    turns = _parsed(cell)
    return bool(turns) and is_conversation(turns)


def _is_vector(cell: str) -> bool:
    numbers = _parsed(cell)
    return bool(numbers) and all(isinstance(one, int | float) and not isinstance(one, bool) for one in numbers)


def _is_boolean(head: "pd.Series[str]") -> bool:
    """Both words of one pair such as yes and no, or the numbers 0 and 1."""
    levels = {folded(level) for level in head.unique()[: len(TRUTHS)]}
    return levels <= TRUTHS.keys() and {TRUTHS[level] for level in levels} == {"true", "false"} and len(levels) == 2


SPECIAL: Sequence[tuple[str, Callable[["pd.Series[str]"], bool]]] = (
    ("conversation", partial(_mostly, _is_conversation)),
    ("vector", partial(_mostly, _is_vector)),
    ("image", partial(_mostly, partial(_matches, PICTURE_BYTES))),
    ("image_url", partial(_mostly, partial(_matches, PICTURE_ADDRESS))),
    ("image_path", partial(_mostly, partial(_matches, PICTURE))),
    ("boolean", _is_boolean),
)
