"""Support vector machine with a Gaussian kernel, for images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sklearn.svm import SVC

from analysis.metrics.core import work
from analysis.metrics.core.work import MatrixSize
from inputs.types.base import Features
from retraining.learning.families.base import Config, ModelFamily, TrainingSet, objects


class SupportVectors(ModelFamily):
    name = "svm"
    order = 3
    dense = True
    has_scores = True
    has_probabilities = False
    nodes = frozenset(objects("sklearn.svm._classes", "SVC"))

    def estimator(self, config: Mapping[str, Any]) -> SVC:
        return SVC(C=config["C"], gamma="scale", random_state=config["seed"])

    def propose(self, data: TrainingSet) -> list[Config]:
        return [{"C": 10.0}] if Features.PIXELS in data.features and Features.TERMS not in data.features else []

    def work(self, config: Mapping[str, Any], size: MatrixSize, classes: int) -> float:
        return work.kernel_machine(size)
