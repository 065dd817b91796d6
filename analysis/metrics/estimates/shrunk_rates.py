"""Rates of groups, each shrunk to what the groups have in common: the hierarchical beta-binomial model.

The rate of each group is drawn from a beta distribution with mean μ and concentration m, and its successes given the
rate are binomial. The prior is uniform in μ and in 1/√m (Gelman, Carlin, Stern, Dunson, Vehtari and Rubin, Bayesian
Data Analysis, 3rd edition, 2013, section 5.3). All of it is integrated over a grid, so that the interval of a group of
few rows holds what is unknown of μ and m as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from validation import InvalidInput, arrays
from validation.arrays import Floats

MEANS, SPREADS, RATES = 60, 40, 600  # points of the grids of μ, 1/√m and the rate


@dataclass(frozen=True)
class CredibleRate:
    """Posterior mean of a rate with its equal-tailed credible interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ShrunkRates:
    """The rate of each group, and that of a further group of which nothing is known."""

    groups: tuple[CredibleRate, ...]
    unseen: CredibleRate


def shrunk_rates(successes: ArrayLike, trials: ArrayLike, *, level: float = 0.95) -> ShrunkRates:
    """Rates of groups with `successes` (k,) of `trials` (k,), which may be fractions such as effective numbers.

    Raises InvalidInput where successes are not between 0 and trials. Without a group only the prior is left.
    """
    done, n = arrays.vector("successes", successes), arrays.vector("trials", trials)
    if done.shape != n.shape or np.any(done < 0) or np.any(done > n):
        raise InvalidInput("successes take numbers from 0 to the trials of their group.")
    arrays.level(level)
    first, second = _beta_parameters()
    each = _log_likelihoods(done, n, first, second)
    all_groups = each.sum(axis=0)
    rates, width = _rate_grid()
    densities = _beta_densities(rates, first, second)
    unseen = _interval(_weights(all_groups) @ densities * width, rates, level)
    return ShrunkRates(tuple(_of_groups(done, n, all_groups - each, densities, level)), unseen)


def _of_groups(done: Floats, n: Floats, of_others: Floats, densities: Floats, level: float) -> Sequence[CredibleRate]:
    """The prior of each group is what the others say; its own likelihood is that of its rate."""
    rates, width = _rate_grid()
    found = []
    for successes, trials, others in zip(done, n, of_others, strict=True):
        own = special.xlogy(successes, rates) + special.xlog1py(trials - successes, -rates)
        found.append(_interval(_weights(others) @ densities * np.exp(own - own.max()) * width, rates, level))
    return found


def _beta_parameters() -> tuple[Floats, Floats]:
    """Both parameters of the beta distributions of the grid (g,)."""
    mean, spread = np.meshgrid(_midpoints(MEANS), _midpoints(SPREADS))
    concentration = spread.ravel() ** -2
    return mean.ravel() * concentration, (1 - mean.ravel()) * concentration


def _log_likelihoods(done: Floats, n: Floats, first: Floats, second: Floats) -> Floats:
    """(k, g) log likelihood of each group under each beta distribution."""
    given = special.betaln(first + done[:, None], second + (n - done)[:, None])
    return np.asarray(given - special.betaln(first, second))


def _rate_grid() -> tuple[Floats, Floats]:
    """Rates (r,) that lie closer near 0 and 1, with the width that each stands for."""
    edges = np.sin(np.linspace(0, np.pi / 2, RATES + 1)) ** 2
    return (edges[1:] + edges[:-1]) / 2, np.diff(edges)


def _beta_densities(rates: Floats, first: Floats, second: Floats) -> Floats:
    """(g, r) densities."""
    powers = special.xlogy(first[:, None] - 1, rates) + special.xlog1py(second[:, None] - 1, -rates)
    return np.asarray(np.exp(powers - special.betaln(first, second)[:, None]))


def _weights(log_likelihood: Floats) -> Floats:
    found = np.exp(log_likelihood - log_likelihood.max())
    return np.asarray(found / found.sum())


def _interval(mass: Floats, rates: Floats, level: float) -> CredibleRate:
    mass = mass / mass.sum()
    reached = np.concatenate([[0.0], np.cumsum(mass)])
    edges = np.sin(np.linspace(0, np.pi / 2, RATES + 1)) ** 2
    low, high = np.interp([(1 - level) / 2, (1 + level) / 2], reached, edges)
    return CredibleRate(float(mass @ rates), float(low), float(high))


def _midpoints(count: int) -> Floats:
    return (np.arange(count) + 0.5) / count
