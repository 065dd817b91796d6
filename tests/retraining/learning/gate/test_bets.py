import numpy as np
import pytest
from scipy.stats import binom

from analysis.metrics.core.betting import spending
from retraining.learning.gate.bets import DEADLINES, HORIZON, bet_table, boundary
from validation import InvalidInput


def chance_of_crossing(limits: np.ndarray, right: float, labels: int) -> float:
    """The chance that a walk of steps 1 (with chance `right`) and -1 reaches its limit by so many labels."""
    inside = {0: 1.0}
    crossed = 0.0
    for label in range(1, labels + 1):
        after: dict[int, float] = {}
        for place, chance in inside.items():
            for step, share in ((1, right), (-1, 1 - right)):
                after[place + step] = after.get(place + step, 0.0) + chance * share
        crossed += sum(chance for place, chance in after.items() if place >= limits[label])
        inside = {place: chance for place, chance in after.items() if place < limits[label]}
    return crossed


@pytest.mark.parametrize("alpha", [0.005, 0.05, 0.2])
def test_a_fair_coin_crosses_the_boundary_with_no_more_than_alpha_at_any_label(alpha: float) -> None:
    limits, spent = boundary(alpha), spending(alpha, DEADLINES)
    for labels, _, _ in DEADLINES[:2]:
        crossed = chance_of_crossing(limits, 0.5, labels)
        assert 0.9 * spent[labels] < crossed <= spent[labels] + 1e-12


def test_the_whole_error_rate_is_spent_by_the_last_label_and_nothing_after_it() -> None:
    spent = spending(0.05, DEADLINES)
    assert len(spent) == HORIZON + 1 and spent[-1] == pytest.approx(0.05) == spent.max()
    assert 0.0495 < bet_table(0.05).start <= 0.05


def test_the_boundary_keeps_most_of_the_power_of_a_test_with_one_look_at_the_end() -> None:
    one_look = binom.sf(binom.isf(0.05, 100, 0.5), 100, 0.65)
    assert chance_of_crossing(boundary(0.05), 0.65, 100) > one_look - 0.1


def test_a_bet_never_risks_more_than_there_is_and_none_is_made_once_the_test_rejects() -> None:
    table = bet_table(0.05)
    assert np.diff(table.key).min() > 0
    assert table.fraction.min() >= 0 and table.fraction.max() <= 1
    clock = np.arange(HORIZON + 50)
    assert table.bets(clock, np.ones(len(clock))).max() == 0
    assert table.bets(clock[HORIZON:], np.full(50, 0.3)).max() == 0


@pytest.mark.parametrize("alpha", [0.0, -0.1, 0.6, float("nan")])
def test_an_error_rate_out_of_range_is_refused(alpha: float) -> None:
    with pytest.raises(InvalidInput, match="alpha"):
        bet_table(alpha)
