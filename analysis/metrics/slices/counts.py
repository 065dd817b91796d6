"""Rows and errors under every condition and every pair of conditions, counted once per pair of columns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from analysis.metrics.slices.conditions import Axis
from validation.arrays import Bools, Floats


class SliceRows(NamedTuple):
    """What is known of each row (n,): whether it is wrong, and what it weighs (None: every row weighs 1)."""

    wrong: Bools
    weight: Floats | None

    def part(self, where: Bools) -> "SliceRows":
        return SliceRows(self.wrong[where], None if self.weight is None else self.weight[where])


class Tally(NamedTuple):
    """Counts of equal shape: rows, their weight, the weight of the wrong ones, the squared weight of those."""

    n: Floats
    weight: Floats
    wrong: Floats
    wrong_squared: Floats

    def less(self, other: "Tally") -> "Tally":
        return Tally(*(mine - its for mine, its in zip(self, other, strict=True)))

    def at(self, where: NDArray[np.intp]) -> "Tally":
        return Tally(*(part[where] for part in self))


@dataclass(frozen=True)
class Block:
    """One column (b None) or a pair of them, with the tally of each bin or pair of bins."""

    a: int
    b: int | None
    bins: Tally


def total(rows: SliceRows) -> Tally:
    weight = np.ones(rows.wrong.size) if rows.weight is None else rows.weight
    wrong = weight[rows.wrong]
    return Tally(*(np.array([float(v)]) for v in (rows.wrong.size, weight.sum(), wrong.sum(), wrong @ wrong)))


def blocks(axes: Sequence[Axis], rows: SliceRows, *, pairs: bool = True) -> list[Block]:
    """Every column and, when asked, every pair of columns; two terms of one text are a pair too."""
    wrong = [axis.rows(rows.wrong) for axis in axes]
    found = [Block(a, None, _single(axes[a], wrong[a], rows)) for a in range(len(axes))]
    if pairs:
        texts = [(a, a) for a, axis in enumerate(axes) if axis.terms is not None]
        for a, b in [*combinations(range(len(axes)), 2), *texts]:
            found.append(Block(a, b, _joint((axes[a], axes[b]), (wrong[a], wrong[b]), rows)))
    return found


def conditions(block: Block, axes: Sequence[Axis]) -> tuple[Tally, NDArray[np.intp], NDArray[np.intp]]:
    """Tally (m,) of every condition or pair of the block, with the conditions' places in a and b (m,)."""
    a = axes[block.a]
    if block.b is None:
        sums = (np.append(0.0, np.cumsum(part)) for part in block.bins)
        return Tally(*(s[a.last] - s[a.first] for s in sums)), np.arange(len(a.conditions)), np.full(a.first.size, -1)
    b = axes[block.b]
    i, j = np.indices((len(a.conditions), len(b.conditions)))
    chosen = i < j if block.a == block.b else np.ones(i.shape, dtype=bool)
    tally = Tally(*(_rectangles(part, a, b)[chosen] for part in block.bins))
    return tally, i[chosen], j[chosen]


def _rectangles(bins: Floats, a: Axis, b: Axis) -> Floats:
    """Sum of bins over each range of a by each range of b (conditions of a, conditions of b)."""
    sums = np.zeros((bins.shape[0] + 1, bins.shape[1] + 1))
    sums[1:, 1:] = bins.cumsum(axis=0).cumsum(axis=1)
    across = sums[:, b.last] - sums[:, b.first]
    return np.asarray(across[a.last] - across[a.first])


def _single(axis: Axis, wrong: Axis, rows: SliceRows) -> Tally:
    return _tally(lambda where, weight: _count(axis if where else wrong, weight), rows)


def _joint(both: tuple[Axis, Axis], wrong: tuple[Axis, Axis], rows: SliceRows) -> Tally:
    return _tally(lambda where, weight: _cross(*(both if where else wrong), weight), rows)


def _tally(count: Callable[[bool, Floats | None], Floats], rows: SliceRows) -> Tally:
    """count(True, …) counts all rows, count(False, …) the wrong ones, with weights or None for 1."""
    n = count(True, None)
    if rows.weight is None:
        wrong = count(False, None)
        return Tally(n, n, wrong, wrong)
    of_wrong = rows.weight[rows.wrong]
    return Tally(n, count(True, rows.weight), count(False, of_wrong), count(False, of_wrong**2))


def _count(axis: Axis, weight: Floats | None) -> Floats:
    if axis.codes is not None:
        return np.bincount(axis.codes, weights=weight, minlength=axis.bins).astype(np.float64)
    found = _matrix(axis).T @ (np.ones(_matrix(axis).shape[0]) if weight is None else weight)
    return np.asarray(found, dtype=np.float64).ravel()


def _cross(a: Axis, b: Axis, weight: Floats | None) -> Floats:
    if a.codes is not None and b.codes is not None:
        counts = np.bincount(a.codes * b.bins + b.codes, weights=weight, minlength=a.bins * b.bins)
        return counts.reshape(a.bins, b.bins).astype(np.float64)
    left = _matrix(a)
    if weight is not None:
        left = left.multiply(weight[:, None]).tocsr()
    return np.asarray((left.T @ _matrix(b)).toarray(), dtype=np.float64)


def _matrix(axis: Axis) -> sparse.csr_matrix:
    """Rows by bins, as 0 and 1."""
    if axis.codes is None:
        return axis.terms
    n = axis.codes.size
    return sparse.csr_matrix((np.ones(n), axis.codes, np.arange(n + 1)), shape=(n, axis.bins))
