"""Boxes: what is taken, when votes settle, and how far they agree."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation.kinds import InvalidLabel
from annotation.kinds.boxes import KIND
from annotation.kinds.boxes.geometry import overlaps
from projects.project_settings import BadSpec

LABELS: list[dict[str, Any]] = [{"value": "sign", "title": "Road sign"}, {"value": "car"}]
INPUTS = {"note": {"type": "text"}, "front": {"type": "image"}, "back": {"type": "image"}}
on_front = KIND.with_options({"input": "front"})


def box(x: float, y: float, width: float, height: float, label: str = "sign") -> dict[str, Any]:
    return {"x": x, "y": y, "width": width, "height": height, "label": label}


fractions = st.floats(0, 0.9, allow_nan=False)
boxes = st.builds(
    lambda x, y, width, height, label: box(x, y, width * (1 - x), height * (1 - y), label),
    fractions,
    fractions,
    st.floats(0.001, 1),
    st.floats(0.001, 1),
    st.sampled_from(["sign", "car"]),
)
lists = st.lists(boxes, max_size=5, unique_by=lambda one: tuple(round(part, 3) for part in (one["x"], one["y"])))


def test_boxes_are_sorted_so_that_equal_ones_are_equal() -> None:
    given = [box(0.5, 0, 0.1, 0.1), box(0.1, 0.2, 0.3, 0.1, "car"), box(0.1, 0.2, 0.4, 0.1)]
    assert KIND.validate(given, LABELS) == [given[2], given[1], given[0]]
    assert KIND.validate([], LABELS) == []
    assert KIND.validate([box(0, 0, 1, 1)], LABELS) == [box(0.0, 0.0, 1.0, 1.0)]


@given(lists)
@settings(max_examples=60)
def test_a_stored_value_is_stored_the_same_again_and_lies_inside_the_image(value: list[Any]) -> None:
    stored = KIND.validate(value, LABELS)
    assert KIND.validate(stored, LABELS) == stored
    for one in stored:
        assert min(one["x"], one["y"]) >= 0 < min(one["width"], one["height"])
        assert max(one["x"] + one["width"], one["y"] + one["height"]) <= 1 + 1e-9


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "A list of at most 1,000 boxes is expected"),
        ([box(n / 2000, 0, 0.1, 0.1) for n in range(1001)], "A list of at most 1,000 boxes"),
        ([{"x": 0, "y": 0, "width": 1}], "A box has x, y, width, height and a label."),
        ([{**box(0, 0, 1, 1), "rotation": 3}], "A box has x, y, width, height and a label."),
        ([box(math.nan, 0, 1, 1)], "x, y, width and height of a box are numbers."),
        ([box(0, math.inf, 1, 1)], "x, y, width and height of a box are numbers."),
        ([{**box(0, 0, 1, 1), "x": "0"}], "x, y, width and height of a box are numbers."),
        ([{**box(0, 0, 1, 1), "x": True}], "x, y, width and height of a box are numbers."),
        ([box(0.2, 0.2, 0, 0.1)], "A box lies inside the image"),
        ([box(0.2, 0.2, -0.1, 0.1)], "A box lies inside the image"),
        ([box(-0.01, 0, 0.5, 0.5)], "A box lies inside the image"),
        ([box(0.6, 0, 0.41, 0.5)], "A box lies inside the image"),
        ([box(10, 20, 30, 10)], "A box lies inside the image"),  # percent
        ([box(0, 0, 1, 1, "tree")], '"tree" is not one of the labels: sign, car.'),
        ([{**box(0, 0, 1, 1), "label": 4}], "The label of a box is not one of the labels"),
        ([box(0, 0, 0.5, 0.5), box(0, 0, 0.5, 0.5)], "The box 0–50 × 0–50 % stands in the list twice."),
    ],
)
def test_anything_else_is_refused_in_words(value: object, said: str) -> None:
    with pytest.raises(InvalidLabel, match=said):
        KIND.validate(value, LABELS)


def test_the_first_image_is_marked_unless_another_one_is_named() -> None:
    assert KIND.complete_options({}, INPUTS) == {"input": "front"}
    assert KIND.complete_options({"input": "back"}, INPUTS) == {"input": "back"}
    for inputs, options in ((INPUTS, {"input": "note"}), ({"note": {"type": "text"}}, {})):
        with pytest.raises(BadSpec, match="it takes the name of an input of type image"):
            KIND.complete_options(options, inputs)


def test_an_item_without_the_image_has_nothing_to_mark() -> None:
    assert on_front.misfit([box(0, 0, 1, 1)], {"back": {}}) == "The item has no image `front` to mark."
    assert on_front.misfit([], {}) is None
    assert on_front.misfit([box(0, 0, 1, 1)], {"front": {"media": "f"}}) is None


def test_a_box_is_described_by_its_ends_in_percent() -> None:
    assert KIND.describe([box(0.1, 0.2, 0.3, 0.105)], LABELS) == "Road sign 10–40 × 20–30.5 %"
    assert KIND.describe([], LABELS) == "nothing marked"
    assert KIND.describe([box(n / 10, 0, 0.1, 0.1) for n in range(8)], LABELS).endswith(", 2 more")


@pytest.mark.parametrize(
    ("votes", "settled"),
    [
        ([], None),
        ([[box(0.1, 0.1, 0.4, 0.4)]], [box(0.1, 0.1, 0.4, 0.4)]),
        ([[box(0.1, 0.1, 0.4, 0.4)], [box(0.1, 0.1, 0.4, 0.4)]], [box(0.1, 0.1, 0.4, 0.4)]),
        ([[box(0.1, 0.1, 0.4, 0.4)], [box(0.12, 0.1, 0.4, 0.4)]], [box(0.11, 0.1, 0.4, 0.4)]),
        ([[box(0.1, 0.1, 0.4, 0.4)], []], None),  # half of the votes have it
        ([[box(0.1, 0.1, 0.4, 0.4)], [box(0.1, 0.1, 0.4, 0.4, "car")]], None),
        ([[box(0.1, 0.1, 0.4, 0.4)], [box(0.3, 0.1, 0.4, 0.4)]], None),  # a third of both is shared
        ([[], [], [box(0.1, 0.1, 0.4, 0.4)]], []),
        ([[box(0, 0, 0.1, 0.1)], [box(0.5, 0.5, 0.1, 0.1)], [box(0.8, 0.1, 0.1, 0.1)]], None),
        (
            [[box(0.1, 0.1, 0.4, 0.4)], [box(0.1, 0.1, 0.44, 0.4)], [box(0.1, 0.1, 0.7, 0.4), box(0.8, 0.8, 0.1, 0.1)]],
            [box(0.1, 0.1, 0.44, 0.4)],
        ),
    ],
)
def test_votes_settle_box_by_box_with_the_median_of_each_edge(votes: list[Any], settled: Any) -> None:
    found = KIND.resolve(votes)
    assert (found.value if found else None) == settled


def test_boxes_side_by_side_stay_two_in_whatever_order_people_drew_them() -> None:
    pair = [box(0.1, 0.1, 0.2, 0.4), box(0.2, 0.1, 0.2, 0.4)]  # a third of both is shared
    votes = [pair, pair[::-1], [box(0.11, 0.1, 0.2, 0.4), box(0.21, 0.1, 0.2, 0.4)]]
    found = KIND.resolve(votes)
    assert found is not None and found.value == pair and found.quality == pytest.approx((2 + 0.19 / 0.21) / 3, abs=0.01)


@given(lists, lists)
@settings(max_examples=60)
def test_the_score_is_the_mean_best_overlap_both_ways(one: list[Any], other: list[Any]) -> None:
    def shared(a: dict[str, Any], b: dict[str, Any]) -> float:
        if a["label"] != b["label"]:
            return 0.0
        across = min(a["x"] + a["width"], b["x"] + b["width"]) - max(a["x"], b["x"])
        down = min(a["y"] + a["height"], b["y"] + b["height"]) - max(a["y"], b["y"])
        both = max(across, 0) * max(down, 0)
        return both / (a["width"] * a["height"] + b["width"] * b["height"] - both)

    best = [max((shared(a, b) for b in other), default=0) for a in one]
    best += [max((shared(a, b) for a in one), default=0) for b in other]
    expected = sum(best) / len(best) if best else 1
    assert KIND.score(one, other) == pytest.approx(expected, abs=1e-9)
    assert KIND.score(one, other) == pytest.approx(KIND.score(other, one))
    assert 0 <= KIND.score(one, other) <= 1 and KIND.score(one, one) == pytest.approx(1)


def test_where_nobody_drew_people_agree_on_nothing_and_alpha_has_no_value() -> None:
    assert KIND.score([], []) == 1.0 and KIND.score([], [box(0, 0, 1, 1)]) == 0.0
    assert KIND.agreement([[], []]) == 1.0 and KIND.agreement([[]]) is None


def test_a_thousand_boxes_are_checked_compared_and_settled() -> None:
    rng = np.random.default_rng(0)
    corners = rng.random((1000, 2)) * 0.9
    value = KIND.validate([box(x, y, 0.05, 0.05, "car") for x, y in corners.tolist()], LABELS)
    moved = KIND.validate([{**one, "width": 0.051} for one in value], LABELS)
    assert overlaps(value, moved).shape == (1000, 1000)
    assert KIND.score(value, moved) == pytest.approx(0.05 / 0.051, abs=1e-3)
    found = KIND.resolve([value, moved, value])
    assert found is not None and len(found.value) > 950  # some that lie close are about the same


def test_a_reviewers_form_takes_json_alone() -> None:
    assert KIND.parse_form({"value": "[]"}) == []
    with pytest.raises(InvalidLabel, match="Choose whose boxes are right"):
        KIND.parse_form({"value": ""})


def test_merged_labels_leave_sorted_boxes_each_once() -> None:
    value = KIND.validate([box(0, 0, 0.5, 0.5), box(0, 0, 0.5, 0.5, "car"), box(0.1, 0, 0.5, 0.5)], LABELS)
    assert KIND.replace_labels(value, {"sign": "car"}) == [box(0, 0, 0.5, 0.5, "car"), box(0.1, 0, 0.5, 0.5, "car")]


def test_keys_that_a_label_has_are_its_own() -> None:
    form = KIND.form([{"value": "bus", "key": "b"}, {"value": "none", "key": "n"}])
    assert (form["add_key"], form["none_key"]) == ("", "")
    assert KIND.form(LABELS)["add_key"] == "b"
