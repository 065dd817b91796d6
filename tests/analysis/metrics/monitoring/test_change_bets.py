import numpy as np
import pytest

from analysis.metrics.monitoring.change_bets import RiseToDetect, SpentRate, change_bets, early_labels, kept_clocks


@pytest.mark.parametrize("null", [0.01, 0.05, 0.2, 0.4, 0.9])
def test_the_steps_of_the_cusum_have_the_ratio_of_the_log_likelihood_ratios(null: float) -> None:
    rise = RiseToDetect(null, null + 0.05)
    walk = rise.walk()
    error, hit = np.log((null + 0.05) / null), np.log((1 - null) / (0.95 - null))
    assert walk.down / (walk.up + walk.down) == pytest.approx(hit / (error + hit), rel=0.03)
    assert walk.states < 2000


@pytest.mark.parametrize("null", [0.02, 0.1, 0.3, 0.85, 0.93])
@pytest.mark.parametrize("rise", [0.05, 0.0125])
def test_the_whole_alarm_rate_is_spent_and_never_more_than_all_is_risked(null: float, rise: float) -> None:
    table = change_bets(RiseToDetect(null, null + rise), SpentRate(0.05, 500, 150))
    assert 0.0495 < table.start <= 0.05
    assert table.fraction.min() >= 0
    assert table.fraction.max() * null <= 1 + 1e-9
    assert np.diff(table.key).min() >= 0


def test_clocks_are_dense_first_and_then_in_a_constant_ratio() -> None:
    clocks = kept_clocks(5000)
    assert (clocks[:200] == np.arange(200)).all()
    assert len(clocks) < 600 and clocks[-1] < 5000
    assert (kept_clocks(30) == np.arange(30)).all()


def test_more_labels_are_first_where_one_look_needs_more() -> None:
    assert [early_labels(level, 0.05) for level in (0.01, 0.05, 0.1, 0.2)] == [150, 150, 195, 346]


def test_the_rate_is_spent_up_to_the_horizon_most_of_it_on_the_first_labels() -> None:
    spent = SpentRate(0.05, 3650, 150).by_label()
    assert (spent[0], spent[-1]) == pytest.approx((0.0, 0.05))
    assert 0.035 < spent[150] < 0.036
    assert SpentRate(0.05, 40, 150).by_label()[-1] == pytest.approx(0.05)
