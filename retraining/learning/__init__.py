"""Fit, calibrate, judge and pack models: arrays and frozen dataclasses in and out, nothing of the web."""

from retraining.learning.artifact import Refused, dump, load
from retraining.learning.checks import BadInput
from retraining.learning.fitted import Candidate, Fitted
from retraining.learning.fitting import NotEnoughClasses, fit
from retraining.learning.frames import to_frame
from retraining.learning.gate import Gate, Verdict, beats_naive, judge
from retraining.learning.paired import Difference
from retraining.learning.pipeline import FAMILIES, build
from retraining.learning.predict import probabilities

__all__ = [
    "FAMILIES",
    "BadInput",
    "Candidate",
    "Difference",
    "Fitted",
    "Gate",
    "NotEnoughClasses",
    "Refused",
    "Verdict",
    "beats_naive",
    "build",
    "dump",
    "fit",
    "judge",
    "load",
    "probabilities",
    "to_frame",
]
