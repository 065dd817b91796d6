"""Does 0.7 mean 70 in 100?

For one yes-or-no statement per item: "it is positive" with its probability, or "the model is right" with its
confidence. For several classes ask once per class, or once of the top class.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special
from sklearn.isotonic import isotonic_regression

from analysis.metrics.core import ranking
from analysis.metrics.core.design import Design, added_up
from analysis.metrics.core.weighted import NO_ITEMS, Estimate, share, undefined
from validation import InvalidInput, arrays
from validation.arrays import Bools, Floats, Ints

DRAWS = 4000
ECE = "Binned gap, corrected for its bias, limits by test inversion"


@dataclass(frozen=True)
class Bin:
    """Items with a probability from `low` to `high`. predicted: mean probability; observed: share that is true.

    share: part of all traffic. off: the interval of `observed` does not hold `predicted`.
    """

    low: float
    high: float
    n: int
    share: float
    predicted: float
    observed: Estimate
    off: bool


@dataclass(frozen=True)
class BrierDecomposition:
    """brier = miscalibration - discrimination + uncertainty, exactly; all None when undefined."""

    brier: float | None
    miscalibration: float | None
    discrimination: float | None
    uncertainty: float | None
    note: str = ""


@dataclass(frozen=True)
class CalibrationTest:
    """Spiegelhalter's z and its two-sided p: small p = the probabilities are not calibrated. None: undefined."""

    z: float | None
    p: float | None
    note: str = ""


@dataclass(frozen=True)
class Calibration:
    """ece: mean gap between predicted and observed over the bins' shares of traffic, bias corrected (plain:
    uncorrected).
    """

    n: int
    effective_n: float
    bins: tuple[Bin, ...]
    ece: Estimate
    ece_plain: float | None
    brier: BrierDecomposition
    test: CalibrationTest


def calibration(
    truth: ArrayLike,
    probability: ArrayLike,
    drawn: Design,
    *,
    bins: int = 10,
    spacing: Literal["quantile", "uniform"] = "quantile",
    level: float = 0.95,
    seed: int = 0,
) -> Calibration:
    """Reliability, expected calibration error, Brier score in parts, and a test, weighted by 1/π.

    truth (n,) bool; probability (n,) of it being true; drawn: how these n items were chosen. spacing: bins of equal
    numbers of labelled items, or of equal width. Undefined for no items; raises InvalidInput on bad arrays.
    """
    actual = arrays.booleans("truth", truth, drawn.n)
    predicted = arrays.unit_interval("probability", arrays.vector("probability", probability, drawn.n))
    arrays.level(level)
    if bins < 1:
        raise InvalidInput(f"bins is {bins}; at least one is needed.")
    which = _bin_codes(predicted, bins, spacing)
    ece, plain = _ece(actual, predicted, which, drawn, level, seed)
    return Calibration(
        n=drawn.n,
        effective_n=drawn.effective_n,
        bins=_bins(actual, predicted, which, drawn, level),
        ece=ece,
        ece_plain=plain,
        brier=_decomposed(actual, predicted, drawn),
        test=spiegelhalter(actual, predicted, drawn),
    )


def spiegelhalter(truth: ArrayLike, probability: ArrayLike, drawn: Design) -> CalibrationTest:
    """Is the Brier score what calibrated probabilities would give? (Spiegelhalter 1986, with weights.)

    Sees probabilities that are over- or underconfident on the whole; not errors that cancel.
    """
    actual = arrays.booleans("truth", truth, drawn.n)
    predicted = arrays.unit_interval("probability", arrays.vector("probability", probability, drawn.n))
    if not drawn.n:
        return CalibrationTest(None, None, NO_ITEMS)
    slope = drawn.weight * (1 - 2 * predicted)
    moved = drawn.summed(slope * np.sqrt(predicted * (1 - predicted)))  # copies of an item are true or false together
    variance = float(moved @ moved)
    if variance <= 0:
        return CalibrationTest(None, None, "Every probability is 0, 0.5 or 1: nothing to test.")
    z = float(slope @ (actual - predicted)) / variance**0.5
    return CalibrationTest(z, float(2 * special.ndtr(-abs(z))))


def _bin_codes(predicted: Floats, bins: int, spacing: str) -> Ints:
    """The bin of each item (n,), from 0 up, without gaps."""
    if not predicted.size:
        return np.zeros(0, dtype=np.int64)
    edges = np.linspace(0, 1, bins + 1)[1:-1]
    if spacing == "quantile":
        edges = np.quantile(predicted, edges)
    return np.asarray(
        np.unique(np.searchsorted(edges, predicted, side="right"), return_inverse=True)[1], dtype=np.int64
    )


