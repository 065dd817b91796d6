"""Gradient-boosted trees on histograms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sklearn.ensemble import HistGradientBoostingClassifier

from analysis.metrics.core import work
from analysis.metrics.core.work import MatrixSize
from inputs.types.base import Features, Purpose
from retraining.learning.families.base import Config, ModelFamily, TrainingSet, objects

MANY_CLASSES = 30  # boosting grows a tree per class and round: beyond this it is all cost
ROUNDS = 100
FEW, SOME = 30, 1000  # rows from which trees are worth trying, and large ones
_BOOSTING = "sklearn.ensemble._hist_gradient_boosting"


def suits_trees(data: TrainingSet) -> bool:
    """Whether trees may win on such rows."""
    return Features.VALUES in data.features and data.rows >= FEW and data.classes <= MANY_CLASSES


class BoostedTrees(ModelFamily):
    name = "tree"
    order = 4
    purpose = Purpose.TREES
    has_scores = True
    nodes = frozenset(
        {
            *objects(f"{_BOOSTING}.gradient_boosting", "HistGradientBoostingClassifier"),
            *objects(f"{_BOOSTING}.binning", "_BinMapper"),
            *objects(f"{_BOOSTING}.predictor", "TreePredictor"),
            *objects("sklearn._loss.link", "Interval", "LogitLink", "MultinomialLogit"),
            *objects("sklearn._loss.loss", "HalfBinomialLoss", "HalfMultinomialLoss"),
            *objects("sklearn.preprocessing._label", "LabelEncoder"),
            ("sklearn._loss._loss.CyHalfBinomialLoss", "LossNode"),
            ("sklearn._loss._loss.CyHalfMultinomialLoss", "LossNode"),
            ("numpy.random._generator.Generator", "RandomGeneratorNode"),
        }
    )

    def estimator(self, config: Mapping[str, Any]) -> HistGradientBoostingClassifier:
        return HistGradientBoostingClassifier(
            max_iter=ROUNDS,
            learning_rate=config["learning_rate"],
            max_leaf_nodes=config["leaves"],
            min_samples_leaf=config["smallest_leaf"],
            early_stopping=False,
            random_state=config["seed"],
        )

    def propose(self, data: TrainingSet) -> list[Config]:
        """Small trees do best on some rows, large ones on many."""
        if not suits_trees(data):
            return []
        small = {"leaves": 6, "smallest_leaf": 5, "learning_rate": 0.05}
        large = {"leaves": 31, "smallest_leaf": 20, "learning_rate": 0.1}
        return [small, large] if data.rows >= SOME else [small]

    def work(self, config: Mapping[str, Any], size: MatrixSize, classes: int) -> float:
        return work.boosted_trees(size, classes, ROUNDS, config["leaves"])
