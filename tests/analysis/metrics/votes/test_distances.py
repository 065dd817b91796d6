"""Alpha of values that are compared by a distance: equal to the published alphas, and its interval covers."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.metrics.votes import distances
from analysis.metrics.votes.agreement import NO_PAIRS, ONE_ITEM, ONE_VALUE, krippendorff
from analysis.metrics.votes.distances import MOST_VOTES, set_distance
from annotation import kinds
from tests.analysis.metrics.votes.test_agreement import ITEMS, PEOPLE, VALUES, votes
from validation import InvalidInput


def differ(one: Any, other: Any) -> float:
    return float(one != other)


def squared(one: Any, other: Any) -> float:
    return float((one - other) ** 2)


@pytest.mark.parametrize(("distance", "published"), [(differ, 0.743), (squared, 0.849)])
def test_alpha_by_distance_is_the_published_one(distance: Any, published: float) -> None:
    found = krippendorff(ITEMS, PEOPLE, VALUES.tolist(), distance=distance)
    assert found.value == pytest.approx(published, abs=5e-4)
    assert found.low is not None and found.low < published < (found.high or 0)
    assert (found.items, found.votes) == (11, 40)


@given(votes)
@settings(max_examples=40, deadline=None)
def test_alpha_by_distance_is_alpha_by_level(rows: list[tuple[int, int, int]]) -> None:
    items, people, labels = (list(column) for column in zip(*rows, strict=True))
    for level, distance in (("nominal", differ), ("interval", squared)):
        found = krippendorff(items, people, labels, distance=distance)
        expected = krippendorff(items, people, labels, level=level)
        assert found.value == (None if expected.value is None else pytest.approx(expected.value))
        assert (found.items, found.votes) == (expected.items, expected.votes)


def test_sets_that_share_labels_agree_more_than_those_that_do_not() -> None:
    items, people = [0, 0, 1, 1, 2, 2], ["x", "y"] * 3
    near = [["a", "b"], ["a"], ["c"], ["c"], ["b"], ["b"]]
    far = [["a", "b"], ["c"], ["c"], ["c"], ["b"], ["b"]]
    alphas = [krippendorff(items, people, labels, distance=set_distance).value for labels in (near, far)]
    assert alphas[0] is not None and alphas[1] is not None and alphas[1] < alphas[0] < 1


@pytest.mark.parametrize(
    ("items", "labels", "note"),
    [
        ([0, 1], [["a"], ["b"]], NO_PAIRS),
        ([0, 0, 1, 1], [[], [], [], []], ONE_VALUE),
        ([0, 0], [["a"], ["b"]], ONE_ITEM),
        ([], [], NO_PAIRS),
    ],
)
def test_what_has_no_value_or_no_interval_says_why(items: list[int], labels: list[Any], note: str) -> None:
    found = krippendorff(items, [n % 2 for n in range(len(items))], labels, distance=set_distance)
    assert found.note == note and found.low is None


@pytest.mark.parametrize("wrong", [-1.0, np.nan, np.inf])
def test_a_distance_that_is_none_is_refused(wrong: float) -> None:
    with pytest.raises(InvalidInput, match="it must be 0 or more, and finite"):
        krippendorff([0, 0], [0, 1], [["a"], ["b"]], distance=lambda one, other: wrong)


def test_many_votes_are_compared_with_those_of_items_drawn_at_random() -> None:
    rng = np.random.default_rng(1)
    items, people = np.repeat(np.arange(MOST_VOTES), 2), np.tile([0, 1], MOST_VOTES)
    labels = rng.integers(0, 4, MOST_VOTES).repeat(2)
    labels = np.where(rng.random(labels.size) < 0.3, rng.integers(0, 4, labels.size), labels)
    whole = krippendorff(items, people, labels)
    assert whole.value is not None
    found = krippendorff(items, people, labels.tolist(), distance=differ)
    assert found.value == pytest.approx(whole.value, abs=0.02)


def test_simulated_intervals_cover_the_alpha_of_many_items() -> None:
    """Simulation: 200 draws of 40 items by two people who choose sets of labels; 95 % intervals."""
    rng = np.random.default_rng(2)

    def drawn(n: int) -> list[list[str]]:
        truth = rng.random((n, 1, 3)) < 0.4
        said = np.where(rng.random((n, 2, 3)) < 0.15, ~truth, truth)
        return [[label for label, is_in in zip("abc", one, strict=True) if is_in] for one in said.reshape(-1, 3)]

    def alpha(n: int, labels: list[list[str]]) -> Any:
        return krippendorff(np.repeat(np.arange(n), 2), np.tile([0, 1], n), labels, distance=set_distance)

    true = alpha(4000, drawn(4000)).value
    found = [alpha(40, drawn(40)) for _ in range(200)]
    covered = np.mean([one.low <= true <= one.high for one in found])
    assert 0.89 <= covered <= 0.98  # 93 % where simulated 2,000 times


BOX = {"x": 0.1, "y": 0.1, "width": 0.4, "height": 0.4, "label": "X"}
VALUES_OF_KINDS: dict[str, tuple[Any, Any, Any]] = {  # a value, one that is near, one that is far
    "choices": (["a", "b"], ["a"], ["c"]),
    "text": ("abcd", "abce", "wxyz"),
    "spans": ([{"start": 0, "end": 4, "label": "X"}], [{"start": 0, "end": 3, "label": "X"}], []),
    "boxes": ([BOX], [{**BOX, "width": 0.3}], []),
    "ranking": (["a", "b", "c"], ["a", "c", "b"], ["c", "b", "a"]),
}


@pytest.mark.parametrize("name", sorted(VALUES_OF_KINDS))
def test_the_distance_of_a_kind_grows_with_what_differs(name: str) -> None:
    kind, (one, near, far) = kinds.of(name), VALUES_OF_KINDS[name]
    assert kind.alpha_level is None
    assert 0 == kind.distance(one, one) < kind.distance(one, near) < kind.distance(one, far) <= 1


sets = st.lists(st.sampled_from("abcd"), unique=True)


@given(sets, sets)
def test_the_distance_of_sets_is_that_of_several_labels(one: list[str], other: list[str]) -> None:
    assert set_distance(one, other) == pytest.approx(kinds.of("choices").distance(one, other))


class NeverCompared(np.ndarray):
    """An array that refuses to be compared with one item at a time."""

    def __eq__(self, other: object) -> Any:
        raise AssertionError("A pass over every vote for each item takes time with the square of the items.")


def test_the_votes_are_gathered_by_item_in_their_order_by_sorting_once() -> None:
    item = np.array([2, 0, 2, 0, 1, 2, 1]).view(NeverCompared)
    assert distances.codes_by_item(item, np.arange(7)) == [[1, 3], [4, 6], [0, 2, 5]]
