"""Metrics under class probabilities: one-hot rows give the plain metrics, others their expectation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn

from analysis.metrics.estimates.expected_metrics import METRICS, expected, label_noise


def simulated(seed, classes, rows=60):
    rng = np.random.default_rng(seed)
    scores = rng.dirichlet(np.ones(classes), rows)
    return scores, scores.argmax(axis=1), rng.dirichlet(np.ones(classes), rows), rng.integers(0, classes, rows)


@pytest.mark.parametrize("classes", [2, 3])
def test_one_hot_rows_give_the_plain_metrics(classes):
    scores, said, _, labels = simulated(0, classes)
    average = "binary" if classes == 2 else "macro"
    plain = {
        "accuracy": sklearn.accuracy_score(labels, said),
        "precision": sklearn.precision_score(labels, said, average=average),
        "recall": sklearn.recall_score(labels, said, average=average),
        "f1": sklearn.f1_score(labels, said, average=average),
        "roc_auc": sklearn.roc_auc_score(labels, scores[:, 1] if classes == 2 else scores, multi_class="ovr"),
        "log_loss": sklearn.log_loss(labels, scores),
        "brier": np.mean(((np.eye(classes)[labels] - scores) ** 2).sum(axis=1)) / (2 if classes == 2 else 1),
    }
    for metric in METRICS:
        assert expected(metric, np.eye(classes)[labels], scores, said) == pytest.approx(plain[metric])


def test_the_expectation_is_the_mean_over_drawn_labels():
    scores, said, truth, _ = simulated(1, 3, 400)
    rng = np.random.default_rng(0)
    labels = [(truth.cumsum(axis=1)[:, :-1] < rng.random((400, 1))).sum(axis=1) for _ in range(300)]
    for metric in METRICS:
        drawn = [expected(metric, np.eye(3)[row], scores, said) for row in labels]
        assert expected(metric, truth, scores, said) == pytest.approx(np.mean(drawn), abs=0.01)


def test_label_noise_is_the_binomial_error_of_accuracy():
    scores, said, truth, _ = simulated(2, 2, 900)
    sure = truth[np.arange(900), said]
    noise = label_noise("accuracy", truth, scores, said, np.random.default_rng(0))
    assert noise == pytest.approx(np.sqrt((sure * (1 - sure)).mean() / 900), rel=0.15)
    truths, many = np.tile(truth, (10, 1)), np.tile(scores, (10, 1))
    more = label_noise("accuracy", truths, many, np.tile(said, 10), np.random.default_rng(0))
    assert more == pytest.approx(noise / np.sqrt(10), rel=0.25)


def test_is_undefined_without_the_class():
    scores, said = np.tile([0.9, 0.1], (40, 1)), np.zeros(40, int)
    certain = np.tile([1.0, 0.0], (40, 1))
    assert expected("precision", certain, scores, said) is None
    assert expected("recall", certain, scores, said) is None
    assert expected("f1", certain, scores, said) is None
    assert expected("roc_auc", certain, scores, said) is None
    assert expected("accuracy", certain, scores, said) == 1


@given(st.integers(0, 10_000), st.integers(2, 5), st.integers(1, 40), st.sampled_from(METRICS))
def test_stays_in_range(seed, classes, rows, metric):
    scores, said, truth, _ = simulated(seed, classes, rows)
    value = expected(metric, truth, scores, said)
    assert value is None or value >= 0
    assert value is None or metric in ("log_loss", "brier") or value <= 1 + 1e-9


@given(st.integers(0, 10_000), st.integers(2, 4), st.integers(1, 40), st.sampled_from(METRICS))
@settings(max_examples=30)
def test_labels_known_for_certain_leave_no_noise_and_others_some(seed, classes, rows, metric):
    scores, said, truth, labels = simulated(seed, classes, rows)
    rng = np.random.default_rng(seed)
    assert label_noise(metric, np.eye(classes)[labels], scores, said, rng) == pytest.approx(0, abs=1e-12)
    noise = label_noise(metric, truth, scores, said, rng)
    assert noise >= 0 and np.isfinite(noise)
    assert metric != "accuracy" or noise > 0


BAD = [
    ({"truth": np.full((2, 2), np.nan)}, "NaN or infinite"),
    ({"scores": np.full((2, 2), np.inf)}, "NaN or infinite"),
    ({"scores": np.full((2, 3), 1 / 3)}, "do not fit together"),
    ({"said": np.array([0])}, "do not fit together"),
    ({"said": np.array([0, 2])}, "outside the 2 classes"),
    ({"said": np.array([0, -1])}, "outside the 2 classes"),
]


@pytest.mark.parametrize(("change", "says"), BAD)
def test_what_does_not_fit_is_refused(change, says):
    given_ = {"truth": np.eye(2), "scores": np.full((2, 2), 0.5), "said": np.array([0, 1]), **change}
    with pytest.raises(ValueError, match=says):
        expected("accuracy", given_["truth"], given_["scores"], given_["said"])
    with pytest.raises(ValueError, match=says):
        label_noise("accuracy", given_["truth"], given_["scores"], given_["said"], np.random.default_rng(0))


def test_no_rows_are_undefined():
    assert expected("accuracy", np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0, int)) is None
    assert label_noise("accuracy", np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0, int), np.random.default_rng(0)) == 0
