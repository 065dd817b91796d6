"""Numbers as pages write them."""

from typing import Any

import pytest

from analysis.metrics.core.stored import StoredEstimate
from projects import formatting


@pytest.mark.parametrize(
    ("value", "digits", "words"),
    [
        (0.9346, 1, "93.5"),
        (1.0, 1, "100.0"),
        (0.0, 1, "0.0"),
        (0.99995, 1, "> 99.9"),
        (0.9995, 1, "> 99.9"),
        (0.9994, 1, "99.9"),
        (0.0004, 1, "< 0.1"),
        (0.0005, 1, "0.1"),
        (0.999, 0, "> 99"),
        (1 - 1e-12, 1, "100.0"),
    ],
)
def test_a_share_short_of_all_is_not_written_as_all_and_one_above_none_not_as_none(
    value: float, digits: int, words: str
) -> None:
    """Seen: right in 100.0 % of cases, beside one mistake."""
    assert formatting.percent(value, digits).replace("\u00a0", " ") == f"{words} %"


@pytest.mark.parametrize(
    ("estimate", "digits", "words"),
    [
        (StoredEstimate(0.8, 0.712, 0.838, 40), 2, "[0.71, 0.84]"),
        ({"low": -2.94, "high": 0.2}, 1, "[\u22122.9, 0.2]"),
        ({"low": 900.0, "high": 1234.0}, 0, "[900, 1,234]"),
        (StoredEstimate(None, None, None, 0), 2, ""),
        (StoredEstimate(0.8, 0.7, None, 1), 2, ""),
        ("", 2, ""),
        (None, 2, ""),
    ],
)
def test_an_interval_is_two_numbers_in_brackets_and_nothing_where_an_end_is_unknown(
    estimate: Any, digits: int, words: str
) -> None:
    assert formatting.interval(estimate, digits) == words
