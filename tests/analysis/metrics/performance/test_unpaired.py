"""The difference of two independent shares: its sign, its limits, and how often they hold the truth."""

import numpy as np
import pytest

from analysis.metrics.core import weighted
from analysis.metrics.core.weighted import Estimate
from analysis.metrics.performance.unpaired import independent_difference


def plain(successes: int, n: int) -> Estimate:
    return weighted.proportion(np.arange(n) < successes, np.ones(n))


def test_is_the_second_minus_the_first_within_its_limits() -> None:
    found = independent_difference(plain(30, 100), plain(60, 80))
    assert found.value == pytest.approx(0.45)
    assert found.low is not None and found.high is not None and 0.28 < found.low < 0.45 < found.high < 0.58
    assert found.n == 80
    back = independent_difference(plain(60, 80), plain(30, 100))
    assert (back.value, back.low, back.high) == pytest.approx((-0.45, -found.high, -found.low))


def test_is_never_beyond_what_shares_can_differ_by() -> None:
    found = independent_difference(plain(0, 5), plain(5, 5))
    assert found.value == 1 and found.high is not None and found.high <= 1 and found.low is not None and found.low > -1


def test_is_unknown_where_one_of_them_is() -> None:
    nothing = weighted.proportion([], [])
    assert independent_difference(nothing, plain(3, 9)).value is None
    without_limits = Estimate(0.5, None, None, 1, 1.0, "", "One item gives no interval.")
    found = independent_difference(without_limits, plain(3, 9))
    assert (found.value, found.low, found.note) == (pytest.approx(3 / 9 - 0.5), None, "One item gives no interval.")


@pytest.mark.parametrize(("n", "m", "p", "q"), [(60, 80, 0.8, 0.7), (30, 200, 0.95, 0.9), (100, 100, 0.5, 0.5)])
def test_its_limits_hold_the_truth_in_about_95_of_100_draws(n: int, m: int, p: float, q: float) -> None:
    rng, held, draws = np.random.default_rng(7), 0, 400
    for _ in range(draws):
        chance = rng.choice([0.2, 1.0], size=n), rng.choice([0.2, 1.0], size=m)
        a = weighted.proportion(rng.random(n) < p, chance[0])
        b = weighted.proportion(rng.random(m) < q, chance[1])
        found = independent_difference(a, b)
        assert found.low is not None and found.high is not None
        held += found.low <= q - p <= found.high
    assert 0.92 <= held / draws <= 1.0
