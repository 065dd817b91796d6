"""Promotion gate: a paired test with a stated error rate for whether the candidate may replace the champion.

Numbers only: `retraining.verdict_words` writes them as sentences.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from analysis.metrics.core.multiple_tests import holm
from analysis.metrics.performance.paired import Difference
from retraining.learning.gate import sample_size
from retraining.learning.gate.comparison import PairedAnswers, compare, most_common, slice_mask
from retraining.learning.gate.sample_size import SampleSizePlan
from validation import InvalidInput
from validation.arrays import Bools, Ints


class GateCondition(StrEnum):
    """What a gate asks of the candidate."""

    BETTER = "better"
    BEATS_NAIVE = "beats_naive"
    NOT_WORSE = "not_worse"


@dataclass(frozen=True)
class Gate:
    """One condition of a promotion: it passes where `p` is at most `alpha`.

    difference: in points, with the interval that belongs to alpha; None in a slice without an audit label. p:
    one-sided, of a slice adjusted after Holm. slice_name: of a protected slice, which must be shown not to be worse by
    `margin` points or more.
    """

    condition: GateCondition
    passed: bool
    difference: Difference | None
    p: float | None
    alpha: float
    slice_name: str = ""
    margin: float | None = None


@dataclass(frozen=True)
class GateVerdict:
    """What the gate decided and everything it rests on.

    difference: points by which the candidate is better, None without labels. p: one-sided, low means better.
    fixed, broken: row numbers that only the candidate, only the champion got right; both_right, both_wrong: counts.
    needed: how many more audit labels would probably decide; None when it is decided or when no number would.
    """

    decision: Literal["promote", "hold"]
    difference: Difference | None
    p: float | None
    gates: tuple[Gate, ...]
    both_right: int
    both_wrong: int
    fixed: Ints
    broken: Ints
    needed: int | None


@dataclass(frozen=True)
class GateRule:
    """What a promotion must show. margin: a share, 0.01 is one point, by which no protected slice may be worse.

    alpha: the chance of promoting an equal model, at most. power: the chance wanted of promoting a better one, which
    says how many labels it needs.
    """

    margin: float = 0.0
    alpha: float = 0.05
    power: float = 0.8

    def __post_init__(self) -> None:
        if not 0 <= self.margin <= 0.5:
            raise InvalidInput(f"margin is a share between 0 and 0.5 (0.01 is one point), not {self.margin}.")
        if not (0 < self.alpha <= 0.5 and 0 < self.power < 1):
            raise InvalidInput("alpha must lie above 0 and up to 0.5, power between 0 and 1.")


def judge(
    truth: ArrayLike,
    champion_predicted: ArrayLike,
    candidate_predicted: ArrayLike,
    *,
    inclusion_probability: ArrayLike,
    rule: GateRule,
    protected: Mapping[str, ArrayLike] | None = None,
    costs: ArrayLike | None = None,
    naive: ArrayLike | None = None,
    groups: ArrayLike | None = None,
) -> GateVerdict:
    """Promote when the candidate is better overall and every protected slice is shown not to be worse by the margin.

    truth, champion_predicted, candidate_predicted: (n,) codes or names. inclusion_probability: (n,) in (0, 1], the
    chance with which each row was sent to a person; a row weighs its inverse. protected: slice name to (n,) bool mask.
    costs: (k, k), row the truth, column the answer; gains are then in points of the dearest mistake. naive: (n,) a
    baseline's answers, which the candidate must beat too. groups: (n,), rows with equal or near-equal inputs share one
    and count once. Raises InvalidInput for anything out of shape or range.
    """
    against = partial(
        compare,
        truth,
        candidate=candidate_predicted,
        inclusion_probability=inclusion_probability,
        costs=costs,
        groups=groups,
    )
    rows = against(champion=champion_predicted)
    masks = {name: slice_mask(name, mask, rows.n) for name, mask in (protected or {}).items()}
    if not rows.n:
        return _verdict(rows, [], None, None, None)
    plan = SampleSizePlan(alpha=rule.alpha, power=rule.power)
    found = [_better(GateCondition.BETTER, rows, plan), *_slices(rows, masks, rule.margin, plan)]
    if naive is not None:
        above = against(champion=naive)
        found.append(_better(GateCondition.BEATS_NAIVE, above, plan))
    gates = [gate for gate, _ in found]
    needed = sample_size.combine_plans([more for _, more in found])
    difference = rows.difference(np.ones(rows.n, dtype=bool), level=1 - 2 * rule.alpha)
    return _verdict(rows, gates, difference, rows.better_p(), needed)


def beats_naive(
    truth: ArrayLike,
    predicted: ArrayLike,
    inclusion_probability: ArrayLike,
    *,
    rule: GateRule = GateRule(),
    naive: ArrayLike | None = None,
    costs: ArrayLike | None = None,
    groups: ArrayLike | None = None,
) -> GateVerdict:
    """`judge` for a project without a champion: against always answering the commonest class.

    That class is read off the same labels, weighted, which favours the baseline. `naive` (n,) gives other answers.
    """
    answers = most_common(truth, inclusion_probability) if naive is None else naive
    return judge(
        truth,
        answers,
        predicted,
        inclusion_probability=inclusion_probability,
        rule=rule,
        costs=costs,
        groups=groups,
    )


def _verdict(
    rows: PairedAnswers,
    gates: list[Gate],
    difference: Difference | None,
    p: float | None,
    needed: int | None,
) -> GateVerdict:
    promoted = bool(gates) and all(gate.passed for gate in gates)
    return GateVerdict(
        decision="promote" if promoted else "hold",
        difference=difference,
        p=p,
        gates=tuple(gates),
        both_right=rows.both_right,
        both_wrong=rows.both_wrong,
        fixed=rows.fixed,
        broken=rows.broken,
        needed=None if promoted else needed,
    )


def _better(condition: GateCondition, rows: PairedAnswers, plan: SampleSizePlan) -> tuple[Gate, int | None]:
    p = rows.better_p()
    difference = rows.difference(np.ones(rows.n, dtype=bool), level=1 - 2 * plan.alpha)
    gate = Gate(condition, p <= plan.alpha, difference, p, plan.alpha)
    return gate, 0 if gate.passed else plan.more_for_better(rows.gain, rows.weight, rows.group)


def _slices(
    rows: PairedAnswers, masks: Mapping[str, Bools], margin: float, plan: SampleSizePlan
) -> list[tuple[Gate, int | None]]:
    """Each slice must be shown not to be worse, at levels stepped down after Holm (1979)."""
    if not masks:
        return []
    raw = [rows.not_worse_p(mask, margin) for mask in masks.values()]
    adjusted = holm(raw)
    return [
        _slice(name, rows, mask, margin, plan, float(p), len(masks))
        for (name, mask), p in zip(masks.items(), adjusted, strict=True)
    ]


def _slice(
    name: str, rows: PairedAnswers, mask: Bools, margin: float, plan: SampleSizePlan, p: float, tests: int
) -> tuple[Gate, int | None]:
    points = 100 * margin
    if not mask.any():
        return Gate(GateCondition.NOT_WORSE, False, None, None, plan.alpha, name, points), None
    difference = rows.difference(mask, level=1 - 2 * plan.alpha)
    gate = Gate(GateCondition.NOT_WORSE, p <= plan.alpha, difference, p, plan.alpha, name, points)
    needed = plan.more_for_slice(rows.gain, rows.weight, mask, margin, tests=tests, groups=rows.group)
    return gate, 0 if gate.passed else needed
