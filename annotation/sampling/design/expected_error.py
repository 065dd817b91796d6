"""Audit probabilities proportional to expected error, never below a floor.

An item whose prediction is right with probability p adds p (1 - p) to the variance of the error rate, so a sample of a
given size is most exact where an item is drawn in proportion to the square root of that (Neyman allocation for Poisson
sampling: Särndal, Swensson and Wretman, "Model Assisted Survey Sampling", 1992, sections 3.6 and 12.2). Scores can be
wrong, so no item is drawn with less than `floor` of the plain rate: whatever the scores say, no label weighs more than
1 / floor times what it would weigh in a uniform draw.

The probability of an item follows from its own scores and from two numbers that were known before it came, the floor
and a scale that recent traffic gave. It can therefore be computed at capture, stored, and replayed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from validation import InvalidInput, arrays

Floats = NDArray[np.float64]

LEAST_FLOOR = 0.3
"""No item is drawn with less than this share of the plain rate."""

FLOORS = (0.3, 0.45, 0.6, 0.8, 0.9)
"""The floors that evidence may choose from, beside 1."""

LEAST_SPREAD = 1e-6
"""An item with less is sure: it is wrong less often than once in 10¹²."""

FEWEST_LABELS = 100
"""Evidence of fewer labels leaves the draw uniform."""

FEW_ERRORS = 5
"""Beside fewer errors, one more is counted that occurs whatever the scores say: two or three errors are no evidence for
a low floor, but where they all lie in doubt they are for a high one."""

CONFIDENCE = 0.95
"""One-sided, of the evidence that a floor below 1 lowers the variance."""


@dataclass(frozen=True)
class Allocation:
    """How the audit is spread over items: an item is drawn at max(floor, scale · √(p (1 - p))) times the plain rate.

    With the scale that recent traffic gave, the mean over such traffic is 1: as many labels as a uniform draw needs.
    """

    floor: float
    scale: float

    def __post_init__(self) -> None:
        if not LEAST_FLOOR <= self.floor <= 1.0 or not 0.0 <= self.scale < np.inf:
            raise InvalidInput(f"An allocation takes a floor from {LEAST_FLOOR} to 1 and a scale of at least 0.")


UNIFORM = Allocation(floor=1.0, scale=0.0)


def error_spread(confidence: ArrayLike) -> Floats:
    """(n,) √(p (1 - p)) of the probabilities (n,) of the most probable class: 0 = sure, 0.5 = no better than a coin.

    Raises InvalidInput for what is no probability.
    """
    top = arrays.unit_interval("confidence", arrays.vector("confidence", confidence))
    return np.asarray(np.sqrt(top * (1.0 - top)))


def allocation(spread: ArrayLike, *, floor: float) -> Allocation:
    """The allocation with this floor whose mean rate over recent traffic, `spread` (n,) of it, is the plain rate.

    Uniform where every item of it is sure. Raises InvalidInput for a floor outside 0.3 to 1.
    """
    found = _checked_spread(spread)
    if floor == 1.0 or not found.size or found.max() < LEAST_SPREAD:
        return UNIFORM
    return Allocation(floor, _scale(np.sort(found)[::-1], floor))


def _scale(descending: Floats, floor: float) -> float:
    """The scale c at which the mean of max(floor, c · spread) is 1: the first i items lie above the floor."""
    n = descending.size
    above = np.arange(1, n + 1)
    scale = (n - floor * (n - above)) / np.cumsum(descending)
    fits = scale * descending >= floor
    return float(scale[np.flatnonzero(fits)[-1]])


def relative_rates(spread: ArrayLike, how: Allocation) -> Floats:
    """(n,) by how much each item's probability differs from the plain rate: at least the floor."""
    return np.maximum(how.floor, how.scale * _checked_spread(spread))


def audit_probabilities(spread: ArrayLike, how: Allocation, *, rate: float) -> Floats:
    """(n,) probability of the audit draw of each item, from floor · rate to 1.

    Raises InvalidInput for a rate outside (0, 1].
    """
    if not 0.0 < rate <= 1.0:
        raise InvalidInput(f"The audit rate is {rate}; it takes more than 0 and at most 1.")
    return np.minimum(1.0, rate * relative_rates(spread, how))


def choose_floor(
    right: ArrayLike, confidence: ArrayLike, inclusion_probability: ArrayLike, recent_spread: ArrayLike
) -> float:
    """The floor with the least variance by past labels; 1, a uniform draw, where none is lower beyond chance.

    right (n,) bool: whether the prediction of a labelled item was right. confidence (n,): the probability of its most
    probable class. inclusion_probability (n,) of these items. recent_spread (m,) as `error_spread` gives it for recent
    traffic. Chosen is the floor whose saving in variance, measured on the labels (beside few errors on one more that is
    unrelated to the scores), has the highest lower confidence limit, and only where that is above 0: scores that are
    unrelated to errors leave the draw uniform.
    """
    good = arrays.booleans("right", right)
    sure = arrays.vector("confidence", confidence, good.size)
    spread = error_spread(sure)
    pi = arrays.inclusion(inclusion_probability, good.size)
    if good.size < FEWEST_LABELS or good.all() or not good.any():
        return 1.0
    moved = _squared_residuals(good, sure, 1 / pi) / pi
    unrelated = float(moved[~good].mean()) if np.count_nonzero(~good) < FEW_ERRORS else 0.0
    recent = _checked_spread(recent_spread)
    gains = {
        floor: _certain_gain(moved, spread, unrelated, recent, allocation(recent, floor=floor)) for floor in FLOORS
    }
    best = max(gains, key=lambda floor: gains[floor])
    return best if gains[best] > 0 else 1.0


def _squared_residuals(good: NDArray[np.bool_], confidence: Floats, weight: Floats) -> Floats:
    """(n,) of what a regression on the confidence leaves, as the model-assisted estimate of accuracy does."""
    share = weight / weight.sum()
    truth, said = good - share @ good, confidence - share @ confidence
    spread = float(share @ (said * said))
    slope = float(share @ (truth * said)) / spread if spread > 0 else 0.0
    return np.asarray((truth - slope * said) ** 2)


def _certain_gain(moved: Floats, spread: Floats, unrelated: float, recent: Floats, how: Allocation) -> float:
    """The share of the uniform draw's variance that is saved at least, one-sided; below 0 = it may be none.

    moved (n,): squared residual times weight of each labelled item, so that their sum is the uniform draw's variance
    up to a factor. unrelated: the same of an error that may occur in any item of recent traffic.
    """
    total = float(moved.sum()) + unrelated
    if total <= 0 or how == UNIFORM:
        return 0.0
    saved, anywhere = 1.0 - 1.0 / relative_rates(spread, how), float(np.mean(1.0 - 1.0 / relative_rates(recent, how)))
    gain = (float(moved @ saved) + unrelated * anywhere) / total
    squares = float(np.sum((moved * (saved - gain)) ** 2)) + (unrelated * (anywhere - gain)) ** 2
    return float(gain - special.ndtri(CONFIDENCE) * squares**0.5 / total)


def _checked_spread(spread: ArrayLike) -> Floats:
    found = arrays.vector("spread", spread)
    if found.size and (found.min() < 0 or found.max() > 0.5 + 1e-9):
        raise InvalidInput("The spread of an error lies between 0 and 0.5.")
    return found
