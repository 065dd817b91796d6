"""Random forest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sklearn.ensemble import RandomForestClassifier

from analysis.metrics.core import work
from analysis.metrics.core.work import MatrixSize
from inputs.types.base import Purpose
from retraining.learning.families.base import Config, ModelFamily, TrainingSet, objects
from retraining.learning.families.tree import suits_trees

TREES = 100
MANY = 20_000  # rows up to which forests are worth their time


class Forest(ModelFamily):
    name = "forest"
    order = 5
    purpose = Purpose.TREES
    nodes = frozenset(
        {
            *objects("sklearn.ensemble._forest", "RandomForestClassifier"),
            *objects("sklearn.tree._classes", "DecisionTreeClassifier"),
            ("sklearn.tree._tree.Tree", "TreeNode"),
        }
    )

    def estimator(self, config: Mapping[str, Any]) -> RandomForestClassifier:
        return RandomForestClassifier(
            n_estimators=TREES, min_samples_leaf=config["smallest_leaf"], n_jobs=1, random_state=config["seed"]
        )

    def propose(self, data: TrainingSet) -> list[Config]:
        """Forests do best on few rows."""
        return [{"smallest_leaf": 3}] if suits_trees(data) and data.rows < MANY else []

    def work(self, config: Mapping[str, Any], size: MatrixSize, classes: int) -> float:
        return work.forest(size, TREES)
