"""Guardrails of a canary: what may not happen more often in its arm, by how much, and what is found of that so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from analysis.metrics.monitoring import arms
from analysis.metrics.monitoring.arms import ArmCounts, ArmDifference


class GuardrailRule(StrEnum):
    """What is counted of each unit."""

    OVERRIDES = "overrides"
    ERRORS = "errors"
    SLOW = "slow"
    EXCEPTIONS = "exceptions"


FALSE_ALARM = 0.05  # the chance that any rule ever rolls back a canary that is no worse
ALPHA = FALSE_ALARM / len(GuardrailRule)
RATIO_ALPHA = 0.01
LIMITS: Mapping[GuardrailRule, float] = {
    GuardrailRule.OVERRIDES: 0.01,
    GuardrailRule.ERRORS: 0.01,
    GuardrailRule.SLOW: 0.05,
    GuardrailRule.EXCEPTIONS: 0.005,
}
"""How much higher than the champion's the canary's rate may be, where nothing else is set."""


class GuardrailState(StrEnum):
    """holds: the upper limit is below what is allowed; broken: the lower one is above it."""

    HOLDS = "holds"
    OPEN = "open"
    BROKEN = "broken"


@dataclass(frozen=True)
class Guardrail:
    """One rule with what is found: counts over all shares, and the difference of the rates."""

    rule: GuardrailRule
    limit: float
    counts: ArmCounts
    difference: ArmDifference

    @property
    def state(self) -> GuardrailState:
        if self.difference.low > self.limit:
            return GuardrailState.BROKEN
        return GuardrailState.HOLDS if self.difference.high < self.limit else GuardrailState.OPEN


def guardrail(rule: GuardrailRule, steps: Sequence[ArmCounts], limit: float) -> Guardrail:
    """What the counts of each share of the canary, in the order of time, say of one rule."""
    return Guardrail(rule, limit, _total(steps), arms.difference(steps, ALPHA))


@dataclass(frozen=True)
class SampleRatio:
    """Whether units come into the arms as planned. `held`: they do not, so nothing can be read of the rest."""

    canary: int
    expected: float
    units: int
    evidence: float

    @property
    def held(self) -> bool:
        return bool(self.evidence >= -np.log(RATIO_ALPHA))


def sample_ratio(steps: Sequence[ArmCounts]) -> SampleRatio:
    total = _total(steps)
    units = total.canary + total.champion
    expected = sum(one.share * (one.canary + one.champion) for one in steps)
    evidence = sum(float(arms.ratio_evidence(one.share, one.canary, one.champion)) for one in steps)
    return SampleRatio(total.canary, expected, units, evidence)


def _total(steps: Sequence[ArmCounts]) -> ArmCounts:
    names = ("canary", "champion", "canary_events", "champion_events")
    return ArmCounts(steps[-1].share if steps else 0.5, *(sum(getattr(one, name) for one in steps) for name in names))
