"""Agreement beyond chance: Cohen, Fleiss and Krippendorff, with bootstrap intervals over items.

Each coefficient is 1 for perfect agreement, 0 for as much as chance would give, below 0 for less. Where it has no
value (one value only was ever given, no item has two votes) it is None, and the note says why; an interval that
resampling cannot give is None too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from analysis.metrics.votes.coefficients import (
    Coefficient,
    Floats,
    chance_corrected,
    distinct_rows,
    interval_coefficient,
    moments_of_items,
    nominal_coefficient,
    ordinal_coefficient,
)
from analysis.metrics.votes.distances import Distance, distance_coefficient, value_codes
from validation import InvalidInput
from validation.arrays import numbers

LEVELS = ("nominal", "ordinal", "interval")
RESAMPLES = 1000
LEAST_RESAMPLES = 100
DRAWS = 5_000_000  # bounds time and memory: fewer resamples where items are many, whose intervals are narrow
LEAST_DEFINED = 0.95

ONE_VALUE = "Only one value was ever given, so chance alone would agree too."
NO_PAIRS = "No item has two votes, so there is nothing to compare."
ONE_ITEM = "One item cannot show how agreement varies, so there is no interval."
NO_SPREAD = "Every bootstrap sample of the items has the same agreement, so there is no interval."
OFTEN_UNDEFINED = "Too many resamples of the items hold one value only, so there is no interval."


@dataclass(frozen=True)
class Agreement:
    """`value` at most 1, high = people agree; `low`, `high`: 95 % percentile bootstrap over items.

    `items` and `votes` that could be compared; `note`: why the value or the interval is None, else empty.
    """

    value: float | None
    low: float | None
    high: float | None
    items: int
    votes: int
    note: str = ""


def cohen(
    first: ArrayLike,
    second: ArrayLike,
    *,
    weights: str | None = None,
    order: Sequence[Any] | None = None,
    seed: int = 0,
) -> Agreement:
    """Cohen's kappa of two annotators' values (n,) of the same n items.

    `weights`: None, or "linear" or "quadratic" to forgive near misses; the order of values is then `order`, or
    numerical. Source: Cohen 1960, 1968.
    """
    power = {None: 0, "linear": 1, "quadratic": 2}.get(weights)
    if power is None:
        raise InvalidInput(f"Weights are None, 'linear' or 'quadratic', not {weights!r}.")
    a, b = np.asarray(first), np.asarray(second)
    if a.ndim != 1 or a.shape != b.shape:
        raise InvalidInput(f"Two annotators need the same items, not shapes {a.shape} and {b.shape}.")
    codes, k = _ranked(np.concatenate([a, b]), order, ordered=power > 0)
    if not a.size:
        return Agreement(None, None, None, 0, 0, NO_PAIRS)
    cells, n = np.unique(codes[: a.size] * k + codes[a.size :], return_counts=True)
    distance = np.abs(cells // k - cells % k).astype(np.float64) ** power if power else (cells // k != cells % k) * 1.0
    return _estimated(_kappa(cells // k, cells % k, distance, power, k), n, a.size, 2 * a.size, seed)


def fleiss(counts: ArrayLike, *, seed: int = 0) -> Agreement:
    """Fleiss' kappa of vote counts (items, classes), with the same number m >= 2 of votes on each item.

    Source: Fleiss 1971. Where items have different numbers of votes, use `krippendorff`.
    """
    table = numbers("counts", counts)
    if table.ndim != 2 or not np.isfinite(table).all() or (table < 0).any() or (table % 1).any():
        raise InvalidInput("Fleiss' kappa needs a table (items, classes) of whole numbers of votes.")
    if not table.size:
        return Agreement(None, None, None, 0, 0, NO_PAIRS)
    m = table.sum(axis=1)
    if (m != m[0]).any():
        raise InvalidInput("Fleiss' kappa needs equally many votes on each item; Krippendorff's alpha does not.")
    if m[0] < 2:
        return Agreement(None, None, None, len(table), int(m.sum()), NO_PAIRS)
    patterns, n = np.unique(table, axis=0, return_counts=True)
    agreed = ((patterns**2).sum(axis=1) - m[0]) / (m[0] * (m[0] - 1))

    def coefficient(weight: Floats) -> Floats:
        share = weight @ patterns / (weight.sum(axis=1, keepdims=True) * m[0])
        chance = (share**2).sum(axis=1)
        return chance_corrected(1 - weight @ agreed / weight.sum(axis=1), 1 - chance)

    return _estimated(coefficient, n, len(table), int(m.sum()), seed)


def krippendorff(
    items: ArrayLike,
    annotators: ArrayLike,
    labels: ArrayLike,
    *,
    level: str = "nominal",
    order: Sequence[Any] | None = None,
    distance: Distance | None = None,
    seed: int = 0,
) -> Agreement:
    """Krippendorff's alpha of votes in long form, three sequences (v,); any number of votes per item.

    `level`: "nominal"; "ordinal", by `order` or numerically; or "interval", for numbers. `distance` of two labels takes
    its place, for labels that are any JSON (`votes.distances`). Items with one vote cannot be compared and are left
    out. Of two votes of one annotator on one item the last counts. Source: Krippendorff 2011.
    """
    if distance is not None:
        return _by_distance(items, annotators, labels, distance, seed)
    if level not in LEVELS:
        raise InvalidInput(f"There is no level {level!r}; choose one of {', '.join(LEVELS)}.")
    item, code, k, value = _pairable(items, annotators, labels, order, level)
    if not item.size:
        return Agreement(None, None, None, 0, 0, NO_PAIRS)
    n_items = int(item.max()) + 1
    if level == "interval":
        patterns, n = np.unique(moments_of_items(item, value), axis=0, return_counts=True)
        coefficient: Coefficient = interval_coefficient(patterns)
    else:
        patterns, n = distinct_rows(sparse.csr_matrix((np.ones(item.size), (item, code)), shape=(n_items, k)))
        coefficient = nominal_coefficient(patterns) if level == "nominal" else ordinal_coefficient(patterns)
    return _estimated(coefficient, n, n_items, item.size, seed)


def _by_distance(
    items: ArrayLike, annotators: ArrayLike, labels: ArrayLike, distance: Distance, seed: int
) -> Agreement:
    given = list(labels)  # type: ignore[arg-type]  # of any JSON, which is no array
    codes, values = value_codes(given)
    item, code, _, _ = _pairable(items, annotators, codes, range(len(values)), "nominal")
    if not item.size:
        return Agreement(None, None, None, 0, 0, NO_PAIRS)
    n_items = int(item.max()) + 1
    coefficient = distance_coefficient(item, code, values, distance, seed=seed)
    return _estimated(coefficient, np.ones(n_items, dtype=np.int64), n_items, item.size, seed)


def by_label(items: ArrayLike, annotators: ArrayLike, labels: ArrayLike, *, seed: int = 0) -> dict[Any, Agreement]:
    """Krippendorff's nominal alpha of each label against all others: low = people disagree about this label."""
    given = np.asarray(labels)
    _whole(items, annotators, given)
    return {value: krippendorff(items, annotators, given == value, seed=seed) for value in np.unique(given).tolist()}


