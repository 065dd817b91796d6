"""Split-half confirmation: search on one half, test on the other."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.metrics.core.design import Design
from analysis.metrics.core.multiple_tests import holm
from analysis.metrics.core.weighted import Estimate, share
from analysis.metrics.slices.conditions import Axis
from analysis.metrics.slices.counts import SliceRows, total
from analysis.metrics.slices.search import SAME, Rule, SearchLimits, likeness, log_tail, rows_of, search
from validation.arrays import Bools

PROPOSE_AT = 0.01


class SplitConfirmation(NamedTuple):
    """confirmed: the judging half agrees (None: not asked). held_out: the error rate that it saw."""

    confirmed: bool | None
    held_out: Estimate | None


def confirm(
    rules: Sequence[Rule], axes: Sequence[Axis], rows: SliceRows, policy: SearchLimits, drawn: Design, seed: int
) -> list[SplitConfirmation]:
    """A verdict for each rule: does one half alone propose nearly the same, and does the other half agree (Holm)?"""
    if not rules:
        return []
    judge = np.ones(rows.wrong.size, dtype=bool)
    judge[np.random.default_rng(seed).permutation(judge.size)[: judge.size // 2]] = False
    half = SearchLimits(policy.pairs, PROPOSE_AT, max(policy.min_rows // 2, 10), policy.at_most, corrected=False)
    proposed, _ = search([axis.rows(~judge) for axis in axes], rows.part(~judge), half)
    masks = [rows_of(rule, axes) for rule in proposed]
    agrees = holm(np.exp([_log_p(mask, judge, rows) for mask in masks])) <= policy.level
    return [_verdict(rows_of(rule, axes), masks, agrees, judge, rows, drawn) for rule in rules]


def _log_p(mask: Bools, judge: Bools, rows: SliceRows) -> float:
    part, whole = total(rows.part(mask & judge)), total(rows.part(judge))
    return float(log_tail(part, whole, rows.weight is not None)[0])


def _verdict(
    mine: Bools, masks: Sequence[Bools], agrees: NDArray[np.bool_], judge: Bools, rows: SliceRows, drawn: Design
) -> SplitConfirmation:
    overlaps = [likeness(mine, mask) for mask in masks]
    if not overlaps or max(overlaps) < SAME:
        return SplitConfirmation(False, None)
    best = int(np.argmax(overlaps))
    return SplitConfirmation(bool(agrees[best]), share(rows.wrong, masks[best] & judge, drawn))
