"""How often a score of the most probable class is right: two numbers from past labels, kept near the score itself.

logit p = intercept + slope · logit score (Platt, "Probabilistic outputs for support vector machines", 1999, on the
logit of the score), by weighted maximum likelihood with normal priors around intercept 0 and slope 1, so that few
labels move it little.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from validation import InvalidInput, arrays

Floats = NDArray[np.float64]

NEAREST = 1e-9
"""Scores are taken to be at least this far from 0 and 1."""

SLOPE_PRIOR, INTERCEPT_PRIOR = 0.3, 0.5
"""Standard deviations of the priors."""

STEPS = 25
LARGEST_STEP = 1.0


@dataclass(frozen=True)
class ConfidenceCalibration:
    """From the score of the most probable class to the probability that it is right."""

    slope: float = 1.0
    intercept: float = 0.0

    def __post_init__(self) -> None:
        if not (0.0 <= self.slope < np.inf and abs(self.intercept) < np.inf):
            raise InvalidInput("A calibration of scores takes a slope of at least 0 and a finite intercept.")

    def probability(self, confidence: ArrayLike) -> Floats:
        """(n,) calibrated probabilities of scores (n,) from 0 to 1."""
        return np.asarray(special.expit(self.intercept + self.slope * _logit(confidence)))


AS_GIVEN = ConfidenceCalibration()


def fit_calibration(right: ArrayLike, confidence: ArrayLike, inclusion_probability: ArrayLike) -> ConfidenceCalibration:
    """The calibration of labelled items: right (n,) bool, whether the most probable class was the true one.

    confidence (n,): its score. inclusion_probability (n,): of the items. Raises InvalidInput where arrays do not fit.
    """
    good = arrays.booleans("right", right).astype(np.float64)
    weight = 1 / arrays.inclusion(inclusion_probability, good.size)
    if not good.size:
        return AS_GIVEN
    weight *= weight.sum() / float(weight @ weight)  # as many labels as a uniform draw would need for the same
    x = np.column_stack([np.ones(good.size), _logit(confidence, good.size)])
    prior, precision = np.array([0.0, 1.0]), np.array([INTERCEPT_PRIOR, SLOPE_PRIOR]) ** -2.0
    found = prior.copy()
    for _ in range(STEPS):
        p = special.expit(x @ found)
        gradient = x.T @ (weight * (good - p)) - precision * (found - prior)
        curvature = (x.T * (weight * p * (1 - p))) @ x + np.diag(precision)
        found = found + np.clip(np.linalg.solve(curvature, gradient), -LARGEST_STEP, LARGEST_STEP)
    return ConfidenceCalibration(slope=max(float(found[1]), 0.0), intercept=float(found[0]))


def _logit(confidence: ArrayLike, n: int | None = None) -> Floats:
    given = arrays.unit_interval("confidence", arrays.vector("confidence", confidence, n))
    return np.asarray(special.logit(np.clip(given, NEAREST, 1 - NEAREST)))
