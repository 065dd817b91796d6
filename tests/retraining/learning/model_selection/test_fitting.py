import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inputs.groups import group_rows
from inputs.values import InvalidColumns
from retraining.learning import Fitted, NotEnoughClasses, beats_naive, fit, probabilities
from retraining.learning.calibration.choose import log_losses
from retraining.learning.model_selection.fitting import ModelSearch
from tests.retraining.learning.data import ALL_TYPES, DIGITS, Columns, coin_flips, digits, mixed, only
from validation import InvalidInput

SCAN = {"scan": "image"}


def accuracy(said: np.ndarray, truth: np.ndarray) -> float:
    return float((said.argmax(axis=1) == truth).mean())


@pytest.fixture(scope="module")
def digits_model() -> Fitted:
    columns, target = digits(200)
    return fit(columns, SCAN, target, classes=DIGITS, search=ModelSearch(budget=30, seed=0))


def test_digits_are_read_and_the_held_out_figures_can_be_believed(digits_model: Fitted) -> None:
    new, truth = digits(800, start=200)
    said = probabilities(digits_model, new, SCAN)
    _, target = digits(200)
    assert accuracy(said, truth) > 0.90
    assert accuracy(digits_model.out_of_fold, target) == pytest.approx(accuracy(said, truth), abs=0.06)
    held_out = log_losses(digits_model.out_of_fold, np.eye(10)[target]).mean()
    assert held_out == pytest.approx(log_losses(said, np.eye(10)[truth]).mean(), abs=0.15)


def test_what_was_tried_is_reported_and_the_lowest_held_out_loss_wins(digits_model: Fitted) -> None:
    finished = [row for row in digits_model.candidates if row.log_loss is not None]
    assert {row.family for row in finished} >= {"linear", "svm"}
    best = min(finished, key=lambda row: row.log_loss)
    assert (best.family, best.calibrator) == (digits_model.family, digits_model.calibrator)
    assert digits_model.why.startswith(f"{digits_model.family} had the lowest held-out log loss of {len(finished)}")


def test_everything_but_the_estimator_is_plain_data(digits_model: Fitted) -> None:
    json.dumps([dict(digits_model.config), dict(digits_model.frame_parameters), digits_model.why])
    json.dumps([[dict(row.config), row.log_loss, row.work] for row in digits_model.candidates])


def test_the_same_seed_gives_the_same_model(digits_model: Fitted) -> None:
    columns, target = digits(200)
    again = fit(columns, SCAN, target, classes=DIGITS, search=ModelSearch(budget=30, seed=0))
    assert np.allclose(again.out_of_fold, digits_model.out_of_fold)


def test_a_digits_fit_of_the_demo_takes_little_work() -> None:
    columns, target = digits(400)
    found = fit(columns, SCAN, target, classes=DIGITS, search=ModelSearch(budget=30, seed=0))
    assert 0 < sum(row.work for row in found.candidates) < 2


@pytest.mark.simulation
@pytest.mark.parametrize(
    "names", [("note",), ("amount",), ("country",), ("scan",), ("amount", "country"), tuple(ALL_TYPES)]
)
@pytest.mark.parametrize("n", [10, 120])
def test_every_contract_is_learnt_from_few_rows(names: tuple[str, ...], n: int) -> None:
    columns, types = only(mixed(n)[0], *names)
    target = np.arange(n) % 2
    found = fit(columns, types, target, classes=("no", "yes"), search=ModelSearch(budget=30, seed=1))
    new, _ = only(mixed(100, seed=9)[0], *names)
    said = probabilities(found, new, types)
    assert said.shape == (100, 2) and found.out_of_fold.shape == (n, 2)
    assert said.sum(axis=1) == pytest.approx(np.ones(100))
    assert accuracy(said, np.arange(100) % 2) > (0.55 if n == 10 else 0.6)


