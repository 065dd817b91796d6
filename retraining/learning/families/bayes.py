"""Multinomial naive Bayes on term counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sklearn.naive_bayes import MultinomialNB

from analysis.metrics.core import work
from analysis.metrics.core.work import MatrixSize
from inputs.types.base import Features
from retraining.learning.families.base import Config, ModelFamily, TrainingSet, objects


class Bayes(ModelFamily):
    name = "bayes"
    order = 1
    nodes = frozenset(objects("sklearn.naive_bayes", "MultinomialNB"))

    def estimator(self, config: Mapping[str, Any]) -> MultinomialNB:
        return MultinomialNB(alpha=config["alpha"])

    def propose(self, data: TrainingSet) -> list[Config]:
        return [{"alpha": 0.03}] if data.features == {Features.TERMS} else []

    def work(self, config: Mapping[str, Any], size: MatrixSize, classes: int) -> float:
        return work.counting(size, classes)
