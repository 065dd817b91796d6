import json
from typing import Any

import numpy as np
import pytest

from inputs.frame import column_shapes, to_frame
from retraining.learning.families import registry
from retraining.learning.families.pipeline import build
from retraining.learning.model_selection.candidates import for_contract
from tests.retraining.learning.data import ALL_TYPES, mixed, only
from validation import InvalidInput

FAMILIES = registry.names()
WITH_SCORES = {name for name in FAMILIES if registry.family_named(name).has_scores}
WITH_PROBABILITIES = {name for name in FAMILIES if registry.family_named(name).has_probabilities}

CONFIGS: dict[str, dict[str, Any]] = {
    "linear": {"C": 1.0, "solver": "lbfgs"},
    "bayes": {"alpha": 0.03},
    "svm": {"C": 10.0},
    "tree": {"leaves": 6, "smallest_leaf": 5, "learning_rate": 0.1},
    "forest": {"smallest_leaf": 3},
    "naive": {},
}
CONTRACTS = {
    "linear": ALL_TYPES,
    "bayes": {"note": "text"},
    "svm": {"scan": "image", "amount": "number", "country": "category"},
    "tree": ALL_TYPES,
    "forest": ALL_TYPES,
    "naive": ALL_TYPES,
}


@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_learns_from_its_contract_and_takes_new_rows(family: str) -> None:
    types = CONTRACTS[family]
    columns, target = mixed(80)
    sizes = column_shapes(columns, types)
    model = build(types, {"family": family, "seed": 0, "image_size": sizes, **CONFIGS[family]})
    model.fit(to_frame(columns, types, shapes=sizes), target)
    new, truth = mixed(80, seed=1)
    new["country"][0] = "never seen"
    frame = to_frame(new, types, shapes=sizes)
    accuracy = (model.predict(frame) == truth).mean()
    assert accuracy == 0.5 if family == "naive" else accuracy > 0.7
    assert hasattr(model, "decision_function") == (family in WITH_SCORES)
    assert hasattr(model, "predict_proba") == (family in WITH_PROBABILITIES)


@pytest.mark.parametrize("name", ["amount", "country", "scan"])
def test_an_input_that_is_always_missing_does_no_harm(name: str) -> None:
    columns, target = mixed(60)
    columns[name] = [None] * 60
    sizes = column_shapes(columns, ALL_TYPES)
    frame = to_frame(columns, ALL_TYPES, shapes=sizes)
    for family in ("linear", "tree", "forest"):
        model = build(ALL_TYPES, {"family": family, "seed": 0, "image_size": sizes, **CONFIGS[family]})
        assert (model.fit(frame, target).predict(frame) == target).mean() > 0.8


def test_unseen_words_do_not_dilute_the_seen_ones() -> None:
    columns, types = only(mixed(80, missing=0)[0], "note")
    target = np.arange(80) % 2
    model = build(types, {"family": "linear", "seed": 0, **CONFIGS["linear"]}).fit(to_frame(columns, types), target)
    plain, padded = "great thanks", "great thanks zyx wvu qpo mlk"
    odds = model.decision_function(to_frame({"note": [plain, padded]}, types))
    assert odds[1] > 0.8 * odds[0] > 0


def test_inputs_left_out_are_not_read() -> None:
    columns, target = mixed(40)
    model = build(
        {"note": "text", "amount": "number"}, {"family": "linear", "seed": 0, "left_out": ["note"], **CONFIGS["linear"]}
    )
    model.fit(to_frame({"amount": columns["amount"]}, {"amount": "number"}), target)


def test_an_unknown_family_is_refused() -> None:
    with pytest.raises(InvalidInput, match="'oracle' is not a family"):
        build({"note": "text"}, {"family": "oracle", "seed": 0})


@pytest.mark.parametrize(
    ("types", "families"),
    [
        ({"t": "text"}, {"bayes", "linear"}),
        ({"n": "number", "c": "category"}, {"linear", "tree", "forest"}),
        ({"i": "image"}, {"linear", "svm"}),
        ({"i": "image", "n": "number"}, {"linear", "svm", "tree", "forest"}),
        ({"t": "text", "n": "number"}, {"linear", "tree", "forest"}),
        ({}, {"naive"}),
    ],
)
def test_candidates_suit_the_contract_and_are_plain_data(types: dict, families: set) -> None:
    groups = for_contract(types, np.tile(np.eye(2), (40, 1)), common={"seed": 3})
    configs = [config for group in groups for config in group]
    assert {config["family"] for config in configs} == families
    assert all(config["seed"] == 3 for config in configs)
    assert json.loads(json.dumps(groups)) == groups


def test_boosting_is_not_tried_on_many_classes_or_few_rows() -> None:
    many = for_contract({"n": "number"}, np.eye(40), common={})
    few = for_contract({"n": "number"}, np.tile(np.eye(2), (5, 1)), common={})
    assert {config["family"] for group in many + few for config in group} == {"linear"}


def test_class_weights_are_tried_only_where_a_class_is_rare() -> None:
    even = for_contract({"n": "number"}, np.tile(np.eye(2), (10, 1)), common={})
    rare = for_contract({"n": "number"}, np.eye(2)[[0] * 18 + [1] * 2], common={})
    assert not any("class_weight" in config for group in even for config in group)
    assert sum(config.get("class_weight") == "balanced" for group in rare for config in group) == 1
