"""Stopping advice: three criteria for whether another batch of labels is worth asking, each with its figure.

Agreement of successive models on the same items: Cohen's kappa, which stops rising when labels stop changing minds
(Bloodgood and Vijay-Shanker, "A Method for Stopping Active Learning Based on Stabilizing Predictions", 2009, who stop
at a mean of .99 over three). The width of the audit interval: how exactly the model is known. The gain that the
learning curve promises for the next labels, with an interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from inputs.values import is_missing
from validation.arrays import LARGEST

Floats = NDArray[np.float64]

STABLE = 0.99
MODELS_COMPARED = 4
DECAYS = np.linspace(0.1, 2.0, 39)


@dataclass(frozen=True)
class Gain:
    """What `labels` more labels are expected to add to the score; a 90 % interval around it."""

    labels: int
    expected: float
    low: float
    high: float


@dataclass(frozen=True)
class StopHint:
    """Advice, not a verdict: whether to stop asking, and the figures behind it. None = not enough to say.

    stop      True when models agree and the next labels promise less than is worth asking for
    kappa     mean agreement of successive models, -1 to 1; high = labels no longer change predictions
    width     width of the audit interval; high = the model is poorly known
    gain      forecast of the learning curve
    words     the advice in words, with its numbers
    """

    stop: bool
    kappa: float | None
    width: float | None
    gain: Gain | None
    words: str


def stop_hint(
    *,
    predictions: Sequence[ArrayLike] = (),
    audit_interval: tuple[float, float] | None = None,
    curve: tuple[ArrayLike, ArrayLike] | None = None,
    next_labels: int = 100,
    target_width: float = 0.1,
    worthwhile_gain: float = 0.005,
) -> StopHint:
    """Say whether another `next_labels` labels look worth asking for.

    predictions      the classes that successive models gave to the same n items, oldest first, each (n,); at least two
    audit_interval   (low, high) of the live metric from the audit labels, 0 to 1
    curve            (labels, scores): what each model reached and with how many labels, at least four points

    Stop is advised when the models agree (mean kappa of the last three pairs at least .99), the forecast's upper bound
    is below `worthwhile_gain`, and the audit interval is no wider than `target_width`; a view that is missing does
    not advise stopping, and at least the first two are needed. Raises ValueError for arrays that differ in length,
    NaN, or an interval upside down.
    """
    kappa = successive_agreement(predictions) if len(predictions) > 1 else None
    width = _width(audit_interval)
    gain = forecast_gain(*curve, next_labels=next_labels) if curve is not None else None
    settled = kappa is not None and kappa >= STABLE
    flat = gain is not None and gain.high < worthwhile_gain
    known = width is None or width <= target_width
    words = _words(kappa, width, gain, settled=settled, flat=flat, known=known, target_width=target_width)
    return StopHint(settled and flat and known, kappa, width, gain, words)


def successive_agreement(predictions: Sequence[ArrayLike]) -> float:
    """Mean Cohen's kappa of each model with the next, over the last four models: -1 to 1, high = settled.

    Two models that give every item the same single class agree fully (1), though kappa itself is undefined there.
    Raises ValueError for fewer than two models, no items, NaN, or lengths that differ.
    """
    models = [np.asarray(one) for one in predictions][-MODELS_COMPARED:]
    if len(models) < 2:
        raise ValueError("Agreement needs the predictions of at least two models.")
    if any(one.ndim != 1 or one.shape != models[0].shape or not len(one) for one in models):
        raise ValueError("Each model needs one prediction for each of the same items, and at least one item.")
    if not all(_known(one) for one in models):
        raise ValueError("Predictions are classes, not NaN, infinity or nothing.")
    return float(np.mean([_kappa(one, other) for one, other in zip(models, models[1:], strict=False)]))


def forecast_gain(labels: ArrayLike, scores: ArrayLike, *, next_labels: int) -> Gain | None:
    """What `next_labels` more labels add, by a power law score = a - b / labels^c; None for fewer than four points.

    For each decay c from 0.1 to 2 the line (a, b >= 0) is fitted by least squares; the decays are weighed by how well
    they fit (a normal likelihood with the residual spread integrated out), and the gain's mean and 5 % and 95 %
    points are taken over them and over the error of b. Later points weigh more, by the square root of their labels.
    Raises ValueError for NaN, lengths that differ, labels below 1, or `next_labels` below 1.
    """
    n, y = np.asarray(labels, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    if n.shape != y.shape or n.ndim != 1 or not all((np.abs(one) <= LARGEST).all() for one in (n, y)):
        raise ValueError("A learning curve needs one finite score, in range, for each number of labels.")
    if next_labels < 1 or (len(n) and n.min() < 1):
        raise ValueError("Labels are counted from 1.")
    if len(np.unique(n)) < 4:
        return None
    fits = np.array([_fit(n, y, decay, next_labels) for decay in DECAYS])
    gains, errors, losses = fits.T
    weight = np.exp(-0.5 * (len(n) - 2) * (np.log(losses) - np.log(losses.min())))
    return _mixture(gains, errors, weight / weight.sum(), next_labels)


def _fit(n: Floats, y: Floats, decay: float, more: int) -> tuple[float, float, float]:
    """The gain at one decay, its standard error, and the weighted squared loss of the fit."""
    weight = np.sqrt(n / n.max())
    x = n**-decay
    centre = np.average(x, weights=weight)
    spread = float(np.sum(weight * (x - centre) ** 2))
    slope = float(np.sum(weight * (x - centre) * (y - np.average(y, weights=weight)))) / spread
    b = max(-slope, 0.0)
    left = y - np.average(y, weights=weight) + b * (x - centre)
    loss = float(np.sum(weight * left**2)) + 1e-12
    step = float(n.max() ** -decay - (n.max() + more) ** -decay)
    return b * step, step * float(np.sqrt(loss / (len(n) - 2) / spread)), loss


def _mixture(gains: Floats, errors: Floats, weight: Floats, more: int) -> Gain:
    points = special.ndtri((np.arange(10) + 0.5) / 10)  # ten equally likely points of the normal law
    values = np.maximum(gains[:, None] + errors[:, None] * points, 0.0).ravel()
    shares = np.repeat(weight / len(points), len(points))
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(shares[order])
    low, high = (float(values[order][min(np.searchsorted(reached, q), len(order) - 1)]) for q in (0.05, 0.95))
    return Gain(more, float(np.sum(weight * gains)), low, high)


def _known(classes: NDArray[np.generic]) -> bool:
    if np.issubdtype(classes.dtype, np.floating):
        return bool(np.isfinite(classes).all())
    return classes.dtype != object or not any(is_missing(name) for name in classes)


def _kappa(one: NDArray[np.generic], other: NDArray[np.generic]) -> float:
    names, codes = np.unique(np.concatenate([one, other]), return_inverse=True)
    first, second = codes[: len(one)], codes[len(one) :]
    agreed = float(np.mean(first == second))
    shares = [np.bincount(codes_of, minlength=len(names)) / len(one) for codes_of in (first, second)]
    chance = float(shares[0] @ shares[1])
    return 1.0 if chance >= 1.0 else (agreed - chance) / (1 - chance)


def _width(interval: tuple[float, float] | None) -> float | None:
    if interval is None:
        return None
    low, high = float(interval[0]), float(interval[1])
    if not (np.isfinite(low) and np.isfinite(high)) or low > high:
        raise ValueError(f"An interval runs from low to high, not from {low} to {high}.")
    return high - low


def _words(
    kappa: float | None,
    width: float | None,
    gain: Gain | None,
    *,
    settled: bool,
    flat: bool,
    known: bool,
    target_width: float,
) -> str:
    parts = []
    if kappa is not None:
        parts.append(f"successive models {'agree' if settled else 'still differ'} (kappa {kappa:.3f})")
    if gain is not None:
        parts.append(
            f"{gain.labels} more labels promise {100 * gain.expected:+.1f} points "
            f"({100 * gain.low:.1f} to {100 * gain.high:.1f})"
        )
    if width is not None:
        state = "narrow enough" if known else f"wider than the {100 * target_width:.0f} points wanted"
        parts.append(f"the audit interval is {100 * width:.1f} points, {state}")
    if not parts:
        return "Too little is known to say whether more labels would help."
    advice = "Stop asking" if settled and flat and known else "Keep asking"
    return f"{advice}: {'; '.join(parts)}."
