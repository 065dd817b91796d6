"""Columns as conditions: bins that hold every row once, ranges that say what they hold, words people would say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.metrics.slices.conditions import Condition, axes, number

VALUES = {
    "number": st.one_of(st.none(), st.floats(-1e6, 1e6), st.integers(-5, 5).map(float)),
    "category": st.one_of(st.none(), st.sampled_from(["a", "b", "c d", ""])),
    "text": st.sampled_from(["late card", "card lost", "refund", "", "late late fee"]),
}


@st.composite
def columns(draw):
    kind = draw(st.sampled_from(sorted(VALUES)))
    return kind, np.array(draw(st.lists(VALUES[kind], min_size=1, max_size=60)), dtype=object)


@given(columns(), st.integers(1, 5))
@settings(max_examples=60)
def test_a_condition_holds_for_the_rows_of_its_bins(drawn, min_rows):
    kind, values = drawn
    for axis in axes({"x": values}, types={"x": kind}, min_rows=min_rows):
        for condition, first, last in zip(axis.conditions, axis.first, axis.last, strict=True):
            held = condition.matching_rows(values)
            if axis.codes is None:
                assert held.tolist() == (axis.terms[:, [first]].toarray()[:, 0] > 0).tolist()
            else:
                assert held.tolist() == ((axis.codes >= first) & (axis.codes < last)).tolist()
            assert condition.words().startswith("x ")


@given(st.one_of(st.floats(0, 10), st.text(min_size=1, max_size=3)), st.integers(1, 50))
def test_a_constant_column_is_left_out(value, n):
    assert axes({"x": np.array([value] * n, dtype=object)}, min_rows=1) == []


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=60), st.integers(0, 99))
def test_a_part_of_the_rows_keeps_its_bins(values, seed):
    rows = np.random.default_rng(seed).random(len(values)) < 0.5
    for axis in axes({"x": np.array(values)}, min_rows=1):
        part = axis.rows(rows)
        assert part.codes.tolist() == axis.codes[rows].tolist()
        assert part.conditions == axis.conditions


@given(st.floats(-1e9, 1e9).map(lambda value: round(value, 4)))
def test_numbers_are_said_so_that_they_can_be_read_back(value):
    assert float(number(value).replace("−", "-").replace(",", "")) == pytest.approx(value, rel=1e-9)


def test_every_kind_of_condition_has_its_words():
    assert Condition("x", "range", None, 80_000.0).words() == "x under 80,000"
    assert Condition("x", "range", -3.0, None).words() == "x −3 or more"
    assert Condition("x", "range", 2.0, 3.0, 1.0).words() == "x is 2"
    assert Condition("x", "range", 0.25, 0.5).words() == "x 0.25 to 0.5"
    assert Condition("x", "missing").words() == "x is missing"
    assert Condition("x", "term", value="refund").words() == "x contains refund"
