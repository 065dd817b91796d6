"""Does a model know anything of the labels, beyond how common each is?

A permutation test (Golland and Fischl 2003) with the statistic's exact mean and variance over all permutations of the
labels (Hoeffding 1951), so that nothing is drawn: the sum of the probabilities that the model gives to the given
labels. It does not ask for calibrated probabilities. Wrong labels make it harder to see a signal, never easier.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

LEVEL = 0.01


def beats_base_rate(labels: NDArray[np.int64], probabilities: NDArray[np.float64], *, level: float = LEVEL) -> bool:
    """Whether rows' labels (n,) get more probability (n, k) than the same labels would in a random order."""
    return p_value(labels, probabilities) < level


def p_value(labels: NDArray[np.int64], probabilities: NDArray[np.float64]) -> float:
    """One-sided, small = the model knows something; 1 where all rows have the same probabilities."""
    n, k = probabilities.shape
    share = np.bincount(labels, minlength=k) / n
    centred = probabilities - probabilities.mean(axis=0)
    centred -= (centred @ share)[:, None]
    variance = float(((centred**2) @ share).sum()) * n / (n - 1)
    reached = float(centred[np.arange(n), labels].sum())
    return float(norm.sf(reached / np.sqrt(variance))) if variance > 1e-12 else 1.0
