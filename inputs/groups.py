"""Groups of rows with equal or near-equal inputs: what folds and splits keep together and intervals count once.

A model knows the copy of a row that it was trained on by heart, and ten copies of one row say no more than one. So
rows that are copies of one another are one group:

- text: equal after Unicode, case and white space are normalised, or nearly so (`shingles.near_texts`);
- image: equal pixels, or nearly so after scaling down (`duplicates.near_copies`);
- vector: nearly the same direction;
- numbers: equal to six significant digits, or nearly so together;
- any other type: equal. Times and identifiers are left out: a copy arrives at another time, under another name.

Rows are copies where all of their inputs are, or where a long text, an image or a vector is that few other rows
share. Rows without any of these are copies only where that is no coincidence: three categories have few values, and
rows that agree in them are different cases. Rows without any content (blank text, blank image) are copies of none.
"""

import unicodedata
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inputs import duplicates, shingles
from inputs.columns import Values
from inputs.registry import INPUT_TYPES, typed
from inputs.types.base import Likeness
from inputs.values import INVISIBLE, InvalidColumns, is_missing

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

NONE, SOME, ENOUGH = 0, 1, 2  # what a row's content says of which row it is
LONG = 20  # characters from which a text says by itself which row it is of
COMMON = 0.05  # share of the rows from which a text or image is a form letter or a blank page
FEWEST_COMMON = 20
SIDE = 16  # pixels
NEAR_PIXELS = 0.02  # of the range from black to white, root mean square
FLAT = 0.01  # of that range: an image with less contrast is blank
DIGITS = 6  # significant, of numbers
SMALLEST = 1e-100  # smaller fractions count as 0, larger numbers than its inverse as that
DECIMALS = 4  # from which a number was measured, so that two equal ones are no coincidence
IDENTIFIER = 0.9  # share of distinct values from which a category or a whole number names the row
FEWEST_NAMED = 20
BEYOND_CHANCE = 10.0  # times as many equal pairs as independent columns would give


def group_rows(columns: Mapping[str, Values], types: Mapping[str, str]) -> Ints:
    """Group numbers (n,), 0 up in order of first appearance: rows with equal or near-equal inputs share one.

    `columns`: n values per name; None and NaN are missing. `types`: the type of each column to look at, as in an input
    contract; an image is an array of grey values (h, w) or of colours (h, w, c). Takes a few seconds for 100,000 rows.
    Raises InvalidColumns for a column that is missing or of another length.
    """
    n = _length(columns, types)
    if not n:
        return np.zeros(0, dtype=np.int64)
    alike: dict[Likeness, list[Values]] = {likeness: [] for likeness in Likeness}
    for name, kind in typed(types).items():
        alike[kind.likeness].append(columns[name])
    content, evidence = _content(alike, n)
    numbers = _numbers(alike[Likeness.NUMBER], n)
    words = [_words(column) for column in alike[Likeness.EQUAL]]
    rest = _joined([codes for codes in words if not _identifier(codes)], n)
    near = duplicates.near_copies(_standardised(numbers)) if numbers.shape[1] else np.zeros(n, dtype=np.int64)
    everything = _joined([content, near, rest], n)
    key = np.where(evidence == ENOUGH, content, everything + n)
    without = evidence == NONE
    if without.any() and not _beyond_chance(numbers, everything, without):
        key[without] = 2 * n + np.flatnonzero(without)  # a group each
    return _numbered(key)


def normalised(text: str) -> str:
    """Text in Unicode's compatibility form (NFKC), case folded, without invisible characters, single blanks."""
    return " ".join(unicodedata.normalize("NFKC", text).translate(INVISIBLE).casefold().split())


def _length(columns: Mapping[str, Values], types: Mapping[str, str]) -> int:
    if missing := [name for name in types if name not in columns]:
        raise InvalidColumns(f"There is no column {missing[0]!r} to group rows by.")
    lengths = {name: len(columns[name]) for name in types}
    if len(set(lengths.values())) != 1:
        raise InvalidColumns(f"Columns need one length each to group rows by; they have {lengths}.")
    return next(iter(lengths.values()))


