"""Capture: what a model said of each sample. Rows are validated first, then stored in one transaction.

Idempotent on the caller's key: the same row again is `existing`, another body under the same key is refused.
"""

from annotation.capture.decided import Decided
from annotation.capture.prediction_row import PredictionRow
from annotation.capture.rows import (
    ValidInputs,
    ValidPrediction,
    measure_scores,
    served_prediction,
    validate_inputs,
    validate_rows,
)
from annotation.capture.storage import CapturedPredictions, capture_rows, preview_rows, record_scores, store_rows
from annotation.capture.violations import count_refused

__all__ = [
    "CapturedPredictions",
    "Decided",
    "PredictionRow",
    "ValidInputs",
    "ValidPrediction",
    "capture_rows",
    "count_refused",
    "measure_scores",
    "preview_rows",
    "record_scores",
    "served_prediction",
    "store_rows",
    "validate_inputs",
    "validate_rows",
]
