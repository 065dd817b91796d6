"""Estimates for all items from the few that were labelled, each weighted by one over its inclusion probability.

An interval is for the *process* (traffic like this window's) unless `population`, the number of items in the
window, is given: then it is for exactly those items, and a window that is labelled whole has no uncertainty.
Weights are Hájek's (Särndal, Swensson and Wretman, Model Assisted Survey Sampling, 1992, chapters 5 and 7); LURE is
Farquhar, Gal and Rainforth (arXiv 2101.11695).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from analysis.metrics.core import intervals
from analysis.metrics.core.design import Design, design, kish
from validation import InvalidInput, arrays
from validation.arrays import Bools, Floats

NO_ITEMS = "No labelled items."
ROUNDING = 1e-12
ONE_ITEM = "One item gives no interval."
ONE_GROUP = "Copies of one item give no interval."
SHARE = "Hájek share, gamma limits of both counts joined by MOVER"
PRICE = "Sum of priced Hájek shares, limits joined by MOVER"
MEAN = "Hájek mean, linearised variance, t corrected for skewness"
LURE = "LURE, martingale variance, t corrected for skewness"


@dataclass(frozen=True)
class Estimate:
    """Point estimate with confidence interval at the level asked for. value None: undefined, and `note` says why.

    low and high are None where the value is known and the interval is undefined (one item). n: labelled items it rests
    on. effective_n: how many items of a plain uniform sample carry as much (Kish: (Σw)² / Σw²).
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    effective_n: float
    method: str
    note: str = ""


def undefined(note: str, *, n: int = 0, method: str = "") -> Estimate:
    return Estimate(None, None, None, n, 0.0, method, note)


def proportion(
    successes: ArrayLike,
    inclusion_probability: ArrayLike,
    *,
    level: float = 0.95,
    population: int | None = None,
    domain: ArrayLike | None = None,
    groups: ArrayLike | None = None,
) -> Estimate:
    """Share of items with success (n,), among all or among those in `domain` (n,), each weighted by 1/π.

    low, high: limits of that share at `level`. They widen when one side was never seen, by what the design could
    have missed. Give the whole sample and a domain rather than a part of the sample: only the whole says how finely
    it looked. groups (n,): copies of one item share one and count once (`design`). Raises InvalidInput on bad
    arrays; undefined when nothing is in the domain.
    """
    drawn = design(inclusion_probability, population=population, groups=groups)
    good = arrays.booleans("successes", successes, drawn.n)
    inside = np.ones(drawn.n, dtype=bool) if domain is None else arrays.booleans("domain", domain, drawn.n)
    arrays.level(level)
    return share(good, inside, drawn, level=level)


def share(good: Bools, inside: Bools, drawn: Design, *, level: float = 0.95) -> Estimate:
    """As `proportion`, for arrays that are checked and a design that is made: share of `inside` that is `good`."""
    n = int(np.count_nonzero(inside))
    if not n:
        return undefined("No labelled items in this part." if drawn.n else NO_ITEMS, method=SHARE)
    right, wrong = good & inside, ~good & inside
    hits, misses = drawn.sums(right), drawn.sums(wrong)
    together = 0.0 if drawn.group is None else drawn.correlation(right.astype(float), wrong.astype(float))
    low, high = drawn.share_limits(hits, misses, level, together)
    value = hits.total[0] / (hits.total[0] + misses.total[0])
    return Estimate(float(value), float(low[0]), float(high[0]), n, drawn.effective(inside), SHARE)


def mean_price(parts: Sequence[tuple[float, Bools]], drawn: Design, *, level: float = 0.95) -> Estimate:
    """Weighted mean of prices ≥ 0: of each part, its price and who pays it (n,); no item is in two, others pay 0.

    The limits are those of the shares of the parts, joined by MOVER (Zou & Donner 2008, Statistics in Medicine 27). A
    linearised variance would miss prices that the draws have not met: where one cheap mistake is all that was seen
    among items that stand for themselves, it is blind to the dear ones among those that were not asked.
    """
    if not drawn.n:
        return undefined(NO_ITEMS, method=PRICE)
    everything = np.ones(drawn.n, dtype=bool)
    found = [(price, share(paid, everything, drawn, level=level)) for price, paid in parts]
    value = sum(price * (one.value or 0.0) for price, one in found)
    below = sum((price * ((one.value or 0.0) - (one.low or 0.0))) ** 2 for price, one in found)
    above = sum((price * ((one.high or 0.0) - (one.value or 0.0))) ** 2 for price, one in found)
    most = max(price for price, _ in parts)
    low, high = max(value - below**0.5, 0.0), min(value + above**0.5, most)
    return Estimate(value, low, high, drawn.n, drawn.effective_n, PRICE)