def _content(alike: Mapping[Likeness, list[Values]], n: int) -> tuple[Ints, Ints]:
    """Groups (n,) by text, image and vector, and how far these alone say which row it is (n,): NONE, SOME, ENOUGH."""
    parts, evidence = [], np.full(n, NONE)
    if texts := alike[Likeness.TEXT]:
        words = [["" if is_missing(value) else normalised(str(value)) for value in column] for column in texts]
        documents = [" ".join(row).strip() for row in zip(*words, strict=True)]
        lengths = np.array([len(text) for text in documents], dtype=np.int64)
        parts.append(shingles.near_texts(documents))
        evidence = np.where(lengths >= LONG, ENOUGH, np.where(lengths > 0, SOME, NONE))
    for column in alike[Likeness.PIXELS]:
        pixels, seen = _pixels(column)
        parts.append(duplicates.near_copies(np.column_stack([pixels, ~seen]), most=NEAR_PIXELS * SIDE))
        evidence = np.maximum(evidence, np.where(seen, ENOUGH, NONE))
    for column in alike[Likeness.DIRECTION]:
        rows, present = _directions(column)
        parts.append(duplicates.near_copies(rows))
        evidence = np.maximum(evidence, np.where(present, ENOUGH, NONE))
    group = _joined(parts, n)
    strongest = np.full(int(group.max(initial=0)) + 1, NONE)
    np.maximum.at(strongest, group, evidence)
    common = np.bincount(group, minlength=strongest.size) > max(FEWEST_COMMON, COMMON * n)
    return group, np.where(common, np.minimum(strongest, SOME), strongest)[group]


def _directions(column: Values) -> tuple[Floats, Bools]:
    """Vectors as unit rows (n, d), zeros where one is missing or of another length than most; and which are present."""
    kind = INPUT_TYPES["vector"]
    shape = kind.shape(column, SIDE)
    rows = np.nan_to_num(np.column_stack(list(kind.frame_columns("vector", column, shape).values())).astype(np.float64))
    lengths = np.linalg.norm(rows, axis=1)
    return rows / np.where(lengths > 0, lengths, 1.0)[:, None], lengths > 0


def _pixels(column: Values) -> tuple[Floats, Bools]:
    """Images as (n, SIDE²) grey values from 0 to 1, and which (n,) show anything."""
    found = np.zeros((len(column), SIDE * SIDE))
    for row, image in enumerate(column):
        if not is_missing(image) and np.size(image):
            found[row] = shrunk(np.asarray(image, dtype=np.float64)).ravel()
    top = found.max(initial=0.0)
    found /= 255.0 if top > 1 else 1.0
    return found, np.ptp(found, axis=1) > FLAT


def shrunk(image: Floats) -> Floats:
    """An image (h, w) or (h, w, c) as (SIDE, SIDE) mean grey values."""
    grey = image.mean(axis=2) if image.ndim == 3 else image
    if grey.ndim != 2:
        raise InvalidColumns(f"An image is a table of pixels, not an array of shape {image.shape}.")
    edges = [np.linspace(0, side, SIDE + 1) for side in grey.shape]
    over, across = (_overlap(edge, side) for edge, side in zip(edges, grey.shape, strict=True))
    return np.asarray(over @ grey @ across.T)


def _overlap(edges: Floats, side: int) -> Floats:
    """(SIDE, side): the share of each pixel in each of SIDE equal stretches."""
    place = np.arange(side)
    shared = np.clip(np.minimum(edges[1:, None], place + 1) - np.maximum(edges[:-1, None], place), 0, None)
    return np.asarray(shared * SIDE / side)


def _numbers(columns: list[Values], n: int) -> Floats:
    """Numbers (n, d) to DIGITS significant digits, NaN where missing."""
    if not columns:
        return np.zeros((n, 0))
    try:
        raw = [np.array([np.nan if is_missing(v) else v for v in column], dtype=np.float64) for column in columns]
    except (TypeError, ValueError) as error:
        raise InvalidColumns(f"A column of numbers holds something else: {error}.") from error
    kept = [column for column in raw if not _counter(column)] or raw
    rounded = np.empty((n, len(kept)))
    for place, column in enumerate(kept):  # one at a time: rounding takes several arrays of the same size
        rounded[:, place] = _to_digits(column)
    return rounded


