"""Slice scan: every rule of one or two readable conditions, tested exactly for more errors than elsewhere.

All rules are counted, each gets the hypergeometric chance of so many errors in rows drawn blindly, and
Benjamini–Hochberg keeps the expected share of false findings below `level` (so on pure noise anything at all is
reported with that chance). Of copies of an item one, drawn by lot, takes part in the search. A rule of two conditions
stays only if it is worse than each of them alone. What is reported is taken out of the rows before the next is looked
for, so that no finding is a shadow of another. The same search on one half of the rows, judged on the other half, says
which findings are confirmed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.metrics.core import intervals
from analysis.metrics.core.design import Design, design, one_of_each
from analysis.metrics.core.weighted import NO_ITEMS, Estimate, share
from analysis.metrics.slices import split_confirmation
from analysis.metrics.slices.conditions import Axis, Condition, axes
from analysis.metrics.slices.counts import SliceRows
from analysis.metrics.slices.search import Rule, SearchLimits, conditions_of, rows_of, search
from analysis.metrics.slices.split_confirmation import SplitConfirmation
from validation import InvalidInput, arrays
from validation.arrays import Bools

NOTHING = "No slice is surely worse than the rest; {} rules tested."
LIFT = "Ratio of Hájek shares, gamma limits joined by MOVER"


@dataclass(frozen=True)
class Slice:
    """One finding. rule: its conditions in words; n, errors: rows as labelled, unweighted.

    error_rate: share of its items that are wrong; lift: that share over the share of all items, with limits;
    share_of_errors: part of all errors that lie in it. p: chance of so many errors by blind drawing, among the rows
    outside the findings before it; p_adjusted: after Benjamini–Hochberg over every rule tested. confirmed: the half
    of the rows that was not searched agrees (None: not tested); held_out: the error rate there, free of selection
    bias.
    """

    rule: str
    conditions: tuple[Condition, ...]
    n: int
    errors: int
    error_rate: Estimate
    lift: Estimate
    share_of_errors: float
    p: float
    p_adjusted: float
    confirmed: bool | None = None
    held_out: Estimate | None = None


@dataclass(frozen=True)
class SliceScan:
    """slices: the findings, the surest first. tested: rules that had enough rows. error_rate: of all items."""

    slices: tuple[Slice, ...]
    tested: int
    n: int
    error_rate: Estimate
    note: str = ""


@dataclass(frozen=True)
class ScanSettings:
    """How a scan searches. pairs: rules of two conditions too. level: false discovery rate. min_rows: smallest slice
    (None: 20, or 0.5 % of the rows). at_most: findings. confirm: search one half again and test on the other.
    """

    pairs: bool = True
    level: float = 0.05
    min_rows: int | None = None
    at_most: int = 20
    confirm: bool = True
    seed: int = 0

    def limits(self, rows: int) -> SearchLimits:
        fewest = max(20, rows // 200) if self.min_rows is None else self.min_rows
        return SearchLimits(self.pairs, self.level, fewest, self.at_most)


STANDARD = ScanSettings()


def scan(
    columns: Mapping[str, Sequence[Any] | NDArray[Any]],
    errors: ArrayLike,
    *,
    types: Mapping[str, str] | None = None,
    inclusion_probability: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    settings: ScanSettings = STANDARD,
) -> SliceScan:
    """The slices of one or two conditions in which the error rate is surely higher than overall.

    columns: name → values (n,), numbers, datetime64, strings or None; types: number, time, category or text where the
    guess is wrong; errors (n,) bool. inclusion_probability (n,): when items were not equally likely to be labelled,
    every count is weighted and the test is Fay and Feuer's for weighted counts. groups (n,): copies of an item share
    one; rules are tested on one row of each (within-cluster resampling: Hoffman, Sen and Weinberg, Biometrika 2001),
    rates are those of all rows, with limits that count copies once. Limits of rates and lifts are at 95 %. Raises
    InvalidInput on bad arrays; no rows, no error, or nothing but errors give no slices and a note.
    """
    wrong = arrays.booleans("errors", errors)
    arrays.level(settings.level)
    for name, values in columns.items():
        if len(values) != wrong.size:
            raise InvalidInput(f"The column {name} has {len(values)} rows where {wrong.size} are needed.")
    chance = np.ones(wrong.size) if inclusion_probability is None else inclusion_probability
    drawn = design(chance, groups=groups)
    overall = share(arrays.booleans("errors", wrong, drawn.n), np.ones(drawn.n, dtype=bool), drawn)
    once = one_of_each(drawn.group, drawn.n, seed=settings.seed)
    limits = settings.limits(int(once.sum()))
    split = [] if _one_sided(wrong[once]) else axes(columns, types=types, min_rows=limits.min_rows, seed=settings.seed)
    if not split:
        return SliceScan(
            (), 0, wrong.size, overall, _one_sided(wrong[once]) or "No column has two values with enough rows."
        )
    weighted = wrong.size and np.ptp(drawn.weight) > 0
    rows = SliceRows(wrong, drawn.of_its_group(drawn.weight) if weighted else None).part(once)
    searched = split if drawn.group is None else [axis.rows(once) for axis in split]
    rules, tested = search(searched, rows, limits)
    confirmations = (
        split_confirmation.confirm(rules, searched, rows, limits, design(np.asarray(chance)[once]), settings.seed)
        if settings.confirm
        else [SplitConfirmation(None, None)] * len(rules)
    )
    slices = [_slice(rule, split, wrong, drawn, verdict) for rule, verdict in zip(rules, confirmations, strict=True)]
    # Once the worst slices are out, a rule may be worse than the rest and yet better than all rows together.
    found = [one for one in slices if (one.lift.value or 0.0) > 1]
    return SliceScan(tuple(found), tested, wrong.size, overall, "" if found else NOTHING.format(tested))


def members(columns: Mapping[str, Sequence[Any] | NDArray[Any]], chosen: Sequence[Condition]) -> Bools:
    """Which rows (n,) of these columns meet every one of the conditions: a slice, on these or on any later rows."""
    if not chosen:
        raise InvalidInput("A slice needs at least one condition.")
    for condition in chosen:
        if condition.column not in columns:
            raise InvalidInput(f"There is no column {condition.column}.")
    result: Bools = np.logical_and.reduce(
        [condition.matching_rows(np.asarray(columns[condition.column])) for condition in chosen]
    )
    return result


def _one_sided(wrong: Bools) -> str:
    if not wrong.size:
        return NO_ITEMS
    errors = int(np.count_nonzero(wrong))
    return "" if 0 < errors < wrong.size else f"{'All' if errors else 'None'} of the {wrong.size} rows are wrong."


def _slice(rule: Rule, split: Sequence[Axis], wrong: Bools, drawn: Design, verdict: SplitConfirmation) -> Slice:
    inside, chosen = rows_of(rule, split), conditions_of(rule, split)
    return Slice(
        rule=" and ".join(condition.words() for condition in chosen),
        conditions=chosen,
        n=int(np.count_nonzero(inside)),
        errors=int(np.count_nonzero(wrong & inside)),
        error_rate=share(wrong, inside, drawn),
        lift=_lift(wrong, inside, drawn),
        share_of_errors=float(drawn.weight[wrong & inside].sum() / drawn.weight[wrong].sum()),
        p=float(np.exp(rule.log_p)),
        p_adjusted=rule.adjusted,
        confirmed=verdict.confirmed,
        held_out=verdict.held_out,
    )


def _lift(wrong: Bools, inside: Bools, drawn: Design) -> Estimate:
    """Error rate inside over that of all, from the quotient q of the rates outside and inside: 1 / (f + (1 - f) q)."""
    here, there = share(wrong, inside, drawn), share(wrong, ~inside, drawn)
    part = float(drawn.weight[inside].sum() / drawn.weight.sum())
    (a, *a_limits), (b, *b_limits) = (
        [np.array([v]) for v in (e.value or 0.0, e.low or 0.0, e.high or 0.0)] for e in (there, here)
    )
    low, high = intervals.quotient_limits(a, (a_limits[0], a_limits[1]), b, (b_limits[0], b_limits[1]))
    value, least, most = (float(1 / (part + (1 - part) * q)) for q in ((a / b)[0], high[0], low[0]))
    return Estimate(value, least, most, here.n, here.effective_n, LIFT)
