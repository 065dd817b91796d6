"""Where to cut: the cheapest threshold, and the band of scores in which asking a person is cheaper than deciding.

Both are searched over every cut in one pass. The people who decide inside a band are taken to be right.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.metrics.core import ranking
from analysis.metrics.core.design import Design
from analysis.metrics.core.ranking import Ranking
from analysis.metrics.core.weighted import Estimate, mean_price, share
from analysis.metrics.performance.threshold_curve import Costs
from validation import InvalidInput, arrays
from validation.arrays import Bools, Floats

SAME_ITEMS = "Chosen and measured on the same items: expect slightly worse on new ones."


@dataclass(frozen=True)
class ReviewBand:
    """Two thresholds: refuse below `low`, ask a person from `low` up to below `high`, accept at `high` and above.

    low = high: one threshold, nobody is asked. cost: per decision, reviews included. automation: share of items
    decided alone; review: the rest, the load per item (times items a day = people's work a day); error: mistakes
    among the items decided alone; precision, recall: of what is accepted, of all that should be (people's share
    counted as found). counts (3, 2): labelled items refused, reviewed, accepted (rows), truly negative, positive.
    """

    low: float
    high: float
    costs: Costs
    cost: Estimate
    automation: Estimate
    review: Estimate
    error: Estimate
    precision: Estimate
    recall: Estimate
    counts: tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
    note: str = ""


def band_at(
    truth: ArrayLike,
    scores: ArrayLike,
    drawn: Design,
    *,
    low: float,
    high: float,
    costs: Costs | None = None,
    level: float = 0.95,
    note: str = "",
) -> ReviewBand:
    """What the band from `low` to `high` does; low = high is a single threshold. Arrays (n,), truth bool.

    drawn: how these n items were chosen. Limits at `level`. Raises InvalidInput on bad arrays, and when low is above
    high.
    """
    if not low <= high:
        raise InvalidInput(f"The band runs from {low:g} to {high:g}; it must not end before it begins.")
    actual = arrays.booleans("truth", truth, drawn.n)
    given = arrays.vector("scores", scores, drawn.n)
    arrays.level(level)
    prices = costs or Costs()
    accepted, refused = given >= high, given < low
    asked = ~accepted & ~refused
    paid = [
        (prices.false_positive, accepted & ~actual),
        (prices.false_negative, refused & actual),
        (prices.review, asked),
    ]
    everything = np.ones(drawn.n, dtype=bool)
    return ReviewBand(
        low=float(low),
        high=float(high),
        costs=prices,
        cost=mean_price(paid, drawn, level=level),
        automation=share(~asked, everything, drawn, level=level),
        review=share(asked, everything, drawn, level=level),
        error=share(accepted != actual, ~asked, drawn, level=level),
        precision=share(actual, accepted, drawn, level=level),
        recall=share(~refused, actual, drawn, level=level),
        counts=(_split(refused, actual), _split(asked, actual), _split(accepted, actual)),
        note=note,
    )


def _split(part: Bools, actual: Bools) -> tuple[int, int]:
    positive = int((part & actual).sum())
    return int(part.sum()) - positive, positive


def cheapest_threshold(
    truth: ArrayLike,
    scores: ArrayLike,
    drawn: Design,
    *,
    costs: Costs,
    level: float = 0.95,
) -> ReviewBand:
    """The single threshold with the lowest estimated cost per decision, as a band of no width."""
    ranked = _ranked(truth, scores, drawn)
    accept, refuse = _lines(ranked, costs, review=0.0)
    best = int(np.argmin(accept + refuse))
    cut = float(_cuts(ranked)[best])
    return band_at(
        truth,
        scores,
        drawn,
        low=cut,
        high=cut,
        costs=costs,
        level=level,
        note=SAME_ITEMS,
    )


def cheapest_band(
    truth: ArrayLike,
    scores: ArrayLike,
    drawn: Design,
    *,
    costs: Costs,
    level: float = 0.95,
) -> ReviewBand:
    """The two thresholds with the lowest estimated cost per decision when a review costs `costs.review`."""
    ranked = _ranked(truth, scores, drawn)
    accept, refuse = _lines(ranked, costs, review=costs.review)
    upper, lower = _best_pair(accept, refuse)
    cuts = _cuts(ranked)
    low, high = float(cuts[lower]), float(cuts[upper])
    return band_at(
        truth,
        scores,
        drawn,
        low=low,
        high=high,
        costs=costs,
        level=level,
        note=SAME_ITEMS,
    )


def _ranked(truth: ArrayLike, scores: ArrayLike, drawn: Design) -> Ranking:
    actual = arrays.booleans("truth", truth, drawn.n)
    given = arrays.vector("scores", scores, drawn.n)
    if not drawn.n:
        raise InvalidInput("No labelled items: a threshold cannot be chosen from nothing.")
    return ranking.rank(actual, given, drawn.weight)


def _cuts(ranked: Ranking) -> Floats:
    """Thresholds (m + 1,) from above the highest score, where nothing is accepted, to the lowest score."""
    return np.append(np.nextafter(ranked.scores[0], np.inf), ranked.scores[ranked.last])


def _lines(ranked: Ranking, costs: Costs, *, review: float) -> tuple[Floats, Floats]:
    """Cost (m + 1,) of accepting all at or above each cut, and of refusing all below it, less what a review costs."""
    positive = np.append(0.0, ranked.at_or_above(np.where(ranked.truth, ranked.weight, 0.0)))
    total = np.append(0.0, ranked.at_or_above(ranked.weight))
    accept = costs.false_positive * (total - positive) - review * total
    refuse = costs.false_negative * (positive[-1] - positive) - review * (total[-1] - total)
    return accept, refuse


def _best_pair(accept: Floats, refuse: Floats) -> tuple[int, int]:
    """Places (upper, lower) of the cheapest pair of cuts with the upper one not below the lower one."""
    best_upper = np.minimum.accumulate(accept)
    lower = int(np.argmin(best_upper + refuse))
    return int(np.argmin(accept[: lower + 1])), lower