def by_pair(
    items: ArrayLike, annotators: ArrayLike, labels: ArrayLike, *, seed: int = 0
) -> dict[tuple[Any, Any], Agreement]:
    """Cohen's kappa of each two annotators over the items that both voted on; pairs without one are left out."""
    votes = _whole(items, annotators, labels).drop_duplicates(["item", "annotator"], keep="last")
    wide = {name: part.set_index("item")["label"] for name, part in votes.groupby("annotator", sort=True)}
    found = {}
    for one, other in combinations(wide, 2):
        both = wide[one].index.intersection(wide[other].index)
        if len(both):
            found[one, other] = cohen(wide[one][both].to_numpy(), wide[other][both].to_numpy(), seed=seed)
    return found


def _estimated(coefficient: Coefficient, n: NDArray[np.int64], items: int, votes: int, seed: int) -> Agreement:
    """The coefficient of patterns that occur `n` (u,) times, and its interval over resampled items."""
    value = float(coefficient(n[None].astype(np.float64))[0])
    found = Agreement(value, None, None, items, votes)
    if np.isnan(value):
        return replace(found, value=None, note=ONE_VALUE)
    if items < 2:
        return replace(found, note=ONE_ITEM)
    drawn = _resampled(coefficient, n, seed)
    if np.isnan(drawn).mean() > 1 - LEAST_DEFINED:
        return replace(found, note=OFTEN_UNDEFINED)
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    if low == high:
        return replace(found, note=NO_SPREAD)
    return replace(found, low=min(float(low), value), high=max(float(high), value))