def test_a_class_never_seen_stays_with_probability_zero_and_is_named() -> None:
    columns, types = only(mixed(40)[0], "amount", "country")
    found = fit(
        columns, types, np.arange(40) % 2 * 2, classes=("a", "never", "c"), search=ModelSearch(budget=0, seed=0)
    )
    assert found.classes == ("a", "never", "c")
    assert (found.out_of_fold[:, 1] == 0).all()
    assert (probabilities(found, columns, types)[:, 1] == 0).all()
    assert "No label yet for never: never predicted, probability 0." in found.why


def test_a_class_with_one_label_is_learnt_and_named() -> None:
    columns, target = digits(80)
    kept = np.r_[np.flatnonzero(target == 3)[:1], np.flatnonzero(target != 3)]
    scans: Columns = {"scan": [columns["scan"][i] for i in kept]}
    found = fit(scans, SCAN, target[kept], classes=DIGITS, search=ModelSearch(budget=30, seed=0))
    assert "Only one label for 3: learnt, but never tested" in found.why
    said = probabilities(found, scans, SCAN)
    assert said[0, 3] > 3 * said[1:, 3].mean()


@pytest.mark.parametrize("target", [[1] * 12, []])
def test_one_class_or_none_is_not_enough(target: list[int]) -> None:
    columns: Columns = {"n": [float(i) for i in range(len(target))]}
    said = "every label so far is 'yes'" if target else "there is no label yet"
    with pytest.raises(NotEnoughClasses, match=said):
        fit(
            columns,
            {"n": "number"},
            np.array(target, dtype=int),
            classes=("no", "yes"),
            search=ModelSearch(budget=1, seed=0),
        )


def test_rows_without_weight_are_not_learnt_from_but_judged() -> None:
    columns, types = only(mixed(80, missing=0)[0], "scan")
    target = np.arange(80) % 2
    poisoned = np.where(np.arange(80) < 40, target, 1 - target)
    weight = np.where(np.arange(80) < 40, 1.0, 0.0)
    found = fit(columns, types, poisoned, classes=("no", "yes"), weights=weight, search=ModelSearch(budget=30, seed=0))
    assert accuracy(found.out_of_fold, target) == 1
    with pytest.raises(NotEnoughClasses):
        fit(columns, types, target, classes=("no", "yes"), weights=target * 1.0, search=ModelSearch(budget=1, seed=0))


def test_weights_move_the_probabilities() -> None:
    columns: Columns = {"n": [0.0] * 100}
    target = np.arange(100) % 2
    heavy = fit(
        columns,
        {"n": "number"},
        target,
        classes=("a", "b"),
        weights=1 + 8.0 * target,
        search=ModelSearch(budget=0, seed=0),
    )
    assert probabilities(heavy, {"n": [0.0]}, {"n": "number"})[0, 1] == pytest.approx(0.9, abs=0.03)


def test_soft_targets_are_learnt_as_shares() -> None:
    rng = np.random.default_rng(0)
    number = rng.normal(size=300)
    chance = 1 / (1 + np.exp(-number))
    soft = np.column_stack([1 - chance, chance])
    found = fit({"n": number.tolist()}, {"n": "number"}, soft, classes=("a", "b"), search=ModelSearch(budget=0, seed=0))
    assert np.abs(found.out_of_fold[:, 1] - chance).mean() < 0.03


def test_rows_of_one_group_never_judge_each_other() -> None:
    """Each text is there four times with a label of its own: only a copy could tell what it is."""
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(list("abcdefghij"), 12)) for _ in range(40)]
    target = np.repeat(rng.permutation(40) % 2, 4)
    columns, types = {"t": list(np.repeat(texts, 4))}, {"t": "text"}
    leaking = fit(
        columns, types, target, classes=("a", "b"), groups=np.arange(160), search=ModelSearch(budget=0, seed=0)
    )
    honest = fit(
        columns,
        types,
        target,
        classes=("a", "b"),
        groups=np.repeat(np.arange(40), 4),
        search=ModelSearch(budget=0, seed=0),
    )
    assert accuracy(leaking.out_of_fold, target) > 0.9
    assert accuracy(honest.out_of_fold, target) < 0.7


