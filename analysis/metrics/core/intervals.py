"""The interval formulas behind the weighted metrics, vectorised over any number of estimates at once.

Nothing here looks at items: each function takes sums that were made in one pass over them.
"""

from typing import NamedTuple

import numpy as np
from scipy import special, stats

from validation.arrays import Floats

# Above this shape the cube-root approximation of a gamma quantile is right to four digits, and fifty times faster.
_EXACT_BELOW = 30.0


class Sums(NamedTuple):
    """A weighted count: what was counted for certain, what was estimated, and the variance of the estimated part.

    Each of shape (m,). For a process (any traffic like this) nothing is certain and variance = Σw²; for one finite
    window the items chosen for certain are counted exactly and the others have variance Σw²(1-π).
    """

    certain: Floats
    estimated: Floats
    variance: Floats

    @property
    def total(self) -> Floats:
        return self.certain + self.estimated


Limits = tuple[Floats, Floats]


def count_limits(sums: Sums, mass: float, mass_variance: float, tail: float) -> tuple[Floats, Floats]:
    """Limits (m,), (m,) of weighted counts: each misses the true count on its side with probability `tail`.

    A weighted sum of Poisson counts is matched by a gamma law (Fay and Feuer, Statistics in Medicine 1997), with
    half an item of the design's average weight added (`mass`, and `mass_variance` its square), as Tiwari, Clegg and
    Zou (2006) and Jeffreys' prior do: nothing counted in a sample is no proof that there is nothing.
    """
    mean = sums.estimated + mass / 2
    variance = sums.variance + mass_variance / 2
    low = sums.certain + np.where(sums.estimated > 0, gamma_quantile(mean, variance, tail), 0.0)
    high = sums.certain + gamma_quantile(mean, variance, 1 - tail)
    return np.minimum(low, sums.total), np.maximum(high, sums.total)


def gamma_quantile(mean: Floats, variance: Floats, q: float) -> Floats:
    """Quantile (m,) of gamma laws given by mean and variance; the mean itself where the variance is 0."""
    sure = (variance <= 0) | (mean <= 0)
    shape = np.where(sure, 1.0, mean) ** 2 / np.where(sure, 1.0, variance)
    found = _cube_root_quantile(shape, q)
    few = shape < _EXACT_BELOW
    if few.any():
        found[few] = special.gammaincinv(shape[few], q)
    return np.where(sure, mean, found * mean / shape)


def _cube_root_quantile(shape: Floats, q: float) -> Floats:
    """Wilson and Hilferty (1931)."""
    ninth = 1 / (9 * shape)
    root = 1 - ninth + special.ndtri(q) * np.sqrt(ninth)
    return np.asarray(shape * root * root * root)


def share_limits(
    hits: Sums, misses: Sums, *, mass: float, mass_variance: float, level: float, correlation: Floats | float = 0.0
) -> Limits:
    """Limits (m,), (m,) of hits / (hits + misses), two weighted counts of this correlation (m,).

    Recovers the variance of the ratio from the limits of the two counts (MOVER: Donner and Zou, Statistical Methods
    in Medical Research 2012), so that it keeps its coverage when one side was seen rarely or never. The counts are
    independent unless clusters hold both hits and misses.
    """
    tail = (1 - level) / 2
    a, b = hits.total, misses.total
    a_low, a_high = count_limits(hits, mass, mass_variance, tail)
    b_low, b_high = count_limits(misses, mass, mass_variance, tail)
    low = _lower_share(a, b, a - a_low, b_high - b, correlation)
    high = 1 - _lower_share(b, a, b - b_low, a_high - a, correlation)
    share = a / np.where(a + b > 0, a + b, 1.0)
    return np.minimum(low, share), np.maximum(high, share)


def quotient_limits(a: Floats, a_limits: tuple[Floats, Floats], b: Floats, b_limits: tuple[Floats, Floats]) -> Limits:
    """Limits (m,), (m,) of a / b from those of two independent positive estimates; infinite where b may be 0."""
    low, over = _lower_quotient(a, b, a - a_limits[0], b_limits[1] - b)
    inverse, under = _lower_quotient(b, a, b - b_limits[0], a_limits[1] - a)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(over > 0, low / over, 0.0), np.where(inverse > 0, under / inverse, np.inf)


def _lower_share(a: Floats, b: Floats, a_down: Floats, b_up: Floats, correlation: Floats | float) -> Floats:
    """The lower limit of a / (a + b)."""
    above, below = _lower_quotient(a, b, a_down, b_up, correlation)
    # Both are 0 only where the variance is 0.
    return np.asarray(np.where(above + below > 0, above / np.where(above + below > 0, above + below, 1.0), a > 0))


def _lower_quotient(
    a: Floats, b: Floats, a_down: Floats, b_up: Floats, correlation: Floats | float = 0.0
) -> tuple[Floats, Floats]:
    """The root r below a/b of (a - r b)² = a_down² + r² b_up² - 2 r ρ a_down b_up, as two terms of a fraction that
    never overflows."""
    least = np.maximum(a * a - a_down * a_down, 0.0)
    rest = b * b - b_up * b_up
    middle = a * b - correlation * a_down * b_up
    return least, middle + np.sqrt(np.maximum(middle * middle - rest * least, 0.0))


def normal_quantile(level: float) -> float:
    """How many standard errors an interval of this level reaches to either side under the normal law."""
    return float(special.ndtri((1 + level) / 2))


def t_quantile(level: float, freedom: float) -> float:
    """The same under Student's t with this many degrees of freedom; `inf` of them is the normal law."""
    return float(stats.t.ppf((1 + level) / 2, freedom)) if np.isfinite(freedom) else normal_quantile(level)


def unskewed(quantiles: tuple[float, float], skew: float) -> tuple[float, float]:
    """Quantiles of a t statistic whose sum has this skewness (Hall, JRSS B 1992): rare great losses move the upper
    limit out and the lower one in, where a symmetric interval would miss the truth on one side only."""
    if abs(skew) < 1e-6:
        return quantiles
    low, high = (float(np.cbrt(1 + skew * (q - skew / 6)) - 1) * 3 / skew for q in quantiles)
    return low, high


def symmetric(statistic: float, skew: float) -> float:
    """A t statistic whose sum has this skewness as one that is symmetric around 0 (Hall, JRSS B 1992): the inverse of
    `unskewed`. A lead made of a few great gains is surer than its standard error says, one undone by few losses less.
    """
    return statistic + skew * (statistic * statistic / 3 + 1 / 6) + skew * skew * statistic**3 / 27
