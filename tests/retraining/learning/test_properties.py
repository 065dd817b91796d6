"""What holds for any input of the small parts that fitting, judging and deciding are made of."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression

from inputs.frame import column_shapes, part_names, to_frame
from retraining.learning import beats_naive, build, dump, load
from retraining.learning.calibration.choose import SMALLEST, CalibratorChoice, log_losses, wrap
from retraining.learning.families import registry
from retraining.learning.gate.comparison import most_common, slice_mask
from retraining.learning.model_selection.candidates import for_contract
from retraining.learning.model_selection.cross_validation import (
    FAR_BELOW,
    Skipped,
    TrainingRows,
    Trial,
    cross_validate,
    decision_scores,
    fit_on_all,
)
from retraining.learning.model_selection.explanations import describe_candidate, explain_choice
from retraining.learning.predict import spread
from validation import InvalidInput
from validation.arrays import LARGEST, cost_table, same_length
from validation.probabilities import check_probabilities

SETTINGS = {"C": 1.0, "solver": "lbfgs", "alpha": 0.1, "learning_rate": 0.1, "leaves": 6, "smallest_leaf": 3}
codes = hnp.arrays(int, 24, elements=st.integers(0, 2))
contracts = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=4),
    st.sampled_from(["text", "number", "category", "image"]),
    min_size=1,
    max_size=5,
)
shares = hnp.arrays(float, st.tuples(st.integers(1, 12), st.integers(2, 5)), elements=st.floats(0.01, 1))


def scaled(raw: np.ndarray) -> np.ndarray:
    return raw / raw.sum(axis=1, keepdims=True)


def training(seed: int, n: int, k: int) -> TrainingRows:
    """A number that tells something of k classes, soft targets, some rows without weight; each class in the first k."""
    rng = np.random.default_rng(seed)
    code = np.concatenate([np.arange(k), rng.integers(0, k, n - k)])
    soft = 0.9 * np.eye(k)[code] + 0.1 / k if seed % 2 else np.eye(k)[code]
    weight = np.where(np.arange(n) < k, 1.0, rng.choice([0.0, 1.0, 3.0], n))
    known = np.sort(rng.choice(9, k, replace=False))
    return TrainingRows(
        to_frame({"x": (code + rng.normal(0, 0.4, n)).tolist()}, {"x": "number"}), soft, known, weight, code % 3
    )


@settings(max_examples=40)
@given(codes, codes, hnp.arrays(float, 24, elements=st.floats(0.05, 1)))
def test_a_version_never_beats_itself_and_the_verdict_is_in_range(
    truth: np.ndarray, predicted: np.ndarray, chance: np.ndarray
) -> None:
    same = beats_naive(truth, predicted, chance, naive=predicted)
    other = beats_naive(truth, predicted, chance)

    assert same.decision == "hold"
    assert same.difference is not None
    assert same.difference.value == 0
    assert other.difference is not None
    assert -100 <= other.difference.low <= other.difference.value <= other.difference.high <= 100
    assert len(other.fixed) + len(other.broken) + other.both_right + other.both_wrong == 24


@settings(max_examples=20)
@given(contracts, st.sampled_from(registry.names()), st.integers(0, 99))
def test_a_pipeline_is_built_alike_each_time_and_unfitted(types: dict[str, str], family: str, seed: int) -> None:
    sizes = {name: [2, 3] for name in types}
    one, other = (build(types, {**SETTINGS, "family": family, "seed": seed, "image_size": sizes}) for _ in range(2))

    assert one is not other
    assert str(one) == str(other)
    assert not hasattr(one, "classes_")


@given(contracts, st.integers(1, 4), st.integers(1, 4))
def test_the_columns_named_by_type_are_those_of_the_frame(types: dict[str, str], height: int, width: int) -> None:
    cells = {"text": "a", "number": 1.0, "category": "b", "image": np.zeros((height, width), np.uint8)}
    columns = {name: [cells[kind], None] for name, kind in types.items()}
    sizes = column_shapes(columns, types)

    frame = to_frame(columns, types, shapes=sizes)

    named = [part for name in types for part in part_names(name, types, sizes)]
    assert sorted(named) == sorted(frame.columns)
    assert len(set(named)) == len(named)


@given(contracts, shares, st.integers(0, 9))
def test_candidates_of_any_contract_can_be_built_and_carry_what_is_common(
    types: dict[str, str], targets: np.ndarray, seed: int
) -> None:
    common = {"seed": seed, "image_size": {name: [2, 2] for name in types}, "left_out": []}

    groups = for_contract(types, targets, common=common)

    tried = [config for group in groups for config in group]
    assert groups and all(groups)
    assert len({str(config) for config in tried}) == len(tried)
    for config in tried:
        assert {key: config[key] for key in common} == common
        assert build(types, config)


def test_a_contract_with_nothing_left_to_read_has_the_naive_candidate() -> None:
    assert for_contract({}, np.eye(2), common={"seed": 1}) == [[{"family": "naive", "seed": 1}]]


@given(st.integers(0, 5), st.dictionaries(st.sampled_from("abc"), st.lists(st.none(), max_size=5)))
def test_unequal_lengths_are_refused_by_name(n: int, arrays: dict[str, list[None]]) -> None:
    wrong = [name for name, values in arrays.items() if len(values) != n]
    if not wrong:
        same_length(n, **arrays)
        return
    with pytest.raises(InvalidInput, match=f"^{wrong[0]} has {len(arrays[wrong[0]])} rows where {n}"):
        same_length(n, **arrays)


@given(shares, st.data())
def test_a_log_loss_is_least_for_the_truth_and_finite_for_certain_mistakes(
    raw: np.ndarray, data: st.DataObject
) -> None:
    truth = scaled(raw)
    said = scaled(data.draw(hnp.arrays(float, raw.shape, elements=st.floats(0.01, 1))))
    certain = np.eye(raw.shape[1])[np.full(len(raw), 0)]

    assert (log_losses(said, truth) >= log_losses(truth, truth) - 1e-9).all()
    assert (log_losses(certain, truth) <= -np.log(SMALLEST)).all()
    np.testing.assert_array_equal(log_losses(certain, certain), 0)


@settings(max_examples=25)
@given(
    st.integers(0, 99), st.integers(6, 20), st.integers(2, 3), st.sampled_from(["sigmoid", "isotonic", "temperature"])
)
def test_a_wrapped_model_answers_probabilities_of_its_own_classes(seed: int, n: int, k: int, method: str) -> None:
    rows = training(seed, n, k)
    config = {**SETTINGS, "family": "linear", "seed": 0}
    model = fit_on_all(rows, {"x": "number"}, config)
    given_out = decision_scores(model, rows.frame, rows.known)

    wrapped = wrap(model, method, given_out, rows.targets, weights=rows.weights)

    assert wrapped.classes_.tolist() == model.classes_.tolist() == rows.known.tolist()
    said = wrapped.predict_proba(rows.frame)
    check_probabilities(said, k=k)
    assert wrap(model, "none", given_out, rows.targets) is model


@settings(max_examples=15)
@given(st.integers(0, 99), st.integers(4, 12), st.integers(2, 4))
def test_what_is_dumped_says_the_same_when_loaded(seed: int, n: int, k: int) -> None:
    rows = training(seed, n, k)
    model = fit_on_all(rows, {"x": "number"}, {"family": "naive", "seed": 0})

    back = load(dump(model), family="naive")

    np.testing.assert_array_equal(back.predict_proba(rows.frame), model.predict_proba(rows.frame))
    assert back.classes_.tolist() == rows.known.tolist()


@given(codes, hnp.arrays(float, 24, elements=st.floats(0.05, 1)))
def test_the_naive_answer_is_one_class_of_most_weight(truth: np.ndarray, chance: np.ndarray) -> None:
    (answer,) = set(most_common(truth, chance).tolist())

    held = np.bincount(truth, 1 / chance, minlength=3)
    assert held[answer] == pytest.approx(held.max())
    assert set(most_common(np.array(list("abc"))[truth], chance)) == {"abc"[answer]}


@given(hnp.arrays(st.sampled_from([bool, int, float]), st.integers(0, 6)), st.integers(0, 6))
def test_a_slice_is_a_mask_of_the_right_length_or_refused(mask: np.ndarray, n: int) -> None:
    if len(mask) == n and (mask.dtype == bool or not n):
        assert slice_mask("web", mask.tolist(), n).tolist() == mask.tolist()
        return
    with pytest.raises(InvalidInput, match="'web'"):
        slice_mask("web", mask, n)


@given(shares, st.integers(0, 3), st.randoms(use_true_random=False))
def test_spread_probabilities_keep_their_classes_and_give_others_none(
    raw: np.ndarray, more: int, chance: object
) -> None:
    known = scaled(raw)
    total = known.shape[1] + more
    places = list(range(total))
    chance.shuffle(places)  # type: ignore[attr-defined]
    places = places[: known.shape[1]]

    found = spread(known, places, n_classes=total)

    np.testing.assert_allclose(found[:, places], known)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert np.count_nonzero(found.any(axis=0)) == known.shape[1]


@given(hnp.arrays(float, hnp.array_shapes(min_dims=1, max_dims=3, max_side=4)), st.sampled_from([None, 2, 3]))
def test_costs_are_a_square_of_finite_prices_or_refused(costs: np.ndarray, k: int | None) -> None:
    square = costs.ndim == 2 and costs.shape[0] == costs.shape[1] and k in (None, len(costs))
    if square and np.isfinite(costs).all() and (costs >= 0).all() and (costs <= LARGEST).all():
        np.testing.assert_array_equal(cost_table(costs, k, least=0), costs)
        return
    with pytest.raises(InvalidInput, match="^costs (must be|holds a price)"):
        cost_table(costs, k, least=0)


@settings(max_examples=25)
@given(st.integers(0, 99), st.integers(6, 16), st.integers(2, 3), st.booleans())
def test_each_candidate_has_one_outcome_with_probabilities_or_a_note(seed: int, n: int, k: int, keep: bool) -> None:
    rows = training(seed, n, k)
    configs = [{"family": "linear", "C": 1.0, "solver": "lbfgs", "seed": 0}, {"family": "svm", "C": 1.0, "seed": 0}]

    found = cross_validate(rows, {"x": "number"}, configs, budget=np.inf, keep_first=keep, tick=lambda family: None)

    assert [outcome.config["family"] for outcome in found] == ["linear", "svm"]
    for outcome in found:
        result = describe_candidate(outcome)
        assert result.work == outcome.work > 0
        if isinstance(outcome, Skipped):
            assert result.note == outcome.note != ""
            assert result.log_loss is None
            continue
        check_probabilities(outcome.calibration.probabilities, k=k)
        assert outcome.scores.shape == (n, k)
        assert result.log_loss == outcome.log_loss == min(dict(outcome.calibration.losses).values())


@settings(max_examples=25)
@given(st.integers(0, 99), st.integers(2, 5), st.data())
def test_scores_put_a_class_never_met_below_all_others(seed: int, k: int, data: st.DataObject) -> None:
    met = np.array(sorted(data.draw(st.sets(st.integers(0, k - 1), min_size=2))))
    rng = np.random.default_rng(seed)
    features = np.concatenate([met, met, met])[:, None] + rng.normal(0, 0.1, (3 * len(met), 1))
    model = LogisticRegression().fit(features, np.concatenate([met, met, met]))

    scores = decision_scores(model, features, np.arange(k))

    never = np.setdiff1d(np.arange(k), met)
    assert scores.shape == (len(features), k)
    assert (scores[:, never] == scores[:, met].min(axis=1, keepdims=True) - FAR_BELOW).all()
    np.testing.assert_array_equal(met[scores[:, met].argmax(axis=1)], model.predict(features))


@given(
    st.lists(st.floats(0.01, 3), min_size=1, max_size=4, unique=True),
    st.lists(st.integers(0, 1), min_size=1, max_size=8),
    st.integers(2, 9),
    st.sampled_from(["none", "sigmoid", "temperature"]),
)
def test_the_choice_is_described_with_the_lowest_loss_and_every_class_without_a_label(
    losses: list[float], targets: list[int], k: int, method: str
) -> None:
    def trial(place: int, loss: float) -> Trial:
        config = {"family": "linear", "C": float(place), "left_out": []}
        return Trial(config, np.zeros((1, 2)), CalibratorChoice(method, np.zeros((1, 2)), ((method, loss),)), 1.0, 0)

    trials = [trial(place, loss) for place, loss in enumerate(losses)]
    best = min(trials, key=lambda one: one.log_loss)
    n = len(targets)
    rows = TrainingRows(pd.DataFrame(index=range(n)), np.eye(2)[targets], np.arange(2), np.ones(n), np.zeros(n, int))

    said = explain_choice(
        best, tuple(describe_candidate(one) for one in trials), rows, tuple(f"c{code}" for code in range(k))
    )

    assert f"{min(losses):.3f}" in said
    assert ("No label yet for" in said) is (k > 2)
    assert ("Only one label for" in said) is (1 in np.bincount(targets))


def test_a_naive_model_has_the_shares_of_the_weights() -> None:
    rows = training(0, 12, 3)
    model = fit_on_all(rows, {"x": "number"}, {"family": "naive", "seed": 0})
    assert isinstance(model[-1], DummyClassifier)
    np.testing.assert_allclose(model.predict_proba(rows.frame)[0], rows.share.sum(axis=0) / rows.share.sum())
