"""Columns as readable conditions: ranges of numbers, values of categories, terms of texts, and what is missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer

from inputs.columns import as_numbers, as_texts, guess_type
from inputs.registry import is_read_as_text
from inputs.types.time import DAY, seconds
from inputs.values import is_missing
from validation import InvalidInput
from validation.arrays import Bools, Floats

# Twelfths hold the halves, thirds and quarters at which people cut.
NUMBER_BINS = 12
MOST_VALUES = 50
MOST_TERMS = 200
TERM = r"(?u)\b\w\w+\b"
# Edges of bins need no more rows than this, whatever the size of the data.
EDGE_ROWS = 100_000
KIND_ROWS = 5_000
MISSING = "\0missing"


@dataclass(frozen=True)
class Condition:
    """One condition on one column.

    kind range: low ≤ x < high, None for an open end, `step` the spacing of whole-numbered columns (0 for others);
    period: the same of times, in seconds since 1970; value: is `value`; term: contains the word `value`, in any case;
    missing: has no value.
    """

    column: str
    kind: Literal["range", "period", "value", "term", "missing"]
    low: float | None = None
    high: float | None = None
    step: float = 0.0
    value: str | None = None

    def words(self) -> str:
        if self.kind == "missing":
            return f"{self.column} is missing"
        if self.kind == "term":
            return f"{self.column} contains {self.value}"
        if self.kind == "value":
            return f"{self.column} is {self.value}"
        if self.kind == "period":
            return _period_words(self.column, self.low, self.high)
        if self.low is None:
            return f"{self.column} under {number(self.high)}"
        if self.high is None:
            return f"{self.column} {number(self.low)} or more"
        if self.step and self.high - self.step <= self.low:
            return f"{self.column} is {number(self.low)}"
        return f"{self.column} {number(self.low)} to {number(self.high - self.step)}"

    def matching_rows(self, values: ArrayLike) -> Bools:
        """Which rows (n,) of the column's values meet it; a missing value meets only `missing`."""
        if self.kind in ("range", "period"):
            numbers = (as_numbers if self.kind == "range" else _seconds)(values, self.column)
            above = np.isfinite(numbers) if self.low is None else numbers >= self.low
            return np.asarray(above if self.high is None else above & (numbers < self.high))
        words = as_texts(values, MISSING, self.column)
        if self.kind == "term":
            finder = CountVectorizer(vocabulary=[str(self.value)], token_pattern=TERM, binary=True)
            return np.asarray(finder.transform(np.where(words == MISSING, "", words)).toarray()[:, 0] > 0)
        return np.asarray(words == (MISSING if self.kind == "missing" else self.value), dtype=bool)


@dataclass(frozen=True)
class Axis:
    """One column as bins. Condition i holds for bins first[i] up to, not including, last[i].

    A row has one bin (`codes`), or for texts any number of terms (`terms`, sparse (n, bins)).
    """

    name: str
    bins: int
    conditions: tuple[Condition, ...]
    first: NDArray[np.intp]
    last: NDArray[np.intp]
    codes: NDArray[np.int64] | None = None
    terms: sparse.csr_matrix | None = None

    def rows(self, where: Bools | NDArray[np.intp]) -> "Axis":
        codes = None if self.codes is None else self.codes[where]
        terms = None if self.terms is None else self.terms[where]
        return Axis(self.name, self.bins, self.conditions, self.first, self.last, codes, terms)


def number(value: float | None) -> str:
    """A number as people write it: 80,000, 0.25, −3."""
    text = f"{value:,.10g}" if value is not None and abs(value) < 1e15 else f"{value:g}"
    return text.replace("-", "−", 1) if text.startswith("-") else text


def _period_words(column: str, low: float | None, high: float | None) -> str:
    if low is None:
        return f"{column} before {moment(high)}"
    if high is None:
        return f"{column} from {moment(low)}"
    return f"{column} from {moment(low)} to before {moment(high)}"


def moment(value: float | None) -> str:
    """A time in seconds since 1970 as people write it: 2026-03-01, 2026-03-01 14:30:00."""
    return str(np.datetime64(round(value or 0.0), "s")).replace("T", " ").removesuffix(" 00:00:00")


def _seconds(values: ArrayLike, name: str) -> Floats:
    return seconds(name, np.asarray(values))


def axes(
    columns: Mapping[str, Sequence[Any] | NDArray[Any]],
    *,
    types: Mapping[str, str] | None = None,
    min_rows: int,
    seed: int = 0,
) -> list[Axis]:
    """Each column (n,) that can split the rows, as bins; a constant one cannot and is left out."""
    rng = np.random.default_rng(seed)
    found = []
    for name, values in columns.items():
        kind = (types or {}).get(name) or _guessed(np.asarray(values), rng)
        if kind == "number":
            axis = _number_axis(name, as_numbers(values, name), rng)
        elif kind == "time":
            axis = _time_axis(name, _seconds(values, name), rng)
        elif kind in ("category", "boolean"):
            axis = _category_axis(name, values, min_rows)
        elif is_read_as_text(kind):
            axis = _text_axis(name, as_texts(values, "", name), min_rows)
        else:
            raise InvalidInput(f"{name}: no rule can use the type {kind!r}.")
        if axis.conditions:
            found.append(axis)
    return found


def _number_axis(name: str, values: Floats, rng: np.random.Generator) -> Axis:
    known = np.isfinite(values)
    step = _step(values[known])
    return _range_axis(name, values, _edges(values[known], step, rng), step, "range")


