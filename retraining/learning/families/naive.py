"""Class shares of the training rows, whatever the inputs: the naive baseline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sklearn.dummy import DummyClassifier

from analysis.metrics.core import work
from analysis.metrics.core.work import MatrixSize
from retraining.learning.families.base import Config, ModelFamily, TrainingSet, objects


class Naive(ModelFamily):
    name = "naive"
    order = 0
    nodes = frozenset(objects("sklearn.dummy", "DummyClassifier"))

    def estimator(self, config: Mapping[str, Any]) -> DummyClassifier:
        return DummyClassifier(strategy="prior")

    def propose(self, data: TrainingSet) -> list[Config]:
        return [] if data.features else [{}]

    def work(self, config: Mapping[str, Any], size: MatrixSize, classes: int) -> float:
        return work.OVERHEAD