def mean(
    values: ArrayLike,
    inclusion_probability: ArrayLike,
    *,
    level: float = 0.95,
    population: int | None = None,
    groups: ArrayLike | None = None,
) -> Estimate:
    """Weighted mean of values (n,) in their own unit; low, high: limits of the mean over all items."""
    found = arrays.vector("values", values)
    ones = np.ones_like(found)
    return ratio(found, ones, inclusion_probability, level=level, population=population, groups=groups)


def score(
    values: ArrayLike,
    inclusion_probability: ArrayLike,
    *,
    level: float = 0.95,
    domain: ArrayLike | None = None,
    groups: ArrayLike | None = None,
) -> Estimate:
    """Mean of scores (n,) from 0 (wrong) to 1 (right), among all or among those in `domain` (n,), as `proportion`.

    Scores that are all 0 or 1 are shares of successes and get their limits. Others get those of a mean within 0 and 1,
    which widen where all scores are alike, by what the design could have missed.
    """
    drawn = design(inclusion_probability, groups=groups)
    inside = np.ones(drawn.n, dtype=bool) if domain is None else arrays.booleans("domain", domain, drawn.n)
    return mean_score(
        arrays.unit_interval("values", arrays.vector("values", values, drawn.n)), inside, drawn, level=level
    )


def mean_score(values: Floats, inside: Bools, drawn: Design, *, level: float = 0.95) -> Estimate:
    """As `score`, for arrays that are checked and a design that is made."""
    if bool(((values == 0) | (values == 1)).all()):
        return share(values == 1, inside, drawn, level=level)
    n = int(np.count_nonzero(inside))
    if not n:
        return undefined("No labelled items in this part." if drawn.n else NO_ITEMS, method=MEAN)
    total = float(drawn.weight[inside].sum())
    value = float(drawn.weight[inside] @ values[inside]) / total
    influence = np.where(inside, (values - value) / total, 0.0)
    found = linearised(value, influence, drawn, level=level, within=(0.0, 1.0))
    return replace(found, n=n, effective_n=drawn.effective(inside))


def ratio(
    numerator: ArrayLike,
    denominator: ArrayLike,
    inclusion_probability: ArrayLike,
    *,
    level: float = 0.95,
    population: int | None = None,
    groups: ArrayLike | None = None,
) -> Estimate:
    """Σw·numerator / Σw·denominator, arrays (n,); low, high from the linearised variance. denominator ≥ 0."""
    drawn = design(inclusion_probability, population=population, groups=groups)
    above = arrays.vector("numerator", numerator, drawn.n)
    below = arrays.vector("denominator", denominator, drawn.n)
    if below.size and below.min() < 0:
        raise InvalidInput(f"denominator has {below.min():g} in row {int(below.argmin())}; it must not be negative.")
    total = float(drawn.weight @ below)
    if not drawn.n or total == 0:
        return undefined(NO_ITEMS if not drawn.n else "Nothing to divide by: the denominator is 0 in every row.")
    value = float(drawn.weight @ above) / total
    return linearised(value, (above - value * below) / total, drawn, level=level, method=MEAN)


def linearised(
    value: float,
    influence: Floats,
    drawn: Design,
    *,
    level: float = 0.95,
    method: str = MEAN,
    bounds: tuple[float, float] | None = None,
    within: tuple[float, float] = (-np.inf, np.inf),
    note: str = "",
) -> Estimate:
    """The interval of an estimate whose change per unit of item weight is `influence` (n,).

    With `bounds` the limits are taken on the logit scale between them, so that they never leave them; without, they
    are corrected for the skewness of what the items add. within: the least and most that one item can count; where all
    items of equal weight, the limits are those of a count of 0 among them.
    """
    arrays.level(level)
    n = int(np.count_nonzero(influence)) or drawn.n
    moved = drawn.contributions(influence)
    terms = moved * moved if drawn.variance_share is None else moved * moved * drawn.variance_share
    variance = float(terms.sum())
    if drawn.units < 2 and drawn.variance_share is None:
        why = ONE_ITEM if drawn.n < 2 else ONE_GROUP
        return Estimate(value, None, None, drawn.n, drawn.effective_n, method, f"{note} {why}".strip())
    error = variance**0.5
    if bounds is not None:
        low, high = _within(value, intervals.t_quantile(level, _freedom(terms, variance, drawn)) * error, bounds)
    elif error <= ROUNDING * abs(value):
        low, high = _all_alike(value, drawn, level, within)
    else:
        quantile = intervals.t_quantile(level, drawn.freedom)
        skew = _skewness(moved, drawn.variance_share)
        low, high = (value - error * step for step in intervals.unskewed((quantile, -quantile), skew))
        low, high = max(low, within[0]), min(high, within[1])
    return Estimate(value, low, high, n, drawn.effective_n, method, note)


