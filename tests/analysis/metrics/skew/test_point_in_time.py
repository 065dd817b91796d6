"""The point-in-time join, against one that looks at every row for every key."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.metrics.skew.point_in_time import as_of
from validation import InvalidInput

ROWS = st.lists(st.tuples(st.sampled_from(["a", "b", "c", ""]), st.integers(0, 6)), max_size=25)


def brute_force(asked: list[Any], rows: list[Any]) -> list[int]:
    found = []
    for key, time in asked:
        best = -1
        for place, (row_key, row_time) in enumerate(rows):
            if row_key == key and row_time <= time and (best < 0 or row_time >= rows[best][1]):
                best = place
        found.append(best)
    return found


@settings(max_examples=200)
@given(asked=ROWS, rows=ROWS)
def test_it_finds_what_a_look_at_every_row_finds(asked: list[Any], rows: list[Any]) -> None:
    found = as_of(*([part[n] for part in side] for side in (asked, rows) for n in (0, 1)))
    assert found.tolist() == brute_force(asked, rows)


@pytest.mark.parametrize(
    ("keys", "times"), [(["a"], []), (["a"], [float("nan")]), (["a"], [[1.0]]), (["a", "b"], [1.0])]
)
def test_odd_arguments_are_refused_in_words(keys: list[str], times: Any) -> None:
    for arguments in ((keys, times, ["a"], [0.0]), (["a"], [0.0], keys, times)):
        with pytest.raises(InvalidInput, match="times take"):
            as_of(*arguments)


def test_a_large_join_is_exact() -> None:
    rng = np.random.default_rng(0)
    row_keys, keys = (rng.integers(0, 500, 20_000).astype(str).tolist() for _ in range(2))
    row_times, times = rng.random(20_000), rng.random(20_000)
    found = as_of(keys, times, row_keys, row_times)
    for place in range(0, 20_000, 997):
        rows = [n for n in range(20_000) if row_keys[n] == keys[place] and row_times[n] <= times[place]]
        assert found[place] == (max(rows, key=lambda n: row_times[n]) if rows else -1)
