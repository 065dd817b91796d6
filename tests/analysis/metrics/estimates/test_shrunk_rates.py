"""Shrunk rates: intervals of groups hold their true rates, also with few rows or none."""

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.metrics.estimates.shrunk_rates import ShrunkRates, shrunk_rates
from validation import InvalidInput


def test_a_group_of_few_rows_moves_to_the_others_and_one_of_many_hardly() -> None:
    found = shrunk_rates([90, 88, 92, 91, 0, 30], [100, 100, 100, 100, 2, 100])
    assert found.groups[0].value == pytest.approx(0.9, abs=0.03)
    assert found.groups[4].value > 0.3 and found.groups[4].high - found.groups[4].low > 0.5
    assert found.groups[5].value == pytest.approx(0.3, abs=0.05)


def test_equal_groups_say_much_of_a_further_one_and_unequal_ones_little() -> None:
    alike, apart = shrunk_rates([90] * 8, [100] * 8).unseen, shrunk_rates([95, 20, 60, 99] * 2, [100] * 8).unseen
    assert alike.low > 0.6 and apart.low < 0.15 < 0.85 < apart.high


def test_without_a_group_nothing_is_known() -> None:
    found = shrunk_rates([], [])
    assert found.groups == () and found.unseen.low < 0.03 and found.unseen.high > 0.97
    assert found.unseen.value == pytest.approx(0.5, abs=0.01)


def test_a_group_without_rows_is_like_one_that_was_never_seen() -> None:
    found = shrunk_rates([45, 40, 0], [50, 50, 0])
    assert found.groups[2].low == pytest.approx(found.unseen.low, abs=1e-6)


@pytest.mark.parametrize(("successes", "trials"), [([3], [2]), ([-1], [2]), ([1, 1], [2])])
def test_more_successes_than_trials_are_refused(successes: list[float], trials: list[float]) -> None:
    with pytest.raises(InvalidInput):
        shrunk_rates(successes, trials)


def _simulated(rng: np.random.Generator, mean: float, concentration: float) -> tuple[NDArray[np.float64], ShrunkRates]:
    """True rates of ten actors of 0 to 60 audited items and of one who was never audited, with what is estimated."""
    true = rng.beta(mean * concentration, (1 - mean) * concentration, 11)
    trials = rng.choice([0, 2, 5, 15, 60], 10)
    return true, shrunk_rates(rng.binomial(trials, true[:10]), trials)


@pytest.mark.simulation
@pytest.mark.parametrize(("mean", "concentration"), [(0.3, 5.0), (0.9, 12.0), (0.7, 2.0), (0.95, 60.0)])
def test_95_percent_intervals_hold_the_rates_of_actors_audited_often_rarely_and_never(
    mean: float, concentration: float
) -> None:
    rng, seen, unseen = np.random.default_rng(int(100 * mean)), list[bool](), list[bool]()
    for _ in range(200):
        true, found = _simulated(rng, mean, concentration)
        inside = [one.low <= rate <= one.high for one, rate in zip(found.groups, true, strict=False)]
        seen += inside
        unseen.append(found.unseen.low <= true[10] <= found.unseen.high)
    assert 0.93 <= np.mean(seen) <= 0.985  # the standard error of 2,000 is 0.5 points
    assert np.mean(unseen) >= 0.9
