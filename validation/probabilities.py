"""Class probabilities: the one check, the one tolerance, and the division by the sum."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from validation.errors import InvalidInput

Floats = NDArray[np.float64]

ROUNDED_TO = 0.001
"""Scores are taken when they may have been rounded to three decimals, so that each is off by half of this."""
LEAST_TOLERANCE = 0.01
"""Two classes rounded to two decimals sum to 1 within this, however few classes there are."""
LARGEST_TOLERANCE = 0.5
"""However many classes there are: a row that lost more than half of its sum says nothing."""
ROUNDING = 1e-6
"""Errors of 32-bit floats: sums this close to 1 are left as they are, entries this far outside 0 to 1 are clipped."""


class InvalidProbabilities(InvalidInput):
    """Class probabilities that cannot be used; the message names the first bad row and by how much it is off."""


def sum_tolerance(classes: int) -> float:
    """How far the sum of `classes` rounded scores may lie from 1: half a thousandth each, from 0.01 to 0.5 in all.

    Half a thousandth is the most that rounding to three decimals changes one score, so a row of k scores that summed to
    1 before it was rounded is never refused. A sum above 1 allows for the positive scores only, since rounding cannot
    raise a score and leave it 0.
    """
    return min(max(LEAST_TOLERANCE, classes * ROUNDED_TO / 2), LARGEST_TOLERANCE) + 1e-9


def check_probabilities(
    values: ArrayLike, *, n: int | None = None, k: int | None = None, name: str = "probabilities"
) -> Floats:
    """Class probabilities as float64 of shape (n, k), each row summing to 1.

    Entries are finite and within 0 to 1. A row whose sum is off by no more than `sum_tolerance` is divided by its sum;
    rows that sum to 1 already are returned unchanged. No row (n = 0) is fine, no class (k = 0) is not.

    Raises InvalidProbabilities, whose `row` is the index of the first bad row (None when the shape is wrong).
    """
    array = _matrix(values, name)
    if (n is not None and len(array) != n) or (k is not None and array.shape[1] != k):
        raise InvalidProbabilities(
            f"{name} has shape {array.shape}; {'any' if n is None else n} rows of {'any' if k is None else k} classes "
            f"are needed."
        )
    return _divide_by_sums(_clip(array, name), name)


def normalise_scores(scores: Sequence[float]) -> tuple[list[float], float]:
    """One row of scores within 0 to 1, divided by their sum where it is not 1, and the sum as it was.

    Raises InvalidProbabilities where the sum is off by more than the tolerance.
    """
    total = math.fsum(scores)
    off = total - 1
    if abs(off) > LEAST_TOLERANCE and not (
        -sum_tolerance(len(scores)) <= off <= sum_tolerance(sum(score > 0 for score in scores))
    ):
        raise InvalidProbabilities(
            f"The scores sum to {total:.4f}, {abs(off):.4f} {'more' if off > 0 else 'less'} than 1."
        )
    return ([score / total for score in scores] if is_off(total) else list(scores)), total


def renormalised_note(values: Floats) -> str:
    """A sentence that says of how many rows of (n, k) scores the sum is not 1, for whoever divided them by it."""
    off = np.abs(values.sum(axis=1) - 1)
    count = int((off > ROUNDING).sum())
    if not count:
        return ""
    rows = "1 row" if count == 1 else f"{count:,} rows"
    return f"The scores of {rows} do not sum to 1, by {off.max():.3g} at most; they were divided by their sum."


def is_off(total: float) -> bool:
    """Whether a sum differs from 1 by more than the rounding of 32-bit floats."""
    return abs(total - 1) > ROUNDING


def _matrix(values: ArrayLike, name: str) -> Floats:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidProbabilities(f"{name} must be numbers in rows of one length: {error}.") from None
    if array.ndim != 2 or array.shape[1] == 0:
        raise InvalidProbabilities(
            f"{name} must have a row for each item and a column for each class, and at least one class; "
            f"the shape is {array.shape}."
        )
    return array


def _clip(array: Floats, name: str) -> Floats:
    """The same entries within 0 to 1; those outside by rounding alone are clipped."""
    # min and max are NaN as soon as one value is: one pass finds all three faults.
    low, high = (array.min(), array.max()) if array.size else (0.0, 1.0)
    if low >= 0 and high <= 1:
        return array
    bad = ~((array >= -ROUNDING) & (array <= 1 + ROUNDING))
    if not bad.any():
        return np.clip(array, 0.0, 1.0)
    row, column = (int(place) for place in np.argwhere(bad)[0])
    value = array[row, column]
    why = "it must lie between 0 and 1" if np.isfinite(value) else "it must be a finite number"
    raise InvalidProbabilities(f"{name} has {value:.6g} in row {row}, class {column}; {why}.", row)


def _divide_by_sums(array: Floats, name: str) -> Floats:
    sums = array.sum(axis=1)
    off = sums - 1.0
    if not (np.abs(off) > ROUNDING).any():
        return array
    below, least = sum_tolerance(array.shape[1]), sum_tolerance(0)
    suspect = np.flatnonzero((off < -below) | (off > least))
    above = [sum_tolerance(int(count)) for count in (array[suspect] > 0).sum(axis=1)]
    bad = suspect[(off[suspect] < 0) | (off[suspect] > above)]
    if len(bad):
        row = int(bad[0])
        raise InvalidProbabilities(
            f"Row {row} of {name} sums to {sums[row]:.6g}, {abs(off[row]):.6g} {'more' if off[row] > 0 else 'less'} "
            f"than 1.",
            row,
        )
    return np.where(np.abs(off)[:, None] > ROUNDING, array / sums[:, None], array)
