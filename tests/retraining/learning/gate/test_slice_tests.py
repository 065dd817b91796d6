import numpy as np
import pytest

from benchmarks.disagreement import simulate
from benchmarks.gate import Errors
from retraining.learning.gate.slice_tests import ProtectedSlice, slice_rows

TIMES, MARGIN = 150, 0.02


def drawn_slice(rng: np.random.Generator, loss: float, *, rows: int, labels: int) -> ProtectedSlice:
    """A slice in which the candidate is worse by `loss`, in a window of its own."""
    one = simulate(rng, Errors(-loss), rows=rows)
    gains = one.gains()[:labels]
    return slice_rows(one.window, np.ones(rows, dtype=bool), one.drawn[:labels], gains, doubt=0.005)


def share_passed(loss: float, *, rows: int, labels: int) -> float:
    rng = np.random.default_rng(0)
    tests = [drawn_slice(rng, loss, rows=rows, labels=labels).not_worse(MARGIN, 0.045) for _ in range(TIMES)]
    return float(np.mean([test is None or test.rejected[0] for test in tests]))


@pytest.mark.parametrize("rows", [300, 4000])
def test_a_slice_worse_by_just_the_margin_rarely_passes(rows: int) -> None:
    assert share_passed(MARGIN, rows=rows, labels=150) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / TIMES)


def test_an_equal_slice_mostly_passes() -> None:
    assert share_passed(0.0, rows=4000, labels=150) > 0.5


def test_a_slice_that_cannot_lose_the_margin_needs_no_label_to_pass() -> None:
    found = drawn_slice(np.random.default_rng(0), 0.0, rows=4000, labels=0)
    assert found.not_worse(0.1, 0.045) is None
    assert found.worse(0.1, 0.045) is None


def test_the_rate_of_few_rows_may_be_higher_than_was_seen() -> None:
    few, many = (drawn_slice(np.random.default_rng(1), 0.0, rows=rows, labels=0) for rows in (200, 20_000))
    assert few.rate_high - few.disagreements / few.rows > 5 * (many.rate_high - many.disagreements / many.rows)
    assert few.rate_low < many.rate_low < many.disagreements / many.rows
