"""What a fit hands over: the model with everything needed to judge, serve and rebuild it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sklearn.base import ClassifierMixin

from validation.arrays import Floats

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Candidate:
    """One thing that was tried; `log_loss` is held out, in nats, lower is better, None when it was not finished; `work`
    is what it takes, in units of `analysis.metrics.core.work`."""

    family: str
    config: Mapping[str, Any]
    calibrator: str | None
    log_loss: float | None
    work: float
    note: str = ""


@dataclass(frozen=True)
class Fitted:
    """A fitted model with what is needed to judge, serve and rebuild it.

    estimator: takes `to_frame`'s frame, calibrated as `calibrator` says; its `classes_` are codes into `classes`.
    out_of_fold: (n, k) calibrated probabilities of each training row by a model and a calibrator that never saw it.
    config, frame_parameters: plain data, enough to rebuild the estimator and the frame.
    """

    estimator: ClassifierMixin
    classes: tuple[str, ...]
    family: str
    config: Mapping[str, Any]
    out_of_fold: Floats
    calibrator: str
    candidates: tuple[Candidate, ...]
    why: str
    frame_parameters: Mapping[str, Any]
