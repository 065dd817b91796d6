"""A model family that a test adds is proposed, fitted, saved and loaded; no other module names it."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier

from analysis.metrics.core import work
from analysis.metrics.core.work import MatrixSize
from inputs.frame import to_frame
from inputs.types.base import Purpose
from retraining.learning import dump, fit, load
from retraining.learning.families import registry
from retraining.learning.families.artifact import UntrustedArtifact
from retraining.learning.families.base import Config, ModelFamily, TrainingSet, objects
from retraining.learning.model_selection.candidates import for_contract
from retraining.learning.model_selection.fitting import ModelSearch
from validation import InvalidInput


class ExtraTrees(ModelFamily):
    name = "extra_trees"
    order = 9
    purpose = Purpose.TREES
    nodes = frozenset(
        {
            *objects("sklearn.ensemble._forest", "ExtraTreesClassifier"),
            *objects("sklearn.tree._classes", "ExtraTreeClassifier"),
            ("sklearn.tree._tree.Tree", "TreeNode"),
        }
    )

    def estimator(self, config: Mapping[str, Any]) -> ExtraTreesClassifier:
        return ExtraTreesClassifier(n_estimators=config["trees"], random_state=config["seed"])

    def propose(self, data: TrainingSet) -> list[Config]:
        return [{"trees": 10}]

    def work(self, config: Mapping[str, Any], size: MatrixSize, classes: int) -> float:
        return work.forest(size, config["trees"])


@pytest.fixture
def added() -> Iterator[None]:
    registry.register(ExtraTrees())
    yield
    registry.unregister("extra_trees")


def test_it_is_proposed_last_and_a_second_of_its_name_is_refused(added: None) -> None:
    groups = for_contract({"x": "number"}, np.tile(np.eye(2), (40, 1)), common={"seed": 1})
    assert groups[-1][-1] == {"family": "extra_trees", "trees": 10, "seed": 1}
    other = type("Other", (ExtraTrees,), {})
    with pytest.raises(ValueError, match="another model family extra_trees"):
        registry.register(other())


def test_it_is_fitted_and_its_artifact_loads_for_no_other_family(added: None) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=120)
    found = fit(
        {"x": x.tolist()},
        {"x": "number"},
        (x > 0).astype(int),
        classes=("a", "b"),
        search=ModelSearch(budget=20.0, seed=0),
    )
    tried = {candidate.config["family"] for candidate in found.candidates}
    assert "extra_trees" in tried
    from retraining.learning.families.pipeline import build

    model = build({"x": "number"}, {"family": "extra_trees", "trees": 10, "seed": 0})
    model.fit(to_frame({"x": x.tolist()}, {"x": "number"}), (x > 0).astype(int))
    data = dump(model)
    assert load(data, family="extra_trees").predict_proba(to_frame({"x": [2.0]}, {"x": "number"})).shape == (1, 2)
    with pytest.raises(UntrustedArtifact):
        load(data, family="linear")


def test_an_unknown_family_is_refused_with_the_names_that_there_are() -> None:
    with pytest.raises(InvalidInput, match="known are naive, bayes, linear, svm, tree, forest"):
        registry.family_named("gossip")
