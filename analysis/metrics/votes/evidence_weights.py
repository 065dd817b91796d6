"""Weights of alternatives by the likelihood of what they did not see."""

import numpy as np
from numpy.typing import NDArray

from analysis.metrics.votes.annotator_models import CodedVotes

Floats = NDArray[np.float64]

RESAMPLES = 500


def sums_by_item(votes: CodedVotes, of_votes: Floats) -> Floats:
    """Log likelihoods (alternatives, v) of votes, summed over each item that has votes: (alternatives, items)."""
    seen = np.bincount(votes.item, minlength=votes.items) > 0
    return np.stack([np.bincount(votes.item, weights=one, minlength=votes.items)[seen] for one in of_votes])


def evidence_weights(per_item: Floats, seed: int) -> Floats:
    """Weights (alternatives,) by log likelihood (alternatives, items), averaged over a Bayesian bootstrap of the items.

    A chance advantage on a few items does not give one alternative all the weight (pseudo-BMA+, Yao et al. 2018).
    """
    drawn = np.random.default_rng(seed).exponential(size=(per_item.shape[1], RESAMPLES))
    reached = per_item @ (drawn / drawn.mean(axis=0))
    weight = np.exp(reached - reached.max(axis=0))
    return np.asarray((weight / weight.sum(axis=0)).mean(axis=1))
