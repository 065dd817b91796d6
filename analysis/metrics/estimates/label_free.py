"""How good is the model now, before any label has come back? And when should that make anybody retrain?

Neither estimate sees concept drift (the meaning of the inputs changing): the gap to the audit's labels does.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import stats

from analysis.metrics.core import intervals
from analysis.metrics.core.design import kish
from analysis.metrics.estimates.class_probabilities import (
    Floats,
    Ints,
    Reference,
    alike,
    calibrated,
    checked_features,
    class_numbers,
    density_ratio,
    reference,
    truth_in_window,
)
from analysis.metrics.estimates.expected_metrics import LOW_IS_GOOD, Metric, expected, label_noise
from analysis.metrics.estimates.label_shift import MIN_ROWS, checked_scores
from validation import arrays

__all__ = [
    "LabelFreeEstimate",
    "Gap",
    "Metric",
    "Reference",
    "RetrainCall",
    "Window",
    "cbpe",
    "expected",
    "gap",
    "reference",
    "retrain_call",
    "shift_weighted",
]

BOUNDED_ABOVE = 1.0
CBPE = "CBPE"


@dataclass(frozen=True)
class LabelFreeEstimate:
    """One metric of a window without its labels. All numbers None where undefined; `why` says the reason.

    low, high: interval for what the window's labels will show once all are known. error: standard error of the
    value as an estimate of the expectation (no label noise in it). n_effective: reference rows that weigh in.
    attainable: the metric of a model that uses all information of score and inputs about the class, as held-out
    reference rows like the window's show; None where that is not known. Near the value: a new model would find the rows
    as hard.
    """

    metric: Metric
    value: float | None
    low: float | None
    high: float | None
    error: float | None
    n: int
    n_effective: float
    method: str
    why: str
    attainable: float | None = None


@dataclass(frozen=True)
class Gap:
    """Audit minus estimate. `concept_drift`: the audit is worse than scores and inputs explain (p < level)."""

    value: float | None
    low: float | None
    high: float | None
    p: float | None
    concept_drift: bool
    why: str


@dataclass(frozen=True)
class Window:
    """What is known of one window when the question is whether to retrain; any part may be missing.

    drift_share: importance-weighted share of drifted columns (`drift.weighted_share`), 0 to 1.
    """

    estimate: LabelFreeEstimate | None = None
    gap: Gap | None = None
    drift_share: float | None = None


@dataclass(frozen=True)
class RetrainCall:
    """`call`: retraining is worth starting, for `cause`; `why` says it in words with its numbers."""

    call: bool
    cause: Literal["", "performance", "concept drift"]
    why: str


def cbpe(
    past: Reference,
    scores: npt.ArrayLike,
    *,
    predicted: npt.ArrayLike | None = None,
    metrics: Sequence[Metric] = ("accuracy",),
    level: float = 0.95,
    seed: int = 0,
) -> dict[Metric, LabelFreeEstimate]:
    """Confidence-based estimate: metrics expected under isotonically recalibrated scores (NannyML's CBPE).

    `scores` (m, k) of the window, `predicted` (m,) predicted classes (default: the largest score). Right while the
    meaning of a score stays: blind to concept drift, biased under covariate shift. Undefined under 30 rows.
    ValueError for NaN scores, rows that do not sum to 1, or other classes than the reference's.
    """
    now, predicted_code = _window(past, scores, predicted)
    truth = calibrated(past.scores, past.labels, now, past.weight)
    return _estimates(metrics, truth, now, predicted_code, past.effective_n, CBPE, level, seed)


def shift_weighted(
    past: Reference,
    scores: npt.ArrayLike,
    features: npt.ArrayLike,
    *,
    predicted: npt.ArrayLike | None = None,
    metrics: Sequence[Metric] = ("accuracy",),
    level: float = 0.95,
    seed: int = 0,
) -> dict[Metric, LabelFreeEstimate]:
    """The estimate fitted to the window's own mix of inputs, `features` (m, d) as in the reference.

    Reference rows are weighted like the window by a domain classifier's odds before isotonic recalibration (the idea
    of PAPE, Białek et al. 2024); where inputs are more informative than the score, trees on both take a share chosen by
    held-out log loss (`Reference.refiner`). The weights also set `n_effective` and so the error. Right under covariate
    shift within the reference's range, blind to concept drift. Undefined under 30 rows. ValueError when the reference
    was given without features, or as for `cbpe`.
    """
    if past.features is None:
        raise ValueError("the reference was given without features: use cbpe, or give them")
    now, predicted_code = _window(past, scores, predicted)
    columns = checked_features(features, len(now))
    if columns is None or columns.shape[1] != past.features.shape[1]:
        raise ValueError(f"features: the reference has {past.features.shape[1]} columns, the window another number")
    ratio = np.ones(len(past.labels)) if len(now) < MIN_ROWS else density_ratio(past.features, columns, seed=seed)
    weights = ratio * past.weight
    truth = truth_in_window(past, now, columns, weights)
    effective = past.effective_n * kish(weights) / kish(past.weight)
    found = _estimates(metrics, truth, now, predicted_code, effective, "covariate-shift weighted", level, seed)
    return {metric: _with_attainable(one, past, weights) for metric, one in found.items()}


def _window(past: Reference, scores: npt.ArrayLike, predicted: npt.ArrayLike | None) -> tuple[Floats, Ints]:
    now = checked_scores(scores, "current scores")
    if now.shape[1] != past.scores.shape[1]:
        raise ValueError(f"the window has {now.shape[1]} classes, the reference {past.scores.shape[1]}")
    return now, now.argmax(axis=1) if predicted is None else class_numbers(predicted, now, "predicted")


def _estimates(
    metrics: Sequence[Metric],
    truth: Floats,
    scores: Floats,
    predicted: Ints,
    effective: float,
    method: str,
    level: float,
    seed: int,
) -> dict[Metric, LabelFreeEstimate]:
    arrays.level(level)
    n, rng = len(scores), np.random.default_rng(seed)
    if n < MIN_ROWS:
        why = f"Undefined: {n} rows where {MIN_ROWS} are needed."
        return {m: LabelFreeEstimate(m, None, None, None, None, n, effective, method, why) for m in metrics}
    z = intervals.normal_quantile(level)
    unseen = -float(np.log(1 - level)) / effective  # what a count of none among so many rows leaves possible
    return {m: _estimate(m, truth, scores, predicted, effective, method, z, unseen, rng) for m in metrics}


def _estimate(
    metric: Metric,
    truth: Floats,
    scores: Floats,
    predicted: Ints,
    effective: float,
    method: str,
    z: float,
    unseen: float,
    rng: np.random.Generator,
) -> LabelFreeEstimate:
    n, value = len(scores), expected(metric, truth, scores, predicted)
    if value is None:
        why = f"Undefined: the window gives no {metric}, one class is never there or never called."
        return LabelFreeEstimate(metric, None, None, None, None, n, effective, method, why)
    noise = label_noise(metric, truth, scores, predicted, rng)
    # Learnt from labels itself: no less error than mistakes that none of them met (Hanley & Lippman-Hand 1983).
    error = noise * float(np.sqrt(n / effective))
    reach = float(np.hypot(z * noise, max(z * error, unseen if metric == "accuracy" else 0.0)))
    low = max(0.0, value - reach)
    high = value + reach if metric == "log_loss" else min(BOUNDED_ABOVE, value + reach)
    why = f"{metric} about {value:.3f} ({low:.3f} to {high:.3f}) on {n} rows without labels, {method}."
    return LabelFreeEstimate(metric, value, low, high, error, n, effective, method, why)


def _with_attainable(found: LabelFreeEstimate, past: Reference, weights: Floats) -> LabelFreeEstimate:
    """The value, and what was gained on held-out reference rows like the window's by using the inputs."""
    if found.value is None or past.held_out is None:
        return found
    rows = alike(weights)
    best, truth = past.held_out[rows], np.eye(past.scores.shape[1])[past.labels[rows]]
    best_value = expected(found.metric, truth, best, best.argmax(axis=1))
    past_value = expected(found.metric, truth, past.scores[rows], past.predicted[rows])
    if best_value is None or past_value is None:
        return found
    ceiling = np.inf if found.metric == "log_loss" else BOUNDED_ABOVE
    return replace(found, attainable=float(np.clip(found.value + best_value - past_value, 0.0, ceiling)))


