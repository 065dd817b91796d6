"""Greedy slice search: count and test every rule, report the best, remove its rows, repeat."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.metrics.core.multiple_tests import benjamini_hochberg
from analysis.metrics.slices import tail_probabilities
from analysis.metrics.slices.conditions import Axis, Condition
from analysis.metrics.slices.counts import Block, BlockCounts, SliceRows, Tally, conditions, total
from validation.arrays import Bools, Floats

# Rules whose errors lie less than this many standard deviations above what is due cannot pass any correction.
SCREEN = 2.0
# Two rules are the same finding when most rows that meet one of them meet both.
SAME = 0.5
# So many of the most deviating rules get their exact tail; the others count as tested, with p = 1.
CLOSEST = 5000
# Pairs are dropped down to those whenever there are more than this.
MOST_KEPT = 200_000
MOST_COLUMNS = 1_000_000
# A condition added to a true finding makes it look sharper by chance in at most this share of cases.
SHARPER = 0.01


class SearchLimits(NamedTuple):
    """corrected: by Benjamini–Hochberg at `level`; else uncorrected, to be tested on other rows."""

    pairs: bool
    level: float
    min_rows: int
    at_most: int
    corrected: bool = True


class Rule(NamedTuple):
    """A finding: the (column, condition) places of its conditions, its natural log p, and p after correction."""

    places: tuple[tuple[int, int], ...]
    log_p: float
    adjusted: float


class _Keys(NamedTuple):
    """Where each rule (m,) is: its column(s) and the conditions' places there, -1 for no second one.

    parent_a, parent_b: the places, among all rules, of its two conditions alone.
    """

    a: NDArray[np.intp]
    b: NDArray[np.intp]
    i: NDArray[np.intp]
    j: NDArray[np.intp]
    parent_a: NDArray[np.intp]
    parent_b: NDArray[np.intp]

    def at(self, where: NDArray[np.intp]) -> "_Keys":
        return _Keys(*(part[where] for part in self))

    def family(self) -> NDArray[np.int64]:
        """One number for each column, and for each pair of columns (m,)."""
        return np.asarray(_family(self.a, self.b), dtype=np.int64)


class _Candidates(NamedTuple):
    """Rules that may be findings, how far each deviates (-inf: not tested), and how many rules each family tests."""

    keys: _Keys
    tally: Tally
    deviation: Floats
    families: NDArray[np.int64]
    family_sizes: NDArray[np.int64]


def _family(a: Any, b: Any) -> Any:
    return a * MOST_COLUMNS + b + 1


def search(axes: Sequence[Axis], rows: SliceRows, policy: SearchLimits) -> tuple[list[Rule], int]:
    """Findings, the surest first, and how many rules were tested.

    After each finding its rows are taken out and all rules are judged anew among the rows that are left: else the
    thousand rules that overlap one true finding would let false ones through the correction.
    """
    tables, everything = BlockCounts(axes, rows, pairs=policy.pairs), total(rows)
    left, tested = np.ones(rows.wrong.size, dtype=bool), 0
    found: list[Rule] = []
    masks: list[Bools] = []
    while len(found) < policy.at_most:
        best, count = _smallest_p(axes, tables, everything, policy, weighted=rows.weight is not None)
        tested = tested or count
        if best is None:
            break
        met = rows_of(best, axes)
        gone = met & left
        left &= ~gone
        # What is left at the rim of a finding, because its bounds fall between two bins, is no finding of its own.
        if all(likeness(met, other) < SAME for other in masks):
            found.append(best)
            masks.append(met)
        tables.take_out(gone)
        everything = everything.less(total(rows.part(gone)))
    return found, tested


def _smallest_p(
    axes: Sequence[Axis], tables: Iterable[Block], everything: Tally, policy: SearchLimits, *, weighted: bool
) -> tuple[Rule | None, int]:
    """The rule with the smallest p of those that pass, or None, and how many were tested."""
    rules = _candidates(tables, axes, everything, policy, weighted=weighted)
    keys, tally, count = rules.keys, rules.tally, int(rules.family_sizes.sum())
    closest = np.argsort(-rules.deviation)[:CLOSEST]
    closest = closest[rules.deviation[closest] > SCREEN]
    log_p = log_tail(tally.at(closest), everything, weighted)
    adjusted = _corrected(log_p, closest, rules) if policy.corrected else np.exp(log_p)
    fit = adjusted <= policy.level
    fit[fit] = _beats_parents(keys.at(closest[fit]), tally, closest[fit], axes, policy, weighted)
    if not fit.any():
        return None, count
    best = _sharpest(np.flatnonzero(fit), log_p, closest, keys, tally, axes, policy, weighted)
    return Rule(_places(keys, int(closest[best])), float(log_p[best]), float(adjusted[best])), count


def _sharpest(
    fit: NDArray[np.intp],
    log_p: Floats,
    closest: NDArray[np.intp],
    keys: _Keys,
    tally: Tally,
    axes: Sequence[Axis],
    policy: SearchLimits,
    weighted: bool,
) -> int:
    """The rule of smallest p; or, where one of its conditions is significant alone, the best rule within that one.

    A broad and weak rule gathers errors enough to be surer than the narrow fault inside it, and would take the rows of
    the fault with it. What is left of the broad one is judged again once the narrow one is out.
    """
    best = int(fit[np.argmin(log_p[fit])])
    alone = closest[fit]
    parents = [int(part[closest[best]]) for part in (keys.parent_a, keys.parent_b)]
    around = fit[np.isin(alone, [closest[best]] if parents[0] < 0 else parents)]
    if not around.size:
        return best
    broad = int(closest[around[np.argmin(log_p[around])]])
    inside = fit[(keys.parent_a[alone] == broad) | (keys.parent_b[alone] == broad)]
    if not inside.size:
        return best
    within = log_tail(tally.at(closest[inside]), tally.at(np.full(inside.size, broad)), weighted)
    others = sum(len(axis.conditions) for axis in axes) - len(axes[int(keys.a[broad])].conditions)
    narrow = int(np.argmin(within))
    return int(inside[narrow]) if within[narrow] <= np.log(SHARPER / max(others, 1)) else best


def _corrected(log_p: Floats, rule: NDArray[np.intp], rules: _Candidates) -> Floats:
    """p after correction (m,) of the rules listed, the others that were tested having p = 1.

    Rules on the same columns overlap and are dependent, so they are one family of tests, and each family
    weighs the same however finely its columns are cut: Benjamini–Hochberg within each family, and over the families
    by their smallest corrected p (Simes), as in Benjamini and Bogomolov (JRSS B 2014).
    """
    families, sizes = rules.families, rules.family_sizes
    within, simes = np.ones(log_p.size), np.ones(families.size)
    own = np.searchsorted(families, rules.keys.family()[rule])
    for family in np.unique(own):
        mine = own == family
        within[mine] = benjamini_hochberg(np.exp(log_p[mine]), tests=int(sizes[family]))
        simes[family] = within[mine].min()
    over = benjamini_hochberg(simes)
    result: Floats = np.minimum(within * (over / np.maximum(simes, 1e-300))[own], 1.0)
    return result


def log_tail(part: Tally, whole: Tally, weighted: bool) -> Floats:
    """Natural log (m,) of the chance that a blind draw from `whole` holds as many errors as `part`."""
    if weighted:
        expected = part.weight * whole.wrong / whole.weight
        return tail_probabilities.log_weighted_tail(part.wrong, part.wrong_squared, expected)
    return tail_probabilities.log_hypergeometric_tail(part.wrong, part.n, whole.wrong, whole.n)


def _candidates(
    tables: Iterable[Block], axes: Sequence[Axis], everything: Tally, policy: SearchLimits, *, weighted: bool
) -> _Candidates:
    """Every single condition, and the pairs that deviate enough to be looked at: a hundred columns make 30 million.

    The single conditions come first, in the order of the columns, since pairs are compared with theirs.
    """
    begin = np.append(0, np.cumsum([len(axis.conditions) for axis in axes]))
    kept: list[tuple[_Keys, Tally, Floats]] = []
    families: list[tuple[int, int]] = []
    floor, size = SCREEN, 0
    for block in tables:
        tally, i, j = conditions(block, axes)
        tested = (tally.n >= policy.min_rows) & (tally.n < everything.n)
        deviation = np.where(tested, _deviation(tally, everything, weighted), -np.inf)
        families.append((_family(block.a, -1 if block.b is None else block.b), int(tested.sum())))
        if block.b is not None:
            close = np.flatnonzero(deviation > floor)
            tally, i, j, deviation = tally.at(close), i[close], j[close], deviation[close]
        kept.append((_block_keys(block, begin, i, j), tally, deviation))
        size += deviation.size
        if size > MOST_KEPT:
            kept, floor = _pruned(kept, int(begin[-1]), floor)
            size = kept[0][2].size
    keys, tally, deviation = _joined(kept)
    known = np.array(sorted(family for family in families if family[1]), dtype=np.int64).reshape(-1, 2)
    return _Candidates(keys, tally, deviation, known[:, 0], known[:, 1])


def _block_keys(block: Block, begin: NDArray[np.intp], i: NDArray[np.intp], j: NDArray[np.intp]) -> _Keys:
    b = -1 if block.b is None else block.b
    parents = (begin[block.a] + i, begin[b] + j) if b >= 0 else (np.full(i.size, -1), np.full(i.size, -1))
    return _Keys(np.full(i.size, block.a), np.full(i.size, b), i, j, *parents)


def _joined(kept: Sequence[tuple[_Keys, Tally, Floats]]) -> tuple[_Keys, Tally, Floats]:
    keys, tallies, deviations = zip(*kept, strict=True)
    joined = _Keys(*(np.concatenate(parts) for parts in zip(*keys, strict=True)))
    return joined, Tally(*(np.concatenate(parts) for parts in zip(*tallies, strict=True))), np.concatenate(deviations)


def _pruned(
    kept: Sequence[tuple[_Keys, Tally, Floats]], singles: int, floor: float
) -> tuple[list[tuple[_Keys, Tally, Floats]], float]:
    """The single conditions and the pairs that deviate most, in their order; and what a later pair must exceed."""
    keys, tally, deviation = _joined(kept)
    pairs = np.arange(min(singles, deviation.size), deviation.size)
    most = np.sort(pairs[np.argsort(-deviation[pairs], kind="stable")[:CLOSEST]])
    chosen = np.concatenate([np.arange(min(singles, deviation.size)), most])
    exceeded = float(deviation[most].min()) if most.size == CLOSEST else floor
    return [(keys.at(chosen), tally.at(chosen), deviation[chosen])], exceeded


def _deviation(tally: Tally, everything: Tally, weighted: bool) -> Floats:
    """Errors above what is due, in standard deviations (m,)."""
    rate = everything.wrong / everything.weight
    spread = tally.wrong_squared if weighted else tally.n * rate * (1 - rate)
    above = tally.wrong - rate * tally.weight
    return np.where(spread > 0, above / np.sqrt(np.where(spread > 0, spread, 1.0)), -np.inf)


def _beats_parents(
    keys: _Keys, tally: Tally, rule: NDArray[np.intp], axes: Sequence[Axis], policy: SearchLimits, weighted: bool
) -> Bools:
    """Is each rule (m,) of two conditions worse than either alone, beyond the maximum expected among its siblings?"""
    size = np.array([len(axis.conditions) for axis in axes])
    better = np.ones(rule.size, dtype=bool)
    pair = np.flatnonzero(keys.b >= 0)
    for parent, own in ((keys.parent_a, keys.a), (keys.parent_b, keys.b)):
        siblings = np.maximum(size.sum() - size[own[pair]], 1) if policy.corrected else 1
        log_p = log_tail(tally.at(rule[pair]), tally.at(parent[pair]), weighted)
        better[pair] &= log_p <= np.log(policy.level) - np.log(siblings)
    return better


def _places(keys: _Keys, rule: int) -> tuple[tuple[int, int], ...]:
    a, b, i, j = (int(part[rule]) for part in keys[:4])
    return ((a, i),) if b < 0 else ((a, i), (b, j))


def conditions_of(rule: Rule, axes: Sequence[Axis]) -> tuple[Condition, ...]:
    return tuple(axes[axis].conditions[place] for axis, place in rule.places)


def likeness(one: Bools, other: Bools) -> float:
    """Share of the rows that meet either rule which meet both (Jaccard)."""
    return float((one & other).sum() / max(1, int((one | other).sum())))


def rows_of(rule: Rule, axes: Sequence[Axis]) -> Bools:
    """The rows (n,) that meet a rule."""
    result: Bools = np.logical_and.reduce([_meets(axes[axis], place) for axis, place in rule.places])
    return result


def _meets(axis: Axis, place: int) -> Bools:
    first, last = axis.first[place], axis.last[place]
    if axis.codes is not None:
        return np.asarray((axis.codes >= first) & (axis.codes < last))
    assert axis.terms is not None
    return np.asarray(axis.terms[:, [first]].toarray()[:, 0] > 0)
