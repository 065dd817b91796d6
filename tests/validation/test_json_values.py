"""What a database can store of JSON, and how an error message repeats a value."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validation.json_values import is_deeper_than, is_finite_number, is_storable, quote

VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(-1e299, 1e299) | st.integers(-(10**18), 10**18) | st.text("aé€", max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=3), inner, max_size=3),
)


@given(VALUES)
def test_ordinary_values_are_storable(value: object) -> None:
    assert is_storable(value)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1e300, 10**400, "a\x00", "\ud800", {"\x00": 1}])
@pytest.mark.parametrize("wrap", [lambda bad: bad, lambda bad: [1, [bad]], lambda bad: {"a": {"b": bad}}])
def test_what_no_database_stores_is_found_at_any_depth(bad: object, wrap: object) -> None:
    assert not is_storable(wrap(bad))  # type: ignore[operator]


def test_a_boolean_is_no_number() -> None:
    assert is_finite_number(3) and is_finite_number(0.5)
    assert not is_finite_number(True) and not is_finite_number("3") and not is_finite_number(None)


@given(st.integers(0, 30))
def test_depth_counts_levels_of_lists_and_objects(levels: int) -> None:
    value = json.loads("[" * levels + "]" * levels) if levels else 5
    assert not is_deeper_than(value, levels)
    assert levels == 0 or is_deeper_than(value, levels - 1)


@given(st.text() | st.lists(st.text()) | st.integers() | st.just("\ud800" * 1000) | st.just("x" * 10**6))
def test_a_quote_is_short_one_line_and_encodable(value: object) -> None:
    said = quote(value)
    assert len(said) <= 80 and "\n" not in said
    said.encode()
