import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import binom
from statsmodels.stats.contingency_tables import mcnemar

from analysis.metrics.performance import paired
from validation import InvalidInput

counts = st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(0, 200))
gains = hnp.arrays(float, st.integers(1, 40), elements=st.sampled_from([-1.0, -0.5, 0.0, 0.5, 1.0]))


def promoted_share(n: int, fixed: float, broken: float, *, alpha: float = 0.05) -> float:
    """The exact chance of p <= alpha when a row is fixed and broken with these chances: by adding up all outcomes."""
    share = 0.0
    discordant = np.arange(n + 1)
    for m in discordant[binom.pmf(discordant, n, fixed + broken) > 1e-9]:
        least = next((f for f in range(m // 2 + 1, m + 1) if paired.exact_p(f, int(m) - f, n) <= alpha), None)
        if least is not None:
            share += binom.pmf(m, n, fixed + broken) * binom.sf(least - 1, m, fixed / (fixed + broken))
    return float(share)


@given(counts)
def test_the_exact_p_is_a_probability_and_falls_with_each_row_fixed(numbers: tuple[int, int, int]) -> None:
    fixed, broken, same = numbers
    n = fixed + broken + same + 1
    now, more = paired.exact_p(fixed, broken, n), paired.exact_p(fixed + 1, broken, n)
    assert 0 < more <= now + 1e-9
    assert now <= 1


def test_the_exact_p_is_close_to_mcnemars_and_wastes_less() -> None:
    for fixed, broken in [(44, 24), (20, 10), (9, 2)]:
        conditional = mcnemar([[0, broken], [fixed, 0]], exact=True).pvalue / 2
        found = paired.exact_p(fixed, broken, 1000)
        assert 0.5 * conditional < found < conditional


@pytest.mark.parametrize("n", [12, 60, 150])
@pytest.mark.parametrize("share", [0.02, 0.1, 0.4, 1.0])
def test_an_equal_model_passes_at_most_at_the_stated_rate(n: int, share: float) -> None:
    assert promoted_share(n, share / 2, share / 2) <= 0.05


def test_two_points_better_at_a_thousand_rows_passes_three_times_in_four() -> None:
    # champion .90, candidate .92, 70 % of the candidate's errors shared
    assert promoted_share(1000, 0.044, 0.024) >= 0.75
    assert promoted_share(1000, 0.024, 0.044) <= 0.01


@pytest.mark.parametrize("numbers", [(-1, 0, 5), (0, -1, 5), (3, 3, 5)])
def test_impossible_counts_are_refused(numbers: tuple[int, int, int]) -> None:
    with pytest.raises(InvalidInput, match="impossible"):
        paired.exact_p(*numbers)


@given(gains, st.data(), st.floats(0.5, 0.99))
def test_the_interval_holds_the_difference_and_lies_in_range(
    gain: np.ndarray, data: st.DataObject, level: float
) -> None:
    weight = data.draw(hnp.arrays(float, len(gain), elements=st.sampled_from([1.0, 2.0, 10.0])))
    found = paired.difference(gain, weight, level=level)
    assert -100 <= found.low <= found.value <= found.high <= 100
    assert found.low < found.high
    assert found.value == pytest.approx(100 * np.average(gain, weights=weight))
    assert 1 <= found.n_effective <= found.n + 1e-9
    wider = paired.difference(gain, weight, level=(1 + level) / 2)
    assert wider.low <= found.low and found.high <= wider.high


@given(gains, st.data())
def test_the_interval_and_the_test_agree(gain: np.ndarray, data: st.DataObject) -> None:
    weight = data.draw(hnp.arrays(float, len(gain), elements=st.sampled_from([1.0, 3.0])))
    found = paired.difference(gain, weight, level=0.9)
    low = found.low / 100
    if -0.99 < low < 0.99 and found.low < found.value:
        assert paired.not_worse_p(gain, weight, margin=-(low + 0.001)) > 0.05
        assert paired.not_worse_p(gain, weight, margin=-(low - 0.001)) < 0.05


@given(gains)
def test_swapping_the_models_mirrors_the_interval(gain: np.ndarray) -> None:
    weight = np.ones(len(gain))
    ahead, behind = paired.difference(gain, weight, level=0.9), paired.difference(-gain, weight, level=0.9)
    assert behind.low == pytest.approx(-ahead.high, abs=1e-3)


def test_rows_that_never_differ_allow_for_what_was_not_seen() -> None:
    few, many = (paired.difference(np.zeros(n), np.ones(n), level=0.9) for n in (10, 1000))
    assert few.value == many.value == 0
    assert few.high > 10 * many.high > 0


def test_a_larger_margin_is_easier_to_keep() -> None:
    gain = np.r_[np.ones(5), -np.ones(6), np.zeros(100)]
    ps = [paired.not_worse_p(gain, np.ones(111), margin=margin) for margin in (0, 0.02, 0.05, 0.2)]
    assert ps == sorted(ps, reverse=True)
    assert ps[0] > 0.5 > 0.05 > ps[-1]


@given(gains, st.data())
def test_the_two_rows_added_cancel_out_and_weigh_no_less_than_the_mean(gain: np.ndarray, data: st.DataObject) -> None:
    weights = data.draw(hnp.arrays(float, len(gain), elements=st.floats(0.1, 10)))
    values, weight = paired.padded(gain, weights)
    assert values.tolist() == [*gain.tolist(), 1.0, -1.0]
    assert weight[:-2] == pytest.approx(weights / weights.mean())
    assert weight[-2] == weight[-1] >= 1 - 1e-9
    assert abs(np.average(values, weights=weight)) <= abs(np.average(gain, weights=weights)) + 1e-12


def test_without_rows_nothing_is_shown() -> None:
    assert paired.not_worse_p([], [], margin=0.1) == 1
    with pytest.raises(InvalidInput, match="no rows"):
        paired.difference([], [], level=0.9)


def test_not_worse_keeps_its_error_rate_at_the_margin() -> None:
    """A candidate worse by just the margin passes at most about once in twenty, few rows or many."""
    rng = np.random.default_rng(0)
    for n, discordant, margin in [(60, 0.12, 0.05), (200, 0.06, 0.05), (400, 0.06, 0.02)]:
        fixed, broken = (discordant - margin) / 2, (discordant + margin) / 2
        outcomes, times = np.unique(
            rng.multinomial(n, [fixed, broken, 1 - fixed - broken], size=3000), axis=0, return_counts=True
        )
        passed = [
            paired.not_worse_p(np.repeat([1.0, -1.0, 0.0], outcome), np.ones(n), margin=margin) <= 0.05
            for outcome in outcomes
        ]
        assert np.average(passed, weights=times) <= 0.062  # 0.05 and three standard errors of 3000 draws


@pytest.mark.parametrize(
    ("gain", "weight", "level", "said"),
    [
        ([2.0], [1.0], 0.9, "between -1 and 1"),
        ([np.nan], [1.0], 0.9, "between -1 and 1"),
        ([[0.0]], [1.0], 0.9, "one row"),
        ([0.0], [0.0], 0.9, "all zero"),
        ([0.0], [1.0, 1.0], 0.9, "2 rows where 1"),
        ([0.0], [1.0], 1.0, "level of an interval"),
    ],
)
def test_bad_input_is_named(gain: list, weight: list, level: float, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        paired.difference(gain, weight, level=level)


@given(gains, st.integers(2, 5), st.floats(0.6, 0.99))
def test_copies_of_a_row_count_once(gain: np.ndarray, times: int, level: float) -> None:
    rows = np.tile(np.arange(len(gain)), times)
    once = paired.difference(gain, np.ones(len(gain)), level=level)
    found = paired.difference(gain[rows], np.ones(len(rows)), level=level, groups=rows)
    assert (found.value, found.low, found.high) == pytest.approx((once.value, once.low, once.high), abs=1e-6)
    assert (found.n, found.n_effective) == (len(rows), pytest.approx(len(gain)))
    p = paired.not_worse_p(gain[rows], np.ones(len(rows)), margin=0.02, groups=rows)
    assert p == pytest.approx(paired.not_worse_p(gain, np.ones(len(gain)), margin=0.02))


def test_copies_of_one_row_that_were_decided_differently_gain_their_mean() -> None:
    gain, weights = paired.one_a_group(np.array([1.0, -1.0, 1.0]), np.array([3.0, 1.0, 2.0]), [7, 7, 1])
    assert gain.tolist() == [1.0, 0.5]
    assert weights.tolist() == [2.0, 4.0]


def test_with_groups_of_any_size_an_equal_model_passes_at_the_stated_rate() -> None:
    rng = np.random.default_rng(0)
    passed = naive = 0
    for _ in range(1500):
        sizes = np.where(rng.random(120) < 0.7, 1, rng.integers(2, 20, 120))
        groups = np.repeat(np.arange(120), sizes)
        gain = rng.choice([1.0, -1.0, 0.0], 120, p=[0.1, 0.1, 0.8])[groups]
        passed += paired.not_worse_p(gain, np.ones(len(gain)), margin=0.0, groups=groups) <= 0.05
        naive += paired.not_worse_p(gain, np.ones(len(gain)), margin=0.0) <= 0.05
    assert passed / 1500 <= 0.067  # 0.05 and three standard errors
    assert naive / 1500 > 0.2
