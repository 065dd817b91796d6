"""The whole threshold curve of a two-way decision in one sorted pass: precision, recall, false alarms and cost."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from analysis.metrics.core import intervals, ranking
from analysis.metrics.core.design import Design
from analysis.metrics.core.intervals import Sums
from analysis.metrics.core.ranking import Ranking
from analysis.metrics.core.running import RunningSums, running_sums
from analysis.metrics.core.weighted import Estimate
from validation import InvalidInput, arrays
from validation.arrays import Floats, Ints


@dataclass(frozen=True)
class Costs:
    """Price of each mistake and of asking a person, in one unit; a right decision costs nothing."""

    false_positive: float = 1.0
    false_negative: float = 1.0
    review: float = 0.0

    def __post_init__(self) -> None:
        for name in ("false_positive", "false_negative", "review"):
            if not np.isfinite(getattr(self, name)) or getattr(self, name) < 0:
                raise InvalidInput(f"The cost {name} is {getattr(self, name)}; it must be a number from 0 up.")

    def table(self, positive: int, classes: int) -> Floats:
        """(k, k) costs of answers, row the truth, column the answer, where only mistakes about `positive` cost."""
        table = np.zeros((classes, classes))
        table[:, positive], table[positive, :], table[positive, positive] = self.false_positive, self.false_negative, 0
        return table


@dataclass(frozen=True)
class ScoreBand:
    """A line with its pointwise limits, each (m,). NaN where undefined (nothing predicted, or no such item)."""

    value: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class ThresholdCurve:
    """What each threshold does; an item is called positive when its score is at or above it. Arrays (m,).

    thresholds fall from just above the highest score (nothing is positive) to the lowest (everything is). flagged:
    labelled items called positive, unweighted; caught: those of them that are. true_positive … true_negative: how
    many items of all traffic. precision, recall, false_positive_rate, cost (per decision): values with pointwise
    limits. roc_auc, pr_auc: of the whole curve. n: labelled items.
    """

    n: int
    effective_n: float
    thresholds: Floats
    flagged: Ints
    caught: Ints
    true_positive: Floats
    false_positive: Floats
    false_negative: Floats
    true_negative: Floats
    precision: ScoreBand
    recall: ScoreBand
    false_positive_rate: ScoreBand
    cost: ScoreBand
    roc_auc: Estimate
    pr_auc: Estimate
    note: str = ""


Side = Literal["above", "below"]


@dataclass(frozen=True)
class _Counts:
    """One class's items at or above each threshold (m,), and those below."""

    chosen: Floats
    raw: Ints
    above: Sums
    below: Sums


def threshold_curve(
    truth: ArrayLike,
    scores: ArrayLike,
    drawn: Design,
    *,
    costs: Costs | None = None,
    at_most: int | None = None,
    level: float = 0.95,
) -> ThresholdCurve:
    """Every threshold's precision, recall, false positive rate and cost, with pointwise limits at `level`.

    truth (n,) bool; scores (n,) in any unit, higher = more positive; drawn: how these n items were chosen.
    at_most: keep only that many thresholds (at least 2), spread evenly over the traffic they cut off, ends included.
    Raises InvalidInput for no items and for bad arrays; with one class only, what
    needs the other is NaN.
    """
    actual = arrays.booleans("truth", truth, drawn.n)
    given = arrays.vector("scores", scores, drawn.n)
    arrays.level(level)
    if not drawn.n:
        raise InvalidInput("No labelled items: a threshold curve needs at least one.")
    if at_most is not None and at_most < 2:
        raise InvalidInput(f"at_most is {at_most}; a curve has at least its two ends.")
    ranked = ranking.rank(actual, given, drawn.weight)
    return _curve(ranked, drawn, costs or Costs(), at_most, level)


def _curve(ranked: Ranking, drawn: Design, costs: Costs, at_most: int | None, level: float) -> ThresholdCurve:
    kept, running = _thinned_places(ranked, at_most), running_sums(ranked, drawn)
    positive = _counts(running, ranked.truth.astype(np.float64), drawn, kept)
    negative = _counts(running, (~ranked.truth).astype(np.float64), drawn, kept)

    def share(hits: tuple[_Counts, Side], misses: tuple[_Counts, Side]) -> ScoreBand:
        together = 0.0 if drawn.group is None else _together(running, hits, misses)[kept]
        return _band(_sums(*hits), _sums(*misses), together, drawn, level)

    top = np.nextafter(ranked.scores[0], np.inf)
    thresholds = np.append(top, ranked.scores[ranked.last])[kept]
    roc, pr = ranking.areas(ranked, drawn, level=level)
    return ThresholdCurve(
        n=drawn.n,
        effective_n=drawn.effective_n,
        thresholds=thresholds,
        flagged=positive.raw + negative.raw,
        caught=positive.raw,
        true_positive=positive.above.total,
        false_positive=negative.above.total,
        false_negative=positive.below.total,
        true_negative=negative.below.total,
        precision=share((positive, "above"), (negative, "above")),
        recall=share((positive, "above"), (positive, "below")),
        false_positive_rate=share((negative, "above"), (negative, "below")),
        cost=_cost(positive, negative, running, kept, costs, drawn, level),
        roc_auc=roc,
        pr_auc=pr,
        note=ranking.one_sided(ranked.truth),
    )


