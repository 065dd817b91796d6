"""Anytime-valid comparison of how often something happens in two arms that are drawn at random, by counts alone.

Each unit comes into the canary's arm with a known chance, its share s. An event in it counts 1 / s, one in the other
arm -1 / (1 - s), no event 0: the mean of these gains is the difference of the two rates, whatever they are. A bet on
each gain makes a test martingale of a hypothesis on that mean (Waudby-Smith and Ramdas 2024, "Estimating means of
bounded random variables by betting"; for arms of known chance Waudby-Smith et al. 2024, "Anytime-valid off-policy
inference for contextual bandits"), and by Ville's inequality it exceeds 1 / alpha with a chance of at most alpha,
however often it is looked at (Howard et al. 2021, "Time-uniform, nonparametric, nonasymptotic confidence sequences").
The bets are a mixture of fixed ones, half of it made for twice the rate, so that counts are all that has to be kept; a
new share begins a new factor. Against "no difference" only events count, so an event may come long after its unit.

The sample ratio is tested by the Bayes factor of Lindon and Malek 2022, "Anytime-valid inference for multinomial count
data".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaln, logsumexp

from validation.arrays import Floats

FRACTIONS = 0.5 ** np.arange(1, 9)  # of the largest bet that cannot lose everything
WEIGHTS = np.concatenate([[0.5], np.full(len(FRACTIONS), 0.5 / len(FRACTIONS))])
BOLDEST = 0.9
RATIO_PRIOR = 2000.0  # how many units the first guess of the ratio, its plan, weighs
HALVINGS = 40


@dataclass(frozen=True)
class ArmCounts:
    """Units and events of both arms while the canary had one share, the chance in (0, 1) to come into its arm."""

    share: float
    canary: int
    champion: int
    canary_events: int
    champion_events: int

    @property
    def mirrored(self) -> ArmCounts:
        """The two arms exchanged."""
        return ArmCounts(1 - self.share, self.champion, self.canary, self.champion_events, self.canary_events)


@dataclass(frozen=True)
class ArmDifference:
    """The canary's rate minus the champion's, with limits that stay valid however often one looks. value: NaN where an
    arm has no unit."""

    value: float
    low: float
    high: float


def log_bets(share: ArrayLike, units: ArrayLike, canary: ArrayLike, champion: ArrayLike, null: float) -> Floats:
    """(…, 9) log wealth of each bet against "the difference is at most `null`", after so many units of which so many
    had an event in each arm; the arrays have one shape. `null` in (-1, 1).
    """
    s = np.asarray(share, dtype=float)[..., None]
    least = 1 / (1 - s) + null  # how far below the null a gain can fall
    twice = np.minimum(s * (1 - s) / (1 + s), BOLDEST / least)
    bet = np.concatenate([twice, FRACTIONS / least], axis=-1)
    one, other = np.asarray(canary)[..., None], np.asarray(champion)[..., None]
    none = np.asarray(units)[..., None] - one - other
    found = one * np.log1p(bet * (1 / s - null)) + other * np.log1p(-bet * least) + none * np.log1p(-bet * null)
    return np.asarray(found)


def log_evidence(bets: Floats) -> Floats:
    """(…,) log wealth of the mixture of bets (…, 9), whose shares are summed over already."""
    return np.asarray(logsumexp(bets, axis=-1, b=WEIGHTS))


def evidence_above(steps: Sequence[ArmCounts], null: float) -> float:
    """Log wealth against "the canary's rate is at most `null` above the champion's": log(1 / alpha) rejects it."""
    total = np.zeros(len(WEIGHTS))
    for one in steps:
        units = one.canary + one.champion
        total = total + log_bets(one.share, units, one.canary_events, one.champion_events, null)
    return float(log_evidence(total))


def difference(steps: Sequence[ArmCounts], alpha: float) -> ArmDifference:
    """The difference with its limits; each errs with a chance of at most alpha, over all time."""
    low = _lower_limit(steps, alpha)
    high = -_lower_limit([one.mirrored for one in steps], alpha)
    return ArmDifference(_mean_difference(steps), low, high)


def _lower_limit(steps: Sequence[ArmCounts], alpha: float) -> float:
    """The largest null that is rejected, by halving: the wealth falls as the null rises."""
    wanted = -np.log(alpha)
    low, high = -0.9999, 0.9999
    if evidence_above(steps, low) < wanted:
        return -1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if evidence_above(steps, middle) >= wanted else (low, middle)
    return low


def _mean_difference(steps: Sequence[ArmCounts]) -> float:
    """The mean over the shares of the differences of rates, weighted by units."""
    full = [one for one in steps if one.canary and one.champion]
    if not full:
        return float("nan")
    gaps = [one.canary_events / one.canary - one.champion_events / one.champion for one in full]
    return float(np.average(gaps, weights=[one.canary + one.champion for one in full]))


def ratio_evidence(share: ArrayLike, canary: ArrayLike, champion: ArrayLike) -> Floats:
    """(…,) log Bayes factor against "units come into the canary's arm with the chance `share`"; log(1 / alpha)
    rejects it. Several shares: add them up.
    """
    s, one, other = (np.asarray(values, dtype=float) for values in (share, canary, champion))
    a, b = RATIO_PRIOR * s, RATIO_PRIOR * (1 - s)
    expected = one * np.log(s) + other * np.log1p(-s)
    return np.asarray(betaln(a + one, b + other) - betaln(a, b) - expected)
