"""Logistic regression."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sklearn.linear_model import LogisticRegression

from analysis.metrics.core import work
from analysis.metrics.core.work import MatrixSize
from inputs.types.base import Features
from retraining.learning.families.base import Config, ModelFamily, TrainingSet, objects

UNIT_ROWS = {Features.TERMS, Features.VECTOR}
RARE = 4.0  # times rarer than the commonest class: class weights become worth a try
DENSE_PASSES, SPARSE_PASSES, STOCHASTIC_PASSES = 50, 25, 20  # usual ones, for the work of a fit
MANY_SUMS = 20_000  # rows times classes from which the stochastic solver is worth its roughness, on sparse texts


class Linear(ModelFamily):
    name = "linear"
    order = 2
    has_scores = True
    nodes = frozenset(objects("sklearn.linear_model._logistic", "LogisticRegression"))

    def estimator(self, config: Mapping[str, Any]) -> LogisticRegression:
        """The stochastic solver needs a quarter of the time where texts meet many classes, and stops near enough."""
        many = config["solver"] == "saga"
        return LogisticRegression(
            C=config["C"],
            solver=config["solver"],
            max_iter=300 if many else 3000,
            tol=1e-2 if many else 1e-4,
            random_state=config["seed"],
        )

    def propose(self, data: TrainingSet) -> list[Config]:
        """Two strengths, and the first again with balanced class weights where the rarest class is rare."""
        if not data.features:
            return []
        strengths = _strengths(data)
        sparse = Features.TERMS in data.features
        solver = "saga" if sparse and data.rows * data.classes > MANY_SUMS else "lbfgs"
        configs: list[Config] = [{"C": strength, "solver": solver} for strength in strengths]
        if data.rarity > RARE:
            configs.append({**configs[0], "class_weight": "balanced"})
        return configs

    def work(self, config: Mapping[str, Any], size: MatrixSize, classes: int) -> float:
        if config["solver"] == "saga":
            return work.linear(size, classes, STOCHASTIC_PASSES, stochastic=True)
        return work.linear(size, classes, SPARSE_PASSES if size.is_sparse else DENSE_PASSES)


def _strengths(data: TrainingSet) -> tuple[float, float]:
    """Inverse strengths of the penalty: weak where rows have unit length, as those of texts and vectors have."""
    if data.features <= UNIT_ROWS:
        return 30.0, 3.0
    return (10.0, 1.0) if Features.VECTOR in data.features else (1.0, 0.1)