def _to_digits(column: Floats) -> Floats:
    found = np.clip(column, -1 / SMALLEST, 1 / SMALLEST)
    found = np.where(np.abs(found) < SMALLEST, 0.0, found)
    size = np.floor(np.log10(np.where(np.isfinite(found) & (found != 0), np.abs(found), 1.0)))
    unit = 10.0 ** (size - DIGITS + 1)
    return np.where(np.isfinite(found), np.round(found / unit) * unit, found)


def _counter(column: Floats) -> bool:
    """Whether the column holds a different whole number in every row."""
    whole = bool((np.isfinite(column) & (column == np.round(column))).all())
    return whole and len(column) >= FEWEST_NAMED and len(np.unique(column)) == len(column)


def _identifier(codes: Ints) -> bool:
    return len(codes) >= FEWEST_NAMED and int(codes.max()) + 1 > IDENTIFIER * len(codes)


def _standardised(numbers: Floats) -> Floats:
    """Columns of comparable spread, long tails drawn in, with a column more for each that has gaps."""
    gaps = np.isnan(numbers)
    some = ~gaps.all(axis=0)
    held, marked = np.flatnonzero(some), np.flatnonzero(gaps.any(axis=0) & some)
    if not len(held) + len(marked):
        return np.zeros((len(numbers), 1))
    found = np.empty((len(numbers), len(held) + len(marked)))
    for place, column in enumerate(held):  # one at a time, as for rounding
        found[:, place] = _scaled(numbers[:, column])
    found[:, len(held) :] = gaps[:, marked]
    return found


def _scaled(column: Floats) -> Floats:
    low, middle, high = np.nanquantile(column, [0.25, 0.5, 0.75])
    spread = high - low if high > low else np.nanmax(np.abs(column - middle))
    return np.asarray(np.nan_to_num(np.arcsinh((column - middle) / (spread if spread > 0 else 1.0)), nan=0.0))


def _beyond_chance(numbers: Floats, key: Ints, rows: Bools) -> bool:
    """Whether equal rows without text or image are copies, or what columns of few values bring by chance.

    Holds the pairs of equal rows against those that independent columns would give, each with the values that it has
    among the distinct rows. Other types than numbers have few values and depend on one another: they are no evidence.
    """
    counts = np.bincount(_numbered(key[rows]))
    pairs = float((counts * (counts - 1) / 2).sum())
    if not pairs or not numbers.shape[1]:
        return False
    distinct = numbers[rows][np.unique(key[rows], return_index=True)[1]]
    chance = float(np.prod([_chance_equal(column) for column in distinct.T]))
    n = float(counts.sum())
    return pairs >= BEYOND_CHANCE * n * (n - 1) / 2 * chance


def _chance_equal(column: Floats) -> float:
    """The chance that two distinct rows hold the same number."""
    known = column[np.isfinite(column)]
    if known.size < 2:
        return 1.0
    counts = np.unique(known, return_counts=True)[1]
    seen = float((counts * (counts - 1)).sum() / (known.size * (known.size - 1)))
    measured = np.mean(np.abs(known - np.round(known, DECIMALS - 1)) > 10.0 ** -(DIGITS + DECIMALS)) > 0.5
    return max(seen, 10.0**-DIGITS if measured else 1 / known.size)


def _words(column: Values) -> Ints:
    """Numbers (n,) of equal values of any type."""
    words = np.array(["\0" if is_missing(v) else normalised(str(v)) for v in column], dtype=object)
    return np.asarray(pd.factorize(words)[0], dtype=np.int64)


def _joined(parts: list[Ints], n: int) -> Ints:
    """Numbers (n,) of rows that agree in every part."""
    found = np.zeros(n, dtype=np.int64)
    for part in parts:
        found = _numbered(found * (int(part.max(initial=0)) + 1) + part)
    return found


def _numbered(key: Ints) -> Ints:
    return np.asarray(pd.factorize(key)[0], dtype=np.int64)
