"""One column against another: tests that know the truth, and every way a column can be undefined."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from analysis.metrics.drift import column_tests as columns
from inputs.columns import as_texts

FINITE = st.floats(-1e6, 1e6, allow_nan=False)
SAMPLE = hnp.arrays(float, st.integers(30, 80), elements=FINITE)
WORDS = st.lists(st.sampled_from(["a", "b", "c", "", None]), min_size=30, max_size=80).map(
    lambda values: np.array(values, dtype=object)
)


class TestNumbers:
    def test_p_is_uniform_when_nothing_moved(self):
        rng = np.random.default_rng(0)
        p = [columns.number_p(rng.normal(size=200), rng.normal(size=150)) for _ in range(800)]
        assert 0.03 < np.mean(np.array(p) < 0.05) < 0.07
        assert np.mean(np.array(p) < 0.01) < 0.02

    def test_finds_a_shift_that_kolmogorov_smirnov_alone_misses(self):
        rng = np.random.default_rng(0)
        windows = [(rng.normal(size=1000), rng.normal(0.2, 1, size=1000)) for _ in range(60)]
        ours = np.mean([columns.number_p(a, b) < 0.0025 for a, b in windows])
        plain = np.mean([stats.ks_2samp(a, b).pvalue < 0.0025 for a, b in windows])
        assert ours >= 0.88
        assert ours > plain

    def test_finds_a_change_of_spread(self):
        rng = np.random.default_rng(0)
        assert columns.number_p(rng.normal(size=1000), rng.normal(0, 1.3, size=1000)) < 1e-4

    def test_the_effect_is_the_shift_in_standard_deviations(self):
        rng = np.random.default_rng(0)
        test = columns.number_test(rng.normal(10, 4, 20_000), rng.normal(12, 4, 20_000))
        assert test.effect == pytest.approx(0.5, abs=0.03)
        assert test.effect_name == columns.SCALED_WASSERSTEIN

    def test_a_column_that_never_varied_and_now_does_has_drifted(self):
        now = np.r_[np.full(400, 7.0), np.linspace(0, 1, 100)]
        test = columns.number_test(np.full(500, 7.0), now)
        assert test.p < 1e-6
        assert test.effect_name == columns.JENSEN_SHANNON
        assert "20.0% of values differ" in test.words

    def test_more_missing_values_are_drift_too(self):
        rng = np.random.default_rng(0)
        before, now = rng.normal(size=1000), rng.normal(size=1000)
        now[:200] = np.nan
        test = columns.number_test(before, now)
        assert test.p < 1e-6
        assert columns.MISSING in test.words

    def test_a_column_that_is_all_missing_now_has_drifted(self):
        rng = np.random.default_rng(0)
        assert columns.number_test(rng.normal(size=100), np.full(100, np.nan)).p < 1e-6

    @pytest.mark.parametrize(
        ("before", "now", "reason"),
        [
            (np.arange(10.0), np.arange(100.0), "10 values where 30 are needed"),
            (np.ones(50), np.ones(50), "always 1 on both sides"),
            (np.zeros(0), np.arange(50.0), "0 values where 30 are needed"),
        ],
    )
    def test_is_undefined_and_says_why(self, before, now, reason):
        test = columns.number_test(before, now, name="age")
        assert test.p is None
        assert test.effect is None
        assert test.words.startswith("age: undefined")
        assert reason in test.words

    def test_infinity_and_words_are_refused(self):
        with pytest.raises(ValueError, match="'age' is infinite in row"):
            columns.number_test(np.r_[np.inf, np.ones(50)], np.ones(50), name="age")
        with pytest.raises(ValueError, match="'age' should hold numbers"):
            columns.number_test(np.array(["x"] * 50), np.ones(50), name="age")
        with pytest.raises(ValueError, match="2 dimensions"):
            columns.number_test(np.ones((50, 2)), np.ones(50))

    @given(SAMPLE, SAMPLE)
    def test_p_and_effect_stay_in_range_and_ignore_the_order_of_rows(self, before, now):
        test = columns.number_test(before, now)
        turned = columns.number_test(before[::-1], now[::-1])
        if test.p is None:
            assert turned.p is None
        else:
            assert 0 <= test.p <= 1
            assert test.effect >= 0
            assert turned.p == pytest.approx(test.p)

    @given(SAMPLE)
    def test_a_sample_does_not_differ_from_itself(self, values):
        test = columns.number_test(values, values)
        assert test.p is None or (test.p > 0.3 and test.effect < 1e-9)

    @given(st.integers(0, 10_000), st.sampled_from([1e-9, 1e-3, 7.0, 1e9]))
    def test_units_do_not_matter(self, seed, unit):
        rng = np.random.default_rng(seed)
        before, now = rng.normal(size=60), rng.normal(0.3, 1, size=50)
        here, there = columns.number_test(before, now), columns.number_test(before * unit, now * unit)
        assert there.p == pytest.approx(here.p, rel=1e-6)
        assert there.effect == pytest.approx(here.effect, rel=1e-6)


class TestCategories:
    def test_p_is_chi_squares(self):
        before, now = np.repeat(["a", "b"], [300, 200]), np.repeat(["a", "b"], [200, 300])
        expected = stats.chi2_contingency([[300, 200], [200, 300]], correction=False).pvalue
        assert columns.category_test(before, now).p == pytest.approx(expected)

    def test_rare_levels_count_as_one_and_a_common_new_one_for_itself(self):
        now = np.array(["a"] * 100 + [f"new{i}" for i in range(50)] + ["c"] * 50)
        before = np.repeat(["a", "b"], 100)
        assert columns.category_test(before, now).p < 1e-6
        levels, counts = columns.level_counts(before.astype(object), now.astype(object))
        assert levels == ["a", "b", "c", columns.RARE]
        assert counts.tolist() == [[100, 100, 0, 0], [100, 0, 50, 50]]

    @pytest.mark.parametrize("levels", [10, 100, 500, 5000])
    @pytest.mark.parametrize("even", [False, True])
    def test_however_many_the_levels_a_stable_column_alarms_as_often_as_promised(self, levels, even):
        found = []
        for seed in range(100):
            rng = np.random.default_rng(seed)
            share = np.full(levels, 1 / levels) if even else rng.dirichlet(np.ones(levels))
            before, now = (rng.choice(levels, 1000, p=share).astype(str) for _ in range(2))
            found.append(columns.category_test(before, now).p)
        known = np.array([p for p in found if p is not None])
        assert (known < 0.05).sum() <= 11  # of 100: beyond this with a chance of 1 in 200
        assert known.size > 90 or levels == 5000  # which is an identifier: most values occur once

    def test_many_levels_do_not_look_changed_by_chance(self):
        rng = np.random.default_rng(0)
        effects = [
            columns.category_test(rng.integers(0, 50, 500).astype(str), rng.integers(0, 50, 500).astype(str)).effect
            for _ in range(40)
        ]
        assert np.mean(effects) < 0.05

    def test_gaps_do_not_turn_levels_into_new_ones(self):
        before = np.tile([1, 2, 3], 50)
        now = before.astype(float)
        assert columns.category_test(before, now).p == pytest.approx(1.0)

    @pytest.mark.parametrize(
        ("before", "now", "reason"),
        [
            (["a"] * 50, ["a"] * 50, "always a on both sides"),
            (["a"] * 10, ["b"] * 50, "10 rows where 30 are needed"),
            ([f"k{i}" for i in range(60)], [f"k{i}" for i in range(60, 120)], "an identifier"),
        ],
    )
    def test_is_undefined_and_says_why(self, before, now, reason):
        test = columns.category_test(np.array(before), np.array(now), name="country")
        assert test.p is None
        assert reason in test.words

    @given(WORDS, WORDS)
    def test_p_and_effect_stay_in_range(self, before, now):
        test = columns.category_test(before, now)
        if test.p is not None:
            assert 0 <= test.p <= 1
            assert 0 <= test.effect <= 1


class TestText:
    WORDS = ("card", "lost", "refund", "rate", "please", "where", "is", "my", "money", "today")

    def texts(self, seed, weights=None, rows=400):
        rng = np.random.default_rng(seed)
        return np.array([" ".join(rng.choice(self.WORDS, 6, p=weights)) for _ in range(rows)], dtype=object)

    def test_is_quiet_on_the_same_language(self):
        p = [columns.text_test(self.texts(s), self.texts(s + 1000)).p for s in range(30)]
        assert np.mean(np.array(p) < 0.05) <= 0.1

    def test_words_where_there_were_none_are_as_far_as_can_be(self):
        found = columns.text_test([None] * 60, self.texts(0, rows=60))
        assert (found.effect, found.p < 1e-9) == (1.0, True)

    def test_names_the_term_that_moved(self):
        weights = np.full(10, 0.07)
        weights[2] = 0.37
        test = columns.text_test(self.texts(0), self.texts(1, weights))
        assert test.p < 1e-6
        assert "“refund”" in test.words

    def test_rare_terms_of_a_small_side_are_no_evidence(self):
        found = []
        for seed in range(30):
            rng = np.random.default_rng(seed)
            sides = [[f"to{i} in{k}" for i, k in rng.integers(0, 400, (rows, 2))] for rows in (2000, 100)]
            found.append(columns.text_test(*sides).p)
        assert sum(p is not None and p < 0.04 for p in found) <= 4

    def test_text_without_spaces_has_words_too(self):
        rng = np.random.default_rng(0)
        before, now = (["".join(rng.choice(list("我的卡丢了请问怎么办"), 9)) for _ in range(200)] for _ in range(2))
        assert columns.text_test(before, now).p > 0.001
        moved = columns.text_test(before, [text + "护照" for text in now[:60]] + now[60:])
        assert moved.p < 1e-6 and "“护照”" in moved.words

    def test_is_undefined_without_terms(self):
        assert columns.text_test(np.array(["!"] * 40), np.array(["?"] * 40)).p is None
        assert columns.text_test(np.array(["a b"] * 5), np.array(["a b"] * 40)).p is None

    @settings(max_examples=25)
    @given(
        st.lists(st.text(max_size=20), min_size=30, max_size=40),
        st.lists(st.text(max_size=20), min_size=30, max_size=40),
    )
    def test_takes_any_text(self, before, now):
        test = columns.text_test(np.array(before, dtype=object), np.array(now, dtype=object))
        assert test.p is None or (0 <= test.p <= 1 and 0 <= test.effect <= 1)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_combined_p_lies_between_zero_and_one_and_near_the_smallest(p_values):
    combined = columns.cauchy_combination(p_values)
    assert 0 <= combined <= 1
    if min(p_values) < 1e-6:
        assert combined <= 10 * len(p_values) * max(min(p_values), 1e-300)


@given(hnp.arrays(float, 5, elements=st.integers(1, 500).map(float)))
def test_jensen_shannon_of_a_row_with_itself_is_zero(counts):
    assert columns.jensen_shannon(counts, counts) == 0
    assert columns.jensen_shannon(counts, counts * 3) == 0


def test_jensen_shannon_of_disjoint_rows_is_near_one():
    assert columns.jensen_shannon(np.array([1e6, 0.0]), np.array([0.0, 1e6])) == pytest.approx(1, abs=1e-3)


def test_a_clock_is_distinguished_from_a_feature():
    rng = np.random.default_rng(0)
    assert columns.is_clock(np.arange(500.0), np.arange(500.0, 600.0))
    assert not columns.is_clock(rng.normal(size=500), rng.normal(3, 1, size=100))
    assert not columns.is_clock(np.zeros(500), np.ones(100))
    assert not columns.is_clock(np.full(50, np.nan), np.arange(50.0))


@given(st.integers(0, 10_000), st.integers(20, 200), st.floats(0.1, 100), st.floats(-1e6, 1e6))
def test_whatever_only_rises_is_a_clock_and_in_any_other_order_is_not(seed, n, step, start):
    rng = np.random.default_rng(seed)
    ticks = start + step * np.cumsum(rng.random(n + 20) + 0.1)
    assert columns.is_clock(ticks[:n], ticks[n:])
    mixed = rng.permutation(ticks)
    assert not columns.is_clock(mixed[:n], mixed[n:])


@given(SAMPLE, SAMPLE)
def test_the_ks_distance_is_scipys_and_p_a_chance_that_knows_no_sides(before, now):
    gap = columns.ks_distance(before, now)
    assert gap == pytest.approx(stats.ks_2samp(before, now, method="asymp").statistic)
    assert 0 <= columns.number_p(before, now) <= 1
    assert columns.number_p(before, now) == pytest.approx(columns.number_p(now, before), abs=1e-9)


@given(WORDS, WORDS)
def test_every_row_is_counted_under_one_level(before, now):
    levels, counts = columns.level_counts(as_texts(before, columns.MISSING), as_texts(now, columns.MISSING))
    assert counts.shape == (2, len(levels))
    assert counts.sum(axis=1).tolist() == [len(before), len(now)]


@settings(max_examples=25)
@given(st.lists(st.sampled_from(["a b", "a", "b c d", "", "!"]), min_size=1, max_size=40))
def test_terms_are_counted_once_a_text(texts):
    column = np.array(texts, dtype=object)
    terms, counts = columns.term_counts(column, column)
    assert counts.shape == (2, len(terms))
    for term, (here, there) in zip(terms, counts.T, strict=True):
        assert here == there == sum(term in text.split() for text in texts)


@given(st.integers(0, 9), st.integers(0, 9), st.text(max_size=9))
def test_undefined_has_no_number_and_says_why(n, m, words):
    found = columns.undefined(n, m, columns.JENSEN_SHANNON, words)
    assert (found.p, found.effect, found.n_reference, found.n_current, found.words) == (None, None, n, m, words)
