"""Which items to ask people about next: probabilities and vectors in, priorities and inclusion probabilities out."""

from annotation.sampling.design.shift_check import ShiftCheck, check_shift, newness
from annotation.sampling.design.stopping import Gain, StopHint, forecast_gain, stop_hint, successive_agreement
from annotation.sampling.filters.outliers import out_of_scope
from annotation.sampling.pool import Pool, Selection, check_pool
from annotation.sampling.query_round import select
from annotation.sampling.strategies.rare_classes import RareClass, rare_class_quota, rare_classes
from annotation.sampling.strategies.registry import STRATEGIES
from annotation.sampling.strategies.uncertainty_coverage import UncertaintyCoverage, cover_uncertainty, kernel_width
from annotation.sampling.uncertainty import confidence, disagreement, entropy, margin
from annotation.sampling.vectors import vectorise

__all__ = [
    "STRATEGIES",
    "ShiftCheck",
    "Gain",
    "UncertaintyCoverage",
    "Pool",
    "RareClass",
    "Selection",
    "StopHint",
    "check_pool",
    "confidence",
    "disagreement",
    "check_shift",
    "entropy",
    "forecast_gain",
    "cover_uncertainty",
    "kernel_width",
    "margin",
    "newness",
    "out_of_scope",
    "rare_class_quota",
    "rare_classes",
    "select",
    "stop_hint",
    "successive_agreement",
    "vectorise",
]
