"""Whole numbers are read from plain digits, and nothing else raises."""

import pytest

from validation.numbers import whole_number


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("007", 7), ("9" * 18, 10**18 - 1)])
def test_plain_digits_are_a_number(text: str, number: int) -> None:
    assert whole_number(text) == number


@pytest.mark.parametrize("text", ["", " 1", "-1", "1.0", "1e3", "²", "٣", "0x1", "1_000", "9" * 19, "9" * 5000, "\x00"])
def test_anything_else_is_none(text: str) -> None:
    assert whole_number(text) is None


def test_a_number_outside_the_limits_is_none() -> None:
    assert [whole_number(text, least=2, most=3) for text in "1234"] == [None, 2, 3, None]
