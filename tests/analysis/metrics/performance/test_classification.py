"""Performance: scikit-learn's figures when weighted alike, and intervals that hold the truth under active sampling."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn import metrics

from analysis.metrics.core.design import design, from_weights
from analysis.metrics.performance.classification import checked_positive, classification
from validation import InvalidInput

ABC = ["a", "b", "c"]


def labelled(seed, n, k):
    rng = np.random.default_rng(seed)
    scores = softmax(rng.normal(size=(n, k)) * 1.5, axis=1)
    truth = (scores.cumsum(axis=1) > rng.random(n)[:, None]).argmax(axis=1)
    return truth, scores.round(2) / scores.round(2).sum(axis=1, keepdims=True), rng.choice([1.0, 0.3, 0.05], n)


seeds = st.integers(0, 10_000)


@given(seeds, st.integers(30, 200))
@settings(max_examples=40)
def test_every_value_is_that_of_scikit_learn_with_the_same_weights(seed, n):
    truth, scores, inclusion = labelled(seed, n, 3)
    called, weight = scores.argmax(axis=1), 1 / inclusion
    found = classification(truth, called, design(inclusion), classes=ABC, probabilities=scores)
    with_weight = {"sample_weight": weight}
    assert found.accuracy.value == pytest.approx(metrics.accuracy_score(truth, called, **with_weight))
    f1 = metrics.f1_score(truth, called, average="macro", zero_division=0, **with_weight)
    assert found.macro_f1.value == pytest.approx(f1)
    clipped = np.maximum(scores, 0)
    assert found.log_loss.value == pytest.approx(metrics.log_loss(truth, clipped, labels=[0, 1, 2], **with_weight))
    brier = metrics.brier_score_loss(truth, scores, labels=[0, 1, 2], **with_weight)
    assert found.brier.value == pytest.approx(brier)
    for c, part in enumerate(found.per_class):
        of_class = truth == c
        for name, score in (("precision", metrics.precision_score), ("recall", metrics.recall_score)):
            if (mine := getattr(part, name)).value is not None:
                assert mine.value == pytest.approx(score(of_class, called == c, **with_weight))
        if part.roc_auc.value is not None:
            assert part.roc_auc.value == pytest.approx(metrics.roc_auc_score(of_class, scores[:, c], **with_weight))
            precision = metrics.average_precision_score(of_class, scores[:, c], **with_weight)
            assert part.pr_auc.value == pytest.approx(precision)
    assert found.confusion == pytest.approx(metrics.confusion_matrix(truth, called, labels=[0, 1, 2], **with_weight))
    assert found.counts.tolist() == metrics.confusion_matrix(truth, called, labels=[0, 1, 2]).tolist()


def estimates(found):
    whole = [found.accuracy, found.macro_f1, found.log_loss, found.brier, found.roc_auc, found.pr_auc, found.cost]
    return whole + [e for c in found.per_class for e in (c.precision, c.recall, c.f1, c.roc_auc, c.pr_auc)]


@given(seeds, st.integers(0, 25), st.integers(2, 4), st.booleans())
@settings(max_examples=60)
def test_each_estimate_is_a_value_within_finite_limits_or_undefined_with_its_reason(seed, n, k, windowed):
    truth, scores, inclusion = labelled(seed, n, k)
    if n:
        inclusion[0] = 0.05
    found = classification(
        truth,
        scores.argmax(axis=1),
        design(inclusion, population=n + 50 if windowed and n else None),
        classes=ABC[:k] if k < 4 else [*ABC, "d"],
        probabilities=scores,
        costs=np.ones((k, k)),
    )
    for estimate in estimates(found):
        if estimate.value is None:
            assert estimate.low is None and estimate.high is None and estimate.note
        elif estimate.low is None:
            assert estimate.note.endswith("One item gives no interval.")
        else:
            assert np.isfinite([estimate.low, estimate.value, estimate.high]).all()
            assert estimate.low <= estimate.value + 1e-9 and estimate.value <= estimate.high + 1e-9


@given(seeds)
@settings(max_examples=30)
def test_the_order_of_the_rows_and_a_common_factor_of_the_chances_change_nothing(seed):
    truth, scores, inclusion = labelled(seed, 60, 3)
    order = np.random.default_rng(seed).permutation(60)

    def found(rows, factor):
        return classification(
            truth[rows],
            scores[rows].argmax(axis=1),
            design(inclusion[rows] * factor),
            classes=ABC,
            probabilities=scores[rows],
        )

    for one, other in zip(estimates(found(np.arange(60), 1)), estimates(found(order, 0.25)), strict=True):
        if one.value is not None:
            assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high), abs=1e-9)


@pytest.mark.simulation
def test_intervals_hold_the_truth_under_active_sampling_where_naive_ones_do_not():
    rng = np.random.default_rng(11)

    def traffic(n):
        logits = rng.normal(size=(n, 2)) * 1.8 + [0.8, -0.8]
        truth = (softmax(logits, axis=1)[:, 1] > rng.random(n)).astype(int)
        return truth, softmax(1.3 * logits + rng.normal(size=(n, 2)) * 0.5, axis=1)

    def measure(truth, scores, inclusion, population=None):
        found = classification(
            truth,
            scores.argmax(axis=1),
            design(inclusion, population=population),
            classes=["no", "yes"],
            probabilities=scores,
            costs=[[0, 1], [5, 0]],
        )
        return [e for e in estimates(found) if e.value is not None]

    of_process, scores = traffic(400_000)
    truth = [e.value for e in measure(of_process, scores, np.ones(400_000))]
    held: dict[str, list[list[bool]]] = {"process": [], "window": [], "naive": []}
    for _ in range(160):
        own, scores = traffic(3000)
        variance_share = np.abs(scores[:, 1] - 0.5)
        active = np.argsort(variance_share).argsort() < 150
        rows = np.flatnonzero(active | (rng.random(3000) < 0.1))
        inclusion = np.where(active[rows], 1.0, 0.1)
        of_window = [e.value for e in measure(own, scores, np.ones(3000))]
        held["process"].append(
            [e.low <= t <= e.high for e, t in zip(measure(own[rows], scores[rows], inclusion), truth, strict=True)]
        )
        window = measure(own[rows], scores[rows], inclusion, population=3000)
        held["window"].append([e.low <= t <= e.high for e, t in zip(window, of_window, strict=True)])
        naive = measure(own[rows], scores[rows], np.ones(rows.size))
        held["naive"].append([e.low <= t <= e.high for e, t in zip(naive, truth, strict=True)])
    for reading in ("process", "window"):
        assert np.mean(held[reading]) == pytest.approx(0.95, abs=0.02)
        assert np.mean(held[reading], axis=0).min() > 0.88
    assert np.mean(held["naive"]) < 0.5
    assert np.mean(held["naive"], axis=0)[0] < 0.05  # accuracy


def test_a_class_never_seen_is_undefined_by_name_and_left_out_of_the_mean():
    found = classification([0, 1, 1], [0, 1, 0], design([1, 1, 0.5]), classes=ABC)
    unseen = found.per_class[2]
    assert unseen.recall.note == "No labelled item is c."
    assert unseen.precision.note == "No labelled item was predicted c."
    assert unseen.f1.note == "c was neither labelled nor predicted."
    assert found.macro_f1.note == "1 of 3 classes never occur and are left out."
    assert found.macro_f1.value == pytest.approx(
        metrics.f1_score([0, 1, 1], [0, 1, 0], average="macro", sample_weight=[1, 1, 2])
    )


def test_one_class_only_leaves_the_areas_undefined():
    scores = np.array([[0.9, 0.1], [0.4, 0.6]])
    found = classification([0, 0], [0, 1], design([1, 1]), classes=["a", "b"], probabilities=scores)
    assert found.roc_auc.value is None and found.pr_auc.value is None
    assert found.roc_auc.note == "All 2 labelled items are of one class."
    assert found.accuracy.value == 0.5


def test_no_labels_at_all_say_so():
    found = classification([], [], design([]), classes=ABC, probabilities=np.zeros((0, 3)))
    assert {e.value for e in estimates(found)} == {None}
    assert found.accuracy.note == found.log_loss.note == "No labelled items."


def test_without_probabilities_or_costs_what_needs_them_says_so():
    found = classification([0, 1], [0, 1], design([1, 1]), classes=ABC)
    assert found.log_loss.note == found.roc_auc.note == "Needs the probabilities of the classes."
    assert found.cost.note == "Needs the cost of each mistake."


def test_a_certain_mistake_is_counted_at_the_smallest_probability_and_said():
    scores = np.array([[1.0, 0.0], [0.5, 0.5]])
    found = classification([1, 0], [0, 0], design([1, 1]), classes=["a", "b"], probabilities=scores)
    assert found.log_loss.note.startswith("1 items were given no chance")
    assert np.isfinite(found.log_loss.value)


def test_the_positive_class_decides_what_the_areas_of_two_classes_speak_of():
    truth, scores, inclusion = labelled(1, 200, 2)
    kinds = [
        classification(
            truth, scores.argmax(axis=1), design(inclusion), classes=["a", "b"], probabilities=scores, positive=positive
        )
        for positive in (None, 1, 0)
    ]
    assert kinds[0].pr_auc == kinds[1].pr_auc == kinds[1].per_class[1].pr_auc
    assert kinds[2].pr_auc == kinds[2].per_class[0].pr_auc != kinds[1].pr_auc


GOOD = {"truth": [0, 1], "predicted": [0, 1], "classes": ABC, "inclusion_probability": [1.0, 0.5]}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"probabilities": [[0.5, 0.5, np.nan]] * 2}, "probabilities has nan in row 0, class 2"),
        ({"probabilities": [[0.5, 0.5, 0.0], [0.5, 0.5, np.inf]]}, "inf in row 1, class 2; it must be a finite number"),
        ({"probabilities": [[0.5, 0.5, 0.0], [0.5, 0.2, 0.1]]}, "Row 1 of probabilities sums to 0.8, 0.2 less than 1"),
        ({"probabilities": [[0.5, 0.5]] * 2}, "2 rows of 3 classes are needed"),
        ({"probabilities": [[1.5, -0.5, 0.0]] * 2}, "must lie between 0 and 1"),
        ({"truth": [0, 3]}, "truth has class 3 in row 1; the 3 classes are numbered 0 to 2"),
        ({"predicted": [0, -1]}, "predicted has class -1 in row 1"),
        ({"predicted": [0.0, 1.0]}, "predicted must hold whole numbers"),
        ({"truth": [0]}, "truth has 1 rows where 2 are needed"),
        ({"inclusion_probability": [1.0, 0.0]}, "inclusion_probability has 0 in row 1"),
        ({"classes": []}, "classes is empty"),
        ({"classes": ["a", "a"]}, "names one class twice"),
        (
            {"costs": np.ones((2, 2))},
            "costs must be a square table: a row per true class, a column per decision, 3 of each",
        ),
        ({"costs": np.full((3, 3), np.nan)}, "costs must be finite"),
        ({"positive": 3}, "positive is 3"),
        ({"level": 1.0}, "level is 1.0"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(change, says):
    given_ = {**GOOD, **change}
    with pytest.raises(InvalidInput) as refused:
        classification(
            given_.pop("truth"), given_.pop("predicted"), design(given_.pop("inclusion_probability")), **given_
        )
    assert says in str(refused.value)


@given(st.one_of(st.none(), st.integers(-5, 9)), st.integers(1, 5))
def test_the_positive_class_is_one_of_the_classes(positive, k):
    if positive is None or 0 <= positive < k:
        checked_positive(positive, k)
    else:
        with pytest.raises(InvalidInput, match=f"positive is {positive}"):
            checked_positive(positive, k)


def test_weights_of_zero_are_refused_where_they_become_chances():
    with pytest.raises(InvalidInput, match="weights has 0 in row 1; leave out rows that stand for nothing"):
        classification([0, 1], [0, 1], design(from_weights([1.0, 0.0])), classes=ABC)
