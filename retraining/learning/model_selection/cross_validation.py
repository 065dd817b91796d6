"""Cross-validate candidates that share a feature pipeline, and calibrate their held-out scores."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline

from analysis.metrics.core import work
from retraining.learning.calibration.choose import CalibratorChoice, NoCalibrator, choose
from retraining.learning.families import registry
from retraining.learning.families.pipeline import build
from validation.arrays import Bools, Floats, Ints

FAR_BELOW = 10.0  # how far under a row's lowest score a class is put that the fold's model never met

Config = Mapping[str, Any]


@dataclass(frozen=True)
class TrainingRows:
    """Training rows: frame, soft targets (n, k) over the `known` class codes (k,), weights (n,), fold (n,).

    group (n,): copies of one row share one; None where no row has copies.
    """

    frame: pd.DataFrame
    targets: Floats
    known: Ints
    weights: Floats
    fold: Ints
    group: Ints | None = None

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def share(self) -> Floats:
        """Weight of each row for each class, shape (n, k)."""
        return self.targets * self.weights[:, None]


@dataclass(frozen=True)
class Trial:
    """A finished candidate.

    scores: (n, k) held out, what the calibrator reads: decision values, or probabilities where there are none.
    work: of its fits, its calibrators and its part of the features, in units. unconverged: how many of its fits did not
    converge.
    """

    config: Config
    scores: Floats
    calibration: CalibratorChoice
    work: float
    unconverged: int

    @property
    def log_loss(self) -> float:
        return dict(self.calibration.losses)[self.calibration.method]


@dataclass(frozen=True)
class Skipped:
    """A candidate that was not finished, the work that it takes, and why."""

    config: Config
    work: float
    note: str


@dataclass
class _Running:
    """A candidate under way: what it said of the rows held out so far, each array (n, k)."""

    config: Config
    scores: Floats
    probabilities: Floats
    work: float
    unconverged: int = 0


def cross_validate(
    rows: TrainingRows,
    types: Mapping[str, str],
    configs: Sequence[Config],
    *,
    budget: float,
    keep_first: bool,
    tick: Callable[[str], None],
) -> list[Trial | Skipped]:
    """Cross-fit candidates that share their features; one outcome for each, in order.

    When their work, known from the size of the first fold's features, is more than `budget`, candidates are left out
    from the last on; the first only without `keep_first`. `tick(family)` is called after each fit.
    """
    running: list[_Running] = []
    left_out: list[Trial | Skipped] = []
    for done, held in enumerate(np.unique(rows.fold)):
        outside = rows.fold == held
        inside = ~outside & (rows.weights > 0)
        features = build(types, configs[0])[0]
        learnt, new = features.fit_transform(rows.frame[inside]), features.transform(rows.frame[outside])
        if not done:
            running, left_out = _planned(rows, configs, work.size_of(learnt), budget, keep=int(keep_first))
        for candidate in running:
            _fit_fold(candidate, build(types, candidate.config)[-1], rows, learnt, new, inside, outside)
            tick(candidate.config["family"])
        if not running:
            break
    return [_finished(candidate, rows) for candidate in running] + left_out


def fit_on_all(rows: TrainingRows, types: Mapping[str, str], config: Config) -> Pipeline:
    """The candidate's whole pipeline, fitted to all rows that have weight."""
    pipeline = build(types, config)
    learnt_from = rows.weights > 0
    features = pipeline[0].fit_transform(rows.frame[learnt_from])
    _fit_model(pipeline[-1], features, rows.share[learnt_from], rows.known, config)
    return pipeline


def decision_scores(model: ClassifierMixin, features: Any, known: Ints) -> Floats:
    """Decision values, shape (n, k) in the order of `known`; a class the model never met lies far below the rest."""
    values = model.decision_function(features)
    values = np.column_stack([-values / 2, values / 2]) if values.ndim == 1 else values
    scores = np.repeat(values.min(axis=1, keepdims=True) - FAR_BELOW, len(known), axis=1)
    scores[:, np.searchsorted(known, model.classes_)] = values
    return scores


