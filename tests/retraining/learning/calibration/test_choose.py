import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from analysis.metrics.core.folds import assign_folds
from retraining.learning.calibration import choose as choose_module
from retraining.learning.calibration.choose import NoCalibrator, choose, log_losses, wrap
from validation import InvalidInput


def softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def simulated(n: int, k: int = 3, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """True log-odds (n, k), one-hot targets drawn from them, codes, folds."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, 2, (n, k))
    codes = (softmax(truth).cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    return truth, np.eye(k)[codes], codes, assign_folds(codes, folds=5, seed=seed)


def test_honest_probabilities_are_about_as_good_as_any_calibration_of_them() -> None:
    truth, targets, _, fold = simulated(1500)
    found = choose(targets, fold=fold, scores=truth, probabilities=softmax(truth))
    losses = dict(found.losses)
    assert losses["none"] <= min(losses.values()) + 0.01


@pytest.mark.parametrize("sharpening", [0.3, 4.0])
def test_a_wrong_temperature_is_found(sharpening: float) -> None:
    truth, targets, _, fold = simulated(600)
    scores = truth * sharpening
    found = choose(targets, fold=fold, scores=scores, probabilities=softmax(scores))
    assert found.method == "temperature"
    ideal = log_losses(softmax(truth), targets).mean()
    assert dict(found.losses)["temperature"] == pytest.approx(ideal, abs=0.02)
    assert found.probabilities.sum(axis=1) == pytest.approx(np.ones(600))


def test_a_bent_scale_is_straightened_by_isotonic() -> None:
    rng = np.random.default_rng(0)
    chance = rng.choice([0.1, 0.3, 0.95], 1500)
    codes = (rng.random(1500) < chance).astype(int)
    bent = np.where(chance == 0.3, 0.9, np.where(chance == 0.95, 0.91, 0.1))
    own = np.column_stack([1 - bent, bent])
    found = choose(np.eye(2)[codes], fold=assign_folds(codes, folds=5, seed=0), probabilities=own)
    assert found.method == "isotonic"
    assert dict(found.losses)["isotonic"] < dict(found.losses)["none"] - 0.05


def test_every_row_is_calibrated_by_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Changing the labels of one fold must not change what is said of that fold."""
    monkeypatch.setattr(choose_module, "ENOUGH_FOR_SIGMOID", 1000)
    monkeypatch.setattr(choose_module, "ENOUGH_FOR_ISOTONIC", 1000)  # so that it is a temperature either way
    truth, targets, _, fold = simulated(300)
    held = fold == 0
    changed = targets.copy()
    changed[held] = np.roll(targets[held], 1, axis=1)
    before, after = (choose(labels, fold=fold, scores=truth * 3).probabilities for labels in (targets, changed))
    assert np.allclose(before[held], after[held])
    assert not np.allclose(before[~held], after[~held])


def test_without_own_probabilities_some_calibrator_is_taken() -> None:
    truth, targets, _, fold = simulated(40)
    found = choose(targets, fold=fold, scores=truth)
    assert found.method != "none" and "none" not in dict(found.losses)


def test_few_labels_of_a_class_leave_only_what_they_can_bear() -> None:
    truth, targets, codes, _ = simulated(60)
    lone = np.r_[np.flatnonzero(codes != 2), np.flatnonzero(codes == 2)[:1]]
    fold = assign_folds(codes[lone], folds=5, seed=0)
    found = choose(targets[lone], fold=fold, scores=truth[lone], probabilities=softmax(truth[lone]))
    assert [name for name, _ in found.losses] == ["none"]
    some = choose(targets, fold=assign_folds(codes, folds=5, seed=0), scores=truth, probabilities=softmax(truth))
    assert "isotonic" not in dict(some.losses) and "temperature" in dict(some.losses)


def test_nothing_to_choose_from_is_said() -> None:
    with pytest.raises(NoCalibrator, match="Too few labels"):
        choose([[1, 0], [0, 1]], fold=[0, 1], scores=[[1, 0], [0, 1]])


def test_flawless_rows_are_not_read_as_certainty() -> None:
    codes = np.arange(20) % 2
    scores = np.where(np.eye(2)[codes] > 0, 5.0, -5.0)
    found = choose(np.eye(2)[codes], fold=assign_folds(codes, folds=5, seed=0), scores=scores)
    best = found.probabilities.max(axis=1)
    assert (found.probabilities.argmax(axis=1) == codes).all()
    assert 0.9 < best.min() <= best.max() < 0.999


def test_a_soft_target_counts_as_its_parts() -> None:
    truth, _, _, fold = simulated(400)
    found = choose(softmax(truth), fold=fold, scores=truth * 4)
    assert found.method == "temperature"
    assert np.abs(found.probabilities - softmax(truth)).max() < 0.1


def test_rows_without_weight_do_not_sway_the_choice() -> None:
    truth, targets, codes, fold = simulated(300)
    wrong = np.r_[targets, np.roll(targets, 1, axis=1)]
    twice, folds_twice = np.r_[truth, truth], np.r_[fold, fold]
    found = choose(wrong, fold=folds_twice, scores=twice, weights=np.r_[np.ones(300), np.zeros(300)])
    alone = choose(targets, fold=fold, scores=truth)
    assert found.method == alone.method
    assert np.allclose(found.probabilities[:300], alone.probabilities, atol=0.02)


@pytest.mark.parametrize("method", choose_module.METHODS[1:])
@pytest.mark.parametrize("k", [2, 3])
def test_a_wrapped_model_says_what_its_calibrator_would(method: str, k: int) -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(200, 4))
    codes = (features[:, 0] > 0).astype(int) + (features[:, 1] > 0.5) * (k == 3)
    for model in (LogisticRegression(), SVC(), RandomForestClassifier(10, random_state=0)):
        model.fit(features, codes * 2)  # codes with gaps, as when a class was never seen
        if hasattr(model, "decision_function"):
            given_out = model.decision_function(features)
            given_out = np.column_stack([-given_out / 2, given_out / 2]) if k == 2 else given_out
        else:
            given_out = model.predict_proba(features)
        wrapped = wrap(model, method, given_out, np.eye(k)[codes])
        found = wrapped.predict_proba(features)
        assert wrapped.classes_.tolist() == model.classes_.tolist()
        assert found.sum(axis=1) == pytest.approx(np.ones(200))
        assert log_losses(found, np.eye(k)[codes]).mean() < np.log(k)