def _thinned_places(ranked: Ranking, at_most: int | None) -> Ints:
    """Places of the thresholds to keep, 0 being the one above all scores."""
    m = ranked.last.size + 1
    if at_most is None or m <= at_most:
        return np.arange(m)
    cut_off = np.append(0.0, ranked.at_or_above(ranked.weight))
    wanted = np.linspace(0, cut_off[-1], at_most)
    return np.unique(np.append(np.searchsorted(cut_off, wanted[:-1]), m - 1))


def _counts(running: RunningSums, chosen: Floats, drawn: Design, kept: Ints) -> _Counts:
    weight = chosen * running.ranked.weight
    sure = (
        np.zeros_like(weight)
        if drawn.variance_share is None
        else weight * (drawn.variance_share[running.ranked.order] == 0)
    )
    within = running.product(chosen, chosen)
    found = Sums(running.of(sure)[kept], running.of(weight - sure)[kept], within[kept])
    beyond = running.whole(chosen, chosen) - 2 * running.with_whole(chosen, chosen) + within
    rest = Sums(sure.sum() - found.certain, (weight - sure).sum() - found.estimated, beyond[kept])
    # Rounding in a long cumulative sum must not leave a remainder below zero.
    below = Sums(*(np.maximum(part, 0.0) for part in rest))
    return _Counts(chosen, running.of(chosen)[kept].astype(np.int64), found, below)


def _sums(counts: _Counts, side: Side) -> Sums:
    return counts.above if side == "above" else counts.below


def _together(running: RunningSums, hits: tuple[_Counts, Side], misses: tuple[_Counts, Side]) -> Floats:
    """Σ hits × misses over the clusters, at each threshold."""
    product = running.product(hits[0].chosen, misses[0].chosen)
    return product if misses[1] == "above" else running.with_whole(hits[0].chosen, misses[0].chosen) - product


def _band(hits: Sums, misses: Sums, together: Floats | float, drawn: Design, level: float) -> ScoreBand:
    """The share of hits, two counts whose products over the clusters add up to `together` (m,)."""
    total = hits.total + misses.total
    with np.errstate(invalid="ignore"):
        value = np.where(total > 0, hits.total / np.where(total > 0, total, 1.0), np.nan)
    scale = np.sqrt(hits.variance * misses.variance)
    correlation = np.where(scale > 0, np.clip(together / np.where(scale > 0, scale, 1.0), 0.0, 1.0), 0.0)
    low, high = drawn.share_limits(hits, misses, level, correlation)
    return ScoreBand(value, np.where(total > 0, low, np.nan), np.where(total > 0, high, np.nan))


def _cost(
    positive: _Counts,
    negative: _Counts,
    running: RunningSums,
    kept: Ints,
    costs: Costs,
    drawn: Design,
    level: float,
) -> ScoreBand:
    """Mean cost of a decision, from the two counts of mistakes; linearised, as a mean of 0, one or the other price."""
    missed, alarms, everything = positive.below, negative.above, float(drawn.weight.sum())
    value = (costs.false_negative * missed.total + costs.false_positive * alarms.total) / everything
    pos, neg, one = positive.chosen, negative.chosen, np.ones_like(positive.chosen)
    both = running.with_whole(neg, pos) - running.product(neg, pos)
    missed_of_all = running.whole(pos, one) - running.with_whole(pos, one)
    alarms_of_all = running.with_whole(neg, one)
    # Σ (price - value)² over the clusters: items without a mistake count with price 0.
    spread = (
        costs.false_negative**2 * missed.variance
        + costs.false_positive**2 * alarms.variance
        + 2 * costs.false_negative * costs.false_positive * both[kept]
        - 2 * value * (costs.false_negative * missed_of_all + costs.false_positive * alarms_of_all)[kept]
        + value**2 * running.whole(one, one)
    )
    reach = intervals.t_quantile(level, drawn.freedom) * np.sqrt(np.maximum(spread, 0.0)) / everything
    return ScoreBand(value, np.maximum(value - reach, 0.0), value + reach)
