"""Rows and errors under every condition and every pair of conditions, one pair of columns at a time."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from analysis.metrics.slices.conditions import Axis
from validation.arrays import Bools, Floats

# Counts of all pairs of columns are kept between two rounds up to this many bytes; beyond it they are counted again.
MOST_BYTES = 256 * 2**20


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
        n, wrong = self.n - other.n, self.wrong - other.wrong
        if self.weight is self.n and other.weight is other.n:
            return Tally(n, n, wrong, wrong)
        return Tally(n, self.weight - other.weight, wrong, self.wrong_squared - other.wrong_squared)

    def at(self, where: NDArray[np.intp]) -> "Tally":
        return self.each(lambda part: part[where])

    def each(self, change: Callable[[Floats], Floats]) -> "Tally":
        """Every part changed alike. Where each row weighs 1, weights are counts: one array, changed once."""
        n, wrong = change(self.n), change(self.wrong)
        if self.weight is self.n:
            return Tally(n, n, wrong, wrong)
        return Tally(n, change(self.weight), wrong, change(self.wrong_squared))


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


class BlockCounts:
    """The blocks of the rows that are left in a search: kept where MOST_BYTES hold them, else counted at each pass."""

    def __init__(self, axes: Sequence[Axis], rows: SliceRows, *, pairs: bool) -> None:
        self._axes, self._rows, self._pairs = axes, rows, pairs
        self._left = np.ones(rows.wrong.size, dtype=bool)
        fits = _size(axes, rows, pairs=pairs) <= MOST_BYTES
        self._kept = list(blocks(axes, rows, pairs=pairs)) if fits else None

    def __iter__(self) -> Iterator[Block]:
        return iter(self._counted(self._left) if self._kept is None else self._kept)

    def take_out(self, gone: Bools) -> None:
        """Count these rows (n,) no more; they must still be among those counted."""
        self._left = self._left & ~gone
        if self._kept is not None:
            for place, without in enumerate(self._counted(gone)):
                kept = self._kept[place]
                self._kept[place] = Block(kept.a, kept.b, kept.bins.less(without.bins))

    def _counted(self, where: Bools) -> Iterator[Block]:
        return blocks([axis.rows(where) for axis in self._axes], self._rows.part(where), pairs=self._pairs)


def blocks(axes: Sequence[Axis], rows: SliceRows, *, pairs: bool = True) -> Iterator[Block]:
    """Every column and, when asked, every pair of columns; two terms of one text are a pair too."""
    wrong = [axis.rows(rows.wrong) for axis in axes]
    for a in range(len(axes)):
        yield Block(a, None, _single(axes[a], wrong[a], rows))
    if pairs:
        for a, b in _pairs(axes):
            yield Block(a, b, _joint((axes[a], axes[b]), (wrong[a], wrong[b]), rows))


def _pairs(axes: Sequence[Axis]) -> Iterator[tuple[int, int]]:
    yield from combinations(range(len(axes)), 2)
    yield from ((a, a) for a, axis in enumerate(axes) if axis.terms is not None)


def _size(axes: Sequence[Axis], rows: SliceRows, *, pairs: bool) -> int:
    """Bytes of all blocks of these rows."""
    cells = sum(axis.bins for axis in axes) + (
        sum(axes[a].bins * axes[b].bins for a, b in _pairs(axes)) if pairs else 0
    )
    return cells * np.dtype(np.float64).itemsize * (2 if rows.weight is None else 4)


def conditions(block: Block, axes: Sequence[Axis]) -> tuple[Tally, NDArray[np.intp], NDArray[np.intp]]:
    """Tally (m,) of every condition or pair of the block, with the conditions' places in a and b (m,)."""
    a = axes[block.a]
    if block.b is None:
        return block.bins.each(lambda part: _ranges(part, a)), np.arange(len(a.conditions)), np.full(a.first.size, -1)
    b = axes[block.b]
    tally = block.bins.each(lambda part: _rectangles(part, a, b).ravel())
    i, j = _places(len(a.conditions), len(b.conditions))
    if block.a != block.b:
        return tally, i, j
    once = np.flatnonzero(i < j)
    return tally.at(once), i[once], j[once]


@lru_cache(maxsize=16)
def _places(rows: int, columns: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Row and column of each cell of a table, read row by row."""
    i, j = (place.ravel() for place in np.indices((rows, columns)))
    i.flags.writeable = j.flags.writeable = False
    return i, j


def _ranges(bins: Floats, a: Axis) -> Floats:
    """Sum of bins over each range of a (conditions of a,)."""
    sums = np.append(0.0, np.cumsum(bins))
    return np.asarray(sums[a.last] - sums[a.first])


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
