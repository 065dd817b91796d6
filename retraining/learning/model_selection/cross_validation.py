"""Cross-validate candidates that share a feature pipeline, and calibrate their held-out scores."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline

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
    unconverged: how many of its fits did not converge.
    """

    config: Config
    scores: Floats
    calibration: CalibratorChoice
    seconds: float
    unconverged: int

    @property
    def log_loss(self) -> float:
        return dict(self.calibration.losses)[self.calibration.method]


@dataclass(frozen=True)
class Skipped:
    """A candidate that was not finished, after how many seconds, and why."""

    config: Config
    seconds: float
    note: str


@dataclass
class _Running:
    """A candidate under way: what it said of the rows held out so far, each array (n, k)."""

    config: Config
    scores: Floats
    probabilities: Floats
    seconds: float = 0.0
    unconverged: int = 0


def cross_validate(
    rows: TrainingRows,
    types: Mapping[str, str],
    configs: Sequence[Config],
    *,
    deadline: float,
    keep_first: bool,
    tick: Callable[[str], None],
) -> list[Trial | Skipped]:
    """Cross-fit candidates that share their features; one outcome for each, in order.

    When the folds left would overrun `deadline` (time.monotonic), candidates are given up from the last on; the first
    only without `keep_first`. `tick(family)` is called after each fit.
    """
    running = [_Running(config, _blank(rows), _blank(rows)) for config in configs]
    late: list[Trial | Skipped] = []
    held_out = np.unique(rows.fold)
    shared = 0.0
    for done, held in enumerate(held_out, start=1):
        started = time.monotonic()
        outside = rows.fold == held
        inside = ~outside & (rows.weights > 0)
        features = build(types, configs[0])[0]
        learnt, new = features.fit_transform(rows.frame[inside]), features.transform(rows.frame[outside])
        shared += time.monotonic() - started
        part_left = (len(held_out) - done) / done
        position = 0
        while position < len(running):
            candidate = running[position]
            _fit_fold(candidate, build(types, candidate.config)[-1], rows, learnt, new, inside, outside)
            tick(candidate.config["family"])
            late = _give_up(running, shared, part_left, deadline - time.monotonic(), keep=int(keep_first)) + late
            position += 1
        if not running:
            break
    return [_finished(candidate, rows, shared / len(configs)) for candidate in running] + late


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
    started = time.monotonic()
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
    candidate.seconds += time.monotonic() - started


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


def _give_up(
    running: list[_Running], shared: float, part_left: float, seconds_left: float, *, keep: int
) -> list[Trial | Skipped]:
    """Take candidates from the end of `running` until the folds left of the others fit into the seconds left."""
    dropped: list[Trial | Skipped] = []
    while len(running) > keep and part_left * (shared + _seconds(running)) > seconds_left:
        last = running.pop()
        dropped.insert(0, Skipped(last.config, last.seconds, "Given up: it would overrun the time."))
    return dropped


def _seconds(running: Sequence[_Running]) -> float:
    return sum(candidate.seconds for candidate in running)


def _finished(candidate: _Running, rows: TrainingRows, shared: float) -> Trial | Skipped:
    family = candidate.config["family"]
    scores = candidate.scores if registry.family_named(family).has_scores else None
    own = candidate.probabilities if registry.family_named(family).has_probabilities else None
    started = time.monotonic()
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
        return Skipped(candidate.config, candidate.seconds + shared, str(error))
    seconds = candidate.seconds + shared + time.monotonic() - started
    raw = candidate.probabilities if scores is None else scores
    return Trial(candidate.config, raw, chosen, seconds, candidate.unconverged)


def _blank(rows: TrainingRows) -> Floats:
    return np.zeros(rows.targets.shape)
