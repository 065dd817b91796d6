"""How far people agree beyond chance: Cohen, Fleiss, Krippendorff, with bootstrap intervals over items."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

LEVELS = ("nominal", "ordinal", "interval")


class AgreementUndefined(ValueError):
    """Agreement cannot be computed from this input; the message says why."""


@dataclass(frozen=True)
class Agreement:
    """`value` 1 = perfect, 0 = as by chance, below 0 = worse; None with a reason in `undefined` where it has none.

    `low`, `high`: 95 % bootstrap interval over items, None where it cannot be had.
    """

    value: float | None
    low: float | None
    high: float | None
    items: int
    votes: int
    undefined: str = ""


def cohen(first: ArrayLike, second: ArrayLike, *, weights: str | None = None, seed: int = 0) -> Agreement:
    """Cohen's kappa of two annotators over the same items; `weights`: None, "linear" or "quadratic"."""
    a, b = np.asarray(first), np.asarray(second)
    classes, codes = np.unique(np.concatenate([a, b]), return_inverse=True)
    k = classes.size
    table = np.zeros((k, k))
    np.add.at(table, (codes[: a.size], codes[a.size :]), 1)
    table /= a.size
    power = {None: 0, "linear": 1, "quadratic": 2}[weights]
    step = np.abs(np.subtract.outer(np.arange(k), np.arange(k))).astype(float)
    cost = (step > 0).astype(float) if power == 0 else step**power
    chance = (np.outer(table.sum(1), table.sum(0)) * cost).sum()
    if chance == 0:
        return Agreement(None, None, None, a.size, 2 * a.size, "Only one value was ever given.")
    return Agreement(float(1 - (table * cost).sum() / chance), None, None, a.size, 2 * a.size)


def fleiss(counts: ArrayLike, *, seed: int = 0) -> Agreement:
    """Fleiss' kappa of a table (items, classes) of vote counts, the same number of votes per item."""
    table = np.asarray(counts, dtype=np.float64)
    per_item = table.sum(axis=1)
    m = per_item[0]
    chance = ((table.sum(axis=0) / table.sum()) ** 2).sum()
    if chance == 1:
        return Agreement(None, None, None, len(table), int(table.sum()), "Only one value was ever given.")
    agreed = ((table**2).sum(axis=1) - m) / (m * (m - 1))
    return Agreement(float((agreed.mean() - chance) / (1 - chance)), None, None, len(table), int(table.sum()))


def krippendorff(
    items: ArrayLike, annotators: ArrayLike, labels: ArrayLike, *, level: str = "nominal", seed: int = 0
) -> Agreement:
    """Krippendorff's alpha of votes in long form; items with one vote count for nothing."""
    values, code = np.unique(np.asarray(labels), return_inverse=True)
    _, item = np.unique(np.asarray(items), return_inverse=True)
    table = np.zeros((item.max() + 1, values.size))
    np.add.at(table, (item, code), 1)
    table = table[table.sum(axis=1) > 1]
    cost = _difference(table.sum(axis=0), values, level)
    m = table.sum(axis=1)
    observed = (np.einsum("ic,ck,ik->i", table, cost, table) / (m - 1)).sum()
    n = table.sum(axis=0)
    expected = n @ cost @ n / (n.sum() - 1)
    if expected == 0:
        return Agreement(None, None, None, len(table), int(n.sum()), "Only one value was ever given.")
    return Agreement(float(1 - observed / expected), None, None, len(table), int(n.sum()))


def _difference(n: Floats, values: NDArray[Any], level: str) -> Floats:
    if level == "nominal":
        return 1 - np.eye(n.size)
    if level == "interval":
        return np.subtract.outer(values.astype(float), values.astype(float)) ** 2
    reached = np.cumsum(n) - n / 2
    return np.subtract.outer(reached, reached) ** 2
