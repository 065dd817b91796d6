"""Which items to ask people about next: probabilities and vectors in, priorities and inclusion probabilities out."""

from annotation.sampling.audit import audit_draws, hajek_mean
from annotation.sampling.pool import BadPool, Pool, Selection, check_pool
from annotation.sampling.scores import (
    SUM_TOLERANCE,
    BadProbabilities,
    check_probabilities,
    confidence,
    entropy,
    margin,
)
from annotation.sampling.select import STRATEGIES, select
from annotation.sampling.vectors import BadColumns, vectorise

__all__ = [
    "STRATEGIES",
    "SUM_TOLERANCE",
    "BadColumns",
    "BadPool",
    "BadProbabilities",
    "Pool",
    "Selection",
    "audit_draws",
    "check_pool",
    "check_probabilities",
    "confidence",
    "entropy",
    "hajek_mean",
    "margin",
    "select",
    "vectorise",
]
