"""Try one candidate: fit it on every fold's complement, score what was held out, calibrate, time it."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline

from retraining.learning.calibration import SMALLEST, Calibration, choose
from retraining.learning.checks import Codes, Floats
from retraining.learning.pipeline import build

FAR_BELOW = 10.0  # how far under a row's lowest score a class is put that the fold's model never met


@dataclass(frozen=True)
class Rows:
    """Training rows: frame, soft targets (n, k) over the `known` class codes (k,), weights (n,), fold (n,)."""

    frame: pd.DataFrame
    targets: Floats
    known: Codes
    weights: Floats
    fold: Codes

    def __len__(self) -> int:
        return len(self.frame)

    def only(self, mask: Codes) -> Rows:
        return Rows(self.frame[mask], self.targets[mask], self.known, self.weights[mask], self.fold[mask])


@dataclass(frozen=True)
class Trial:
    """A finished candidate: out-of-fold scores (n, k), its calibration, seconds taken, fits that did not converge."""

    config: Mapping[str, Any]
    scores: Floats
    calibration: Calibration
    seconds: float
    unconverged: int

    @property
    def log_loss(self) -> float:
        return dict(self.calibration.losses)[self.calibration.method]


class OutOfTime(Exception):
    """The budget would be overrun before every fold is done."""


def run(
    rows: Rows, types: Mapping[str, str], config: Mapping[str, Any], *, deadline: float, tick: Callable[[], None]
) -> Trial:
    """Cross-fit `config`; raises OutOfTime once the folds left would overrun `deadline` (time.monotonic)."""
    started = time.monotonic()
    scores = np.zeros(rows.targets.shape)
    own: Floats | None = np.zeros(rows.targets.shape)
    held_out = np.unique(rows.fold)
    unconverged = 0
    for done, held in enumerate(held_out, start=1):
        inside, outside = rows.fold != held, rows.fold == held
        model, converged = fitted(rows.only(inside), types, config)
        unconverged += not converged
        scores[outside] = decision_scores(model, rows.frame[outside], rows.known)
        own = _own_probabilities(model, rows, outside, own)
        tick()
        now = time.monotonic()
        if done < len(held_out) and now + (now - started) / done * (len(held_out) - done) > deadline:
            raise OutOfTime
    calibration = choose(scores, rows.targets, fold=rows.fold, probabilities=own, weights=rows.weights)
    return Trial(config, scores, calibration, time.monotonic() - started, unconverged)


def fitted(rows: Rows, types: Mapping[str, str], config: Mapping[str, Any]) -> tuple[Pipeline, bool]:
    """The pipeline fitted to `rows`, and whether it converged. A single class leaves only its share to be learnt."""
    share = _class_weighted(rows.targets * rows.weights[:, None], config)
    row, column = np.nonzero(share)
    single = len(np.unique(column)) < 2
    model = build(types, {**config, "family": "naive"} if single else config)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        model.fit(rows.frame.iloc[row], rows.known[column], model__sample_weight=share[row, column])
    _pass_on([warning for warning in caught if warning.category is not ConvergenceWarning])
    return model, not any(warning.category is ConvergenceWarning for warning in caught)


def decision_scores(model: ClassifierMixin, frame: pd.DataFrame, known: Codes) -> Floats:
    """Decision values, shape (n, k) in the order of `known`; a class the model never met lies far below the rest."""
    if hasattr(model, "decision_function"):
        values = model.decision_function(frame)
        values = np.column_stack([-values / 2, values / 2]) if values.ndim == 1 else values
    else:
        values = np.log(np.clip(model.predict_proba(frame), SMALLEST, 1.0))
    scores = np.repeat(values.min(axis=1, keepdims=True) - FAR_BELOW, len(known), axis=1)
    scores[:, np.searchsorted(known, model.classes_)] = values
    return scores


def _own_probabilities(model: Pipeline, rows: Rows, outside: Codes, own: Floats | None) -> Floats | None:
    if own is None or not hasattr(model, "predict_proba"):
        return None
    own[np.ix_(outside, np.searchsorted(rows.known, model.classes_))] = model.predict_proba(rows.frame[outside])
    return own


def _class_weighted(share: Floats, config: Mapping[str, Any]) -> Floats:
    """With class weight `balanced`, every class that is present weighs the same in total."""
    totals = share.sum(axis=0)
    if config.get("class_weight") != "balanced":
        return share
    each = totals.sum() / (totals > 0).sum()
    return share * np.divide(each, totals, out=np.zeros_like(totals), where=totals > 0)


def _pass_on(caught: list[warnings.WarningMessage]) -> None:
    for warning in caught:
        warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
