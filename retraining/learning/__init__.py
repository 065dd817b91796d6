"""Fit, calibrate, judge and pack models: arrays and frozen dataclasses in and out, nothing of the web."""

from analysis.metrics.performance.paired import Difference
from retraining.learning.families.artifact import UntrustedArtifact, dump, load
from retraining.learning.families.pipeline import build
from retraining.learning.fitted import Candidate, Fitted
from retraining.learning.gate.decision import Gate, GateVerdict, beats_naive, judge
from retraining.learning.model_selection.fitting import NotEnoughClasses, fit
from retraining.learning.predict import probabilities
from validation import InvalidInput

__all__ = [
    "InvalidInput",
    "Candidate",
    "Difference",
    "Fitted",
    "Gate",
    "NotEnoughClasses",
    "UntrustedArtifact",
    "GateVerdict",
    "beats_naive",
    "build",
    "dump",
    "fit",
    "judge",
    "load",
    "probabilities",
]
