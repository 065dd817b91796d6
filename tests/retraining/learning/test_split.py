"""Grouped split: no group crosses it, and both sides keep their share of the groups."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retraining.learning.split import keep_groups_together
from validation import InvalidInput


def keep(groups: Any, evaluation: Any, **given: Any) -> list[bool]:
    n = len(groups)
    nothing = np.zeros(n, dtype=bool)
    arrays = {
        "labelled_at": np.arange(n),
        "trained": nothing,
        "measured": nothing,
        "held_out": np.array(evaluation, dtype=bool),
        **given,
    }
    return keep_groups_together(groups, evaluation=np.array(evaluation, dtype=bool), **arrays).tolist()


def test_rows_without_copies_stay_where_they_are() -> None:
    assert keep([0, 1, 2], [True, False, True]) == [True, True, True]


def test_a_group_goes_where_its_first_label_came_for() -> None:
    assert keep([0, 0, 1, 1], [True, False, False, True]) == [True, False, True, False]
    assert keep([0, 0], [True, False], labelled_at=np.array([2.0, 1.0])) == [False, True]


def test_a_copy_of_what_was_trained_on_is_not_measured_with() -> None:
    assert keep([0, 0], [True, False], trained=np.array([False, True])) == [False, True]


def test_a_copy_of_what_was_measured_with_is_not_trained_on() -> None:
    assert keep([0, 0], [False, True], measured=np.array([False, True])) == [False, True]


def test_where_an_earlier_dataset_had_copies_on_both_sides_the_group_is_trained_on() -> None:
    before = {"trained": np.array([True, False, False]), "measured": np.array([False, True, False])}
    assert keep([0, 0, 0], [False, True, False], **before) == [True, False, True]


def test_a_row_that_was_set_aside_or_used_before_never_changes_sides() -> None:
    assert keep([0], [False], held_out=np.array([True])) == [False]
    assert keep([0], [True], trained=np.array([True])) == [False]


def test_an_empty_split_is_no_error() -> None:
    assert keep([], []) == []


def test_arrays_of_other_lengths_are_refused() -> None:
    with pytest.raises(InvalidInput, match="trained"):
        keep([0, 1], [True, False], trained=np.zeros(3, dtype=bool))


@given(
    st.lists(st.tuples(st.integers(0, 6), st.booleans(), st.booleans(), st.booleans(), st.integers(0, 9)), max_size=40)
)
def test_no_group_crosses_whatever_was_before(rows: list[tuple[int, bool, bool, bool, int]]) -> None:
    columns = [np.array(column) for column in zip(*rows, strict=True)] or [np.zeros(0, dtype=bool)] * 5
    groups, evaluation, trained, measured, at = columns
    trained, measured = trained.astype(bool), measured.astype(bool)
    kept = keep(
        groups,
        evaluation,
        trained=trained,
        measured=measured,
        held_out=np.asarray(evaluation, dtype=bool) | measured,
        labelled_at=at,
    )
    measured_with = {g for g, e, k in zip(groups, evaluation, kept, strict=True) if k and e}
    trained_on = {g for g, e, k in zip(groups, evaluation, kept, strict=True) if k and not e}
    assert not measured_with & (trained_on | set(groups[trained].tolist()))


def test_each_side_keeps_its_share_of_the_groups_however_many_copies_there_are() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(400), 10)
    order = rng.permutation(len(groups))
    evaluation = rng.random(len(groups)) < 0.2
    kept = np.array(keep(groups, evaluation, labelled_at=order))
    measured_with, trained_on = set(groups[kept & evaluation]), set(groups[kept & ~evaluation])
    assert not measured_with & trained_on
    assert len(measured_with) + len(trained_on) == 400
    assert 0.14 < len(measured_with) / 400 < 0.26