def _resampled(coefficient: Coefficient, n: NDArray[np.int64], seed: int) -> Floats:
    rng = np.random.default_rng(seed)
    resamples = int(np.clip(DRAWS // n.size, LEAST_RESAMPLES, RESAMPLES))
    step = max(1, DRAWS // 5 // n.size)
    parts = []
    for start in range(0, resamples, step):
        weight = rng.multinomial(n.sum(), n / n.sum(), size=min(step, resamples - start))
        parts.append(coefficient(weight.astype(np.float64)))
    return np.concatenate(parts)


def _kappa(one: NDArray[np.int64], other: NDArray[np.int64], distance: Floats, power: int, k: int) -> Coefficient:
    step = np.abs(np.subtract.outer(np.arange(k), np.arange(k))).astype(np.float64)
    cost = step**power if power else (step > 0).astype(np.float64)
    left, right = np.eye(k)[one], np.eye(k)[other]

    def coefficient(weight: Floats) -> Floats:
        share = weight / weight.sum(axis=1, keepdims=True)
        return chance_corrected(share @ distance, ((share @ left @ cost) * (share @ right)).sum(axis=1))

    return coefficient


def _pairable(
    items: ArrayLike, annotators: ArrayLike, labels: ArrayLike, order: Sequence[Any] | None, level: str
) -> tuple[NDArray[np.int64], NDArray[np.int64], int, Floats]:
    votes = _whole(items, annotators, labels).drop_duplicates(["item", "annotator"], keep="last")
    votes = votes[votes.groupby("item")["annotator"].transform("size") > 1]
    given = votes["label"].to_numpy()
    code, k = _ranked(given, order, ordered=level != "nominal")
    item = pd.factorize(votes["item"])[0].astype(np.int64)
    return item, code, k, given.astype(np.float64) if level == "interval" else code.astype(np.float64)


def _whole(items: ArrayLike, annotators: ArrayLike, labels: ArrayLike) -> pd.DataFrame:
    columns = {"item": np.asarray(items), "annotator": np.asarray(annotators), "label": np.asarray(labels)}
    if len({column.shape for column in columns.values()}) != 1 or columns["item"].ndim != 1:
        raise InvalidInput("Items, annotators and labels must be three sequences of the same length.")
    votes = pd.DataFrame(columns)
    for name, missing in votes.isna().sum().items():
        if missing:
            raise InvalidInput(f"{missing} votes have no {name}.")
    return votes


def _ranked(given: NDArray[Any], order: Sequence[Any] | None, *, ordered: bool) -> tuple[NDArray[np.int64], int]:
    """Codes of the values; by rank in `order`, or numerically, where their order counts."""
    if pd.isna(given).any():
        raise InvalidInput(f"{int(pd.isna(given).sum())} values are missing.")
    if order is not None:
        place = {value: at for at, value in enumerate(order)}
        unknown = [value for value in given.tolist() if value not in place]
        if unknown:
            raise InvalidInput(f"{unknown[0]!r} is not in the order given.")
        return np.array([place[value] for value in given.tolist()], dtype=np.int64), len(place)
    if ordered and given.size and not (np.issubdtype(given.dtype, np.number) and np.isfinite(given).all()):
        raise InvalidInput("Values that are not finite numbers have no order of their own; give `order`.")
    values, codes = np.unique(given, return_inverse=True)
    return codes.astype(np.int64), values.size
