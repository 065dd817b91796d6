"""Model-assisted estimates: right on average whatever the scores are, exact where all is known, intervals that hold."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from analysis.metrics.core.design import design
from analysis.metrics.estimates.difference_estimator import estimate
from analysis.metrics.estimates.model_assisted import AssistedPerformance, assisted, audit_sample, scored_items
from analysis.metrics.estimates.ratio_metrics import precision, recall
from analysis.metrics.performance.classification import classification
from annotation.sampling.design.expected_error import allocation, audit_probabilities, error_spread
from benchmarks.assisted_coverage import coverage
from benchmarks.audited_traffic import AssistedScenario, AuditedTraffic, true_metrics
from validation import InvalidInput

SCENARIO = AssistedScenario((0.5, -0.5), 2.0, 1.2, 0.4, 4_000, 0, 300.0)
NAMES = ("no", "yes")


def audit(items: AuditedTraffic, rng: np.random.Generator, labels: float) -> tuple[np.ndarray, np.ndarray]:
    spread = error_spread(items.scores.max(axis=1))
    probability = audit_probabilities(spread, allocation(spread, floor=0.3), rate=labels / items.size)
    return np.flatnonzero(rng.random(items.size) < probability), probability


def estimates(
    items: AuditedTraffic, rows: np.ndarray, inclusion: np.ndarray, *, costs: np.ndarray | None = None, **sampling: Any
) -> AssistedPerformance:
    scored = scored_items(items.predicted, items.scores, labelled=rows, truth=items.truth[rows])
    return assisted(scored, audit_sample(scored, inclusion, **sampling), classes=NAMES, costs=costs)


def misled(items: AuditedTraffic) -> AuditedTraffic:
    """The same items with scores that have nothing to do with their truth."""
    return replace(items, scores=np.random.default_rng(9).permutation(items.scores))


@pytest.mark.simulation
@pytest.mark.parametrize("scores", ["calibrated", "unrelated"])
def test_the_mean_over_many_audits_is_the_truth_whatever_the_scores_are(scores):
    rng = np.random.default_rng(1)
    items = SCENARIO.traffic(4_000, rng)
    items = misled(items) if scores == "unrelated" else items
    truth, found = true_metrics(items), []
    for _ in range(150):
        result = estimates(items, *audit(items, rng, 300))
        found.append([result.accuracy.value, result.per_class[1].recall.value, result.per_class[1].precision.value])
    error = np.mean(found, axis=0) - [truth["accuracy"], truth["positive recall:1"], truth["positive precision:1"]]
    assert (np.abs(error) < 4 * np.std(found, axis=0) / np.sqrt(150) + 0.002).all()


@pytest.mark.simulation
def test_scores_that_are_calibrated_make_the_error_smaller_than_the_labels_alone_do():
    rng = np.random.default_rng(2)
    items, ours, plain = SCENARIO.traffic(20_000, rng), [], []
    truth = true_metrics(items)["accuracy"]
    for _ in range(150):
        ours.append(estimates(items, *audit(items, rng, 300)).accuracy.value)
        rows = np.flatnonzero(rng.random(items.size) < 300 / items.size)
        plain.append((items.truth[rows] == items.predicted[rows]).mean())
    assert np.mean((np.array(ours) - truth) ** 2) < np.mean((np.array(plain) - truth) ** 2) / 1.2


def test_where_everything_is_labelled_a_finite_window_is_known_exactly():
    items = SCENARIO.traffic(500, np.random.default_rng(3))
    found = estimates(items, np.arange(500), np.ones(500), finite=True, costs=items.costs)
    truth = true_metrics(items)
    for name in ("accuracy", "macro_f1", "log_loss", "brier", "roc_auc", "pr_auc", "cost"):
        one, value = getattr(found, name), truth[name]
        assert one.value == pytest.approx(value)
        assert one.low == pytest.approx(value)
        assert one.high == pytest.approx(value)


def test_areas_of_several_classes_are_means_over_those_that_were_labelled():
    items = AssistedScenario((0.5, 0.0, -0.5), 2.0, 1.0, 0.3, 600, 0, 300.0).traffic(600, np.random.default_rng(8))
    scored = scored_items(items.predicted, items.scores, labelled=np.arange(600), truth=items.truth)
    found = assisted(scored, audit_sample(scored, np.ones(600), finite=True), classes=("a", "b", "c"))
    truth = true_metrics(items)
    assert found.roc_auc.value == pytest.approx(truth["roc_auc"])
    assert found.pr_auc.value == pytest.approx(truth["pr_auc"])
    assert found.roc_auc.value == pytest.approx(np.mean([one.roc_auc.value for one in found.per_class]))


@pytest.mark.simulation
def test_average_precision_is_not_estimated_too_high_because_a_label_stands_in_its_own_ranking():
    scenario = AssistedScenario((0.0,) * 5, 1.5, 1.5, 1.0, 4_000, 0, 150.0)
    off = []
    for seed in range(40):
        items = scenario.traffic(4_000, np.random.default_rng(seed))
        scored = scored_items(items.predicted, items.scores, labelled=np.arange(150), truth=items.truth[:150])
        drawn = audit_sample(scored, np.full(4_000, 150 / 4_000), finite=True)
        found = assisted(scored, drawn, classes=items.classes)
        off.append(found.pr_auc.value - true_metrics(items)["pr_auc"])
    assert abs(np.mean(off)) < 2 * np.std(off) / np.sqrt(len(off))


def test_without_a_difference_between_labelled_and_all_the_estimate_is_hajeks():
    """Scores that are the same for each item carry nothing, so λ changes nothing."""
    items = SCENARIO.traffic(2_000, np.random.default_rng(4))
    items = replace(items, scores=np.full((2_000, 2), 0.5))
    rows = np.arange(0, 2_000, 5)
    found = estimates(items, rows, np.full(2_000, 0.2), costs=1 - np.eye(2))
    plain = classification(items.truth[rows], items.predicted[rows], design(np.full(400, 0.2)), classes=NAMES)
    assert found.accuracy.value == pytest.approx(plain.accuracy.value)
    assert found.accuracy.effective_n == pytest.approx(400, rel=0.05)
    assert found.cost.effective_n == pytest.approx(400, rel=0.05)
    assert found.accuracy.low == pytest.approx(plain.accuracy.low, abs=0.003)
    assert found.accuracy.high == pytest.approx(plain.accuracy.high, abs=0.003)


def test_a_model_that_is_sure_and_was_never_seen_to_err_may_still_err():
    scores = np.tile([0.0, 1.0], (5_000, 1))
    items = AuditedTraffic(np.ones(5_000, dtype=np.int64), np.ones(5_000, dtype=np.int64), scores)
    found = estimates(items, np.arange(300), np.full(5_000, 0.06)).accuracy
    assert found.value == 1.0
    assert found.low == pytest.approx(0.992, abs=0.003)


def test_copies_among_the_labelled_widen_the_interval():
    rng = np.random.default_rng(5)
    items = SCENARIO.traffic(3_000, rng)
    rows = np.arange(300)
    apart = estimates(items, rows, np.full(3_000, 0.1)).accuracy
    copies = estimates(items, rows, np.full(3_000, 0.1), groups=rows // 10).accuracy
    assert copies.value == apart.value
    same = items.at(np.repeat(np.arange(300), 10))
    together = estimates(same, rows, np.full(3_000, 0.1), groups=rows // 10).accuracy
    assert width(together) > 2 * width(apart)


def width(found) -> float:
    return found.high - found.low


def test_the_method_names_the_weight_of_the_scores():
    items = SCENARIO.traffic(3_000, np.random.default_rng(6))
    without = replace(items, scores=np.full((3_000, 2), 0.5))
    assert "λ 0.00" in estimates(without, np.arange(300), np.full(3_000, 0.1)).accuracy.method
    assert "λ 0.00" not in estimates(items, np.arange(300), np.full(3_000, 0.1)).accuracy.method


def test_a_class_that_no_label_tells_of_is_undefined_and_says_why():
    items = AuditedTraffic(np.zeros(100, dtype=np.int64), np.zeros(100, dtype=np.int64), np.tile([0.9, 0.1], (100, 1)))
    found = estimates(items, np.arange(50), np.full(100, 0.5)).per_class[1]
    assert (found.recall.value, found.recall.note) == (None, "No labelled item is yes.")
    assert (found.precision.value, found.precision.note) == (None, "No labelled item was predicted yes.")
    assert (found.roc_auc.value, found.roc_auc.note) == (None, "All 50 labelled items are of one class.")


def test_no_labels_leave_everything_undefined():
    items = SCENARIO.traffic(100, np.random.default_rng(7))
    found = estimates(items, np.array([], dtype=np.int64), np.full(100, 0.5))
    assert found.accuracy.value is None
    assert found.macro_f1.value is None
    assert (found.roc_auc.value, found.roc_auc.note) == (None, "No labelled items.")
    assert found.cost.note == "Needs the cost of each mistake."


@pytest.mark.parametrize(
    "change",
    [
        {"labelled": [0, 0]},
        {"labelled": [0, 9]},
        {"truth": [0, 2]},
        {"predicted": [0, 1]},
        {"inclusion_probability": [0.5, 0.0, 0.5, 0.5]},
        {"probabilities": [[0.5, 0.9]] * 4},
        {"level": 1.0},
        {"groups": [1]},
        {"classes": ("no", "yes", "perhaps")},
    ],
)
def test_arrays_that_do_not_fit_are_refused(change):
    given: dict[str, Any] = {
        "truth": [0, 1],
        "labelled": [0, 1],
        "predicted": [0, 1, 0, 1],
        "probabilities": [[0.5, 0.5]] * 4,
        "inclusion_probability": [0.5] * 4,
        "groups": None,
        "classes": NAMES,
        "level": 0.95,
    } | change
    with pytest.raises(InvalidInput):
        from_arrays(given)


def from_arrays(given: dict[str, Any]) -> AssistedPerformance:
    scored = scored_items(given["predicted"], given["probabilities"], labelled=given["labelled"], truth=given["truth"])
    drawn = audit_sample(scored, given["inclusion_probability"], groups=given["groups"])
    return assisted(scored, drawn, classes=given["classes"], level=given["level"])


@pytest.mark.simulation
def test_intervals_of_rare_positives_hold_the_truth_no_more_often_than_they_should():
    """1 % positives, calibrated scores, 500 labels: with the larger of two variances 97.1 % of intervals held it."""
    rng = np.random.default_rng(5)
    items = AssistedScenario((4.2, -4.2), 2.2, 1.0, 0.0, 10_000, 0, 500.0, cut=0.35).traffic(10_000, rng)
    held = []
    for _ in range(1_500):
        truth = (rng.random(items.size) < items.scores[:, 1]).astype(np.int64)
        rows, inclusion = audit(items, rng, 500)
        scored = scored_items(items.predicted, items.scores, labelled=rows, truth=truth[rows])
        drawn, hits = audit_sample(scored, inclusion, finite=True), (truth & items.predicted).sum()
        shares = {hits / items.predicted.sum(): precision(scored, 1), hits / truth.sum(): recall(scored, 1)}
        found = [(share, estimate(terms, drawn, level=0.95, empty="")) for share, terms in shares.items()]
        held.append(tuple((one.low or 0) - 1e-9 <= share <= (one.high or 1) + 1e-9 for share, one in found))
    assert np.mean(held, axis=0).min() > 0.93
    assert np.mean(held) < 0.968


@pytest.mark.simulation
def test_95_percent_intervals_hold_the_truth_of_rare_and_of_common_classes():
    """40 projects of each kind in four scenarios: the share of one metric has a standard error of 4 points or more."""
    held = {
        (line["projects"], line["metric"], reading): line[reading]
        for line in coverage(40, seed=3)
        for reading in ("process", "window")
    }
    assert {name: share for name, share in held.items() if share < 0.8} == {}
    assert 0.93 < np.mean(list(held.values())) < 0.985
