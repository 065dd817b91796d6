"""How good is the model now, before any label has come back? And when should that make anybody retrain?

Neither estimate sees concept drift (the meaning of the inputs changing): the gap to the audit's labels does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import stats
from sklearn.isotonic import IsotonicRegression

from analysis.measures.domain import cross_fitted
from analysis.measures.label_shift import checked_scores

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Metric = Literal["accuracy", "precision", "recall", "f1", "roc_auc", "log_loss", "brier"]

MIN_ROWS = 30
DRAWS = 200
MAX_WEIGHT = 20.0
EPSILON = 1e-6


@dataclass(frozen=True)
class Reference:
    """Rows with labels that the model did not learn from: scores (n, k), labels (n,), predicted (n,), features (n, d)."""

    scores: Floats
    labels: Ints
    predicted: Ints
    features: Floats | None = None


@dataclass(frozen=True)
class Estimate:
    """One metric of a window without its labels. All numbers None where undefined; `why` says the reason.

    low, high: 95 % interval for what the window's labels will show once all are known. error: standard error of the
    value as an estimate of the expectation (no label noise in it). n_effective: reference rows that weigh in.
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


@dataclass(frozen=True)
class Gap:
    """Audit minus estimate. `concept_drift`: the audit is worse than the scores can explain (p < level)."""

    value: float | None
    low: float | None
    high: float | None
    p: float | None
    concept_drift: bool
    why: str


@dataclass(frozen=True)
class Window:
    """What is known of one window when the question is whether to retrain; any part may be missing."""

    estimate: Estimate | None = None
    gap: Gap | None = None
    drift_share: float | None = None


@dataclass(frozen=True)
class RetrainCall:
    call: bool
    cause: Literal["", "performance", "concept drift"]
    why: str


def reference(
    scores: npt.ArrayLike,
    labels: npt.ArrayLike,
    *,
    predicted: npt.ArrayLike | None = None,
    features: npt.ArrayLike | None = None,
) -> Reference:
    """Check and hold the labelled rows. Labels and predicted are column numbers of `scores`; a vector is P(class 1).

    `predicted` defaults to the largest score. `features` (n, d) floats, NaN for missing, as `domain.encode` makes them.
    ValueError: NaN scores, rows that do not sum to 1, unknown labels, one class only, under 30 rows, unequal lengths.
    """
    matrix = checked_scores(scores)
    given = _classes(labels, matrix, "labels")
    if len(matrix) < MIN_ROWS:
        raise ValueError(f"the reference has {len(matrix)} rows where {MIN_ROWS} are needed")
    if len(np.unique(given)) < 2:
        raise ValueError("the reference holds one class only: nothing can be calibrated on it")
    said = matrix.argmax(axis=1) if predicted is None else _classes(predicted, matrix, "predicted")
    return Reference(matrix, given, said, _features(features, len(matrix)))


def _classes(values: npt.ArrayLike, scores: Floats, name: str) -> Ints:
    column = np.asarray(values)
    if column.shape != (len(scores),) or column.dtype.kind not in "iub":
        raise ValueError(f"{name}: one column number per row of scores is needed")
    if column.min() < 0 or column.max() >= scores.shape[1]:
        raise ValueError(f"{name}: outside the {scores.shape[1]} classes of the scores")
    return column.astype(np.int64)


def _features(features: npt.ArrayLike | None, rows: int) -> Floats | None:
    if features is None:
        return None
    matrix = np.asarray(features, dtype=float)
    if matrix.ndim != 2 or len(matrix) != rows or np.isinf(matrix).any():
        raise ValueError("features: a matrix of finite numbers (NaN = missing), one row per row of scores")
    return matrix


def cbpe(
    past: Reference,
    scores: npt.ArrayLike,
    *,
    predicted: npt.ArrayLike | None = None,
    metrics: Sequence[Metric] = ("accuracy",),
    level: float = 0.95,
    seed: int = 0,
) -> dict[Metric, Estimate]:
    """Confidence-based estimate: expected confusion under isotonically recalibrated scores (NannyML's CBPE).

    `scores` (m, k) of the window, `predicted` (m,) what the model said (default: the largest score). Right while the
    meaning of a score stays: blind to concept drift, biased under covariate shift. Undefined under 30 rows.
    """
    return _estimated(past, np.ones(len(past.labels)), scores, predicted, metrics, level, seed, "CBPE")


