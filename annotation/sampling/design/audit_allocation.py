"""How the audit is spread over items, as past labels justify it: calibration of scores, floor and scale together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from annotation.sampling.design.confidence_calibration import AS_GIVEN, ConfidenceCalibration, fit_calibration
from annotation.sampling.design.expected_error import (
    UNIFORM,
    Allocation,
    allocation,
    audit_probabilities,
    choose_floor,
    error_spread,
)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class AuditedLabels:
    """n labelled audit items of one version: whether its answer and its most probable class were right, (n,) each.

    confidence (n,): score of the most probable class. inclusion_probability (n,): of the audit draw.
    """

    right: NDArray[np.bool_]
    top_right: NDArray[np.bool_]
    confidence: Floats
    inclusion_probability: Floats


@dataclass(frozen=True)
class CalibratedAllocation:
    """An allocation by calibrated scores."""

    how: Allocation = UNIFORM
    calibration: ConfidenceCalibration = AS_GIVEN

    def probabilities(self, confidence: ArrayLike, *, rate: float) -> Floats:
        """(n,) probability of the audit draw of items with these scores (n,); NaN = no score, the rate."""
        given = np.asarray(confidence, dtype=np.float64)
        found, scored = np.full(given.size, rate), np.isfinite(given)
        if self.how != UNIFORM and scored.any():
            spread = error_spread(self.calibration.probability(given[scored]))
            found[scored] = audit_probabilities(spread, self.how, rate=rate)
        return found


def justified_allocation(past: AuditedLabels, recent_confidence: ArrayLike) -> CalibratedAllocation:
    """The allocation that past labels justify for traffic like the recent, whose scores (m,) are given.

    Uniform where labels are too few or show no saving.
    """
    calibration = fit_calibration(past.top_right, past.confidence, past.inclusion_probability)
    recent = error_spread(calibration.probability(recent_confidence))
    sure = calibration.probability(past.confidence)
    how = allocation(recent, floor=choose_floor(past.right, sure, past.inclusion_probability, recent))
    return CalibratedAllocation() if how == UNIFORM else CalibratedAllocation(how, calibration)
