"""Which items to ask people about next: probabilities and vectors in, priorities and inclusion probabilities out."""

from annotation.sampling.audit import audit_draws, hajek_mean
from annotation.sampling.drifted import Drifted, drifted, newness
from annotation.sampling.duplicates import first_of_its_kind, near_distance, usual_distance
from annotation.sampling.herding import Herd, herd, kernel_width
from annotation.sampling.outliers import out_of_scope
from annotation.sampling.pool import BadPool, Pool, Selection, check_pool
from annotation.sampling.rare import RareClass, quota, rare_classes
from annotation.sampling.scores import (
    SUM_TOLERANCE,
    BadProbabilities,
    check_probabilities,
    confidence,
    disagreement,
    entropy,
    margin,
)
from annotation.sampling.select import select
from annotation.sampling.stopping import Gain, StopHint, forecast_gain, stop_hint, successive_agreement
from annotation.sampling.strategies import STRATEGIES
from annotation.sampling.vectors import BadColumns, vectorise

__all__ = [
    "STRATEGIES",
    "SUM_TOLERANCE",
    "BadColumns",
    "BadPool",
    "BadProbabilities",
    "Drifted",
    "Gain",
    "Herd",
    "Pool",
    "RareClass",
    "Selection",
    "StopHint",
    "audit_draws",
    "check_pool",
    "check_probabilities",
    "confidence",
    "disagreement",
    "drifted",
    "entropy",
    "first_of_its_kind",
    "forecast_gain",
    "hajek_mean",
    "herd",
    "kernel_width",
    "margin",
    "near_distance",
    "newness",
    "out_of_scope",
    "quota",
    "rare_classes",
    "select",
    "stop_hint",
    "successive_agreement",
    "usual_distance",
    "vectorise",
]
