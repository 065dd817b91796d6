"""Metrics of rows whose true class is known only as a probability: one-hot probabilities give the plain metrics."""

from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Metric = Literal["accuracy", "precision", "recall", "f1", "roc_auc", "log_loss", "brier"]

METRICS: tuple[Metric, ...] = ("accuracy", "precision", "recall", "f1", "roc_auc", "log_loss", "brier")
LOW_IS_GOOD: tuple[Metric, ...] = ("log_loss", "brier")
DRAWS = 200
DRAWN_ROWS = 4000


def expected(metric: Metric, truth: Floats, scores: Floats, predicted: Ints) -> float | None:
    """A metric under class probabilities `truth` (m, k), scores (m, k) and predicted columns `predicted` (m,).

    Precision, recall and f1 are of class 1 with two classes, macro averages otherwise; roc_auc likewise, one class
    against the rest; brier is the sum over classes halved for two. High is good, except for log_loss and brier.
    None where undefined: no rows, a class that is never there or never called. ValueError: NaN or infinite values,
    shapes that do not fit, predicted columns outside the classes.
    """
    _validate_shapes(truth, scores, predicted)
    return _expected(metric, truth, scores, predicted) if len(predicted) else None


def _validate_shapes(truth: Floats, scores: Floats, predicted: Ints) -> None:
    if truth.ndim != 2 or scores.shape != truth.shape or predicted.shape != truth.shape[:1]:
        raise ValueError(
            f"truth {truth.shape}, scores {scores.shape} and predicted {predicted.shape} do not fit together"
        )
    if not (np.isfinite(truth).all() and np.isfinite(scores).all()):
        raise ValueError("truth and scores are finite numbers: some are NaN or infinite")
    if len(predicted) and not (predicted.min() >= 0 and predicted.max() < truth.shape[1]):
        raise ValueError(f"predicted: outside the {truth.shape[1]} classes")


def _expected(metric: Metric, truth: Floats, scores: Floats, predicted: Ints) -> float | None:
    classes = range(truth.shape[1]) if truth.shape[1] > 2 else [1]
    if metric == "accuracy":
        return float(truth[np.arange(len(predicted)), predicted].mean())
    if metric == "log_loss":
        return float(-(truth * np.log(np.clip(scores, 1e-15, 1))).sum(axis=1).mean())
    if metric == "brier":
        squares = truth * (1 - scores) ** 2 + (1 - truth) * scores**2
        return float(squares.sum(axis=1).mean() / (2 if truth.shape[1] == 2 else 1))
    if metric == "roc_auc":
        return _mean([_auc(truth[:, k], scores[:, k]) for k in classes])
    return _mean([_of_class(metric, truth[:, k], predicted == k) for k in classes])


def label_noise(metric: Metric, truth: Floats, scores: Floats, predicted: Ints, rng: np.random.Generator) -> float:
    """Standard deviation of the metric once labels are known, when each label is a draw from its row of `truth`.

    Of accuracy exactly; of the others by 200 drawn labellings, above 4 000 rows on an even share of them, scaled by the
    square root. 0 where the metric is undefined. ValueError as for `expected`.
    """
    _validate_shapes(truth, scores, predicted)
    if not len(predicted):
        return 0.0
    if metric == "accuracy":
        right = truth[np.arange(len(predicted)), predicted]
        return float(np.sqrt((right * (1 - right)).sum())) / len(predicted)
    step = -(-len(predicted) // DRAWN_ROWS)
    truth, scores, predicted = truth[::step], scores[::step], predicted[::step]
    drawn = [_expected(metric, _drawn(truth, rng), scores, predicted) for _ in range(DRAWS)]
    known = [value for value in drawn if value is not None]
    return float(np.std(known) / np.sqrt(step)) if len(known) > 1 else 0.0


def _drawn(truth: Floats, rng: np.random.Generator) -> Floats:
    labels = (truth.cumsum(axis=1)[:, :-1] < rng.random((len(truth), 1))).sum(axis=1)
    result: Floats = np.eye(truth.shape[1])[labels]
    return result


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if len(known) == len(values) else None


def _of_class(metric: Metric, truth: Floats, predicted: npt.NDArray[np.bool_]) -> float | None:
    hit, called, real = truth[predicted].sum(), float(predicted.sum()), float(truth.sum())
    below = {"precision": called, "recall": real, "f1": (called + real) / 2}[metric]
    return None if below <= 0 else float(hit / below)


def _auc(truth: Floats, score: Floats) -> float | None:
    """P(a positive scores above a negative), each row being positive with probability `truth`; ties count half."""
    levels, inverse = np.unique(score, return_inverse=True)
    positive, negative = np.bincount(inverse, truth), np.bincount(inverse, 1 - truth)
    pairs = positive.sum() * negative.sum()
    if pairs <= 0:
        return None
    return float((positive * (np.cumsum(negative) - negative / 2)).sum() / pairs)
