"""Choose a calibrator by held-out log loss; no calibration is one of the candidates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator

from validation import InvalidInput, arrays
from validation.arrays import Bools, Floats, Ints
from validation.probabilities import check_probabilities

METHODS = ("none", "sigmoid", "isotonic", "temperature")
# labels of each class in each fold's complement; docs/benchmarks/learning.md has what other limits cost
ENOUGH_FOR_TEMPERATURE = 1
ENOUGH_FOR_SIGMOID = 10
ENOUGH_FOR_ISOTONIC = 50
SMALLEST = 1e-6  # probabilities below count as this in a log loss: one certain mistake costs 13.8, not infinity


class NoCalibrator(InvalidInput):
    """These scores are not probabilities, and the labels are too few to learn how to make them so."""


@dataclass(frozen=True)
class CalibratorChoice:
    """The calibrator chosen, its held-out probabilities (n, k), and each method's held-out log loss in nats."""

    method: str
    probabilities: Floats
    losses: tuple[tuple[str, float], ...]


class Given(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A classifier that answers with its input: lets scikit-learn calibrate what was computed elsewhere.

    It stands in while calibrators are fitted and is then replaced by the real model, so it is never in an artifact.
    """

    def __init__(self, classes: Ints) -> None:
        self.classes = classes

    def fit(self, X: Floats, y: Ints, sample_weight: Floats | None = None) -> Given:
        return self

    @property
    def classes_(self) -> Ints:
        return self.classes

    def predict(self, X: Floats) -> Ints:
        result: Ints = self.classes[X.argmax(axis=1)]
        return result

    def __sklearn_is_fitted__(self) -> bool:
        return True


class GivenScores(Given):
    def decision_function(self, X: Floats) -> Floats:
        return X[:, 1] - X[:, 0] if X.shape[1] == 2 else X


class GivenProbabilities(Given):
    def predict_proba(self, X: Floats) -> Floats:
        return X


def log_losses(probabilities: Floats, soft_targets: Floats) -> Floats:
    """Log loss of each row in nats, shape (n,); 0 is best. Cross-entropy where targets are soft."""
    result: Floats = -(soft_targets * np.log(np.clip(probabilities, SMALLEST, 1.0))).sum(axis=1)
    return result


def choose(
    soft_targets: ArrayLike,
    *,
    fold: ArrayLike,
    scores: ArrayLike | None = None,
    probabilities: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    groups: ArrayLike | None = None,
) -> CalibratorChoice:
    """The calibrator with the lowest held-out log loss.

    soft_targets: (n, k), rows sum to 1. fold: (n,), which rows are held out together: a row's calibrator never saw it.
    scores: (n, k) out-of-fold decision values, higher means more likely. probabilities: (n, k) out of fold, the
    model's own; without them `none` is no candidate, without scores they are themselves calibrated. groups: (n,); the
    labels of one group count as one where a method needs enough of them.
    Raises InvalidInput on shapes, NaN or rows that do not sum to 1, NoCalibrator when nothing can be chosen.
    Platt 1999 (sigmoid), Zadrozny and Elkan 2002 (isotonic), Guo et al. 2017 (temperature), by scikit-learn.
    """
    targets = check_probabilities(soft_targets, name="soft_targets")
    n, k = targets.shape
    weight = arrays.weights(weights, n=n)
    folds = arrays.codes("fold", fold)
    found = arrays.groups_of(groups, n=n)
    group = np.arange(n) if found is None else found
    own = None if probabilities is None else check_probabilities(probabilities, k=k)
    given = own if scores is None else _finite(scores, k)
    if given is None:
        raise InvalidInput("Scores or probabilities are needed.")
    arrays.same_length(n, fold=folds, scores=given)
    tried: dict[str, Floats] = {} if own is None else {"none": own}
    for method in _possible(targets, folds, weight, group, needed=own is None):
        tried[method] = _held_out(method, given, targets, weight, folds, as_scores=scores is not None)
    if not tried:
        raise NoCalibrator("Too few labels to turn its scores into probabilities.")
    losses = {name: float(np.average(log_losses(p, targets), weights=weight)) for name, p in tried.items()}
    best = min(losses, key=lambda name: losses[name])
    return CalibratorChoice(best, tried[best], tuple(losses.items()))


def wrap(
    estimator: ClassifierMixin,
    method: str,
    given: Floats,
    soft_targets: Floats,
    *,
    weights: Floats | None = None,
) -> ClassifierMixin:
    """The fitted `estimator` with a calibrator fitted on what it said out of fold, as one scikit-learn classifier.

    given: (n, k) its decision values, or probabilities where it has no decision function. Columns of `given` and of
    `soft_targets` follow `estimator.classes_`. With method `none` the estimator itself comes back.
    """
    if method == "none":
        return estimator
    weight = arrays.weights(weights, n=len(given))
    as_scores = hasattr(estimator, "decision_function")
    calibrated = _fit(method, given, soft_targets, weight, as_scores=as_scores)
    only = calibrated.calibrated_classifiers_[0]
    calibrated.classes_ = only.classes = estimator.classes_
    calibrated.estimator = only.estimator = FrozenEstimator(estimator)
    return calibrated


def _held_out(method: str, given: Floats, targets: Floats, weight: Floats, fold: Ints, *, as_scores: bool) -> Floats:
    result = np.empty_like(given)
    for held in np.unique(fold):
        inside, outside = fold != held, fold == held
        calibrated = _fit(method, given[inside], targets[inside], weight[inside], as_scores=as_scores)
        result[outside] = calibrated.predict_proba(given[outside])
    return result


def _fit(method: str, given: Floats, targets: Floats, weight: Floats, *, as_scores: bool) -> CalibratedClassifierCV:
    """A calibrator of the columns 0..k-1; soft targets become a weighted row per class.

    Columns, not class codes: with `ensemble=False` scikit-learn 1.9.1 hands labels to the temperature as they are, and
    a code beyond the columns, as where a class has no label yet, makes it read memory that is not its own.

    One more row, of median margin and as likely to be any class, keeps a few flawless rows from being read as
    certainty (Laplace's rule), and keeps every class known to the calibrator.
    """
    share = targets * weight[:, None]
    rows, columns = np.nonzero(share)
    k = given.shape[1]
    stand_in = (GivenScores if as_scores else GivenProbabilities)(np.arange(k))
    calibrated = CalibratedClassifierCV(stand_in, method=method, ensemble=False, cv=_all_at_once(len(rows) + k))
    return calibrated.fit(
        given[np.concatenate([rows, np.full(k, _typical(given))])],
        np.concatenate([columns, np.arange(k)]),
        sample_weight=np.concatenate([share[rows, columns], np.full(k, weight[weight > 0].mean() / k)]),
    )


def _typical(scores: Floats) -> int:
    """The row whose best score leads the second best by the median lead."""
    two_best = np.sort(scores, axis=1)[:, -2:]
    lead = two_best[:, 1] - two_best[:, 0]
    return int(np.argsort(lead, kind="stable")[len(lead) // 2])


def _all_at_once(n: int) -> list[tuple[Ints, Ints]]:
    """One split that scores every row: the stand-in learns nothing, so there is nothing to hold out."""
    return [(np.arange(n), np.arange(n))]


def _possible(targets: Floats, fold: Ints, weight: Floats, group: Ints, *, needed: bool) -> tuple[str, ...]:
    """The methods that have enough labels to go on in every fold's complement.

    A temperature is one number for all classes; sigmoid and isotonic are fitted class against rest, and with a handful
    of labels of a class would learn the folds. A model without probabilities needs one, however few there are.
    """
    labelled = targets * weight[:, None] > 0
    labels = np.array([_distinct(labelled[fold != held], group[fold != held]) for held in np.unique(fold)])
    if len(labels) < 2 or ((labels > 0).sum(axis=1) < 2).any():
        return ()
    enough = {
        "temperature": 0 if needed else ENOUGH_FOR_TEMPERATURE,
        "sigmoid": ENOUGH_FOR_SIGMOID,
        "isotonic": ENOUGH_FOR_ISOTONIC,
    }
    return tuple(method for method, least in enough.items() if labels.min() >= least)


def _distinct(labelled: Bools, group: Ints) -> Ints:
    """How many groups (k,) have a label of each class."""
    row, column = np.nonzero(labelled)
    pairs = np.unique(np.column_stack([group[row], column]), axis=0)
    return np.bincount(pairs[:, 1], minlength=labelled.shape[1])


def _finite(scores: ArrayLike, k: int) -> Floats:
    array = arrays.numbers("scores", scores)
    if array.ndim != 2 or array.shape[1] != k or k < 2:
        raise InvalidInput(f"scores must have a row per item and {k} columns, one for each of at least two classes.")
    if not np.isfinite(array).all():
        raise InvalidInput("scores must be finite.")
    return array