def lure(losses: ArrayLike, selection_probability: ArrayLike, *, pool: int, level: float = 0.95) -> Estimate:
    """Mean loss over a pool from items drawn one after another without replacement.

    losses (m,) in the order drawn; selection_probability (m,): that of the item drawn, among those left at that
    moment, when it was drawn; pool: items there were at the start. low, high: limits of the mean over that pool.
    """
    found = arrays.vector("losses", losses)
    q = arrays.inclusion(selection_probability, found.shape[0])
    m = found.shape[0]
    arrays.level(level)
    if pool < m:
        raise InvalidInput(f"pool is {pool}, but {m} items were drawn from it.")
    if m == 0:
        return undefined(NO_ITEMS)
    if m == pool:
        value = float(found.mean())
        return Estimate(value, value, value, m, float(m), LURE, "Every item of the pool is labelled.")
    step = np.arange(1, m + 1)
    # Each of these is an unbiased guess of the pool's mean given all that was drawn before it.
    before = np.concatenate([[0.0], np.cumsum(found)[:-1]])
    guess = (found / q + before) / pool
    share = pool * (pool - m) / ((pool - step) * (pool - step + 1.0))
    value = float(share @ guess) / m
    if m < 2:
        return Estimate(value, None, None, m, float(m), LURE, ONE_ITEM)
    moved = share * (guess - value) / m
    error = float((moved @ moved) * m / (m - 1)) ** 0.5
    quantile = intervals.t_quantile(level, m - 1)
    low, high = (value - error * step for step in intervals.unskewed((quantile, -quantile), _skewness(moved, None)))
    weight = 1 + (pool - m) / (pool - step) * (1 / ((pool - step + 1) * q) - 1)
    return Estimate(value, low, high, m, kish(weight), LURE)


def _all_alike(value: float, drawn: Design, level: float, within: tuple[float, float]) -> tuple[float, float]:
    """Limits of a mean of equal values: the share of other ones that may have been missed, times how far these go."""
    if not np.isfinite(within).all():
        return value, value
    everything = np.ones(drawn.n, dtype=bool)
    _, missed = drawn.share_limits(drawn.sums(~everything), drawn.sums(everything), level)
    share = float(missed[0])
    return value - share * (value - within[0]), value + share * (within[1] - value)


def _freedom(terms: Floats, variance: float, drawn: Design) -> float:
    """Degrees of freedom that give a variance of this spread (Satterthwaite): few when few items or clusters carry it.

    With clusters of unequal size no more than the most that their sizes allow.
    """
    spread = float(terms @ terms)
    found = max(3 * variance**2 / spread - 1, 1.0) if spread > 0 else float("inf")
    return found if drawn.group is None else min(found, 3 * drawn.freedom + 2)


def _skewness(moved: Floats, variance_share: Floats | None) -> float:
    """Of a sum of independent terms moved (n,), of which `variance_share` (n,) is the share that is variance."""
    scale = float(np.abs(moved).max(initial=0.0))
    if scale == 0:
        return 0.0
    part = np.ones_like(moved) if variance_share is None else variance_share
    unit = moved / scale
    spread = float(unit * unit @ part)
    return float(unit**3 @ part) / spread**1.5 if spread > 0 else 0.0


def _within(value: float, reach: float, bounds: tuple[float, float]) -> tuple[float, float]:
    floor, ceiling = bounds
    share = (value - floor) / (ceiling - floor)
    if not 0 < share < 1:
        return max(value - reach, floor), min(value + reach, ceiling)
    middle, step = special.logit(share), reach / ((ceiling - floor) * share * (1 - share))
    low, high = special.expit(middle - step), special.expit(middle + step)
    return floor + float(low) * (ceiling - floor), floor + float(high) * (ceiling - floor)