def gap(audit: tuple[float, float, float], estimate: LabelFreeEstimate, *, level: float = 0.01) -> Gap:
    """Hold the audit's labels (value, low, high of a 95 % interval) against the estimate without labels.

    The only alarm here that sees concept drift: the audit is worse than scores and inputs explain. One-sided z of the
    difference, p small = worse. Undefined without an estimate, or with an audit that is not finite.
    """
    arrays.level(level)
    value, low, high = audit
    if estimate.value is None or estimate.error is None or not np.isfinite([value, low, high]).all():
        return Gap(None, None, None, None, False, "Undefined: there is no estimate, or no audit, of this window.")
    z = intervals.normal_quantile(0.95)
    error = float(np.hypot((high - low) / (2 * z), estimate.error))
    difference = value - estimate.value
    worse = difference if estimate.metric in LOW_IS_GOOD else -difference
    p = float(stats.norm.sf(worse / error)) if error > 0 else float(worse <= 0)
    verdict = "worse than scores and inputs explain: what they mean has changed" if p < level else "they agree"
    words = f"Audit {value:.3f}, estimate {estimate.value:.3f} (p = {p:.3g}): {verdict}."
    return Gap(difference, difference - z * error, difference + z * error, p, p < level, words)


def retrain_call(history: Sequence[Window], *, baseline: float, margin: float = 0.02, windows: int = 2) -> RetrainCall:
    """Would the last windows (oldest first) call for retraining? Inputs that drift never do so alone.

    Calls when, in each of the last `windows` windows and for the same cause, the audit is worse than the estimate
    beyond chance and by more than `margin`, or the estimate's whole interval lies more than `margin` worse than
    `baseline` (the reference's metric) and, where it is known, what is `attainable` more than `margin` better than the
    estimate: harder rows are no reason to retrain. `margin` is in the metric's own unit: a loss too small to act on.
    """
    if windows < 1 or margin < 0 or not np.isfinite(baseline):
        raise ValueError("a call needs at least one window, a margin of at least 0 and a finite baseline")
    last = list(history[-windows:])
    if len(last) < windows:
        return RetrainCall(False, "", f"{len(last)} windows so far; the same cause in {windows} running ones calls.")
    if all(_meaning_changed(window, margin) for window in last):
        return RetrainCall(True, "concept drift", _words(windows, last[-1].gap))
    if all(_worse(window.estimate, baseline, margin) for window in last):
        if all(_mendable(window.estimate, margin) for window in last):
            return RetrainCall(True, "performance", _words(windows, last[-1].estimate))
        return RetrainCall(False, "", _hard(last[-1].estimate))
    drifted = last[-1].drift_share
    moved = f" Inputs moved ({drifted:.0%} by importance), which alone is no reason." if drifted else ""
    return RetrainCall(False, "", f"Neither the estimate nor the audit shows a loss that lasts.{moved}")