def shift_weighted(
    past: Reference,
    scores: npt.ArrayLike,
    features: npt.ArrayLike,
    *,
    predicted: npt.ArrayLike | None = None,
    metrics: Sequence[Metric] = ("accuracy",),
    level: float = 0.95,
    seed: int = 0,
) -> dict[Metric, Estimate]:
    """CBPE recalibrated for the window's own mix of inputs (the idea of PAPE, Białek et al. 2024).

    A domain classifier's odds weigh the reference rows like the window; isotonic recalibration uses those weights.
    `features` (m, d) as in the reference. Right under covariate shift within the reference's range, blind to concept
    drift. ValueError when the reference was given without features.
    """
    if past.features is None:
        raise ValueError("the reference was given without features: use cbpe, or give them")
    now = _features(features, len(np.asarray(scores)))
    weights = density_ratio(past.features, now, seed=seed)
    return _estimated(past, weights, scores, predicted, metrics, level, seed, "covariate-shift weighted")


def density_ratio(before: Floats, now: Floats | None, *, seed: int = 0) -> Floats:
    """How much likelier each reference row is in the window than in the reference: shape (n,), mean 1, at most 20."""
    if now is None or len(now) < MIN_ROWS:
        return np.ones(len(before))
    odds = np.clip(cross_fitted(before, now, 1, 5, seed)[0], EPSILON, 1 - EPSILON)
    ratio = odds / (1 - odds)
    ratio = np.minimum(ratio / ratio.mean(), MAX_WEIGHT)
    return ratio / ratio.mean()


def _estimated(
    past: Reference, weights: Floats, scores: npt.ArrayLike, predicted: npt.ArrayLike | None,
    metrics: Sequence[Metric], level: float, seed: int, method: str,
) -> dict[Metric, Estimate]:  # fmt: skip
    now = checked_scores(scores, "current scores")
    if now.shape[1] != past.scores.shape[1]:
        raise ValueError(f"the window has {now.shape[1]} classes, the reference {past.scores.shape[1]}")
    said = now.argmax(axis=1) if predicted is None else _classes(predicted, now, "predicted")
    effective = float(weights.sum() ** 2 / (weights**2).sum())
    if len(now) < MIN_ROWS:
        why = f"Undefined: {len(now)} rows where {MIN_ROWS} are needed."
        return {m: Estimate(m, None, None, None, None, len(now), effective, method, why) for m in metrics}
    truth = calibrated(past.scores, past.labels, now, weights)
    rng = np.random.default_rng(seed)
    return {m: _one(m, truth, now, said, effective, level, method, rng) for m in metrics}


def calibrated(scores: Floats, labels: Ints, now: Floats, weights: Floats) -> Floats:
    """P(class) of current rows by one weighted isotonic map per class, normalised. Shapes (n, k), (n,), (m, k), (n,)."""
    columns = [1] if now.shape[1] == 2 else range(now.shape[1])
    maps = []
    for column in columns:
        isotonic = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip")
        isotonic.fit(scores[:, column], labels == column, sample_weight=weights)
        maps.append(isotonic.predict(now[:, column]))
    if now.shape[1] == 2:
        return np.column_stack([1 - maps[0], maps[0]])
    matrix = np.clip(np.column_stack(maps), EPSILON, None)
    return matrix / matrix.sum(axis=1, keepdims=True)


def _one(
    metric: Metric, truth: Floats, scores: Floats, said: Ints, effective: float, level: float, method: str,
    rng: np.random.Generator,
) -> Estimate:  # fmt: skip
    n = len(scores)
    value = expected(metric, truth, scores, said)
    if value is None:
        return Estimate(metric, None, None, None, None, n, effective, method, f"Undefined: no {metric} in this window.")
    drawn = [expected(metric, _drawn(truth, rng), scores, said) for _ in range(DRAWS)]
    noise = float(np.std([d for d in drawn if d is not None])) if any(d is not None for d in drawn) else 0.0
    error = noise * np.sqrt(n / effective)
    reach = float(stats.norm.ppf(0.5 + level / 2)) * np.hypot(noise, error)
    why = f"{metric} about {value:.3f} ({value - reach:.3f} to {value + reach:.3f}) on {n} rows without labels, by {method}."
    return Estimate(metric, value, value - reach, value + reach, error, n, effective, method, why)


def _drawn(truth: Floats, rng: np.random.Generator) -> Floats:
    labels = (truth.cumsum(axis=1)[:, :-1] < rng.random((len(truth), 1))).sum(axis=1)
    return np.eye(truth.shape[1])[labels]