def _time_axis(name: str, values: Floats, rng: np.random.Generator) -> Axis:
    """As of numbers, cut at midnights where the times span many days."""
    known = values[np.isfinite(values)]
    edges = _edges(known, 0.0, rng)
    if known.size and np.ptp(known) > NUMBER_BINS * DAY:
        edges = np.unique(np.floor(edges / DAY) * DAY)
        edges = edges[edges > known.min()]
    return _range_axis(name, values, edges, 0.0, "period")


def _range_axis(name: str, values: Floats, edges: Floats, step: float, kind: Literal["range", "period"]) -> Axis:
    known = np.isfinite(values)
    bins = edges.size + 1
    codes = np.searchsorted(edges, values, side="right")
    codes[~known] = bins
    ranges = [(a, b) for a in range(bins) for b in range(a + 1, bins + 1) if b - a < bins]
    conditions = [
        Condition(name, kind, float(edges[a - 1]) if a else None, float(edges[b - 1]) if b < bins else None, step)
        for a, b in ranges
    ]
    if not known.all():
        ranges.append((bins, bins + 1))
        conditions.append(Condition(name, "missing"))
    return _axis(name, bins + 1, ranges, conditions, codes=codes)


def _step(known: Floats) -> float:
    """The greatest step that all whole-numbered values are multiples of; 0 when they are not whole numbers."""
    if not known.size or np.abs(known).max() > 2**52 or (known != np.rint(known)).any():
        return 0.0
    return float(np.gcd.reduce(np.unique(known.astype(np.int64)))) or 1.0


def _edges(known: Floats, step: float, rng: np.random.Generator) -> Floats:
    """Lower ends of all bins but the first: quantiles, readable, with every very common value a bin of its own."""
    if known.size > EDGE_ROWS:
        known = rng.choice(known, EDGE_ROWS, replace=False)
    values, counts = np.unique(known, return_counts=True)
    if values.size <= NUMBER_BINS:
        return np.asarray(values[1:])
    quantiles = np.quantile(known, np.linspace(0, 1, NUMBER_BINS + 1)[1:-1], method="higher")
    edges = np.unique(quantiles) if step else _rounded(np.unique(quantiles))
    common = np.flatnonzero(counts >= known.size / NUMBER_BINS)
    around = np.concatenate([values[common], values[np.minimum(common + 1, values.size - 1)]])
    edges = np.unique(np.concatenate([edges, around]))
    return np.asarray(edges[(edges > values[0]) & (edges <= values[-1])])


def _rounded(edges: Floats) -> Floats:
    """Each edge with only the digits that distinguish it from its neighbours."""
    if edges.size < 2:
        return edges
    gap = np.diff(edges)
    nearest = np.minimum(np.append(gap, gap[-1]), np.append(gap[0], gap))
    decimals = np.ceil(-np.log10(nearest)).astype(int) + 1
    return np.unique([round(float(edge), int(places)) for edge, places in zip(edges, decimals, strict=True)])


def _guessed(values: NDArray[Any], rng: np.random.Generator) -> str:
    return guess_type(values if values.size <= KIND_ROWS else rng.choice(values, KIND_ROWS, replace=False))


def _category_axis(name: str, values: Any, min_rows: int) -> Axis:
    codes, names = pd.factorize(np.asarray(values))
    words = pd.Series([None if is_missing(value) else str(value) for value in names], dtype=object)
    place, words = pd.factorize(words.to_numpy())  # 1 and "1" are one value; missing is -1 in both
    codes = np.append(place, -1)[codes]
    counts = np.bincount(codes + 1, minlength=len(words) + 1)
    common = [int(c) for c in np.argsort(-counts[1:], kind="stable")[:MOST_VALUES] if counts[c + 1] >= min_rows]
    conditions = [Condition(name, "value", value=str(words[c])) for c in common]
    if counts[0] >= min_rows:
        common.append(-1)
        conditions.append(Condition(name, "missing"))
    conditions = conditions if counts.max(initial=0) < codes.size else []
    bins = np.full(len(words) + 1, len(common))
    bins[common] = np.arange(len(common))
    ranges = [(i, i + 1) for i in range(len(conditions))]
    return _axis(name, len(common) + 1, ranges, conditions, codes=bins[codes])


def _text_axis(name: str, texts: NDArray[Any], min_rows: int) -> Axis:
    """The most common terms that at least min_rows texts hold, and not more than half of them."""
    sample = texts if texts.size <= EDGE_ROWS else texts[:: texts.size // EDGE_ROWS + 1]
    fewest = max(1, min_rows * sample.size // max(texts.size, 1))
    counter = CountVectorizer(token_pattern=TERM, binary=True, min_df=fewest, max_df=0.5, max_features=MOST_TERMS)
    try:
        counter.fit(sample)
    except ValueError:  # scikit-learn's word for: no term is left
        return _axis(name, 0, [], [])
    terms = counter.get_feature_names_out()
    conditions = [Condition(name, "term", value=str(term)) for term in terms]
    ranges = [(i, i + 1) for i in range(len(terms))]
    return _axis(
        name, len(terms), ranges, conditions, terms=sparse.csr_matrix(counter.transform(texts), dtype=np.float64)
    )


def _axis(name: str, bins: int, ranges: list[tuple[int, int]], conditions: list[Condition], **held: Any) -> Axis:
    first, last = (np.array([r[i] for r in ranges], dtype=np.intp) for i in (0, 1))
    return Axis(name, bins, tuple(conditions), first, last, **held)