def _words(windows: int, cause: Gap | LabelFreeEstimate | None) -> str:
    return f"In {windows} running windows. {cause.why if cause else ''}"


def _hard(estimate: LabelFreeEstimate | None) -> str:
    if estimate is None or estimate.attainable is None:
        return "Neither the estimate nor the audit shows a loss that lasts and that a new model would remove."
    return (
        f"{estimate.why} The rows are harder than the reference's: using score and inputs there, "
        f"{estimate.attainable:.3f} can be reached, so that a new model would hardly do better."
    )


def _meaning_changed(window: Window, margin: float) -> bool:
    gap = window.gap
    return bool(gap and gap.concept_drift and gap.value is not None and abs(gap.value) > margin)


def _worse(estimate: LabelFreeEstimate | None, baseline: float, margin: float) -> bool:
    if estimate is None or estimate.low is None or estimate.high is None:
        return False
    if estimate.metric in LOW_IS_GOOD:
        return estimate.low > baseline + margin
    return estimate.high < baseline - margin


def _mendable(estimate: LabelFreeEstimate | None, margin: float) -> bool:
    """Would a new model do better by more than the margin? Where that is unknown, the loss alone decides."""
    if estimate is None or estimate.value is None or estimate.attainable is None:
        return True
    better = estimate.attainable - estimate.value
    return (-better if estimate.metric in LOW_IS_GOOD else better) > margin
