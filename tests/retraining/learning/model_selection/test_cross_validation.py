from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from analysis.metrics.core.folds import assign_folds
from inputs.frame import to_frame
from retraining.learning.model_selection import cross_validation, explanations
from retraining.learning.model_selection.cross_validation import FAR_BELOW, Skipped, TrainingRows, Trial

TYPES = {"n": "number"}
LINEAR = {"family": "linear", "C": 1.0, "solver": "lbfgs", "seed": 0, "left_out": []}
SVM = {"family": "svm", "C": 10.0, "seed": 0, "left_out": []}


def rows(
    target: Sequence[int], *, weights: np.ndarray | None = None, known: Sequence[int] | None = None
) -> TrainingRows:
    codes = np.array(target)
    names = np.unique(codes) if known is None else np.array(known)
    number = codes + np.random.default_rng(0).normal(0, 0.3, len(codes))
    soft = (codes[:, None] == names[None, :]).astype(float)
    fold = assign_folds(codes, folds=min(5, len(codes)), seed=0)
    weight = np.ones(len(codes)) if weights is None else weights
    return TrainingRows(to_frame({"n": number.tolist()}, TYPES), soft, names, weight, fold)


def run(data: TrainingRows, configs: list[dict[str, Any]], *, budget: float = 60, keep_first: bool = True) -> list[Any]:
    return cross_validation.cross_validate(
        data, TYPES, configs, budget=budget, keep_first=keep_first, tick=lambda family: None
    )


def test_one_outcome_for_each_candidate_in_order() -> None:
    found = run(rows([0, 1] * 20), [LINEAR, SVM, {**LINEAR, "C": 0.1}])
    assert [outcome.config.get("C") for outcome in found] == [1.0, 10.0, 0.1]
    assert all(isinstance(outcome, Trial) and outcome.log_loss < np.log(2) for outcome in found)


def test_a_tick_for_each_fit() -> None:
    heard: list[str] = []
    cross_validation.cross_validate(
        rows([0, 1] * 20), TYPES, [LINEAR, SVM], budget=np.inf, keep_first=True, tick=heard.append
    )
    assert heard == ["linear", "svm"] * 5


@pytest.mark.parametrize(("keep_first", "finished"), [(True, 1), (False, 0)])
def test_what_does_not_fit_the_budget_is_left_out_from_the_last_on(keep_first: bool, finished: int) -> None:
    found = run(rows([0, 1] * 20), [LINEAR, {**LINEAR, "C": 0.1}], budget=0, keep_first=keep_first)
    assert [isinstance(outcome, Trial) for outcome in found] == [True] * finished + [False] * (2 - finished)
    assert found[-1].note == "Not tried: it takes 0.0 units of work, and 0.0 were left."


def test_a_model_without_probabilities_and_labels_too_few_for_a_calibrator_is_given_up() -> None:
    (found,) = run(rows([0, 1]), [SVM])
    assert isinstance(found, Skipped)
    assert found.note == "Too few labels to turn its scores into probabilities."


def test_a_fold_that_meets_one_class_answers_that_class() -> None:
    (found,) = run(rows([0] * 9 + [1]), [LINEAR])
    assert isinstance(found, Trial)
    assert found.calibration.probabilities[9].tolist() == [1.0, 0.0]
    assert found.scores[9].tolist() == [0.0, -FAR_BELOW]


def test_rows_without_weight_are_scored_but_not_learnt_from() -> None:
    """Fifty rows with the wrong label and no weight change nothing of what is said of the others."""
    rng = np.random.default_rng(0)
    target = rng.integers(0, 2, 100)
    weight = np.repeat([1.0, 0.0], 50)
    data = rows(target.tolist(), weights=weight)
    flipped = TrainingRows(
        data.frame, np.where(weight[:, None] > 0, data.targets, 1 - data.targets), data.known, weight, data.fold
    )
    (one,), (other,) = run(data, [LINEAR]), run(flipped, [LINEAR])
    assert np.array_equal(one.calibration.probabilities, other.calibration.probabilities)


def test_balanced_class_weights_raise_the_rare_class() -> None:
    data = rows([0] * 90 + [1] * 10)
    plain = cross_validation.fit_on_all(data, TYPES, LINEAR).predict_proba(data.frame)[:, 1]
    balanced = cross_validation.fit_on_all(data, TYPES, {**LINEAR, "class_weight": "balanced"}).predict_proba(
        data.frame
    )[:, 1]
    assert balanced.mean() > 1.3 * plain.mean()


def test_fits_that_do_not_converge_are_counted_not_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    original = LogisticRegression.fit

    def impatient(self: LogisticRegression, *arguments: Any, **options: Any) -> LogisticRegression:
        return original(self.set_params(max_iter=1, tol=1e-12), *arguments, **options)

    monkeypatch.setattr(LogisticRegression, "fit", impatient)
    (found,) = run(rows([0, 1] * 20), [LINEAR])
    assert isinstance(found, Trial) and found.unconverged == 5
    assert explanations.describe_candidate(found).note == "5 of its fits did not converge."


@pytest.mark.parametrize("met", [[0, 2], [0, 1, 2]])
def test_scores_follow_the_known_classes(met: list[int]) -> None:
    features = np.array([[float(code)] for code in met] * 5)
    model = LogisticRegression().fit(features, np.array(met * 5))
    scores = cross_validation.decision_scores(model, features[: len(met)], np.array([0, 1, 2]))
    assert scores.argmax(axis=1).tolist() == met
    if met == [0, 2]:
        assert (scores[:, 1] == scores[:, [0, 2]].min(axis=1) - FAR_BELOW).all()
