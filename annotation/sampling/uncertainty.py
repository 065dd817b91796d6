"""How sure a model is of each row, from its class probabilities alone.

Definitions as in Settles, "Active Learning Literature Survey" (2009), section 3.1. All three are pure NumPy,
vectorised over rows, and expect rows that `check_probabilities` has passed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from validation.probabilities import InvalidProbabilities, check_probabilities

Floats = NDArray[np.float64]


def confidence(p: ArrayLike) -> Floats:
    """The probability of the most likely class, (n, k) -> (n,), from 1/k to 1. High = sure, low = uncertain.

    Raises `InvalidProbabilities`, as do all scores here.
    """
    result: Floats = check_probabilities(p).max(axis=1)
    return result


def margin(p: ArrayLike) -> Floats:
    """The lead of the most likely class over the second, (n, k) -> (n,), from 0 to 1. High = sure, low = uncertain.

    With a single class there is no uncertainty, so the margin is 1.
    """
    array = check_probabilities(p)
    if array.shape[1] == 1:
        return np.ones(len(array))
    if array.shape[1] == 2:  # the common case, ten times faster than a partition
        return np.abs(array[:, 1] - array[:, 0])
    top = np.partition(array, -2, axis=1)[:, -2:]
    return top[:, 1] - top[:, 0]


def entropy(p: ArrayLike) -> Floats:
    """Shannon entropy in nats, (n, k) -> (n,), from 0 to ln k. High = uncertain, low = sure (the other way round
    than `confidence` and `margin`). A probability of 0 adds nothing."""
    array = check_probabilities(p)
    logs = np.zeros_like(array)
    np.log(array, out=logs, where=array > 0)
    result: Floats = np.maximum(-np.einsum("ij,ij->i", array, logs), 0.0)
    return result


def disagreement(members: ArrayLike) -> Floats:
    """How far the members of a committee differ, (members, n, k) -> (n,), in nats from 0 to ln k. High = they disagree.

    The entropy of their mean less the mean of their entropies (mutual information of label and member; Houlsby et al.,
    "Bayesian Active Learning for Classification and Preference Learning", 2011). 0 where all say the same.
    """
    each = [check_probabilities(one) for one in np.asarray(members)]
    if not each:
        raise InvalidProbabilities("A committee without members has no disagreement.")
    result: Floats = np.maximum(entropy(np.mean(each, axis=0)) - np.mean([entropy(one) for one in each], axis=0), 0.0)
    return result
