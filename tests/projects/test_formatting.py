"""Numbers as pages write them."""

from typing import Any

import pytest

from analysis.metrics.core.stored import StoredEstimate
from projects import formatting


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
