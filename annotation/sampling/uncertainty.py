"""How sure a model is of each row, from its class probabilities alone.

Definitions as in Settles, "Active Learning Literature Survey" (2009), section 3.1. All three are pure NumPy,
vectorised over rows, and expect rows that `check_probabilities` has passed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

SUM_TOLERANCE = 1e-3
"""How far the sum of a row may lie from 1: room for probabilities rounded to four decimals, no more."""


class BadProbabilities(ValueError):
    """Class probabilities that cannot be used; the message names the first bad row and by how much it is off."""

    def __init__(self, message: str, row: int | None = None) -> None:
        super().__init__(message)
        self.row = row


def check_probabilities(p: ArrayLike) -> Floats:
    """Return `p` as a float64 array of shape (n, k), or say which row is wrong and by how much.

    Rows are classes' probabilities: finite, none below 0, each row summing to 1 within `SUM_TOLERANCE` (0.001).
    Zero rows (n = 0) pass; zero columns do not. Rows are returned as given, not rescaled.

    Raises `BadProbabilities`, whose `row` is the index of the first bad row (None when the shape is wrong).
    """
    try:
        array = np.asarray(p, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise BadProbabilities(f"Probabilities must be numbers in rows of one length: {error}.") from None
    if array.ndim != 2 or array.shape[1] == 0:
        raise BadProbabilities(f"Probabilities must have rows and at least one class; the shape is {array.shape}.")
    _check_entries(array)
    _check_sums(array)
    return array


def confidence(p: ArrayLike) -> Floats:
    """The probability of the most likely class, (n, k) -> (n,), from 1/k to 1. High = sure, low = doubtful.

    Raises `BadProbabilities`, as do all scores here.
    """
    return check_probabilities(p).max(axis=1)


def margin(p: ArrayLike) -> Floats:
    """The lead of the most likely class over the second, (n, k) -> (n,), from 0 to 1. High = sure, low = doubtful.

    With a single class there is nothing to doubt, so the margin is 1.
    """
    array = check_probabilities(p)
    if array.shape[1] == 1:
        return np.ones(len(array))
    if array.shape[1] == 2:  # the common case, ten times faster than a partition
        return np.abs(array[:, 1] - array[:, 0])
    top = np.partition(array, -2, axis=1)[:, -2:]
    return top[:, 1] - top[:, 0]


def entropy(p: ArrayLike) -> Floats:
    """Shannon entropy in nats, (n, k) -> (n,), from 0 to ln k. High = doubtful, low = sure (the other way round
    than `confidence` and `margin`). A probability of 0 adds nothing."""
    array = check_probabilities(p)
    logs = np.zeros_like(array)
    np.log(array, out=logs, where=array > 0)
    return np.maximum(-np.einsum("ij,ij->i", array, logs), 0.0)


def disagreement(members: ArrayLike) -> Floats:
    """How far the members of a committee differ, (members, n, k) -> (n,), in nats from 0 to ln k. High = they disagree.

    The entropy of their mean less the mean of their entropies (mutual information of label and member; Houlsby et al.,
    "Bayesian Active Learning for Classification and Preference Learning", 2011). 0 where all say the same.
    """
    each = [check_probabilities(one) for one in np.asarray(members)]
    if not each:
        raise BadProbabilities("A committee without members has no disagreement.")
    return np.maximum(entropy(np.mean(each, axis=0)) - np.mean([entropy(one) for one in each], axis=0), 0.0)


def _check_entries(array: Floats) -> None:
    finite = np.isfinite(array)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        raise BadProbabilities(f"Row {row}: probability {column} is {array[row, column]}, not a number.", int(row))
    if array.size and array.min() < 0:
        row, column = np.argwhere(array < 0)[0]
        raise BadProbabilities(
            f"Row {row}: probability {column} is {array[row, column]:.6g}, below 0 by {-array[row, column]:.6g}.",
            int(row),
        )


def _check_sums(array: Floats) -> None:
    off = array.sum(axis=1) - 1.0
    bad = np.flatnonzero(np.abs(off) > SUM_TOLERANCE)
    if len(bad):
        row = int(bad[0])
        side = "above" if off[row] > 0 else "below"
        raise BadProbabilities(
            f"Row {row}: the probabilities sum to {1 + off[row]:.6g}, {abs(off[row]):.6g} {side} 1 "
            f"(the tolerance is {SUM_TOLERANCE:g}).",
            row,
        )
