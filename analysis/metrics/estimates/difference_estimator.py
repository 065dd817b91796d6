"""Difference estimator of a ratio over all traffic: labels correct what the model's scores expect of every item.

The estimate is the Hájek mean of the labelled items, less λ times the difference between the Hájek mean and the true
mean of what the scores expect (Särndal, Swensson and Wretman, "Model Assisted Survey Sampling", 1992, chapter 6; with λ
by power tuning: Angelopoulos, Duchi and Zrnic, "PPI++: Efficient Prediction-Powered Inference", arXiv 2311.01453). λ
is the one of least variance, for each metric by itself: near 1 where scores are calibrated, 0 where they are unrelated
to the truth. A ratio solves the same equation for a - θ b. Whatever the scores are, the estimate is consistent for the
traffic, because the labels are a probability sample.

Intervals. A few labels carry most of the variance of a rare class, so the variance that they show is itself uncertain
and Wald intervals hold the truth too rarely. The variance used here is

- for shares of one event the mean of what labels show and what scores expect, weighted by the labels' degrees of
  freedom and `EXPECTED` (the moderated variance of Smyth, Statistical Applications in Genetics and Molecular Biology
  2004); for means and linearised metrics the larger of the two, since simulation shows the labels' to be too small
  there. What scores expect is multiplied by how much more or less than expected the labels vary, with the expectation
  counted as `EXPECTED` labels; one degree of freedom is paid for λ;
- no less than that of half an unseen item, of the weight of items that are in doubt.

Shares have beta limits at the effective sample size that this variance gives, reduced by the t quantile at
Satterthwaite's degrees of freedom (Korn and Graubard, Survey Methodology 1998, with the half item of Jeffreys' prior).
Means have t limits corrected for skewness (Hall, JRSS B 1992). ROC areas have t limits of their arcsine, from the mean
of what labels show and what scores expect: chosen by simulation, as the labels' variance alone is too small there and
the larger of the two too large.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import special

from analysis.metrics.core import intervals
from analysis.metrics.core.design import added_up
from analysis.metrics.core.weighted import Estimate, undefined
from analysis.metrics.estimates.ratio_metrics import Terms
from validation.arrays import Floats, Ints

METHOD = "Model-assisted difference estimator (PPI++) over all items"
EXPECTED = 3.0
"""How many labels the variance that the scores expect counts for, beside the labels seen."""

DOUBT = 0.0001
"""The variance that is taken to be possible where scores are sure, as a share of the squared denominator."""

LARGEST_LAMBDA = 1.5
"""λ lies between 0 and this: scores that say too little are stretched, none is inverted."""

ROUNDING = 1e-9
"""A standard error below this is what sums of floats leave of 0."""

ROUNDS = 2
"""λ depends on the ratio and the ratio on λ; it changes little after the second round."""


@dataclass(frozen=True)
class AuditSample:
    """How the n labelled of N items were chosen, which are all items of a window or stand for them.

    labelled (n,): their places. all_weights (N,): what each item weighs or would weigh, those of the labelled summing
    to the window's items. group (n,): clusters of copies, or None. finite: whether the window's own items are meant,
    not traffic like theirs. stands_for (N,): how many items of the window each is, 1 where all of them are here.
    """

    labelled: Ints
    all_weights: Floats
    group: Ints | None
    finite: bool
    stands_for: Floats

    @cached_property
    def items(self) -> float:
        """How many items the window has."""
        return float(self.stands_for.sum())

    def over_all(self, expected: Floats) -> float:
        """The mean of values (N,) over all items."""
        return float(self.stands_for @ expected) / self.items

    @cached_property
    def weight(self) -> Floats:
        return self.all_weights[self.labelled]

    def mean(self, values: Floats) -> float:
        """Weighted mean of values (n,)."""
        return float(self.weight @ values) / self.items

    def added(self, moved: Floats) -> Floats:
        """What each cluster of labelled items adds to the error of a mean by its residuals moved (n,), as weights."""
        share = 1 - 1 / self.weight if self.finite else 1.0
        together = self.weight * np.sqrt(share) * moved / self.items
        return together if self.group is None or self.finite else added_up(together, self.group)

    def expected(self, squares: Floats) -> Floats:
        """(N,) what each item is expected to add to the variance of a mean, by its mean squared residual (N,)."""
        return np.asarray((self.all_weights - self.finite) * squares / self.items**2)


@dataclass(frozen=True)
class _Solution:
    """λ, the ratio that solves the equation with it, and the mean denominator."""

    weight: float
    ratio: float
    size: float


@dataclass(frozen=True)
class _Variance:
    """Variance of the mean of a - θ b, its degrees of freedom, the skewness, and p (1 - p) of a share that gives it."""

    value: float
    freedom: float
    skewness: float
    binomial: float


@dataclass(frozen=True)
class _Residuals:
    """What is left of a - θ b after λ times its expectation, as a part of the error of a mean.

    added: what each cluster of labelled items adds. shared: the variance of the expectations themselves over traffic,
    with their covariance; 0 for a finite window. shared_expected: the same as the scores expect it. expected: the
    sampling variance that they expect; expected_labelled: the same estimated from the labelled items alone.
    """

    added: Floats
    common: float
    shared: float
    shared_expected: float
    expected: float
    expected_labelled: float


def estimate(terms: Terms, drawn: AuditSample, *, level: float, empty: str) -> Estimate:
    """The ratio over all items, with limits at `level`; undefined with the note `empty` where no label tells of it."""
    inside = int(np.count_nonzero(terms.b))
    if not inside or drawn.mean(terms.b) <= 0:
        return undefined(empty, method=METHOD)
    found = _solve(terms, drawn)
    variance = _variance(terms, drawn, found)
    low, high = _limits(terms, found, variance, level)
    return Estimate(
        found.ratio,
        min(low, found.ratio),
        max(high, found.ratio),
        inside,
        _effective_n(terms, drawn, found, variance),
        f"{METHOD}, λ {found.weight:.2f}",
    )


def _solve(terms: Terms, drawn: AuditSample) -> _Solution:
    size = drawn.mean(terms.b)
    found = _Solution(0.0, _clipped(drawn.mean(terms.a) / size, terms), size)
    for _ in range(ROUNDS):
        weight = _power_tuned(terms, drawn, found.ratio)
        above, below = (
            drawn.mean(seen) - weight * (drawn.mean(expected[drawn.labelled]) - drawn.over_all(expected))
            for seen, expected in ((terms.a, terms.expected_a), (terms.b, terms.expected_b))
        )
        if below <= 0:  # a correction beyond all that was labelled: the labels alone
            return _Solution(0.0, _clipped(drawn.mean(terms.a) / size, terms), size)
        found = _Solution(weight, _clipped(above / below, terms), below)
    return found


def _power_tuned(terms: Terms, drawn: AuditSample, ratio: float) -> float:
    """The λ of least variance: the regression of what labels show on what scores expect, with squared weights."""
    said = terms.expected(ratio)[drawn.labelled]
    said = said - drawn.mean(said)
    squares = drawn.weight**2
    spread = float(squares @ said**2)
    seen = terms.moved(ratio)
    if spread <= 1e-12 * float(squares @ seen**2):
        return 0.0
    return float(np.clip(squares @ (said * seen) / spread, 0.0, LARGEST_LAMBDA))


def _variance(terms: Terms, drawn: AuditSample, found: _Solution) -> _Variance:
    """What labels show and scores expect of it, and no less than half an unseen item makes."""
    left = _residuals(terms, drawn, found)
    parts = left.added**2
    spread = float(parts @ parts) + left.common**2
    seen = max(float(parts.sum()) + left.shared, 0.0)
    freedom = seen**2 / spread if spread > 0 else 0.0
    paid = (freedom + 1) / freedom if freedom > 0 else 1.0
    surprise = paid * float(parts.sum()) / left.expected_labelled if left.expected_labelled > 0 else 1.0
    scale = (freedom * surprise + EXPECTED) / (freedom + EXPECTED)
    of_labels, of_scores = seen * paid, max(scale * left.expected + left.shared_expected, 0.0)
    unseen, missed = _unseen(terms, drawn, found)
    together = _together(terms, found, (of_labels, of_scores), freedom)
    value = max(together, unseen)
    return _Variance(
        value,
        max(3 * value**2 / spread - 1, 1.0) if spread > 0 else np.inf,
        float((left.added**3).sum()) / value**1.5 if value > 0 else 0.0,
        _binomial(terms, drawn, found.ratio, (of_labels, of_scores), scale, missed if unseen >= together else None),
    )


def _together(terms: Terms, found: _Solution, variances: tuple[float, float], freedom: float) -> float:
    """One variance of that of labels, with its degrees of freedom, and that of scores."""
    of_labels, of_scores = variances
    if _by_arcsine(terms, found):
        return (of_labels + of_scores) / 2
    if terms.of_event:
        return (freedom * of_labels + EXPECTED * of_scores) / (freedom + EXPECTED)
    return max(of_labels, of_scores)


def _residuals(terms: Terms, drawn: AuditSample, found: _Solution) -> _Residuals:
    said = terms.expected(found.ratio)
    said = said - drawn.over_all(said)
    moved = terms.moved(found.ratio) - found.weight * said[drawn.labelled]
    squares = terms.variance(found.ratio) + ((1 - found.weight) * said) ** 2
    expected = drawn.expected(squares)
    traffic = 0.0 if drawn.finite else float(np.sum((drawn.stands_for * said) ** 2)) / drawn.items**2
    together = 0.0 if drawn.finite else float((drawn.weight * moved) @ said[drawn.labelled]) / drawn.items**2
    common = found.weight**2 * traffic
    return _Residuals(
        added=drawn.added(moved),
        common=common,
        shared=common + 2 * found.weight * together,
        shared_expected=common + 2 * found.weight * (1 - found.weight) * traffic,
        expected=float(drawn.stands_for @ expected),
        expected_labelled=float(drawn.weight @ expected[drawn.labelled]),
    )


def _unseen(terms: Terms, drawn: AuditSample, found: _Solution) -> tuple[float, float]:
    """The variance that half an unseen item makes, and its share of the denominator.

    It weighs what items that may differ from what the scores expect weigh on average: each item counts by the variance
    that the scores give it, and a little by its part of the denominator, as scores may be surer than they should be.
    """
    doubt = terms.variance(found.ratio) + DOUBT * terms.expected_bb
    doubt = doubt * drawn.stands_for
    weight = float(drawn.all_weights @ doubt) / float(doubt.sum()) if doubt.any() else float(drawn.weight.mean())
    low, high = terms.within
    reach = high - low if np.isfinite(high - low) else 0.0
    missed = min(0.5 * weight / (found.size * drawn.items), 0.5)
    return 0.5 * weight * max(weight - drawn.finite, 0.0) * reach**2 / drawn.items**2, missed


def _binomial(
    terms: Terms,
    drawn: AuditSample,
    ratio: float,
    variances: tuple[float, float],
    scale: float,
    missed: float | None,
) -> float:
    """p (1 - p) of the share that has the variance in use: of labels, scores, or `missed`, of half an unseen item."""
    of_labels, of_scores = variances
    own = ratio * (1 - ratio)
    if missed is not None:
        return max(own, missed * (1 - missed))
    if of_labels >= of_scores:
        return own
    said = _clipped(drawn.over_all(terms.expected_a) / drawn.over_all(terms.expected_b), terms)
    return (of_labels * own + of_scores * scale * said * (1 - said)) / (of_labels + of_scores)


def _limits(terms: Terms, found: _Solution, variance: _Variance, level: float) -> tuple[float, float]:
    error = variance.value**0.5 / found.size
    if error <= ROUNDING:
        return found.ratio, found.ratio
    quantile = intervals.t_quantile(level, variance.freedom)
    if _by_arcsine(terms, found):
        return _arcsine_limits(found.ratio, quantile * error)
    if not terms.share:
        low, high = intervals.unskewed((-quantile, quantile), variance.skewness)
        return _clipped(found.ratio - high * error, terms), _clipped(found.ratio - low * error, terms)
    size = variance.binomial / error**2 * (intervals.t_quantile(level, np.inf) / quantile) ** 2
    hits, tail = found.ratio * size + 0.5, (1 - level) / 2
    misses = size + 1 - hits
    return float(special.betaincinv(hits, misses, tail)), float(special.betaincinv(hits, misses, 1 - tail))


def _by_arcsine(terms: Terms, found: _Solution) -> bool:
    return terms.roc_area and ROUNDING < found.ratio < 1 - ROUNDING


def _arcsine_limits(share: float, reach: float) -> tuple[float, float]:
    """Of a share within 0 and 1, from the half width of its interval, on the scale of the arcsine of its root."""
    middle, step = np.arcsin(share**0.5), reach / (2 * (share * (1 - share)) ** 0.5)
    return float(np.sin(max(middle - step, 0.0)) ** 2), float(np.sin(min(middle + step, np.pi / 2)) ** 2)


def _effective_n(terms: Terms, drawn: AuditSample, found: _Solution, variance: _Variance) -> float:
    """How many items of the denominator a plain uniform sample needs to be as exact."""
    of_one = variance.binomial * found.size if terms.share else drawn.mean(terms.moved(found.ratio) ** 2)
    if min(of_one, variance.value) <= ROUNDING**2:
        return float(np.count_nonzero(terms.b))
    return of_one * found.size / variance.value


def _clipped(value: float, terms: Terms) -> float:
    return min(max(value, terms.within[0]), terms.within[1])
