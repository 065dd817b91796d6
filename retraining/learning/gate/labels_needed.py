"""How many more labels of disagreements probably decide, by simulating what may come after the gains seen so far."""

from __future__ import annotations

from math import ceil

import numpy as np

from retraining.learning.gate.bets import HORIZON
from retraining.learning.gate.bounded_mean import MeanTest
from validation.arrays import Floats

FUTURES = 400
FEWEST = 10  # labels: with fewer nothing is known of what comes


def more_labels(
    gains: Floats, tests: tuple[MeanTest, ...], *, signs: tuple[int, ...], power: float, seed: int
) -> int | None:
    """Labels after which one of the tests has rejected in a share `power` of the simulated futures.

    gains (n,): those seen. Each future has its own shares of them, drawn by the Bayesian bootstrap (Rubin 1981) with
    one gained and one lost label added (as in `paired.padded`), so how little is known of the mean counts too: plans at
    the mean itself promise too much. tests: single ones, as they are after these gains; signs: 1 where a test counts a
    gain as it is, -1 where with the other sign. None where it can't be known: too few labels, or not so many futures
    decided within the horizon.
    """
    if len(gains) < FEWEST:
        return None
    rng = np.random.default_rng(seed)
    values, counts = np.unique(np.concatenate([gains, [1.0, -1.0]]), return_counts=True)
    upto = np.cumsum(rng.dirichlet(counts, FUTURES), axis=1)
    futures = [test.repeat(FUTURES) for test in tests]
    wanted = ceil(power * FUTURES)
    for label in range(1, HORIZON + 1):
        place = (rng.random(FUTURES)[:, None] > upto).sum(axis=1)
        drawn = values[np.minimum(place, len(values) - 1)]
        for test, sign in zip(futures, signs, strict=True):
            test.add(sign * drawn)
        if np.logical_or.reduce([test.rejected for test in futures]).sum() >= wanted:
            return label
    return None
