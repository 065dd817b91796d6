"""Effective inclusion probabilities: asked items stand for themselves, audit draws for all others.

Write a = 1 for an item that the active part asked and d = 1 for one that the audit drew with probability p. The choice
of a may look at everything but the item's own d and label, so given a the draw is still a draw with probability p, and

    the weight a + (1 - a) d / p  has expectation 1 for every item,

whenever the item was asked: on the day of its capture or a year later. A version that learnt from asked items cannot
be judged on them; for it, all that was asked before it was trained counts as not asked, and the audit alone stands for
it. What nobody has answered yet is non-response: the answered items of the same cell stand for it. A cell is a part of
one round, or a stretch of capture time whose audit weights are scaled to the number of items captured in it
(post-stratification: Särndal, Swensson and Wretman, "Model Assisted Survey Sampling", 1992, section 7.6).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Rows = NDArray[np.intp]

CELL = 20
"""Audit draws in one stretch of capture time, where there are so many."""

PARTS = 3
"""Cells of one round, by rank: the first asked are the least certain, and are answered first."""

FEWEST = 3
"""A cell with fewer answers joins its neighbour."""


@dataclass(frozen=True)
class SelectedItems:
    """n items that were drawn or asked, one row each.

    period       (n,) 0..b-1, the period of time, such as the day, in which the item was captured
    probability  (n,) of the audit draw, in (0, 1]; ignored where not drawn
    drawn        (n,) bool, whether the audit drew the item
    asked        (n,) when the active part asked it, in seconds since the epoch; NaN = not asked
    rank         (n,) place in its round, low = asked sooner; ignored where not asked
    answered     (n,) bool
    """

    period: NDArray[np.int64]
    probability: Floats
    drawn: Bools
    asked: Floats
    rank: Floats
    answered: Bools


def effective_probability(
    chosen: SelectedItems, population: NDArray[np.int64], *, learnt_until: float | None = None
) -> Floats:
    """(n,) inclusion probability, one over the number of items that each item stands for; NaN = it does not count.

    `population` (b,) counts the items of each period, whether chosen or not. `learnt_until` is when the newest item was
    asked that the version learnt from; None = it learnt from none. Nothing counts where the audit has no answer yet and
    the asked items are not all there is.
    """
    certain = _standing(chosen, learnt_until)
    audit = chosen.drawn & ~certain
    effective = np.full(len(certain), np.nan)
    others = population - np.bincount(chosen.period[certain], minlength=len(population))
    if others.sum() > 0 and not (audit & chosen.answered).any():
        return effective
    for cell in _rounds(chosen, certain):
        effective[cell[chosen.answered[cell]]] = chosen.answered[cell].mean()
    for cell, size in _stretches(chosen, audit, others):
        rows = cell[chosen.answered[cell]]
        weight = 1.0 / chosen.probability[rows]
        effective[rows] = np.minimum(1.0, weight.sum() / (size * weight))
    return effective


def _standing(chosen: SelectedItems, learnt_until: float | None) -> Bools:
    """(n,) which items stand for themselves; none, where no such item has an answer."""
    certain = np.isfinite(chosen.asked)
    if learnt_until is not None:
        certain &= chosen.asked > learnt_until
    return certain if (certain & chosen.answered).any() else np.zeros_like(certain)


def _rounds(chosen: SelectedItems, certain: Bools) -> list[Rows]:
    """The cells of asked items: parts of each round by rank; one with few answers goes to the one before."""
    found: list[Rows] = []
    for moment in np.unique(chosen.asked[certain]):
        rows = np.flatnonzero(certain & (chosen.asked == moment))
        ordered = rows[np.argsort(chosen.rank[rows], kind="stable")]
        for part in np.array_split(ordered, PARTS):
            if found and min(chosen.answered[part].sum(), chosen.answered[found[-1]].sum()) < FEWEST:
                found[-1] = np.concatenate([found[-1], part])
            else:
                found.append(part)
    return found


def _stretches(chosen: SelectedItems, audit: Bools, others: NDArray[np.int64]) -> list[tuple[Rows, int]]:
    """The cells of audit items with the items that each stands for: neighbouring periods together."""
    drawn = np.bincount(chosen.period[audit], minlength=len(others))
    answered = np.bincount(chosen.period[audit & chosen.answered], minlength=len(others))
    cell, of_period, draws, answers = 0, np.zeros(len(others), dtype=np.int64), 0, 0
    for period in range(len(others)):
        if draws >= CELL and answers >= FEWEST:
            cell, draws, answers = cell + 1, 0, 0
        of_period[period] = cell
        draws, answers = draws + drawn[period], answers + answered[period]
    if cell and (draws < CELL or answers < FEWEST):  # what is left over at the end joins the stretch before
        of_period[of_period == cell] = cell - 1
    rows, place = np.flatnonzero(audit), of_period[chosen.period]
    return [(rows[place[rows] == one], int(others[of_period == one].sum())) for one in np.unique(of_period)]
