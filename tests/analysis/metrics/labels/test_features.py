"""Inputs: columns become features that learn from training rows alone, and bad columns are named."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.metrics.labels.features import checked_inputs, encode
from validation import InvalidInput

ALL = {"text": "text", "amount": "number", "country": "category", "scan": "image", "paid": "boolean", "at": "time"}
COLUMNS: dict[str, list[Any]] = {
    "text": ["a card", "my card", None, "", "rate of euro", "euro rate"],
    "amount": [1.0, 2.0, float("nan"), 4.0, 5.0, 6.0],
    "country": ["CH", "CH", None, "DE", "DE", "FR"],
    "scan": [np.full((2, 2), shade) for shade in (0, 50, 100, 150, 200, 255)],
    "paid": [True, False, None, True, True, False],
    "at": [f"2026-01-0{day}T08:00:00Z" for day in range(1, 7)],
}
TRAIN, ASKED = np.arange(4), np.array([4, 5])


def test_every_type_becomes_features_of_the_rows_asked() -> None:
    learnt, wanted = encode(checked_inputs(COLUMNS, ALL, 6), TRAIN, ASKED)
    assert (learnt.terms.shape[0], wanted.terms.shape[0]) == (4, 2)
    assert (learnt.dense.shape[0], wanted.dense.shape[0]) == (4, 2)
    assert learnt.together.shape[1] == learnt.terms.shape[1] + learnt.dense.shape[1]


def test_missing_text_still_has_a_term() -> None:
    blank = checked_inputs({"t": ["", None]}, {"t": "text"}, 2)
    assert encode(blank, np.arange(2), np.arange(2))[0].terms.nnz > 0


def test_a_missing_number_is_filled_and_marked_as_missing() -> None:
    learnt, _ = encode(checked_inputs(COLUMNS, {"amount": "number"}, 6), TRAIN, ASKED)
    assert learnt.dense.shape[1] == 2
    assert np.isfinite(learnt.dense).all()
    assert np.argmax(learnt.dense[:, 1]) == 2


def test_a_missing_image_is_blank() -> None:
    inputs = checked_inputs({"scan": [None, *COLUMNS["scan"][1:]]}, {"scan": "image"}, 6)
    assert encode(inputs, TRAIN, ASKED)[0].dense[0].tolist() == [0.0] * 4


def test_nothing_is_learnt_from_the_rows_asked() -> None:
    types = {"text": "text", "amount": "number", "country": "category"}
    other = COLUMNS | {
        "text": [*COLUMNS["text"][:4], "quite", "different"],
        "amount": [1.0, 2.0, np.nan, 4.0, 9e9, -9e9],
    }
    one = encode(checked_inputs(COLUMNS, types, 6), TRAIN, ASKED)[0]
    two = encode(checked_inputs(other, types, 6), TRAIN, ASKED)[0]
    np.testing.assert_array_equal(one.together.toarray(), two.together.toarray())


def test_pixels_keep_their_proportions() -> None:
    learnt, wanted = encode(checked_inputs(COLUMNS, {"scan": "image"}, 6), TRAIN, ASKED)
    assert (learnt.dense.min(), learnt.dense.max()) == (0.0, 1.0)
    np.testing.assert_allclose(wanted.dense[0], 200 / 150)


@pytest.mark.parametrize(
    ("columns", "types", "message"),
    [
        ({}, {}, "no inputs"),
        ({"x": [1, 2]}, {"x": "sound"}, "'x' has the type 'sound'"),
        ({"x": [1, 2]}, {"y": "number"}, "'y' is in the contract but not in the data"),
        ({"x": [1]}, {"x": "number"}, "have 1 rows, the labels 2"),
        ({"x": ["a", "b"]}, {"x": "number"}, "'x' should hold numbers"),
        ({"x": [1, np.inf]}, {"x": "number"}, "infinite in row 1"),
        ({"x": [np.zeros((2, 2)), np.zeros(3)]}, {"x": "image"}, "row 1: an image must be a table"),
        ({"x": [np.zeros((2, 2)), np.full((2, 2), np.nan)]}, {"x": "image"}, "must be finite"),
    ],
)
def test_bad_columns_are_refused_with_their_reason(columns: Any, types: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        checked_inputs(columns, types, 2)


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.text(max_size=8)),
            st.one_of(st.just(float("nan")), st.floats(-1e9, 1e9)),
            st.sampled_from(["x", "y", None, 3]),
        ),
        min_size=4,
        max_size=12,
    )
)
def test_any_rows_become_finite_features_of_one_width(rows: list[Any]) -> None:
    columns = dict(zip(("text", "amount", "country"), zip(*rows, strict=True), strict=True))
    types = {name: ALL[name] for name in columns}
    half = len(rows) // 2
    inputs = checked_inputs(columns, types, len(rows))
    learnt, wanted = encode(inputs, np.arange(half), np.arange(half, len(rows)))
    assert learnt.together.shape == (half, wanted.together.shape[1])
    assert np.isfinite(learnt.together.data).all() and np.isfinite(wanted.together.data).all()
    assert (learnt.terms.data >= 0).all()
