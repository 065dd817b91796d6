"""Value of labels: exact on small sets, its intervals cover, and labels that were replaced come first."""

from itertools import permutations

import numpy as np
import pytest

from analysis.metrics.labels import label_value
from analysis.metrics.labels.label_value import LabelledVectors, label_values
from validation import InvalidInput


def two_clouds(rng, n, *, apart=2.0, wrong=0.0):
    """Points of two normal clouds with their labels, a share of them replaced."""
    label = rng.integers(0, 2, n)
    flipped = rng.random(n) < wrong
    return rng.standard_normal((n, 2)) + apart * label[:, None], np.where(flipped, 1 - label, label), flipped


def accuracy_of(chosen, x, y, point, actual, k):
    """Of the k nearest among the chosen labels, how many of k are right: what the value is shared out of."""
    nearest = sorted(chosen, key=lambda i: float(((x[i] - point) ** 2).sum()))[:k]
    return sum(y[i] == actual for i in nearest) / k


def by_all_orders(x, y, points, actual, k):
    """Shapley's definition: what a label adds when it comes, averaged over all orders in which labels come."""
    orders = list(permutations(range(len(y))))
    value = np.zeros(len(y))
    for point, right in zip(points, actual, strict=True):
        for order in orders:
            for at, i in enumerate(order):
                before = accuracy_of(order[:at], x, y, point, right, k)
                value[i] += accuracy_of(order[: at + 1], x, y, point, right, k) - before
    return value / len(orders) / len(points)


@pytest.mark.parametrize("k", [1, 2, 7])
def test_a_value_is_the_shapley_value_by_its_definition(k):
    rng = np.random.default_rng(k)
    x, y, _ = two_clouds(rng, 5, apart=1.0)
    points, actual, _ = two_clouds(rng, 12, apart=1.0)
    found = label_values(LabelledVectors(x, y), LabelledVectors(points, actual), np.ones(12), neighbours=k)
    assert found.value == pytest.approx(by_all_orders(x, y, points, actual, k))
    assert found.value.sum() == pytest.approx(found.accuracy)


def test_a_copy_of_an_audited_item_has_no_share_in_it():
    rng = np.random.default_rng(3)
    x, y, _ = two_clouds(rng, 40)
    points, actual, _ = two_clouds(rng, 20)
    both, labels, theirs = np.vstack([x, points]), np.append(y, actual), 40 + np.arange(20)
    alone = label_values(LabelledVectors(x, y), LabelledVectors(points, actual), np.ones(20), neighbours=1)
    learnt = label_values(LabelledVectors(both, labels), LabelledVectors(points, actual), np.ones(20), neighbours=1)
    apart = LabelledVectors(both, labels, np.append(np.arange(40), theirs))
    found = label_values(apart, LabelledVectors(points, actual, theirs), np.ones(20), neighbours=1)
    assert learnt.accuracy == 1
    assert alone.accuracy < 1 and found.accuracy < 1

    lone = LabelledVectors(np.zeros((1, 2)), np.array([1]), np.array([0]))
    copies = LabelledVectors(np.zeros((12, 2)), np.ones(12, int), np.append([0, 0], 1 + np.arange(10)))
    assert label_values(lone, copies, np.ones(12), neighbours=1).value == pytest.approx([10 / 12])


def test_chunks_make_no_difference(monkeypatch):
    rng = np.random.default_rng(5)
    x, y, _ = two_clouds(rng, 60)
    points, actual, _ = two_clouds(rng, 50)
    pi, copies = rng.uniform(0.2, 1, 50), np.append(np.arange(60), 60 + np.arange(50) // 3)
    given = LabelledVectors(x, y, copies[:60]), LabelledVectors(points, actual, copies[60:])
    whole = label_values(*given, pi)
    monkeypatch.setattr(label_value, "CELLS", 60 * 7)
    parts = label_values(*given, pi)
    for name in ("value", "low", "high", "p_adjusted"):
        assert getattr(parts, name) == pytest.approx(getattr(whole, name))


def test_replaced_labels_come_first_and_few_others_are_called_harmful():
    rng = np.random.default_rng(7)
    x, y, flipped = two_clouds(rng, 600, apart=2.5, wrong=0.1)
    points, actual, _ = two_clouds(rng, 400, apart=2.5)
    found = label_values(LabelledVectors(x, y), LabelledVectors(points, actual), np.full(400, 0.3))
    first = found.order[: int(flipped.sum())]
    assert flipped[first].mean() > 0.8
    assert flipped[found.harmful].mean() > 0.85
    assert found.harmful.sum() > 0.5 * flipped.sum()


@pytest.mark.parametrize("copies", [1, 4])
def test_the_intervals_cover_the_value_over_all_items(copies):
    rng = np.random.default_rng(11)
    x, y, _ = two_clouds(rng, 30, wrong=0.2)
    train = LabelledVectors(x, y, np.arange(30))
    points, actual, _ = two_clouds(rng, 20_000)
    truth = label_values(train, LabelledVectors(points, actual, 30 + np.arange(20_000)), np.ones(20_000)).value
    inside = []
    for _ in range(60):
        pi = rng.uniform(0.002, 0.02, 20_000)
        drawn = np.flatnonzero(rng.random(20_000) < pi)
        rows = np.repeat(drawn, copies)
        found = label_values(train, LabelledVectors(points[rows], actual[rows], 30 + rows), pi[rows])
        inside.append(((found.low <= truth) & (truth <= found.high)).mean())
    assert 0.92 <= np.mean(inside) <= 0.985


def test_labels_that_say_nothing_are_not_called_harmful():
    rng = np.random.default_rng(13)
    found = []
    for _ in range(20):
        x, points = rng.standard_normal((200, 3)), rng.standard_normal((100, 3))
        given = LabelledVectors(x, rng.integers(0, 2, 200)), LabelledVectors(points, rng.integers(0, 2, 100))
        found.append(int(label_values(*given, np.ones(100)).harmful.sum() > 0))
    assert sum(found) <= 4


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"audited": 9}, "9 audited items say too little"),
        ({"width": 3}, "different lengths"),
        ({"groups": True}, "or for neither"),
        ({"neighbours": 0}, "at least 1"),
        ({"level": 1.0}, "between 0 and 1"),
        ({"bad": np.nan}, "finite numbers"),
    ],
)
def test_bad_input_is_refused_in_words(change, words):
    n = change.get("audited", 20)
    train = LabelledVectors(np.ones((30, 2)), np.zeros(30, int), np.arange(30) if change.get("groups") else None)
    points = np.ones((n, change.get("width", 2)))
    points[0, 0] = change.get("bad", 1.0)
    with pytest.raises(InvalidInput, match=words):
        label_values(
            train,
            LabelledVectors(points, np.zeros(n, int)),
            np.ones(n),
            neighbours=change.get("neighbours", 5),
            level=change.get("level", 0.95),
        )
