"""Gate on disagreements: labels only where two versions answer differently, judged after each label.

Where both say the same, the difference in accuracy or cost is 0. So the mean gain over the traffic of a window is the
rate of disagreement, which is counted, times the mean gain on disagreements, for which labels are drawn uniformly. What
needs labels of all traffic (log loss, calibration, the naive baseline) stays with the gate on audit labels, `decision`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike

from analysis.metrics.performance.paired import Difference
from retraining.learning.gate import sample_size
from retraining.learning.gate.bounded_mean import MeanTest, mean_above, mean_below
from retraining.learning.gate.comparison import losses
from retraining.learning.gate.decision import GateRule
from retraining.learning.gate.labels_needed import more_labels
from retraining.learning.gate.slice_tests import SliceResult, slice_results, traffic_difference
from retraining.learning.gate.traffic import PairedTraffic
from validation import InvalidInput, arrays
from validation.arrays import Floats, Ints


class SequentialDecision(StrEnum):
    """What the labels so far decide."""

    PROMOTE = "promote"
    REFUSE = "refuse"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class DisagreementVerdict:
    """What the labels of disagreements decide by now, and what it rests on.

    rows, disagreements: of the window, counted; labels: distinct disagreements labelled, of which `fixed` only the
    candidate, `broken` only the champion got right and the rest neither. difference: points of all traffic by which the
    candidate is better, with its confidence sequence at 1 - 2 alpha: valid after any number of looks, and above 0 where
    the candidate is shown to be better. p_better, p_worse: one-sided, anytime-valid. needed: about how many more labels
    decide; None when it is decided or can't be known. left: disagreements of the window that wait for a label.
    """

    decision: SequentialDecision
    rows: int
    disagreements: int
    labels: int
    fixed: int
    broken: int
    difference: Difference | None
    p_better: float
    p_worse: float
    slices: tuple[SliceResult, ...]
    needed: int | None
    left: int
    alpha: float

    @property
    def rate(self) -> float:
        """The share of the window's rows on which the versions differ; 0 without rows."""
        return self.disagreements / self.rows if self.rows else 0.0


def judge_disagreements(
    window: PairedTraffic,
    drawn: ArrayLike,
    truth: ArrayLike,
    *,
    rule: GateRule,
    costs: ArrayLike | None = None,
    plan: bool = True,
    seed: int = 0,
) -> DisagreementVerdict:
    """Promote, refuse or go on, from the labels of the first disagreements drawn; may be asked after every label.

    drawn: (m,) rows of the window in the order of `draw_order`, without gaps; truth: (m,) their labels. rule: its alpha
    is the chance, over all looks together, of promoting a candidate that is not better, or one that is worse by the
    margin in a slice; that of refusing one that is not worse overall; and that of refusing one for a slice in which it
    is not worse by the margin. Its power is the certainty meant by "about so many more labels". costs: (k, k) as in
    `decision.judge`. plan: whether these labels are counted out. Raises InvalidInput for rows that do not differ, and
    for anything out of shape.
    """
    rows = _drawn_rows(window, drawn)
    labels = np.asarray(truth)
    arrays.same_length(len(rows), truth=labels)
    first = window.first_of_copies(rows)
    rows, labels = rows[first], labels[first]
    gains = losses(labels, window.champion[rows], costs) - losses(labels, window.candidate[rows], costs)
    better, worse = mean_above(gains, 0.0, rule.alpha), mean_below(gains, 0.0, rule.alpha)
    slices, plans = slice_results(window, rows, gains, rule, plan=plan, seed=seed)
    decision = _decision(bool(better.rejected[0]), bool(worse.rejected[0]), slices)
    needed = None
    if plan and decision == SequentialDecision.UNDECIDED:
        overall = 0 if better.rejected[0] else _overall_plan(gains, better, worse, power=rule.power, seed=seed)
        needed = sample_size.combine_plans([overall, *plans]) if gains.sum() > 0 else overall
    differs = np.flatnonzero(window.differs)
    return DisagreementVerdict(
        decision=decision,
        rows=window.n,
        disagreements=len(differs),
        labels=len(rows),
        fixed=int((window.candidate[rows] == labels).sum()),
        broken=int((window.champion[rows] == labels).sum()),
        difference=traffic_difference(gains, rate=len(differs) / max(window.n, 1), alpha=rule.alpha),
        p_better=float(better.p[0]),
        p_worse=float(worse.p[0]),
        slices=slices,
        needed=needed,
        left=int(window.first_of_copies(differs).sum()) - len(rows),
        alpha=rule.alpha,
    )


def _drawn_rows(window: PairedTraffic, drawn: ArrayLike) -> Ints:
    rows = arrays.codes("drawn", drawn, max(window.n, 1))
    if len(np.unique(rows)) != len(rows):
        raise InvalidInput("drawn names one row twice.")
    if len(rows) and not window.differs[rows].all():
        row = int(rows[np.argmin(window.differs[rows])])
        raise InvalidInput(f"Row {row} was drawn, but both versions agree on it.")
    return rows


def _decision(better: bool, worse: bool, slices: tuple[SliceResult, ...]) -> SequentialDecision:
    if worse or any(one.failed for one in slices):
        return SequentialDecision.REFUSE
    if better and all(one.passed for one in slices):
        return SequentialDecision.PROMOTE
    return SequentialDecision.UNDECIDED


def _overall_plan(gains: Floats, better: MeanTest, worse: MeanTest, *, power: float, seed: int) -> int | None:
    return more_labels(gains, (better, worse), signs=(1, -1), power=power, seed=seed)
