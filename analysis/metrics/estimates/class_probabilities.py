"""What the labels of a window probably are: class probabilities learnt on labelled rows, fitted to the window's mix."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from analysis.metrics.core.design import Design, design
from analysis.metrics.drift.side_classifier import chances, cross_fitted, domain_scores
from analysis.metrics.estimates.label_shift import MIN_ROWS, checked_scores
from validation import arrays
from validation.arrays import numbers

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

REFINE_FROM, REFINE_CLASSES, REFINE_ROWS = 1000, 10, 100_000
FOLDS = 3
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
DOMAIN_ROWS = 6_000
MAX_WEIGHT = 20.0
FAINT = 0.1
EPSILON = 1e-6


@dataclass(frozen=True)
class Refiner:
    """Trees that learnt P(class) (m, k) from score and features, their share (0 to 1) beside isotonic recalibration."""

    trees: Callable[[Floats], Floats]
    share: float


@dataclass(frozen=True)
class Reference:
    """Labelled rows that the model did not learn from: scores (n, k), labels, predicted (n,), features (n, d).

    weight (n,): how many rows of past traffic each stands for; effective_n: rows of a plain uniform sample that carry
    as much. refiner: None where features were not given or did not lower the held-out log loss. held_out (n, k): what
    score and features predict of each row's class, out of fold; None where that was not tried.
    """

    scores: Floats
    labels: Ints
    predicted: Ints
    weight: Floats
    effective_n: float
    features: Floats | None = None
    refiner: Refiner | None = None
    held_out: Floats | None = None


def reference(
    scores: npt.ArrayLike,
    labels: npt.ArrayLike,
    *,
    drawn: Design | None = None,
    predicted: npt.ArrayLike | None = None,
    features: npt.ArrayLike | None = None,
    seed: int = 0,
) -> Reference:
    """Check, hold and learn from the labelled rows. Labels and predicted are column numbers; a vector is P(class 1).

    drawn: how these rows were chosen, uniformly unless given. `predicted` defaults to the largest score. `features`
    (n, d) floats, NaN for missing (`drift.encoding.encoder`). With features, boosted trees learn the class from score
    and features (up to 10 classes, from 1 000 rows); they get the share of the estimate that lowers the held-out log
    loss most, none if by less than two standard errors.
    ValueError: NaN scores, rows that do not sum to 1, unknown labels, one class only, under 30 rows, unequal lengths.
    """
    matrix = checked_scores(scores)
    given = class_numbers(labels, matrix, "labels")
    if len(matrix) < MIN_ROWS:
        raise ValueError(f"the reference has {len(matrix)} rows where {MIN_ROWS} are needed")
    if len(np.unique(given)) < 2:
        raise ValueError("the reference holds one class only: nothing can be calibrated on it")
    predicted_code = matrix.argmax(axis=1) if predicted is None else class_numbers(predicted, matrix, "predicted")
    columns = checked_features(features, len(matrix))
    chosen = design(np.ones(len(matrix))) if drawn is None else drawn
    arrays.same_length(chosen.n, scores=matrix)
    refiner, held_out = (None, None) if columns is None else _refined(matrix, given, columns, seed)
    return Reference(matrix, given, predicted_code, chosen.weight, chosen.effective_n, columns, refiner, held_out)


def class_numbers(values: npt.ArrayLike, scores: Floats, name: str) -> Ints:
    """Integers (n,), each a column of `scores`, or ValueError."""
    column = np.asarray(values)
    if column.shape != (len(scores),) or column.dtype.kind not in "iub":
        raise ValueError(f"{name}: one column number per row of scores is needed")
    if column.min() < 0 or column.max() >= scores.shape[1]:
        raise ValueError(f"{name}: outside the {scores.shape[1]} classes of the scores")
    return column.astype(np.int64)


def checked_features(features: npt.ArrayLike | None, rows: int) -> Floats | None:
    """A float matrix (n, d), NaN for missing, or ValueError; None stays None."""
    if features is None:
        return None
    matrix = numbers("features", features)
    if matrix.ndim != 2 or len(matrix) != rows or np.isinf(matrix).any():
        raise ValueError("features: a matrix of finite numbers (NaN = missing), one row per row of scores")
    return matrix


def _refined(scores: Floats, labels: Ints, features: Floats, seed: int) -> tuple[Refiner | None, Floats | None]:
    """Trees on score and features with the share of them that lowers the held-out log loss most (None for no share),
    and its held-out score (None where there is too little to learn from)."""
    classes, counts = np.unique(labels, return_counts=True)
    too_many = len(classes) > REFINE_CLASSES or len(classes) < scores.shape[1]
    if too_many or len(labels) < REFINE_FROM or counts.min() < 10 * FOLDS or features.shape[1] == 0:
        return None, None
    inputs = _inputs(scores, features)
    fold = np.random.default_rng(seed).permutation(np.arange(len(labels)) % FOLDS)
    trees, isotonic = np.empty_like(scores), np.empty_like(scores)
    for held in range(FOLDS):
        out, rest = fold == held, np.flatnonzero(fold != held)
        trees[out] = _fit(inputs[rest], labels[rest], seed)(inputs[out])
        isotonic[out] = calibrated(scores[rest], labels[rest], scores[out], np.ones(len(rest)))
    losses = [_log_loss(share * trees + (1 - share) * isotonic, labels) for share in SHARES]
    best = int(np.argmin([loss.mean() for loss in losses]))
    gain = losses[0] - losses[best]
    if gain.mean() <= 2 * gain.std() / np.sqrt(len(gain)):
        return None, isotonic
    return Refiner(_fit(inputs, labels, seed), SHARES[best]), SHARES[best] * trees + (1 - SHARES[best]) * isotonic


def alike(weights: Floats) -> Ints:
    """Row numbers (n,), drawn evenly along the weights (n,): n rows in the mix that the weights describe."""
    total = np.cumsum(weights)
    result: Ints = np.searchsorted(total, (np.arange(len(weights)) + 0.5) / len(weights) * total[-1])
    return result


def truth_in_window(past: Reference, scores: Floats, features: Floats, weights: Floats) -> Floats:
    """P(class) of a window's rows (m, k) from weighted reference rows and, where it helps, the refiner's share."""
    truth = calibrated(past.scores, past.labels, scores, weights)
    if past.refiner is None:
        return truth
    share = past.refiner.share
    return share * past.refiner.trees(_inputs(scores, features)) + (1 - share) * truth


def _inputs(scores: Floats, features: Floats) -> Floats:
    return np.hstack(
        [np.log(np.clip(scores[:, 1:], EPSILON, 1)) - np.log(np.clip(scores[:, :1], EPSILON, 1)), features]
    )


def _fit(inputs: Floats, labels: Ints, seed: int) -> Callable[[Floats], Floats]:
    step = -(-len(labels) // REFINE_ROWS)
    model = HistGradientBoostingClassifier(
        max_iter=100,
        learning_rate=0.08,
        max_leaf_nodes=16,
        min_samples_leaf=40,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=seed,
    )
    return chances(model, inputs[::step], labels[::step])


def _log_loss(truth: Floats, labels: Ints) -> Floats:
    return -np.log(np.clip(truth[np.arange(len(labels)), labels], EPSILON, 1))


def calibrated(scores: Floats, labels: Ints, now: Floats, weights: Floats) -> Floats:
    """P(class) of rows `now` (m, k) by one weighted isotonic map per class, normalised; weights (n,), not all zero."""
    if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.any()):
        raise ValueError("weights are finite, not negative and not all zero")
    maps = []
    for column in [1] if now.shape[1] == 2 else range(now.shape[1]):
        isotonic = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip")
        isotonic.fit(scores[:, column], labels == column, sample_weight=weights)
        maps.append(isotonic.predict(now[:, column]))
    if now.shape[1] == 2:
        return np.column_stack([1 - maps[0], maps[0]])
    matrix = np.clip(np.column_stack(maps), EPSILON, None)
    result: Floats = matrix / matrix.sum(axis=1, keepdims=True)
    return result


def density_ratio(before: Floats, now: Floats, *, seed: int = 0) -> Floats:
    """How much likelier each reference row is in the window than in the reference: shape (n,), mean 1, at most 20.

    The odds of a cross-fitted domain classifier, themselves calibrated: their logarithm is scaled by the slope (0 to 1)
    that a logistic regression gives it on held-out rows, so that uninformative odds become weights of one (below a
    slope of .1 exactly).
    The classifier learns on at most 6 000 reference rows, evenly taken; the rest are scored by one fitted to those.
    """
    kept = np.zeros(len(before), dtype=bool)
    kept[:: -(-len(before) // DOMAIN_ROWS)] = True
    fitted = cross_fitted(before[kept], now, seed=seed)
    slope = _telling_slope(_log_odds(fitted.before), _log_odds(fitted.now))
    if slope < FAINT:
        return np.ones(len(before))
    odds = np.empty(len(before))
    odds[kept] = _log_odds(fitted.before)
    if not kept.all():
        odds[~kept] = _log_odds(domain_scores(before[kept], now, before[~kept], seed=seed))
    ratio = np.exp(slope * odds)
    ratio = np.minimum(ratio / ratio.mean(), MAX_WEIGHT)
    result: Floats = ratio / ratio.mean()
    return result


def _telling_slope(before: Floats, now: Floats) -> float:
    """Slope, 0 to 1, of a logistic regression of the side on held-out log odds: 1 = calibrated odds, 0 = only noise."""
    side = np.repeat([0, 1], [len(before), len(now)])
    model = LogisticRegression(C=1e6, class_weight="balanced").fit(np.concatenate([before, now])[:, None], side)
    return float(np.clip(model.coef_[0, 0], 0.0, 1.0))


def _log_odds(probability: Floats) -> Floats:
    clipped = np.clip(probability, EPSILON, 1 - EPSILON)
    return np.log(clipped) - np.log(1 - clipped)
