"""Is model b better than model a on the same items? Differences are always b minus a."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special
from statsmodels.stats.contingency_tables import mcnemar

from analysis.metrics.core import influence_functions
from analysis.metrics.core.design import Design, design
from analysis.metrics.core.influence_functions import Statistic
from analysis.metrics.core.weighted import NO_ITEMS, Estimate, linearised, share, undefined
from analysis.metrics.performance.classification import checked_positive
from validation import arrays
from validation.arrays import Bools, Ints
from validation.probabilities import check_probabilities

PAIRED_SHARES = "Difference of paired Hájek shares, gamma limits joined by MOVER"
PAIRED_MEANS = "Difference of paired Hájek estimates, linearised variance, t corrected for skewness"


@dataclass(frozen=True)
class Wins:
    """Items both get right, b alone (fixed), a alone (broken), neither. Counts as labelled; shares of all traffic."""

    both_right: int
    fixed: int
    broken: int
    both_wrong: int
    shares: tuple[float, float, float, float]


@dataclass(frozen=True)
class PairedTest:
    """Could the two be equally often right? p two-sided; None when they never disagree on who is right."""

    p: float | None
    method: str
    note: str = ""


@dataclass(frozen=True)
class Comparison:
    """Model b against model a on the same n items; every Estimate is b minus a, with limits at the asked level."""

    n: int
    effective_n: float
    wins: Wins
    test: PairedTest
    accuracy: Estimate
    macro_f1: Estimate
    log_loss: Estimate
    brier: Estimate
    roc_auc: Estimate
    pr_auc: Estimate
    cost: Estimate


def accuracy_difference(
    correct_a: ArrayLike,
    correct_b: ArrayLike,
    inclusion_probability: ArrayLike,
    *,
    level: float = 0.95,
    population: int | None = None,
    groups: ArrayLike | None = None,
) -> Estimate:
    """Share that b gets right minus share that a does, from correct_a, correct_b (n,) bool; low, high in -1..1.

    In the manner of Newcombe's paired intervals (Statistics in Medicine 1998), with weights: the limits of the two
    shares that only one gets right, joined with their correlation.
    """
    drawn = design(inclusion_probability, population=population, groups=groups)
    a = arrays.booleans("correct_a", correct_a, drawn.n)
    b = arrays.booleans("correct_b", correct_b, drawn.n)
    arrays.level(level)
    return _accuracy_difference(a, b, drawn, level)


def score_difference(
    scores_a: ArrayLike,
    scores_b: ArrayLike,
    inclusion_probability: ArrayLike,
    *,
    level: float = 0.95,
    groups: ArrayLike | None = None,
) -> Estimate:
    """Mean score of b minus that of a, scores (n,) from 0 to 1; of scores that are all 0 or 1 `accuracy_difference`."""
    a, b = (arrays.unit_interval("scores", arrays.vector("scores", given)) for given in (scores_a, scores_b))
    if np.isin(np.concatenate([a, b]), (0, 1)).all():
        return accuracy_difference(a == 1, b == 1, inclusion_probability, level=level, groups=groups)
    return mean_difference(a, b, inclusion_probability, level=level, groups=groups)


def mean_difference(
    values_a: ArrayLike,
    values_b: ArrayLike,
    inclusion_probability: ArrayLike,
    *,
    level: float = 0.95,
    population: int | None = None,
    groups: ArrayLike | None = None,
) -> Estimate:
    """Weighted mean of values_b - values_a, both (n,), in their unit (losses, costs, seconds)."""
    drawn = design(inclusion_probability, population=population, groups=groups)
    a, b = arrays.vector("values_a", values_a, drawn.n), arrays.vector("values_b", values_b, drawn.n)
    if not drawn.n:
        return undefined(NO_ITEMS, method=PAIRED_MEANS)
    total = float(drawn.weight.sum())
    value = float(drawn.weight @ (b - a)) / total
    return linearised(value, (b - a - value) / total, drawn, level=level, method=PAIRED_MEANS, paired=True)


def equal_accuracy(
    correct_a: ArrayLike, correct_b: ArrayLike, inclusion_probability: ArrayLike, *, groups: ArrayLike | None = None
) -> PairedTest:
    """McNemar's exact test where all items were equally likely to be chosen and none has copies, else its weighted
    score version, which sums over the copies of one item."""
    drawn = design(inclusion_probability, groups=groups)
    a = arrays.booleans("correct_a", correct_a, drawn.n)
    b = arrays.booleans("correct_b", correct_b, drawn.n)
    fixed, broken = b & ~a, a & ~b
    if not (fixed | broken).any():
        return PairedTest(None, "McNemar", "The two are right and wrong on the same items.")
    if drawn.group is None and np.ptp(drawn.weight) <= 1e-9 * drawn.weight.max():
        table = [[int((a & b).sum()), int(broken.sum())], [int(fixed.sum()), int((~a & ~b).sum())]]
        return PairedTest(float(mcnemar(table, exact=True).pvalue), "McNemar, exact")
    signed = drawn.summed(drawn.weight * (fixed.astype(float) - broken))
    if not signed.any():
        return PairedTest(1.0, "McNemar, weighted score")
    z = float(signed.sum()) / float(signed @ signed) ** 0.5
    return PairedTest(float(2 * special.ndtr(-abs(z))), "McNemar, weighted score")


def compare(
    truth: ArrayLike,
    predicted_a: ArrayLike,
    predicted_b: ArrayLike,
    *,
    classes: Sequence[str],
    inclusion_probability: ArrayLike,
    probabilities_a: ArrayLike | None = None,
    probabilities_b: ArrayLike | None = None,
    costs: ArrayLike | None = None,
    positive: int | None = None,
    level: float = 0.95,
    population: int | None = None,
    groups: ArrayLike | None = None,
) -> Comparison:
    """All measures of `performance.classification` as paired differences, arrays as there."""
    names = arrays.class_names(classes)
    k = len(names)
    drawn = design(inclusion_probability, population=population, groups=groups)
    arrays.level(level)
    checked_positive(positive, k)
    actual = arrays.codes("truth", truth, k, drawn.n)
    called_a = arrays.codes("predicted_a", predicted_a, k, drawn.n)
    called_b = arrays.codes("predicted_b", predicted_b, k, drawn.n)
    a = _statistics(actual, called_a, probabilities_a, costs, positive, k, drawn)
    b = _statistics(actual, called_b, probabilities_b, costs, positive, k, drawn)
    right_a, right_b = called_a == actual, called_b == actual
    return Comparison(
        n=drawn.n,
        effective_n=drawn.effective_n,
        wins=_wins(right_a, right_b, drawn),
        test=equal_accuracy(right_a, right_b, inclusion_probability, groups=groups),
        accuracy=_accuracy_difference(right_a, right_b, drawn, level),
        **{name: _difference(a[name], b[name], drawn, level) for name in a},
    )


def _statistics(
    actual: Ints,
    called: Ints,
    probabilities: ArrayLike | None,
    costs: ArrayLike | None,
    positive: int | None,
    k: int,
    drawn: Design,
) -> dict[str, Statistic]:
    scored = None if probabilities is None else check_probabilities(probabilities, n=drawn.n, k=k)
    roc, pr = influence_functions.auc_statistics(actual, scored, k, drawn)
    return {
        "macro_f1": influence_functions.macro_f1(actual, called, k, drawn),
        "log_loss": influence_functions.log_loss(actual, scored, drawn),
        "brier": influence_functions.brier(actual, scored, drawn),
        "roc_auc": influence_functions.overall(roc, positive),
        "pr_auc": influence_functions.overall(pr, positive),
        "cost": influence_functions.cost(actual, called, costs, k, drawn),
    }


def _difference(a: Statistic, b: Statistic, drawn: Design, level: float) -> Estimate:
    for side in (a, b):
        if side.value is None:
            return undefined(side.note, n=drawn.n, method=PAIRED_MEANS)
    assert a.value is not None and b.value is not None and a.influence is not None and b.influence is not None
    note = " ".join(dict.fromkeys(part for part in (a.note, b.note) if part))
    moved = b.influence - a.influence
    # Two areas between 0 and 1 differ by something between -1 and 1.
    bounds = None if a.bounds is None else (-1.0, 1.0)
    value = b.value - a.value
    within = (b.within[0] - a.within[1], b.within[1] - a.within[0])
    return linearised(
        value,
        moved,
        drawn,
        level=level,
        method=PAIRED_MEANS,
        bounds=bounds,
        within=within,
        paired=bounds is None,
        note=note,
    )


def _wins(a: Bools, b: Bools, drawn: Design) -> Wins:
    parts = (a & b, b & ~a, a & ~b, ~a & ~b)
    total = float(drawn.weight.sum()) or 1.0
    both, fixed, broken, neither = (int(part.sum()) for part in parts)
    first, second, third, fourth = (float(drawn.weight[part].sum()) / total for part in parts)
    return Wins(both, fixed, broken, neither, (first, second, third, fourth))


def _accuracy_difference(a: Bools, b: Bools, drawn: Design, level: float) -> Estimate:
    if not drawn.n:
        return undefined(NO_ITEMS, method=PAIRED_SHARES)
    fixed, broken = b & ~a, a & ~b
    up, up_low, up_high = _share(fixed, drawn, level)
    down, down_low, down_high = _share(broken, drawn, level)
    together = drawn.correlation(fixed.astype(float) - up, broken.astype(float) - down)
    if drawn.group is None:
        together = min(together, 0.0)  # no item is fixed and broken

    def reach(first: float, second: float) -> float:
        return float(np.sqrt(max(first * first + second * second - 2 * together * first * second, 0.0)))

    value = up - down
    low, high = value - reach(up - up_low, down_high - down), value + reach(up_high - up, down - down_low)
    return Estimate(value, max(low, -1.0), min(high, 1.0), drawn.n, drawn.effective_n, PAIRED_SHARES)


def _share(chosen: Bools, drawn: Design, level: float) -> tuple[float, float, float]:
    found = share(chosen, np.ones(drawn.n, dtype=bool), drawn, level=level)
    return found.value or 0.0, found.low or 0.0, found.high or 0.0