def _bins(actual: Bools, predicted: Floats, which: Ints, drawn: Design, level: float) -> tuple[Bin, ...]:
    found = []
    for b in range(int(which.max(initial=-1)) + 1):
        inside = which == b
        weight = drawn.weight[inside]
        mean = float(weight @ predicted[inside] / weight.sum())
        observed = share(actual, inside, drawn, level=level)
        off = observed.low is not None and observed.high is not None and not observed.low <= mean <= observed.high
        edges = float(predicted[inside].min()), float(predicted[inside].max())
        found.append(Bin(*edges, int(inside.sum()), float(weight.sum() / drawn.weight.sum()), mean, observed, off))
    return tuple(found)


def _ece(
    actual: Bools, predicted: Floats, which: Ints, drawn: Design, level: float, seed: int
) -> tuple[Estimate, float | None]:
    """Expected calibration error over the bins, and the plain one.

    Noise alone makes every gap positive. The gaps are therefore scaled down by one factor until noise on top of them
    would give on average the plain error that was seen (0 when noise alone gives as much); low and high are the
    scales at which so small or so large a plain error would be as rare as `level` says.
    """
    if not drawn.n:
        return undefined(NO_ITEMS, method=ECE), None
    share, gap, noise = _gaps(actual, predicted, which, drawn)
    plain = float(share @ np.abs(gap))
    if plain == 0 or not noise.any():
        return Estimate(plain, plain, plain, drawn.n, drawn.effective_n, ECE), plain
    half = np.random.default_rng(seed).standard_normal((DRAWS // 2, gap.size)) * noise
    normal = np.concatenate([half, -half])  # mirrored, so that the draws are symmetric
    tail = (1 - level) / 2

    def seen(scale: float) -> Floats:
        return np.asarray(np.abs(scale * gap + normal) @ share)

    value = _scale(lambda c: float(seen(c).mean()), plain) * plain
    low = _scale(lambda c: float(np.quantile(seen(c), 1 - tail)), plain) * plain
    high = _scale(lambda c: float(np.quantile(seen(c), tail)), plain) * plain
    return Estimate(value, min(low, value), max(high, value), drawn.n, drawn.effective_n, ECE), plain


def _gaps(actual: Bools, predicted: Floats, which: Ints, drawn: Design) -> tuple[Floats, Floats, Floats]:
    """Share of traffic, gap and standard error of the gap, of each bin (b,)."""
    weight = np.bincount(which, drawn.weight)
    gap = np.bincount(which, drawn.weight * (actual - predicted)) / weight
    mean = np.bincount(which, drawn.weight * predicted) / weight
    # A bin of zeros only is not certain: half an average item at the predicted probability is mixed in.
    rate = np.clip((mean + gap) * weight + mean * drawn.mass / 2, 0, None) / (weight + drawn.mass / 2)
    noise = np.sqrt(_squares(which, drawn) * rate * (1 - rate)) / weight
    return weight / weight.sum(), gap, noise


def _squares(which: Ints, drawn: Design) -> Floats:
    """Σ W² (b,) over the clusters in each bin: copies of an item are true or false together."""
    if drawn.group is None:
        return added_up(drawn.spread**2, which)
    bins = int(which.max()) + 1
    places, part = np.unique(drawn.group * bins + which, return_inverse=True)
    return added_up(added_up(drawn.spread, part) ** 2, places % bins, bins)


def _scale(seen: Callable[[float], float], plain: float) -> float:
    """The scale from 0 up at which `seen`, rising, reaches `plain`."""
    low, high = 0.0, 1.0
    if seen(low) >= plain:
        return low
    while seen(high) < plain:
        low, high = high, 2 * high
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if seen(middle) < plain else (low, middle)
    return high


def _decomposed(actual: Bools, predicted: Floats, drawn: Design) -> BrierDecomposition:
    """CORP (Dimitriadis, Gneiting and Jordan, PNAS 2021): against the best rising recalibration, so without bins."""
    if not drawn.n:
        return BrierDecomposition(None, None, None, None, NO_ITEMS)
    ranked = ranking.rank(actual, predicted, drawn.weight)
    above = np.diff(ranked.at_or_above(np.where(ranked.truth, ranked.weight, 0.0)), prepend=0.0)
    weight = np.diff(ranked.at_or_above(ranked.weight), prepend=0.0)
    rate, value = above / weight, ranked.scores[ranked.last]
    best = isotonic_regression(rate, sample_weight=weight, increasing=False)
    total, mean = float(weight.sum()), float(above.sum() / weight.sum())

    def brier(probability: Floats | float) -> float:
        return float((above * (1 - probability) ** 2 + (weight - above) * np.square(probability)).sum()) / total

    score, recalibrated, flat = brier(value), brier(best), brier(mean)
    return BrierDecomposition(score, score - recalibrated, flat - recalibrated, flat)
