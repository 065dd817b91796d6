"""Completeness of late outcomes: right for known delays, with intervals that hold the truth."""

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.metrics.estimates.completeness import (
    CompletenessCurve,
    ReportedShare,
    completeness,
    forecast,
    longest_horizon,
    mean_share,
)
from validation import InvalidInput


def test_without_truncation_it_is_the_share_of_delays() -> None:
    delays = np.repeat([1.0, 2.0, 5.0, 9.0], 10)
    curve = completeness(delays, np.full(40, 30.0), horizon=20.0)
    assert curve.at(1).value == pytest.approx(0.25) and curve.at(5).value == pytest.approx(0.75)
    assert curve.at(20) == ReportedShare(1.0, 1.0, 1.0)


def test_before_the_shortest_delay_nothing_came() -> None:
    found = completeness(np.repeat([1.0, 2.0], 10), np.full(20, 30.0), horizon=20.0).at(0.5)
    assert (found.value, found.low) == (0.0, 0.0) and found.high == pytest.approx(1 - 0.025 ** (1 / 20))


def test_where_nothing_came_later_the_lower_limit_is_below_one() -> None:
    found = completeness(np.ones(20), np.full(20, 30.0), horizon=20.0).at(10)
    assert found.value == found.high == 1.0 and found.low == pytest.approx(0.025 ** (1 / 20))


def test_young_predictions_do_not_make_delays_look_short() -> None:
    """Half of the outcomes come after 20 days, which predictions of 10 days cannot show yet."""
    delays, ages = np.array([1.0] * 100 + [20.0] * 50 + [1.0] * 50), np.array([10.0] * 100 + [40.0] * 100)
    assert completeness(delays, ages, horizon=30.0).at(10).value == pytest.approx(0.5)


def test_few_outcomes_that_were_seen_all_through_say_nothing() -> None:
    assert completeness(np.ones(9), np.full(9, 40.0), horizon=30.0).at(5).value is None
    assert longest_horizon([1.0] * 50 + [7.0] * 10, most=30.0) == 7.0
    assert longest_horizon([30.0] * 9, most=30.0) == 0.0
    assert longest_horizon([80.0] * 10, most=30.0) == 30.0


@pytest.mark.parametrize(("delay", "age"), [(-1.0, 3.0), (4.0, 3.0)])
def test_a_delay_that_cannot_be_is_refused(delay: float, age: float) -> None:
    with pytest.raises(InvalidInput):
        completeness([delay], [age], horizon=30.0)


def test_a_forecast_is_never_less_than_what_came_nor_more_than_there_is() -> None:
    found = forecast(40, ReportedShare(0.5, 0.4, 0.6), most=90)
    assert found.value == 80 and found.low is not None and 40 <= found.low < 80 and found.high == 90
    assert forecast(40, ReportedShare(1.0, 1.0, 1.0), most=90) == ReportedShare(40, 40, 40)
    assert forecast(0, ReportedShare(None, None, None), most=90).value is None


def _simulated(rng: np.random.Generator, shape: float) -> tuple[CompletenessCurve, NDArray[np.float64]]:
    """400 predictions of 12 weeks, 30 % of which ever get an outcome, after Weibull delays of about ten days."""
    ages = rng.uniform(0, 84, 400)
    delays = np.where(rng.random(400) < 0.3, 10 * rng.weibull(shape, 400), np.inf)
    seen = delays <= ages
    return completeness(delays[seen], ages[seen], horizon=40.0), delays


@pytest.mark.simulation
@pytest.mark.parametrize("shape", [0.7, 1.0, 2.0])
def test_95_percent_intervals_hold_the_true_share(shape: float) -> None:
    rng, inside, errors = np.random.default_rng(int(10 * shape)), list[bool](), list[float]()

    def came_by(age: float) -> float:
        return float((1 - np.exp(-((age / 10) ** shape))) / (1 - np.exp(-(4.0**shape))))

    for _ in range(300):
        curve, _ = _simulated(rng, shape)
        for age in (5.0, 12.0, 25.0):
            found = curve.at(age)
            if found.value is not None and found.low is not None and found.high is not None:
                inside.append(found.low <= came_by(age) <= found.high)
                errors.append(found.value - came_by(age))
    assert len(inside) > 800 and 0.93 <= np.mean(inside) <= 0.985 and abs(np.mean(errors)) < 0.01


@pytest.mark.simulation
def test_the_forecast_of_a_cohort_holds_what_comes() -> None:
    rng, inside = np.random.default_rng(3), list[bool]()
    for _ in range(300):
        curve, _ = _simulated(rng, 1.0)
        delays = np.where(rng.random(300) < 0.3, rng.exponential(10, 300), np.inf)
        found = forecast(int((delays <= 8).sum()), mean_share(curve, [8.0], [300]), most=300)
        if found.low is not None and found.high is not None:
            inside.append(found.low <= (delays <= 40).sum() <= found.high)
    assert np.mean(inside) >= 0.93
