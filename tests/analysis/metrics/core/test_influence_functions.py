"""Influence: how much each item moves a measure is its derivative by that item's weight, and sums to nothing."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import average_precision_score, brier_score_loss, f1_score, log_loss, roc_auc_score

from analysis.metrics.core import influence_functions
from analysis.metrics.core.design import design
from validation import InvalidInput

COSTS = np.array([[0.0, 1.0, 2.0], [5.0, 0.0, 1.0], [3.0, 1.0, -1.0]])
MEASURES = {
    "macro F1": lambda truth, scored, drawn: influence_functions.macro_f1(truth, scored.argmax(axis=1), 3, drawn),
    "log loss": influence_functions.log_loss,
    "Brier": influence_functions.brier,
    "cost": lambda truth, scored, drawn: influence_functions.cost(truth, scored.argmax(axis=1), COSTS, 3, drawn),
    "ROC area": lambda truth, scored, drawn: influence_functions.overall(
        influence_functions.auc_statistics(truth, scored, 3, drawn)[0], None
    ),
    "PR area": lambda truth, scored, drawn: influence_functions.overall(
        influence_functions.auc_statistics(truth, scored, 3, drawn)[1], None
    ),
}


def sample(seed, n=30):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, n)
    scored = rng.dirichlet(np.ones(3), n) + 0.3 * np.eye(3)[truth]
    return truth, scored / scored.sum(axis=1, keepdims=True), design(rng.uniform(0.2, 1, n))


@pytest.mark.parametrize("name", MEASURES)
@settings(max_examples=8)
@given(seed=st.integers(0, 10_000), item=st.integers(0, 29))
def test_the_influence_of_an_item_is_what_a_little_more_weight_on_it_changes(name, seed, item):
    truth, scored, drawn = sample(seed)
    found = MEASURES[name](truth, scored, drawn)
    step = 1e-6 * drawn.weight[item] * np.eye(30)[item]
    above, below = (MEASURES[name](truth, scored, replace(drawn, weight=drawn.weight + s)).value for s in (step, -step))
    slope = (above - below) / (2 * step[item])
    assert found.influence[item] == pytest.approx(slope, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("name", MEASURES)
@settings(max_examples=8)
@given(seed=st.integers(0, 10_000))
def test_weighing_everything_alike_changes_nothing(name, seed):
    truth, scored, drawn = sample(seed)
    found = MEASURES[name](truth, scored, drawn)
    assert found.influence @ drawn.weight == pytest.approx(0, abs=1e-9)
    assert MEASURES[name](truth, scored, replace(drawn, weight=3 * drawn.weight)).value == pytest.approx(found.value)


@given(hnp.arrays(float, st.integers(0, 20), elements=st.floats(-1e6, 1e6)), st.data())
def test_a_mean_lies_among_its_values_and_none_has_no_mean(values, data):
    chance = data.draw(hnp.arrays(float, len(values), elements=st.floats(0.01, 1)))
    found = influence_functions.mean_of(values, design(chance), within=(-1e6, 1e6), note="so it is")
    if not len(values):
        assert (found.value, found.influence) == (None, None)
        assert found.note
        return
    assert values.min() - 1e-6 <= found.value <= values.max() + 1e-6
    assert found.note == "so it is"
    assert found.influence @ design(chance).weight == pytest.approx(0, abs=1e-3)


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), min_size=1, max_size=5), st.sampled_from([None, 0, 1]))
def test_the_measure_of_all_classes_is_one_of_two_or_the_mean_of_the_known(values, positive):
    each = [
        influence_functions.zero_statistic("why") if v is None else influence_functions.Statistic(v, np.full(2, v))
        for v in values
    ]
    found = influence_functions.overall(each, positive)
    known = [v for v in values if v is not None]
    if len(values) == 2:
        assert found is each[1 if positive is None else positive]
    elif not known:
        assert (found.value, found.influence, found.note) == (None, None, "why")
    else:
        assert found.value == pytest.approx(np.mean(known))
        np.testing.assert_allclose(found.influence, np.mean(known))
        assert bool(found.note) is (len(known) < len(values))


@pytest.mark.parametrize("name", MEASURES)
@settings(max_examples=8)
@given(seed=st.integers(0, 10_000), level=st.floats(0.5, 0.99))
def test_an_estimate_holds_its_value_and_widens_with_the_level(name, seed, level):
    truth, scored, drawn = sample(seed)
    statistic = MEASURES[name](truth, scored, drawn)
    found, surer = (influence_functions.estimate(statistic, drawn, at) for at in (level, level + 0.009))
    assert (found.value, found.n) == (pytest.approx(statistic.value), 30)
    assert surer.low <= found.low <= found.value <= found.high <= surer.high
    if statistic.bounds:
        assert statistic.bounds[0] <= surer.low <= surer.high <= statistic.bounds[1]


def test_values_are_those_of_scikit_learn_with_the_same_weights():
    truth, scored, drawn = sample(1)
    weight, called = drawn.weight, scored.argmax(axis=1)
    value = {name: measure(truth, scored, drawn).value for name, measure in MEASURES.items()}
    assert value["macro F1"] == pytest.approx(f1_score(truth, called, average="macro", sample_weight=weight))
    assert value["log loss"] == pytest.approx(log_loss(truth, scored, sample_weight=weight))
    assert value["cost"] == pytest.approx(np.average(COSTS[truth, called], weights=weight))
    ranked = [(truth == c, scored[:, c]) for c in range(3)]
    roc = np.mean([roc_auc_score(*one, sample_weight=weight) for one in ranked])
    pr = np.mean([average_precision_score(*one, sample_weight=weight) for one in ranked])
    assert (value["ROC area"], value["PR area"]) == (pytest.approx(roc), pytest.approx(pr))
    two = scored[:, :2] / scored[:, :2].sum(axis=1, keepdims=True)
    is_one = (truth == 1).astype(int)
    brier = brier_score_loss(is_one, two[:, 1], sample_weight=weight)
    assert influence_functions.brier(is_one, two, drawn).value == pytest.approx(brier)


def test_a_class_that_never_occurs_is_left_out_and_said_so():
    truth, scored, drawn = np.array([0, 0, 1, 1]), np.eye(3)[[0, 1, 1, 1]], design(np.ones(4))
    assert "1 of 3 classes" in influence_functions.macro_f1(truth, scored.argmax(axis=1), 3, drawn).note
    roc, _ = influence_functions.auc_statistics(truth, scored, 3, drawn)
    assert roc[2].value is None and roc[2].note
    assert "1 of 3 classes are left out" in influence_functions.overall(roc, None).note


def test_what_is_not_given_makes_a_measure_undefined_with_its_reason():
    truth, drawn = np.array([0, 1]), design(np.ones(2))
    assert influence_functions.log_loss(truth, None, drawn).note == influence_functions.NO_PROBABILITIES
    assert influence_functions.brier(truth, None, drawn).note == influence_functions.NO_PROBABILITIES
    assert influence_functions.cost(truth, truth, None, 2, drawn).note == influence_functions.NO_COSTS
    assert all(one.value is None for part in influence_functions.auc_statistics(truth, None, 2, drawn) for one in part)
    nothing = influence_functions.macro_f1(np.zeros(0, int), np.zeros(0, int), 2, design(np.zeros(0)))
    assert influence_functions.estimate(nothing, design(np.zeros(0)), 0.95).value is None


def test_one_class_only_has_no_ranking():
    found, _ = influence_functions.auc_statistics(np.array([1, 1]), np.full((2, 2), 0.5), 2, design(np.ones(2)))
    assert influence_functions.overall(found, None).value is None
    assert influence_functions.overall(found, None).note


def test_an_event_ruled_out_is_counted_and_not_infinite():
    found = influence_functions.log_loss(np.array([0, 1]), np.array([[0.0, 1.0], [0.0, 1.0]]), design(np.ones(2)))
    assert found.value == pytest.approx(-np.log(influence_functions.SMALLEST) / 2)
    assert "1 items were given no chance" in found.note


@pytest.mark.parametrize(("n", "most"), [(30, 0.9), (3000, 0.01)])
def test_no_mistake_seen_is_no_proof_that_none_is_made(n, most):
    truth, drawn = np.zeros(n, int), design(np.full(n, 0.5))
    found = influence_functions.estimate(
        influence_functions.cost(truth, truth, [[0, 1], [5, 0]], 2, drawn), drawn, 0.95
    )
    assert (found.value, found.low) == (0, 0)
    assert 0 < found.high < most
    whole = design(np.ones(n), population=n)
    assert (
        influence_functions.estimate(
            influence_functions.cost(truth, truth, [[0, 1], [5, 0]], 2, whole), whole, 0.95
        ).high
        == 0
    )


@pytest.mark.parametrize(
    "costs", [[[0.0, 1.0]], [[0.0, np.nan], [1.0, 0.0]], [[0.0, np.inf], [1.0, 0.0]], [[0.0, 1e200], [1.0, 0.0]], "ab"]
)
def test_costs_that_are_no_table_of_finite_numbers_are_refused(costs):
    with pytest.raises(InvalidInput, match="^costs (must|holds)"):
        influence_functions.cost(np.array([0, 1]), np.array([0, 1]), costs, 2, design(np.ones(2)))
