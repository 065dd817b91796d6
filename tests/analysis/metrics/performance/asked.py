"""Items that were asked about: the uncertain for certain, the others by an audit."""

import numpy as np
from scipy.special import expit, logit

from analysis.metrics.core.design import design


def asked(rng, size=2500, overconfidence=1.0):
    """Truth, predicted probability and inclusion: the uncertain for certain, a tenth of the rest at random."""
    true_probability = expit(rng.normal(size=size) * 2 - 0.5)
    predicted = expit(logit(true_probability) * overconfidence)
    active = np.abs(predicted - 0.5) < 0.05
    rows = np.flatnonzero(active | (rng.random(size) < 0.1))
    truth = rng.random(size) < true_probability
    return truth[rows], predicted[rows], design(np.where(active[rows], 1.0, 0.1))
