"""The formulas behind the intervals: ordered limits, the textbook's figures, and nothing that overflows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.metrics.core import intervals
from analysis.metrics.core.intervals import Sums

counts = st.integers(0, 500)
weights = st.sampled_from([1.0, 3.0, 50.0])
levels = st.floats(0.5, 0.99)


def counted(n, weight=1.0, certain=0.0):
    return Sums(np.array([certain]), np.array([n * weight]), np.array([n * weight * weight]))


@given(counts, weights, st.floats(0.001, 0.4), st.floats(0, 100))
def test_the_limits_of_a_count_hold_it_and_never_undercut_what_is_certain(n, weight, tail, certain):
    low, high = intervals.count_limits(counted(n, weight, certain), weight, weight * weight, tail)
    assert certain <= low[0] <= certain + n * weight <= high[0]


@given(st.integers(1, 400), st.floats(0.005, 0.2))
def test_an_unweighted_count_has_limits_near_the_exact_ones(n, tail):
    low, high = intervals.count_limits(counted(n), 1.0, 1.0, tail)
    exact = stats.chi2.ppf(tail, 2 * n) / 2, stats.chi2.ppf(1 - tail, 2 * n + 2) / 2
    assert exact[0] - 0.01 <= low[0] and high[0] <= exact[1] + 0.01


@given(st.floats(0.1, 1e4), st.floats(0.01, 1e4), st.floats(0.005, 0.995))
def test_gamma_quantiles_are_scipys(mean, variance, q):
    shape = mean**2 / variance
    if shape < 0.05:
        return
    found = intervals.gamma_quantile(np.array([mean]), np.array([variance]), q)[0]
    assert found == pytest.approx(stats.gamma.ppf(q, shape, scale=variance / mean), rel=2e-3, abs=1e-12)


@given(st.floats(0, 1e6), st.floats(0.01, 0.99))
def test_a_gamma_law_without_variance_is_its_mean(mean, q):
    assert intervals.gamma_quantile(np.array([mean]), np.zeros(1), q)[0] == mean


@given(counts, counts, weights, levels)
def test_a_share_lies_in_its_limits_and_mirrors_its_opposite(hits, misses, weight, level):
    if hits + misses == 0:
        return
    both = counted(hits, weight), counted(misses, weight)
    low, high = intervals.share_limits(*both, mass=weight, mass_variance=weight**2, level=level)
    assert 0 <= low[0] <= hits / (hits + misses) <= high[0] <= 1
    turned = intervals.share_limits(*both[::-1], mass=weight, mass_variance=weight**2, level=level)
    assert (low[0], high[0]) == pytest.approx((1 - turned[1][0], 1 - turned[0][0]))


@given(counts, counts, levels)
def test_more_level_is_more_width(hits, misses, level):
    if hits + misses == 0:
        return
    narrow, wide = (
        intervals.share_limits(counted(hits), counted(misses), mass=1, mass_variance=1, level=at)
        for at in (level, (1 + level) / 2)
    )
    assert wide[0][0] <= narrow[0][0] + 1e-12 and narrow[1][0] <= wide[1][0] + 1e-12


@given(st.floats(0.01, 100), st.floats(0.01, 100), st.floats(0, 0.9), st.floats(0, 0.9))
def test_a_quotient_lies_in_its_limits(a, b, down, up):
    a, b = np.array([a]), np.array([b])
    low, high = intervals.quotient_limits(a, (a * (1 - down), a * (1 + up)), b, (b * (1 - up), b * (1 + down)))
    assert 0 <= low[0] <= a[0] / b[0] * (1 + 1e-9)
    assert high[0] >= a[0] / b[0] * (1 - 1e-9)


def test_a_quotient_by_what_may_be_nothing_has_no_upper_limit():
    one, limits = np.ones(1), (np.zeros(1), np.full(1, 2.0))
    assert intervals.quotient_limits(one, (one, one), one, limits)[1][0] == np.inf


@given(levels, st.floats(1, 1e6))
def test_t_quantiles_are_scipys_and_normal_without_end(level, freedom):
    assert intervals.t_quantile(level, freedom) == pytest.approx(stats.t.ppf((1 + level) / 2, freedom))
    assert intervals.t_quantile(level, np.inf) == pytest.approx(stats.norm.ppf((1 + level) / 2))


@given(st.floats(0.1, 5), st.floats(-0.5, 0.5))
def test_skewness_moves_both_quantiles_to_one_side_and_back(quantile, skew):
    low, high = intervals.unskewed((quantile, -quantile), skew)
    turned = intervals.unskewed((quantile, -quantile), -skew)
    assert np.isfinite([low, high]).all()
    assert (low, high) == pytest.approx((-turned[1], -turned[0]))
    assert intervals.unskewed((quantile, -quantile), 0.0) == (quantile, -quantile)


@given(st.floats(-6, 6), st.floats(-0.5, 0.5))
def test_a_statistic_made_symmetric_is_the_quantile_that_skewness_had_moved(statistic, skew):
    assert intervals.unskewed((intervals.symmetric(statistic, skew),) * 2, skew)[0] == pytest.approx(
        statistic, abs=1e-3
    )


@pytest.mark.simulation
def test_a_mean_of_few_great_gains_lies_outside_its_quantiles_as_often_as_their_level_says():
    gains = np.random.default_rng(0).exponential(size=(10_000, 40))
    spread, gap = gains.std(axis=1), gains - gains.mean(axis=1, keepdims=True)
    t = np.sqrt(40) * (gains.mean(axis=1) - 1) / spread
    skewness = (gap**3).mean(axis=1) / spread**3 / np.sqrt(40)
    corrected = np.array([intervals.symmetric(*one) for one in zip(t, skewness, strict=True)])
    plain, ours = ([(one < -1.96).mean(), (one > 1.96).mean()] for one in (t, corrected))
    assert plain[0] > 0.06 and plain[1] < 0.015  # of 2.5 % on either side
    assert ours == pytest.approx([0.025, 0.025], abs=0.015)
