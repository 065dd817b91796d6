import numpy as np
import pytest

from analysis.metrics.core.betting import Walk, spending, walk_bets, walk_boundary

REFLECTING = Walk(chance=0.1, up=7, down=1, start=0, states=200, reflecting=True, jump=1.0)
DEADLINES = ((50, 0.5, 2), (200, 0.5, 1))


def wealth(table, steps: np.ndarray) -> np.ndarray:
    """The chance of the test after each step (n, streams) of 1 and 0, as its bets move it."""
    chance, path = np.full(steps.shape[1], table.start), []
    for clock, step in enumerate(steps):
        chance = np.minimum(chance * (1 + table.bets(clock, chance) * (step - REFLECTING.chance)), 1.0)
        path.append(chance)
    return np.array(path)


def test_spending_ends_at_alpha_and_never_falls() -> None:
    spent = spending(0.05, DEADLINES)
    assert spent[0] == 0 and spent[-1] == pytest.approx(0.05)
    assert np.diff(spent).min() > 0


def test_bets_reject_exactly_where_the_walk_crosses_its_boundary() -> None:
    limits = walk_boundary(REFLECTING, spending(0.1, DEADLINES))
    table = walk_bets(REFLECTING, limits, np.arange(200))
    steps = (np.random.default_rng(0).random((200, 300)) < 0.15).astype(float)
    state, crossed = np.zeros(300, dtype=int), np.zeros(300, dtype=bool)
    for clock, step in enumerate(steps, 1):
        state = np.where(step == 1, state + 7, np.maximum(state - 1, 0))
        crossed |= state >= limits[clock]
    rejected = wealth(table, steps).max(axis=0) > 1 - 1e-6
    assert 0.2 < crossed.mean() < 0.9
    assert (rejected == crossed).all()


def test_the_expected_wealth_stays_what_it_was_at_each_step() -> None:
    table = walk_bets(REFLECTING, walk_boundary(REFLECTING, spending(0.1, DEADLINES)), np.arange(200))
    up, down = np.ones((1, 1)), np.zeros((1, 1))
    mean = 0.1 * wealth(table, up) + 0.9 * wealth(table, down)
    assert mean[0, 0] == pytest.approx(table.start, abs=1e-12)
    assert 0.09 < table.start <= 0.1


def test_a_walk_that_reflects_loses_no_chance_and_one_that_does_not_loses_what_falls_below() -> None:
    alive = np.zeros(20)
    alive[0] = 1.0
    stays = Walk(chance=0.3, up=2, down=3, start=0, states=20, reflecting=True, jump=1.0)
    falls = Walk(chance=0.3, up=2, down=3, start=0, states=20, reflecting=False, jump=1.0)
    assert stays.moved(alive).sum() == pytest.approx(1.0)
    assert falls.moved(alive).sum() == pytest.approx(0.3)


def test_bets_at_clocks_that_are_not_kept_are_those_of_the_clock_before() -> None:
    limits = walk_boundary(REFLECTING, spending(0.1, DEADLINES))
    every, few = walk_bets(REFLECTING, limits, np.arange(200)), walk_bets(REFLECTING, limits, np.array([0, 100]))
    chance = np.array([0.3])
    assert few.start == every.start
    assert few.bets(150, chance) == few.bets(100, chance) == pytest.approx(every.bets(100, chance))
    assert few.bets(200, chance) == 0
