import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retraining.learning.gate.sample_size import SampleSizePlan, combine_plans
from tests.analysis.metrics.performance.test_paired import promoted_share

PLAN = SampleSizePlan(alpha=0.05, power=0.8)


def rows(fixed: int, broken: int, same: int) -> np.ndarray:
    return np.repeat([1.0, -1.0, 0.0], [fixed, broken, same])


def test_the_labels_asked_for_give_about_the_power_wanted() -> None:
    gain = rows(11, 5, 184)  # 5.5 % fixed, 2.5 % broken
    more = PLAN.more_for_better(gain, np.ones(200))
    assert more is not None
    assert promoted_share(200 + more, 0.055, 0.025) == pytest.approx(0.8, abs=0.03)


@given(st.integers(1, 20), st.integers(0, 20), st.integers(0, 100))
def test_a_gain_not_yet_shown_needs_at_least_one_more(fixed: int, broken: int, same: int) -> None:
    more = PLAN.more_for_better(rows(fixed, broken, same), np.ones(fixed + broken + same))
    assert more is None if fixed <= broken else (more is not None and more >= 1)


def test_uneven_weights_need_more_labels() -> None:
    gain = np.tile(rows(6, 2, 42), 2)
    even = PLAN.more_for_better(gain, np.ones(100))
    uneven = PLAN.more_for_better(gain, np.repeat([1.0, 9.0], 50))
    assert even is not None and uneven is not None and uneven > even


def test_a_slice_seen_to_be_worse_is_not_made_better_by_labels() -> None:
    gain = rows(0, 20, 80)
    assert PLAN.more_for_slice(gain, np.ones(100), np.ones(100, bool), 0.01, tests=1) is None


def test_a_rare_slice_needs_more_labels_of_the_whole_stream() -> None:
    gain = np.tile(rows(2, 1, 47), 4)
    rare, common = np.arange(200) < 50, np.arange(200) < 100
    needed = [PLAN.more_for_slice(gain, np.ones(200), mask, 0.01, tests=1) for mask in (rare, common)]
    assert needed[0] is not None and needed[1] is not None and needed[0] > needed[1] > 0


@given(st.integers(0, 5), st.integers(0, 5), st.integers(1, 100), st.floats(0.001, 0.2), st.integers(1, 6))
def test_a_slice_needs_fewer_labels_for_a_wider_margin_and_more_among_other_tests(
    fixed: int, broken: int, same: int, margin: float, tests: int
) -> None:
    gain = rows(fixed, broken, same)
    n, everywhere = np.ones(len(gain)), np.ones(len(gain), bool)
    needed = PLAN.more_for_slice(gain, n, everywhere, margin, tests=tests)
    wider = PLAN.more_for_slice(gain, n, everywhere, 2 * margin, tests=tests)
    harder = PLAN.more_for_slice(gain, n, everywhere, margin, tests=tests + 1)
    assert (needed is None) is (harder is None)
    if needed is not None:
        assert wider is not None and harder is not None
        assert 1 <= wider <= needed <= harder


def test_a_slice_without_rows_cannot_be_planned_for() -> None:
    assert PLAN.more_for_slice(np.zeros(5), np.ones(5), np.zeros(5, bool), 0.01, tests=1) is None


@pytest.mark.parametrize(("each", "all_of_them"), [([0, 40, 7], 40), ([0, None], None), ([], 0)])
def test_all_gates_together_need_the_most_that_one_needs(each: list, all_of_them: int | None) -> None:
    assert combine_plans(each) == all_of_them


@given(st.lists(st.one_of(st.none(), st.integers(0, 10**6)), max_size=6), st.integers(0, 10**6))
def test_a_further_gate_never_lowers_what_is_needed(each: list[int | None], more: int) -> None:
    needed, with_more = combine_plans(each), combine_plans([*each, more])
    assert (needed is None) is (None in each) is (with_more is None)
    assert needed is None or with_more == max(needed, more)


def test_labels_that_will_hold_as_many_copies_are_asked_for_in_proportion() -> None:
    gain = rows(9, 3, 88)
    copies = np.tile(np.arange(100), 4)
    once, four = PLAN.more_for_better(gain, np.ones(100)), PLAN.more_for_better(gain[copies], np.ones(400), copies)
    assert once is not None and four == 4 * once
    mask = np.arange(100) < 50
    of_slice = PLAN.more_for_slice(gain, np.ones(100), mask, 0.05, tests=2)
    repeated = PLAN.more_for_slice(gain[copies], np.ones(400), mask[copies], 0.05, tests=2, groups=copies)
    assert of_slice is not None and repeated == pytest.approx(4 * of_slice, abs=8)
