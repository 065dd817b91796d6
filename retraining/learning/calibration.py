"""Make scores honest: choose a calibrator by held-out log loss, with none among the candidates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator

from retraining.learning import checks
from retraining.learning.checks import BadInput, Codes, Floats

METHODS = ("none", "sigmoid", "isotonic", "temperature")
SMALLEST = 1e-6  # probabilities below count as this in a log loss: one certain mistake costs 13.8, not infinity


class NoCalibrator(ValueError):
    """These scores are not probabilities, and the labels are too few to learn how to make them so."""


@dataclass(frozen=True)
class Calibration:
    """The calibrator chosen, its held-out probabilities (n, k), and each method's held-out log loss in nats."""

    method: str
    probabilities: Floats
    losses: tuple[tuple[str, float], ...]


class Given(ClassifierMixin, BaseEstimator):
    """A classifier whose decision function is its input: lets scikit-learn calibrate scores made elsewhere.

    It stands in while calibrators are fitted and is then replaced by the real model, so it is never in an artifact.
    """

    def __init__(self, classes: Codes) -> None:
        self.classes = classes

    def fit(self, X: Floats, y: Codes, sample_weight: Floats | None = None) -> Given:
        return self

    @property
    def classes_(self) -> Codes:
        return self.classes

    def decision_function(self, X: Floats) -> Floats:
        return X[:, 1] - X[:, 0] if X.shape[1] == 2 else X

    def predict(self, X: Floats) -> Codes:
        return self.classes[X.argmax(axis=1)]

    def __sklearn_is_fitted__(self) -> bool:
        return True


def log_losses(probabilities: Floats, soft_targets: Floats) -> Floats:
    """Log loss of each row in nats, shape (n,); 0 is best. Cross-entropy where targets are soft."""
    return -(soft_targets * np.log(np.clip(probabilities, SMALLEST, 1.0))).sum(axis=1)


def choose(
    scores: ArrayLike,
    soft_targets: ArrayLike,
    *,
    fold: ArrayLike,
    probabilities: ArrayLike | None = None,
    weights: ArrayLike | None = None,
) -> Calibration:
    """The calibrator with the lowest held-out log loss.

    scores: (n, k) out-of-fold decision values, higher means more likely; `probabilities` (n, k) are the model's own,
    absent when it has none (then `none` is no candidate); `soft_targets` (n, k) rows sum to 1; `fold` (n,) says which
    rows are calibrated together: a row's calibrator never saw it. Raises BadInput on shapes, NaN or bad rows.
    Platt 1999 (sigmoid), Zadrozny and Elkan 2002 (isotonic), Guo et al. 2017 (temperature), by scikit-learn.
    """
    scores = _finite(scores)
    targets = checks.probabilities(soft_targets, n_classes=scores.shape[1], name="soft_targets")
    checks.same_length(len(scores), soft_targets=targets)
    weight = checks.weights(weights, n=len(scores))
    fold = checks.codes(fold, name="fold")
    checks.same_length(len(scores), fold=fold)
    tried: dict[str, Floats] = {}
    if probabilities is not None:
        tried["none"] = checks.probabilities(probabilities, n_classes=scores.shape[1])
    if _can_calibrate(targets, fold, weight):
        tried |= {method: _held_out(method, scores, targets, weight, fold) for method in METHODS[1:]}
    if not tried:
        raise NoCalibrator("Too few labels to turn its scores into probabilities.")
    losses = {name: float(np.average(log_losses(p, targets), weights=weight)) for name, p in tried.items()}
    best = min(losses, key=lambda name: losses[name])
    return Calibration(best, tried[best], tuple(losses.items()))


def wrap(
    estimator: ClassifierMixin,
    method: str,
    scores: Floats,
    soft_targets: Floats,
    *,
    weights: Floats | None = None,
) -> ClassifierMixin:
    """The fitted `estimator` with a calibrator fitted on its out-of-fold scores, as one scikit-learn classifier.

    Columns of scores and targets follow `estimator.classes_`. With method `none` the estimator itself comes back.
    """
    if method == "none":
        return estimator
    weight = checks.weights(weights, n=len(scores))
    calibrated = _fit(method, np.asarray(scores, dtype=float), np.asarray(soft_targets), weight, estimator.classes_)
    calibrated.estimator = FrozenEstimator(estimator)
    calibrated.calibrated_classifiers_[0].estimator = FrozenEstimator(estimator)
    return calibrated


def _held_out(method: str, scores: Floats, targets: Floats, weight: Floats, fold: Codes) -> Floats:
    result = np.empty_like(scores)
    columns = np.arange(scores.shape[1])
    for held in np.unique(fold):
        inside, outside = fold != held, fold == held
        calibrated = _fit(method, scores[inside], targets[inside], weight[inside], columns)
        result[outside] = calibrated.predict_proba(scores[outside])
    return result


def _fit(method: str, scores: Floats, targets: Floats, weight: Floats, classes: Codes) -> CalibratedClassifierCV:
    """Soft targets become a weighted row per class.

    One more row, at the score of median margin and as likely to be any class, keeps a few flawless rows from being
    read as certainty (Laplace's rule), and keeps every class known to the calibrator.
    """
    share = targets * weight[:, None]
    rows, columns = np.nonzero(share)
    every = np.arange(len(classes))
    typical = np.full(len(every), _typical(scores))
    each = weight[weight > 0].mean() / len(every)
    calibrated = CalibratedClassifierCV(
        Given(classes), method=method, ensemble=False, cv=_all_at_once(len(rows) + len(every))
    )
    return calibrated.fit(
        scores[np.concatenate([rows, typical])],
        classes[np.concatenate([columns, every])],
        sample_weight=np.concatenate([share[rows, columns], np.full(len(every), each)]),
    )


def _typical(scores: Floats) -> int:
    """The row whose best score leads the second best by the median lead."""
    two_best = np.sort(scores, axis=1)[:, -2:]
    lead = two_best[:, 1] - two_best[:, 0]
    return int(np.argsort(lead, kind="stable")[len(lead) // 2])


def _all_at_once(n: int) -> list[tuple[Codes, Codes]]:
    """One split that scores every row: the stand-in learns nothing, so there is nothing to hold out."""
    return [(np.arange(n), np.arange(n))]


def _can_calibrate(targets: Floats, fold: Codes, weight: Floats) -> bool:
    """Each fold's complement must hold two classes, or there is nothing to tell apart."""
    share = targets * weight[:, None]
    known = [(share[fold != held].sum(axis=0) > 0).sum() >= 2 for held in np.unique(fold)]
    return len(known) > 1 and all(known)


def _finite(scores: ArrayLike) -> Floats:
    array = np.asarray(scores, dtype=float)
    if array.ndim != 2 or array.shape[1] < 2:
        raise BadInput("scores must have a row per item and a column for each of at least two classes.")
    if not np.isfinite(array).all():
        raise BadInput("scores must be finite.")
    return array
