"""Inputs: columns become features that learn from training rows alone, and bad columns are named."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.metrics.labels.features import MARK, ProbabilitiesUndefined, checked_columns, encoded

ALL = {"text": "text", "amount": "number", "country": "category", "scan": "image"}
COLUMNS = {
    "text": ["a card", "my card", None, "", "rate of euro", "euro rate"],
    "amount": [1.0, 2.0, float("nan"), 4.0, 5.0, 6.0],
    "country": ["CH", "CH", None, "DE", "DE", "FR"],
    "scan": [np.full((2, 2), shade) for shade in (0, 50, 100, 150, 200, 255)],
}
TRAIN, ASKED = np.arange(4), np.array([4, 5])


def test_every_kind_becomes_features_of_the_rows_asked():
    cells = checked_columns(COLUMNS, ALL, 6)
    learnt, wanted = encoded(cells, ALL, TRAIN, ASKED)
    assert (learnt.terms.shape[0], wanted.terms.shape[0]) == (4, 2)
    assert (learnt.dense.shape[0], wanted.dense.shape[0]) == (4, 2)
    assert learnt.together.shape[1] == learnt.terms.shape[1] + learnt.dense.shape[1]


def test_missing_text_is_empty_and_still_has_a_term():
    cells = checked_columns(COLUMNS, {"text": "text"}, 6)
    assert cells["text"][2] == cells["text"][3] == f" {MARK}"
    blank = checked_columns({"t": ["", None]}, {"t": "text"}, 2)
    assert encoded(blank, {"t": "text"}, np.arange(2), np.arange(2))[0].terms.nnz > 0


def test_a_missing_number_is_filled_and_marked_as_missing():
    cells = checked_columns(COLUMNS, {"amount": "number"}, 6)
    learnt, _ = encoded(cells, {"amount": "number"}, TRAIN, ASKED)
    assert learnt.dense.shape[1] == 2
    assert np.isfinite(learnt.dense).all()
    assert np.argmax(learnt.dense[:, 1]) == 2


def test_nothing_is_learnt_from_the_rows_asked():
    types = {"text": "text", "amount": "number", "country": "category"}
    other = COLUMNS | {
        "text": [*COLUMNS["text"][:4], "quite", "different"],
        "amount": [1.0, 2.0, np.nan, 4.0, 9e9, -9e9],
    }
    one = encoded(checked_columns(COLUMNS, types, 6), types, TRAIN, ASKED)[0]
    two = encoded(checked_columns(other, types, 6), types, TRAIN, ASKED)[0]
    np.testing.assert_array_equal(one.together.toarray(), two.together.toarray())


def test_pixels_keep_their_proportions():
    cells = checked_columns(COLUMNS, {"scan": "image"}, 6)
    learnt, wanted = encoded(cells, {"scan": "image"}, TRAIN, ASKED)
    assert (learnt.dense.min(), learnt.dense.max()) == (0.0, 1.0)
    np.testing.assert_allclose(wanted.dense[0], 200 / 150)


@pytest.mark.parametrize(
    ("columns", "types", "message"),
    [
        ({}, {}, "no input columns"),
        ({"x": [1, 2]}, {"x": "sound"}, "'x' is 'sound'"),
        ({"x": [1, 2]}, {"y": "number"}, "no column 'y'"),
        ({"x": [1]}, {"x": "number"}, "has 1 rows, the labels 2"),
        ({"x": ["a", "b"]}, {"x": "number"}, "does not hold numbers"),
        ({"x": [1, np.inf]}, {"x": "number"}, "not finite"),
        ({"x": [np.zeros((2, 2)), np.zeros(3)]}, {"x": "image"}, "images of one size"),
        ({"x": [np.zeros(2), np.full(2, np.nan)]}, {"x": "image"}, "not finite"),
    ],
)
def test_bad_columns_are_refused_with_their_reason(columns, types, message):
    with pytest.raises(ProbabilitiesUndefined, match=message):
        checked_columns(columns, types, 2)


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
def test_any_rows_become_finite_features_of_one_width(rows):
    columns = dict(zip(("text", "amount", "country"), zip(*rows, strict=True), strict=True))
    types = {name: ALL[name] for name in columns}
    half = len(rows) // 2
    cells = checked_columns(columns, types, len(rows))
    learnt, wanted = encoded(cells, types, np.arange(half), np.arange(half, len(rows)))
    assert learnt.together.shape == (half, wanted.together.shape[1])
    assert np.isfinite(learnt.together.data).all() and np.isfinite(wanted.together.data).all()
    assert (learnt.terms.data >= 0).all()
