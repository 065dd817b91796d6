"""References matched by season, and alarm levels calibrated on the stream's own past.

Rows of a live stream depend on the rows before them (hours, households, campaigns), so a window holds far fewer
independent facts than rows and every plain two-sample test alarms in every window. Here whole windows are the units:
a window is surprising only if it departs from the past by more than past windows departed from theirs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import chdtrc, stdtr
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import CountVectorizer

from analysis.metrics.drift.column_tests import MIN_EXPECTED, MISSING, cauchy_combination
from inputs.columns import as_numbers, as_texts
from inputs.tokens import tokens
from inputs.types.time import seconds
from inputs.types.vector import Vector, as_matrix, directions

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

MIN_BLOCKS = 6
SLIDES = 4
LAGS = 10
DEPENDENT_BELOW = 0.001
MAX_SEASONS = 400
TOP_LEVELS, TOP_TERMS, DIRECTIONS = 10, 40, 10


@dataclass(frozen=True)
class Dependence:
    """Serial dependence of rows in order: n rows inform about a mean as `effective_n` independent ones do."""

    dependent: bool
    p: float
    effective_n: float
    design_effect: float


def match(
    reference_season: npt.ArrayLike, current_season: npt.ArrayLike, *, seed: int = 0
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Rows of the reference in the current window's mix of seasons, and the rows of the window whose season is known.

    Shapes (n,), (m,), any values; returns two sorted index arrays. The matched reference is as large as the scarcest
    season allows (drawn without replacement). ValueError when no season is shared or seasons are not a short list.
    """
    before, now = as_texts(reference_season, MISSING, "season"), as_texts(current_season, MISSING, "season")
    levels = sorted(set(before) & set(now))
    if not levels:
        raise ValueError("no season of the current window occurs in the reference")
    if len(levels) > MAX_SEASONS:
        raise ValueError(f"a season has at most {MAX_SEASONS} values, this one has {len(levels)}")
    known = np.flatnonzero(np.isin(now, levels))
    share = {level: float((now[known] == level).mean()) for level in levels}
    rows = {level: np.flatnonzero(before == level) for level in levels}
    total = min(len(rows[level]) / share[level] for level in levels)
    rng = np.random.default_rng(seed)
    drawn = [rng.choice(rows[level], size=max(1, int(total * share[level])), replace=False) for level in levels]
    return np.sort(np.concatenate(drawn)), known