@pytest.mark.parametrize("method", ["sigmoid", "isotonic", "temperature"])
def test_the_codes_of_the_classes_do_not_change_what_is_said(method: str) -> None:
    """A code beyond the columns once made the temperature read memory that was not its own."""
    rng = np.random.default_rng(0)
    features, codes = rng.normal(size=(60, 2)), np.repeat([0, 1, 2], 20)
    said = []
    for names in (np.array([0, 1, 2]), np.array([1, 5, 900])):
        model = LogisticRegression().fit(features, names[codes])
        wrapped = wrap(model, method, model.decision_function(features), np.eye(3)[codes])
        assert wrapped.classes_.tolist() == names.tolist()
        assert wrapped.predict(features).tolist() == names[wrapped.predict_proba(features).argmax(axis=1)].tolist()
        said.append(wrapped.predict_proba(features))
    np.testing.assert_array_equal(*said)


def test_none_leaves_the_model_as_it_is() -> None:
    model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    assert wrap(model, "none", np.zeros((2, 2)), np.eye(2)) is model


@given(st.integers(10, 40), st.integers(2, 4), st.integers(0, 50), st.floats(0.01, 20))
@settings(max_examples=25)
def test_whatever_the_scores_the_answer_is_probabilities(n: int, k: int, seed: int, scale: float) -> None:
    truth, targets, codes, fold = simulated(n, k, seed=seed)
    found = choose(targets, fold=fold, scores=truth * scale, probabilities=softmax(truth * scale))
    assert (found.probabilities >= 0).all()
    assert found.probabilities.sum(axis=1) == pytest.approx(np.ones(n))
    assert found.method in dict(found.losses)
    assert dict(found.losses)[found.method] == min(dict(found.losses).values())


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"soft_targets": [[0.5, 0.2]] * 4}, "sums to 0.7"),
        ({"soft_targets": [[np.nan, 1]] * 4}, "has nan in row 0"),
        ({"scores": [[1.0, np.inf]] * 4}, "scores must be finite"),
        ({"scores": [[1.0]] * 4}, "2 columns"),
        ({"scores": [[1.0, 0.0]] * 3}, "scores has 3 rows"),
        ({"probabilities": [[0.9, 0.3]] * 4}, "sums to 1.2"),
        ({"fold": [0, 1]}, "fold has 2 rows"),
        ({"weights": [0.0] * 4}, "all zero"),
        ({"scores": None}, "Scores or probabilities"),
    ],
)
def test_bad_input_is_named(wrong: dict, said: str) -> None:
    right = {"soft_targets": [[1, 0], [0, 1]] * 2, "fold": [0, 0, 1, 1], "scores": [[1.0, 0.0], [0.0, 1.0]] * 2}
    with pytest.raises(InvalidInput, match=said):
        choose(**{**right, **wrong})


def test_copies_of_a_label_are_not_enough_labels_for_a_calibrator() -> None:
    truth, targets, codes, _ = simulated(24, 2)
    rows = np.tile(np.arange(24), 20)
    fold = assign_folds(codes[rows], folds=5, seed=0, groups=rows)
    counted = choose(targets[rows], fold=fold, scores=truth[rows], probabilities=softmax(truth[rows]))
    grouped = choose(targets[rows], fold=fold, scores=truth[rows], probabilities=softmax(truth[rows]), groups=rows)
    assert {"sigmoid", "isotonic"} <= dict(counted.losses).keys()
    assert "isotonic" not in dict(grouped.losses)
