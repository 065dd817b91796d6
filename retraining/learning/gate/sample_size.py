"""Sample size: how many more audit labels would probably decide, at the difference observed so far."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm

from analysis.metrics.performance.paired import one_a_group, padded
from validation.arrays import Bools, Floats


@dataclass(frozen=True)
class SampleSizePlan:
    """alpha: chance of passing what should not pass; power: chance wanted of passing what should."""

    alpha: float
    power: float

    def more_for_better(self, gain: Floats, weights: Floats, groups: ArrayLike | None = None) -> int | None:
        """More rows needed to show a gain as large as the one seen; None when none is seen.

        Connor (1987): the spread without a difference at alpha, with it at the power wanted. groups: copies of a row
        count once (`one_a_group`), and the rows to come will hold as many copies as those at hand.
        """
        rows = len(gain)
        gain, weights = one_a_group(gain, weights, groups)
        mean = float(np.average(gain, weights=weights))
        if mean <= 0:
            return None
        spread = float(np.average(gain**2, weights=weights))
        root = norm.isf(self.alpha) * np.sqrt(spread) + norm.ppf(self.power) * np.sqrt(max(spread - mean**2, 0.0))
        return ceil(_more((root / mean) ** 2 * _design_effect(weights), len(gain)) * rows / len(gain))

    def more_for_slice(
        self,
        gain: Floats,
        weights: Floats,
        mask: Bools,
        margin: float,
        *,
        tests: int,
        groups: ArrayLike | None = None,
    ) -> int | None:
        """More rows, of all slices together, to show this slice not worse by `margin`; None when it seems to be.

        A uniform audit stream brings rows of the slice at its weighted share; `tests` is Holm's first divisor.
        """
        share = float(weights[mask].sum() / weights.sum())
        if not share > 0:
            return None
        inside = one_a_group(gain[mask], weights[mask], None if groups is None else np.asarray(groups)[mask])
        values, heavy = padded(*inside)
        mean = float(np.average(values, weights=heavy))
        distance = mean + margin
        if distance <= 0:
            return None
        spread = float(np.average((values - mean) ** 2, weights=heavy)) * _design_effect(heavy)
        wanted = spread * ((norm.isf(self.alpha / tests) + norm.ppf(self.power)) / distance) ** 2
        units = len(inside[0])
        return ceil(_more(wanted, units) * int(mask.sum()) / units / share)


def combine_plans(each: list[int | None]) -> int | None:
    """Labels that would decide every gate: the most that one of them needs; None when one cannot be met, 0 of none."""
    known = [needed for needed in each if needed is not None]
    return max(known, default=0) if len(known) == len(each) else None


def _more(wanted: float, have: int) -> int:
    """At least one: what has not been shown yet will not be shown by the rows at hand."""
    return max(1, ceil(wanted) - have)


def _design_effect(weights: Floats) -> float:
    return float(len(weights) * (weights**2).sum() / weights.sum() ** 2)