def test_copies_of_a_row_never_judge_each_other_although_nobody_named_them() -> None:
    columns, target = coin_flips(10)
    found = fit(columns, {"note": "text"}, target, classes=("a", "b"), search=ModelSearch(budget=5, seed=0))
    assert accuracy(found.out_of_fold, target) < 0.75
    groups = group_rows(columns, {"note": "text"})
    verdict = beats_naive(target, found.out_of_fold.argmax(axis=1), np.ones(400), naive=np.zeros(400), groups=groups)
    assert verdict.decision == "hold"
    assert verdict.difference is not None
    assert verdict.difference.low < 0 < verdict.difference.high
    assert (verdict.difference.n, verdict.difference.n_effective) == (400, pytest.approx(40))


def test_a_rare_class_is_tried_with_class_weights() -> None:
    columns, types = only(mixed(80)[0], "amount")
    target = (np.arange(80) >= 72).astype(int)
    found = fit(columns, types, target, classes=("no", "yes"), search=ModelSearch(budget=30, seed=0))
    weighted = [row for row in found.candidates if row.config.get("class_weight") == "balanced"]
    assert len(weighted) == 1 and weighted[0].log_loss is not None


def test_without_a_budget_only_the_first_candidate_is_finished() -> None:
    columns, target = digits(60)
    found = fit(columns, SCAN, target, classes=DIGITS, search=ModelSearch(budget=0, seed=0))
    finished = [row for row in found.candidates if row.log_loss is not None]
    assert len(finished) == 1 and len(found.candidates) > 1
    assert all(row.note.startswith("Not tried: ") and row.note.endswith("left.") for row in found.candidates[1:-1])
    assert found.candidates[-1].note == "Not tried: no work was left of the budget."
    assert "the only model that was finished" in found.why


def test_progress_is_reported_at_each_step_and_ends_at_one() -> None:
    columns, target = digits(60)
    heard: list[tuple[float, str]] = []
    found = fit(
        columns,
        SCAN,
        target,
        classes=DIGITS,
        search=ModelSearch(budget=30, seed=0, progress=lambda *said: heard.append(said)),
    )
    shares = [share for share, _ in heard]
    assert shares == sorted(shares) and shares[0] > 0 and shares[-1] == 1
    assert len(heard) == 5 * len(found.candidates) + 1
    assert all(words.endswith(".") for _, words in heard)


def test_progress_may_stop_the_fit() -> None:
    def stop(share: float, words: str) -> None:
        raise KeyboardInterrupt

    columns, target = digits(60)
    with pytest.raises(KeyboardInterrupt):
        fit(columns, SCAN, target, classes=DIGITS, search=ModelSearch(budget=30, seed=0, progress=stop))


def test_a_text_that_never_changes_is_left_out_and_named() -> None:
    columns, types = only(mixed(40)[0], "amount")
    columns["note"], types["note"] = ["the same"] * 40, "text"
    found = fit(columns, types, np.arange(40) % 2, classes=("a", "b"), search=ModelSearch(budget=0, seed=0))
    assert "nearly all rows are alike: note" in found.why
    said = probabilities(found, {"amount": [1.0], "note": ["something else"]}, types)
    assert said.sum() == pytest.approx(1)


def test_pictures_that_all_look_alike_are_named_and_others_are_not() -> None:
    rng = np.random.default_rng(0)
    same = np.full((8, 8), 200, np.uint8)
    columns = {"blank": [*[same] * 20, same + 1, None], "scan": list(rng.integers(0, 255, (22, 8, 8), dtype=np.uint8))}
    types = {"blank": "image", "scan": "image"}
    model = fit(columns, types, np.arange(22) % 2, classes=["a", "b"], search=ModelSearch(budget=0, seed=0))
    assert "All pictures of blank look alike to the model" in model.why
    assert "pictures of scan" not in model.why