def dependence(values: npt.ArrayLike, *, block: int | None = None) -> Dependence:
    """Are rows in time order dependent, and how many independent ones are they worth?

    `values` (n,) numbers in order. A Ljung–Box test over ten lags and the spread of block means against what
    independence allows; the effective n comes from the block means (a batch-means estimate, never above n).
    Undefined (dependent False, effective n = n) for a constant column, under 60 rows, and where nearly all values are
    the same: a rare level or term has too few neighbours of its kind for a chi-square law.
    """
    column = as_numbers(values, "values")
    column = column[~np.isnan(column)]
    column = np.ldexp(column, -int(np.frexp(np.abs(column).max(initial=0.0))[1]))  # squares of any scale stay in range
    n = len(column)
    if n < 2 * MIN_BLOCKS * 5 or column.std() == 0 or np.sum(column != np.median(column)) ** 2 / n < MIN_EXPECTED:
        return Dependence(False, 1.0, float(n), 1.0)
    length = block or max(5, int(round(n ** (2 / 3))) // 2)
    length = min(length, n // MIN_BLOCKS)
    spread = _overdispersion(column, length)
    p = min(1.0, 2 * min(_ljung_box_p(column), spread[1]))
    effect = max(1.0, spread[0])
    return Dependence(p < DEPENDENT_BELOW, p, n / effect, effect)


def _ljung_box_p(column: Floats) -> float:
    centred, n = column - column.mean(), len(column)
    power = float(centred @ centred)
    lags = np.arange(1, LAGS + 1)
    correlations = np.array([centred[lag:] @ centred[:-lag] for lag in lags]) / power
    return float(chdtrc(LAGS, n * (n + 2) * (correlations**2 / (n - lags)).sum()))


def _overdispersion(column: Floats, length: int) -> tuple[float, float]:
    means = block_means(column[:, None], length)[:, 0]
    ratio = float(length * means.var(ddof=1) / column.var(ddof=1))
    return ratio, float(chdtrc(len(means) - 1, ratio * (len(means) - 1)))


def block_means(matrix: Floats, length: int) -> Floats:
    """Means of consecutive whole blocks, newest kept: shape (n // length, k)."""
    blocks = len(matrix) // length
    result: Floats = matrix[len(matrix) - blocks * length :].reshape(blocks, length, matrix.shape[1]).mean(axis=1)
    return result


def past_p(
    reference: npt.ArrayLike,
    current: npt.ArrayLike,
    kind: str,
    *,
    season: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
    ordered: bool | None = None,
    name: str = "column",
) -> float | None:
    """p that the current window departs from the reference no more than past windows departed from theirs.

    Both columns in time order. Each is turned into a few bounded components (rank and spread for numbers, levels,
    terms), every component into block means, and the current mean is held against the block means' own forward
    errors by a t law whose degrees of freedom fall with their autocorrelation. Small = surprising even for this stream.
    None where rows are not dependent (or `ordered` is False): then a plain two-sample test is right.
    """
    if ordered is False:
        return None
    of = components(reference, kind, name=name)
    before, now = of(np.asarray(reference)), of(np.asarray(current))
    if season is not None:
        before, now = _less_season(before, now, *season)
    if len(now) == 0 or len(before) < 2 * MIN_BLOCKS * 5:
        return None
    if not ordered and not any(dependence(column).dependent for column in before.T):
        return None
    found = [_forward_p(before[:, k], now[:, k]) for k in range(before.shape[1])]
    known = [p for p in found if p is not None]
    return cauchy_combination(known) if known else 1.0


def _less_season(before: Floats, now: Floats, past: npt.ArrayLike, present: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Take each season's reference mean off both sides: what is left is comparable between any mixes of seasons."""
    levels, inverse = np.unique(as_texts(past, MISSING, "season").astype(str), return_inverse=True)
    counts = np.bincount(inverse, minlength=len(levels))[:, None]
    means = np.stack([np.bincount(inverse, column, len(levels)) for column in before.T], axis=1) / counts
    where = {level: index for index, level in enumerate(levels.tolist())}
    index = np.asarray([where.get(value, -1) for value in as_texts(present, MISSING, "season").tolist()], dtype=np.intp)
    return before - means[inverse], now[index >= 0] - means[index[index >= 0]]


def _forward_p(before: Floats, now: Floats) -> float | None:
    """Two-sided t test of the window's mean against the forward errors of earlier windows; None when all are equal.

    Windows slide by a quarter, so that every phase of a week or day that a window may start in has been seen.
    """
    length = min(len(now), len(before) // MIN_BLOCKS)
    errors, ahead = _forward_errors(before, length)
    error = (now.mean() - before.mean()) / np.sqrt(length / len(now) + length / len(before))
    variance = float((errors**2).mean())
    if variance <= 1e-18:
        return None if abs(error) <= 1e-9 else 0.0
    correlation = float(np.clip((errors[ahead:] * errors[:-ahead]).mean() / variance, 0.0, 0.95))
    # A variance of correlated values rests on fewer of them (Bartlett), and sliding adds none.
    freedom = len(errors) / ahead * (1 - correlation**2) / (1 + correlation**2)
    return float(2 * stdtr(max(2.0, freedom), -abs(error) / np.sqrt(variance)))


def _forward_errors(before: Floats, length: int) -> tuple[Floats, int]:
    """Each sliding window's mean less the mean of all rows before it, scaled to one window; and slides per window."""
    slide = max(1, length // SLIDES)
    total = np.concatenate([[0.0], np.cumsum(before)])
    starts = np.arange(max(2 * length, len(before) // 4), len(before) - length + 1, slide)
    means = (total[starts + length] - total[starts]) / length
    return (means - total[starts] / starts) / np.sqrt(1 + length / starts), -(-length // slide)


def components(reference: npt.ArrayLike, kind: str, *, name: str = "column") -> Callable[[Array], Floats]:
    """A map from a column to bounded components (n, k) fitted on the reference."""
    if kind == "number":
        return _rank_components(as_numbers(reference, name), name)
    if kind == "time":
        of = _rank_components(seconds(name, np.asarray(reference)), name)
        return lambda values: of(seconds(name, np.asarray(values)))
    if kind in ("category", "boolean"):
        return _level_components(as_texts(reference, MISSING, name), name)
    if kind == "vector":
        return _direction_components(np.asarray(reference), name)
    return _term_components(as_texts(reference, "", name), name)


def _rank_components(reference: Floats, name: str) -> Callable[[Array], Floats]:
    ordered = np.sort(reference[~np.isnan(reference)])
    if len(ordered) == 0:
        return lambda values: np.isnan(as_numbers(values, name))[:, None].astype(float)

    def of(values: Array) -> Floats:
        column = as_numbers(values, name)
        below, upto = (np.searchsorted(ordered, column, side=side) for side in ("left", "right"))
        rank = np.where(np.isnan(column), 0.5, (below + upto) / (2 * len(ordered)))
        spread = np.where(np.isnan(column), 0.0, 6 * rank * rank - 6 * rank + 1)
        return np.column_stack([rank, spread, np.isnan(column)])

    return of


def _direction_components(reference: Array, name: str) -> Callable[[Array], Floats]:
    """Unit rows along the reference's first principal components; zeros for a missing vector."""
    shape = Vector().shape(reference, 0) or (1, 1)

    def unit_rows(values: Array) -> Floats:
        return np.asarray(directions().fit_transform(as_matrix(name, values, shape[1])), dtype=np.float64)

    known = unit_rows(reference)
    if not np.ptp(known, axis=0).any():
        return lambda values: np.zeros((len(values), 1))
    reduced = PCA(min(DIRECTIONS, *known.shape), random_state=0).fit(known)
    return lambda values: np.asarray(reduced.transform(unit_rows(np.asarray(values))))


def _level_components(reference: Array, name: str) -> Callable[[Array], Floats]:
    """Each of the most frequent levels, and all others as one: whether the reference has a rare level is chance."""
    levels, counts = np.unique(reference.astype(str), return_counts=True)
    levels, counts = levels[counts >= MIN_EXPECTED], counts[counts >= MIN_EXPECTED]
    top = levels[np.argsort(-counts, kind="stable")][:TOP_LEVELS].tolist()

    def of(values: Array) -> Floats:
        column = as_texts(values, MISSING, name)
        others = ~pd.Series(column).isin(top).to_numpy()
        return np.column_stack([*(column == level for level in top), others]).astype(float)

    return of


def _term_components(reference: Array, name: str) -> Callable[[Array], Floats]:
    counter = CountVectorizer(binary=True, analyzer=tokens, max_features=TOP_TERMS, min_df=MIN_EXPECTED)
    try:
        counter.fit(reference)
    except ValueError:  # sklearn's word for "no term at all"
        return lambda values: np.asarray([[float(len(text) > 0)] for text in as_texts(values, "", name)])
    return lambda values: counter.transform(as_texts(values, "", name)).toarray().astype(float)