def expected(metric: Metric, truth: Floats, scores: Floats, said: Ints) -> float | None:
    """A metric under class probabilities `truth` (m, k) (one-hot rows: the plain metric). None where undefined.

    Precision, recall, f1 are of class 1 with two classes and macro averages otherwise; roc_auc and brier likewise
    (one against the rest). High is good, but for log_loss and brier.
    """
    classes = range(truth.shape[1]) if truth.shape[1] > 2 else [1]
    if metric == "accuracy":
        return float(truth[np.arange(len(said)), said].mean())
    if metric == "log_loss":
        return float(-(truth * np.log(np.clip(scores, 1e-15, 1))).sum(axis=1).mean())
    if metric == "brier":
        return float(
            np.mean([(t * (1 - s) ** 2 + (1 - t) * s**2).mean() for t, s in zip(truth.T, scores.T, strict=True)])
        )
    if metric == "roc_auc":
        return _mean([_expected_auc(truth[:, k], scores[:, k]) for k in classes])
    return _mean([_of_class(metric, truth[:, k], said == k) for k in classes])


def _mean(values: list[float | None]) -> float | None:
    return None if any(v is None for v in values) else float(np.mean([v for v in values if v is not None]))


def _of_class(metric: Metric, truth: Floats, said: npt.NDArray[np.bool_]) -> float | None:
    hit, called, real = truth[said].sum(), float(said.sum()), truth.sum()
    below = {"precision": called, "recall": real, "f1": (called + real) / 2}[metric]
    return None if below <= 0 else float(hit / below)


def _expected_auc(truth: Floats, score: Floats) -> float | None:
    """P(a positive scores above a negative), each row being positive with probability `truth`; ties count half."""
    levels, inverse = np.unique(score, return_inverse=True)
    positive, negative = np.bincount(inverse, truth), np.bincount(inverse, 1 - truth)
    pairs = positive.sum() * negative.sum()
    if pairs <= 0:
        return None
    return float((positive * (np.cumsum(negative) - negative / 2)).sum() / pairs)


def gap(audit: tuple[float, float, float], estimate: Estimate, *, level: float = 0.01) -> Gap:
    """Hold the audit's labels (value, low, high of a 95 % interval) against the estimate without labels.

    The only alarm here that sees concept drift: the audit is worse than scores and inputs explain. One-sided z of the
    difference. Undefined without an estimate or with a non-finite audit.
    """
    value, low, high = audit
    if estimate.value is None or estimate.error is None or not np.isfinite([value, low, high]).all():
        return Gap(None, None, None, None, False, "Undefined: there is no estimate, or no audit, of this window.")
    error = float(np.hypot((high - low) / (2 * 1.96), estimate.error))
    sign = -1.0 if estimate.metric in ("log_loss", "brier") else 1.0
    difference = value - estimate.value
    p = float(stats.norm.cdf(sign * difference / error)) if error > 0 else float(sign * difference >= 0)
    words = f"Audit {value:.3f}, estimate {estimate.value:.3f}: "
    words += "worse than the scores explain, so what inputs mean has changed." if p < level else "they agree."
    return Gap(difference, difference - 1.96 * error, difference + 1.96 * error, p, p < level, words)


def retrain_call(history: Sequence[Window], *, baseline: float, margin: float = 0.02, windows: int = 2) -> RetrainCall:
    """Would the last windows (oldest first) call for retraining? Drifting inputs alone never do.

    Calls when, in each of the last `windows` windows and for the same cause, the estimate's whole interval lies more
    than `margin` below `baseline` (metrics where high is good), or the audit is worse than the estimate by more than
    `margin` beyond chance (`Gap.concept_drift`).
    """
    if windows < 1:
        raise ValueError("persistence needs at least one window")
    last = list(history[-windows:])
    if len(last) < windows:
        return RetrainCall(False, "", f"{len(last)} windows so far; the same cause in {windows} running ones calls.")
    if all(w.gap is not None and w.gap.concept_drift and (w.gap.value or 0.0) < -margin for w in last):
        return RetrainCall(True, "concept drift", f"In {windows} running windows: {last[-1].gap.why}")  # type: ignore[union-attr]
    if all(
        w.estimate is not None and w.estimate.high is not None and w.estimate.high < baseline - margin for w in last
    ):
        return RetrainCall(True, "performance", f"In {windows} running windows: {last[-1].estimate.why}")  # type: ignore[union-attr]
    return RetrainCall(False, "", "Neither the estimate nor the audit shows a loss that lasts.")