def _fit_fold(
    candidate: _Running,
    model: ClassifierMixin,
    rows: TrainingRows,
    learnt: Any,
    new: Any,
    inside: Bools,
    outside: Bools,
) -> None:
    share = rows.share[inside]
    met = np.flatnonzero(share.sum(axis=0))
    if len(met) == 1:  # nothing to tell apart in this fold: the one class is all it can answer
        candidate.scores[outside] = np.where(np.arange(len(rows.known)) == met[0], 0.0, -FAR_BELOW)
        candidate.probabilities[np.ix_(outside, met)] = 1.0
        return
    candidate.unconverged += not _fit_model(model, learnt, share, rows.known, candidate.config)
    if registry.family_named(candidate.config["family"]).has_scores:
        candidate.scores[outside] = decision_scores(model, new, rows.known)
    if registry.family_named(candidate.config["family"]).has_probabilities:
        candidate.probabilities[np.ix_(outside, met)] = model.predict_proba(new)


def _fit_model(model: ClassifierMixin, features: Any, share: Floats, known: Ints, config: Config) -> bool:
    """Fit in place, a soft target as a weighted row per class; False when the solver did not converge."""
    share = _class_weighted(share, config)
    row, column = np.nonzero(share)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        model.fit(features[row], known[column], sample_weight=share[row, column])
    others = [warning for warning in caught if not issubclass(warning.category, ConvergenceWarning)]
    for warning in others:
        warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return len(others) == len(caught)


def _class_weighted(share: Floats, config: Config) -> Floats:
    """With class weight `balanced`, every class that is present weighs the same in total."""
    totals = share.sum(axis=0)
    if config.get("class_weight") != "balanced":
        return share
    each = totals.sum() / (totals > 0).sum()
    result: Floats = share * np.divide(each, totals, out=np.zeros_like(totals), where=totals > 0)
    return result


def _planned(
    rows: TrainingRows, configs: Sequence[Config], size: work.MatrixSize, budget: float, *, keep: int
) -> tuple[list[_Running], list[Trial | Skipped]]:
    """The candidates whose work fits into the budget, the first `keep` in any case, and those left out."""
    needed = _needed(rows, configs, size)
    running: list[_Running] = []
    left_out: list[Trial | Skipped] = []
    left = budget
    for config, units in zip(configs, needed, strict=True):
        if len(running) < keep or (not left_out and units <= left):
            running.append(_Running(config, _blank(rows), _blank(rows), units))
            left = max(0.0, left - units)
        else:
            why = f"Not tried: it takes {units:.1f} units of work, and {left:.1f} were left."
            left_out.append(Skipped(config, units, why))
    return running, left_out


def _needed(rows: TrainingRows, configs: Sequence[Config], size: work.MatrixSize) -> list[float]:
    """Units of work of each candidate: its fits, its calibrators, and its part of the features."""
    folds, classes = len(np.unique(rows.fold)), len(rows.known)
    shared = folds * work.encoding(size) / len(configs) + work.calibration(len(rows), classes)
    fits = [registry.family_named(config["family"]).work(config, size, classes) for config in configs]
    return [shared + folds * fit for fit in fits]


def _finished(candidate: _Running, rows: TrainingRows) -> Trial | Skipped:
    family = candidate.config["family"]
    scores = candidate.scores if registry.family_named(family).has_scores else None
    own = candidate.probabilities if registry.family_named(family).has_probabilities else None
    try:
        chosen = choose(
            rows.targets,
            fold=rows.fold,
            scores=scores,
            probabilities=own,
            weights=rows.weights,
            groups=rows.group,
        )
    except NoCalibrator as error:
        return Skipped(candidate.config, candidate.work, str(error))
    raw = candidate.probabilities if scores is None else scores
    return Trial(candidate.config, raw, chosen, candidate.work, candidate.unconverged)


def _blank(rows: TrainingRows) -> Floats:
    return np.zeros(rows.targets.shape)
