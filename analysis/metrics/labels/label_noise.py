"""A model of wrong labels: right, wrong at random, or wrong by confusion, fitted to the labels themselves.

A wrong label can come about in two ways: at random, any class for any other, or by confusion, a class that the row
itself resembles. The first is best found where the model gives the label little probability (cleanlab's
self-confidence), the second where it gives another class much (its normalised margin), and no one knows beforehand
which is at work. So both are fitted to the labels as a mixture, together with the model's temperature, and each row is
scored by its posterior probability of being right.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2

from validation.arrays import Floats, Ints

HEATS = np.exp(np.linspace(-1.2, 1.8, 16))
ROUNDS = 60
EVIDENCE = float(chi2.ppf(0.999, 2))  # twice the log likelihood that a second noise cause must add to be used


@dataclass(frozen=True)
class LabelNoise:
    """A fitted mixture: each row's probability (n,) of being right, the share of each cause, the evidence for them."""

    right: Floats
    at_random: float
    by_confusion: float
    gain: float

    @property
    def evident(self) -> bool:
        """Whether the labels show more errors than the model's uncertainty explains."""
        return self.gain > EVIDENCE


def fit(given: Ints, pred_probs: Floats, weight: Floats) -> LabelNoise:
    """The likeliest shares of random and confused labels, over temperatures of the model's probabilities.

    At one temperature, a label g of a row with probabilities p is right with likelihood p_g, random with
    (1 - p_g) / (k - 1), confused with the sum over y != g of p_y p_g / (1 - p_y): a true class y, taken for another in
    proportion to the row's own probabilities.
    """
    log_p = np.log(np.maximum(pred_probs, 1e-12))
    rows, k = np.arange(given.size), pred_probs.shape[1]
    plain, best = -np.inf, (-np.inf, np.ones(given.size), np.array([1.0, 0.0, 0.0]))
    for heat in HEATS:
        p = np.exp(heat * (log_p - log_p.max(axis=1, keepdims=True)))
        p /= p.sum(axis=1, keepdims=True)
        odds = p / np.maximum(1 - p, 1e-9)
        label = np.maximum(p[rows, given], 1e-300)
        confused = label * (odds.sum(axis=1) - odds[rows, given])
        likely = np.column_stack([label, (1 - label) / (k - 1), np.maximum(confused, 0)])
        plain = max(plain, float(weight @ np.log(label)))
        best = max(best, _mixture(likely, weight), key=lambda found: found[0])
    reached, right, share = best
    return LabelNoise(right, float(share[1]), float(share[2]), 2 * (reached - plain))


def _mixture(likely: Floats, weight: Floats) -> tuple[float, Floats, Floats]:
    """Log likelihood, posterior of the first component and shares of a mixture, by EM under a prior of three rows."""
    share = np.array([0.9, 0.05, 0.05])
    for _ in range(ROUNDS):
        joint = likely * share
        total = joint.sum(axis=1)
        share = (weight @ (joint / total[:, None]) + 1) / (weight.sum() + 3)
    return float(weight @ np.log(total)), joint[:, 0] / total, share


def describe(noise: LabelNoise) -> str:
    """The method and the share of each cause, in words."""
    causes = [(noise.at_random, "at random"), (noise.by_confusion, "by confusion with a class that the row resembles")]
    found = [f"{share:.1%} wrong {how}" for share, how in causes if share >= 0.001]
    return f"Posterior of a noise model fitted to the labels: {' and '.join(found)}."
