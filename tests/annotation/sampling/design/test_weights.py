"""What each labelled item stands for: itself where it was asked, others where the audit drew it."""

import numpy as np
import pytest

from annotation.sampling.design.weights import CELL, SelectedItems, effective_probability

NOT = np.nan


def make_chosen(n: int, **given: object) -> SelectedItems:
    whole = {
        "period": np.zeros(n, dtype=int),
        "probability": np.full(n, 0.1),
        "drawn": np.ones(n, dtype=bool),
        "asked": np.full(n, NOT),
        "rank": np.arange(n, dtype=float),
        "answered": np.ones(n, dtype=bool),
    }
    return SelectedItems(**{name: np.asarray(value) for name, value in (whole | given).items()})


def test_audit_items_stand_for_all_items_of_their_time():
    found = effective_probability(make_chosen(20), np.array([150]))
    assert found.tolist() == pytest.approx([20 / 150] * 20)


def test_asked_items_stand_for_themselves_and_the_audit_for_all_others():
    asked = np.where(np.arange(30) < 10, 5.0, NOT)
    drawn = np.arange(30) >= 8  # two of the asked ones were drawn as well
    found = effective_probability(make_chosen(30, asked=asked, drawn=drawn), np.array([210]))
    assert found[:10].tolist() == [1.0] * 10
    assert found[10:].tolist() == pytest.approx([20 / 200] * 20)


def test_a_version_is_not_judged_on_what_was_asked_before_it_learnt():
    asked = np.where(np.arange(30) < 10, np.where(np.arange(30) < 5, 5.0, 9.0), NOT)
    drawn = np.arange(30) >= 4  # the last of the first round was drawn as well
    found = effective_probability(make_chosen(30, asked=asked, drawn=drawn), np.array([205]), learnt_until=5.0)
    assert np.isnan(found[:4]).all()
    assert found[5:10].tolist() == [1.0] * 5
    assert found[[4, *range(10, 30)]].tolist() == pytest.approx([21 / 200] * 21)


def test_answered_items_stand_for_those_of_their_stretch_that_wait():
    period = np.repeat([0, 1], CELL)
    answered = np.where(period == 0, np.arange(2 * CELL) % 2 == 0, True)
    found = effective_probability(make_chosen(2 * CELL, period=period, answered=answered), np.array([400, 400]))
    assert np.isnan(found[~answered]).all()
    assert found[answered & (period == 0)].tolist() == pytest.approx([CELL / 2 / 400] * (CELL // 2))
    assert found[period == 1].tolist() == pytest.approx([CELL / 400] * CELL)


def test_draws_of_different_probability_weigh_by_it():
    probability = np.array([0.1] * 10 + [0.2] * 10)
    found = effective_probability(make_chosen(20, probability=probability), np.array([150]))
    weights = 1 / found
    assert weights.sum() == pytest.approx(150)
    assert weights[0] == pytest.approx(2 * weights[-1])


def test_a_stretch_without_answers_joins_its_neighbour():
    period = np.repeat([0, 1], CELL)
    answered = period == 0
    found = effective_probability(make_chosen(2 * CELL, period=period, answered=answered), np.array([300, 500]))
    assert found[answered].tolist() == pytest.approx([CELL / 800] * CELL)


def test_the_first_answers_of_a_round_do_not_stand_for_its_last_third():
    n = 30
    answered = np.arange(n) < 15
    answered[20:24] = True
    found = effective_probability(
        make_chosen(n + 5, asked=[3.0] * n + [NOT] * 5, answered=[*answered, *[True] * 5]), np.array([500])
    )
    assert found[:10].tolist() == [1.0] * 10
    assert found[10:15].tolist() == [0.5] * 5
    assert found[20:24].tolist() == [0.4] * 4


def test_nothing_counts_before_the_audit_has_an_answer():
    asked = np.where(np.arange(10) < 5, 3.0, NOT)
    drawn = np.arange(10) >= 5
    answered = np.arange(10) < 5
    chosen = make_chosen(10, asked=asked, drawn=drawn, answered=answered)
    assert np.isnan(effective_probability(chosen, np.array([100]))).all()
    assert effective_probability(make_chosen(5, asked=[3.0] * 5), np.array([5])).tolist() == [1.0] * 5


def test_no_item_stands_for_less_than_itself():
    probability = np.array([0.9] * 19 + [0.01])
    found = effective_probability(make_chosen(20, probability=probability), np.array([20]))
    assert (found <= 1).all()