@pytest.mark.parametrize("far", [6e154, -1.7e308])
def test_one_vast_number_among_small_ones_is_learnt_and_predicted(far: float) -> None:
    rng = np.random.default_rng(0)
    target = np.arange(60) % 2
    columns = {"x": [far, *(target[1:] + 0.3 * rng.normal(size=59))]}
    model = fit(columns, {"x": "number"}, target, classes=("a", "b"), search=ModelSearch(budget=60, seed=0))
    said = probabilities(model, {"x": [far, 0.0, 1.0]}, {"x": "number"})
    np.testing.assert_allclose(said.sum(axis=1), 1)


def test_with_nothing_to_tell_rows_apart_only_the_shares_are_learnt() -> None:
    found = fit(
        {"t": [None] * 40},
        {"t": "text"},
        np.arange(40) % 4 // 3,
        classes=("a", "b"),
        search=ModelSearch(budget=0, seed=0),
    )
    assert found.family == "naive"
    assert probabilities(found, {"t": ["x"]}, {"t": "text"}) == pytest.approx(np.array([[0.75, 0.25]]), abs=0.03)


@pytest.mark.simulation
@given(st.integers(2, 16), st.integers(2, 4), st.integers(0, 30), st.sampled_from([("amount",), ("note",), ("scan",)]))
@settings(max_examples=15)
def test_however_few_the_labels_the_answer_is_probabilities(n: int, k: int, seed: int, names: tuple[str, ...]) -> None:
    target = np.random.default_rng(seed).integers(0, k, n)
    columns, types = only(mixed(n, seed=seed)[0], *names)
    classes = tuple("abcd"[:k])
    if len(set(target)) < 2:
        with pytest.raises(NotEnoughClasses):
            fit(columns, types, target, classes=classes, search=ModelSearch(budget=0, seed=seed))
        return
    found = fit(columns, types, target, classes=classes, search=ModelSearch(budget=0, seed=seed))
    for said in (found.out_of_fold, probabilities(found, columns, types)):
        assert said.shape == (n, k) and (said >= 0).all()
        assert said.sum(axis=1) == pytest.approx(np.ones(n))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"targets": [0, 1, 2, 0]}, "the 2 classes are numbered"),
        ({"targets": [0, 1, -1, 0]}, "class -1 in row 2"),
        ({"targets": [0.0, 1.0, 0.0, 1.0]}, "whole numbers, the codes of the classes"),
        ({"targets": [0, 1]}, "targets has 2 rows where 4"),
        ({"targets": [[0.5, 0.6]] * 4}, "sums to 1.1"),
        ({"targets": [[np.nan, 1.0]] * 4}, "has nan in row 0"),
        ({"classes": ("a", "a")}, "must not repeat"),
        ({"weights": [1, 1, 1]}, "weights has 3 rows"),
        ({"weights": [0, 0, 0, 0]}, "all zero"),
        ({"weights": [1, np.nan, 1, 1]}, "finite"),
        ({"groups": [1, 2]}, "groups has 2 rows"),
        ({"columns": {"n": [1.0, float("inf"), 1.0, 2.0]}}, "infinite in row 1"),
        ({"columns": {}}, "not in the data"),
        ({"types": {}}, "no inputs"),
    ],
)
def test_bad_input_is_named(wrong: dict, said: str) -> None:
    right = {"columns": {"n": [1.0, 2.0, 3.0, None]}, "types": {"n": "number"}, "targets": [0, 1, 0, 1]}
    given_in = {**right, "classes": ("a", "b"), "search": ModelSearch(budget=1.0, seed=0), **wrong}
    with pytest.raises((InvalidInput, InvalidColumns), match=said):
        fit(given_in.pop("columns"), given_in.pop("types"), given_in.pop("targets"), **given_in)
