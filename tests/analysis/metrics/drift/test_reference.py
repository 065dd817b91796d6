"""What is normal for a stream: like seasons together, and alarm levels from its own past."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from analysis.metrics.drift import reference as reference


def autocorrelated(rng, rows, memory):
    steps = rng.normal(size=rows)
    for row in range(1, rows):
        steps[row] += memory * steps[row - 1]
    return steps


class TestMatch:
    def test_gives_the_reference_the_mix_of_the_window(self):
        season = np.repeat(["winter", "summer"], [900, 100])
        rows, known = reference.match(season, np.repeat(["winter", "summer"], [50, 50]))
        assert (season[rows] == "summer").mean() == pytest.approx(0.5)
        assert len(rows) == 200
        assert len(known) == 100

    def test_leaves_out_rows_of_a_season_never_seen(self):
        _, known = reference.match(np.array(["a"] * 50), np.array(["a", "b", "a"]))
        assert known.tolist() == [0, 2]

    def test_refuses_seasons_that_share_nothing_or_are_no_seasons(self):
        with pytest.raises(ValueError, match="no season"):
            reference.match(["a"], ["b"])
        with pytest.raises(ValueError, match="at most 400"):
            reference.match(np.arange(1000), np.arange(1000))

    @given(
        st.lists(st.sampled_from("abc"), min_size=5, max_size=60),
        st.lists(st.sampled_from("abc"), min_size=1, max_size=60),
        st.integers(0, 99),
    )
    def test_draws_each_row_once_and_only_shared_seasons(self, before, now, seed):
        if not set(before) & set(now):
            return
        rows, known = reference.match(before, now, seed=seed)
        assert len(set(rows.tolist())) == len(rows)
        assert {before[row] for row in rows} == set(before) & set(now)
        assert {now[row] for row in known} <= set(before)


class TestDependence:
    def test_independent_rows_are_called_independent(self):
        rng = np.random.default_rng(0)
        found = [reference.dependence(rng.normal(size=500)).dependent for _ in range(200)]
        assert np.mean(found) <= 0.01

    def test_rare_events_at_random_are_called_independent(self):
        rng = np.random.default_rng(0)
        found = [reference.dependence(rng.random(1000) < share).dependent for share in [0.004, 0.01, 0.03, 0.1] * 60]
        assert np.mean(found) <= 0.02

    def test_a_rare_state_that_lasts_is_dependence(self):
        held = np.repeat(np.random.default_rng(0).random(100) < 0.1, 20)
        assert reference.dependence(held).dependent

    @pytest.mark.parametrize("memory", [0.5, 0.9])
    def test_effective_n_is_what_the_autocorrelation_leaves(self, memory):
        rng = np.random.default_rng(1)
        found = [reference.dependence(autocorrelated(rng, 5000, memory)) for _ in range(5)]
        assert all(f.dependent for f in found)
        expected = 5000 * (1 - memory) / (1 + memory)
        assert np.median([f.effective_n for f in found]) == pytest.approx(expected, rel=0.5)

    @pytest.mark.parametrize("unit", [2.0**-900, 2.0**900])
    def test_the_unit_of_the_numbers_does_not_matter(self, unit):
        values = autocorrelated(np.random.default_rng(4), 500, 0.8)
        assert reference.dependence(unit * values) == reference.dependence(values)

    def test_a_trend_counts_as_dependence(self):
        rng = np.random.default_rng(2)
        assert reference.dependence(np.linspace(0, 2, 1000) + rng.normal(size=1000)).dependent

    def test_a_constant_or_short_column_is_not(self):
        assert not reference.dependence(np.ones(500)).dependent
        assert not reference.dependence(np.arange(20.0)).dependent
        assert reference.dependence(np.ones(500)).effective_n == 500

    @given(hnp.arrays(float, st.integers(0, 200), elements=st.floats(-1e3, 1e3)))
    def test_effective_n_never_exceeds_n(self, values):
        found = reference.dependence(values)
        assert 0 <= found.p <= 1
        assert 0 <= found.effective_n <= len(values)
        assert found.design_effect >= 1


class TestPast:
    def test_is_none_for_independent_rows_and_when_order_means_nothing(self):
        rng = np.random.default_rng(0)
        steps = autocorrelated(rng, 900, 0.9)
        assert reference.past_p(rng.normal(size=600), rng.normal(size=100), "number") is None
        assert reference.past_p(steps[:600], steps[600:], "number", ordered=False) is None
        assert reference.past_p(steps[:600], steps[600:], "number") is not None

    def test_p_is_about_uniform_on_a_stable_stream(self):
        rng = np.random.default_rng(1)
        streams = [autocorrelated(rng, 3000, 0.95) for _ in range(120)]
        p = np.array([reference.past_p(s[:2700], s[2700:], "number") for s in streams])
        assert np.mean(p < 0.05) <= 0.11
        assert np.mean(p < 0.005) <= 0.02

    def test_a_stream_that_always_moved_may_move_on(self):
        rng = np.random.default_rng(2)
        weeks = np.sin(np.arange(3000) / 100)
        steps = weeks + 0.1 * rng.normal(size=3000)
        assert reference.past_p(steps[:2700], steps[2700:], "number") > 0.05

    def test_a_move_beyond_all_past_ones_is_surprising(self):
        rng = np.random.default_rng(3)
        steps = autocorrelated(rng, 3000, 0.9)
        assert reference.past_p(steps[:2700], steps[2700:] + 3 * steps.std(), "number") < 0.01

    def test_a_level_never_seen_is_surprising_in_a_category(self):
        held = np.repeat(np.tile(["day", "night"], 60), 25)
        now = np.array(["strike"] * 300, dtype=object)
        assert reference.past_p(held, now, "category") < 1e-6
        assert reference.past_p(held, held[:300], "category") > 0.05

    def test_rare_levels_that_the_past_lacks_by_chance_are_not_surprising(self):
        """Half of the rows hold one level, in runs; the others one of 3 000."""
        found = []
        for seed in range(40):
            rng = np.random.default_rng(seed)
            often = np.repeat(rng.random(400) < 0.5, 8)
            column = np.where(often, "often", np.char.add("m", rng.integers(0, 3000, often.size).astype(str)))
            found.append(reference.past_p(column[:2800], column[2800:], "category", ordered=True))
        assert np.mean(np.array(found) < 0.05) <= 0.15

    def test_terms_of_a_text_stream_are_held_against_its_past(self):
        days = np.repeat(np.tile(["card lost again", "rate is wrong"], 40), 20).astype(object)
        assert reference.past_p(days, np.array(["refund my card"] * 200, dtype=object), "text") < 0.01
        assert reference.past_p(days, days[:200], "text") > 0.05

    def test_a_season_takes_the_known_cycle_off(self):
        rng = np.random.default_rng(4)
        hour = np.arange(4800) % 48
        load = np.sin(2 * np.pi * hour / 48) + 0.1 * rng.normal(size=4800)
        night = hour[4500:] < 24
        now, when = load[4500:][night], hour[4500:][night]
        assert reference.past_p(load[:4500], now, "number", ordered=True) < 0.01
        assert reference.past_p(load[:4500], now, "number", ordered=True, season=(hour[:4500], when)) > 0.05

    @settings(max_examples=40)
    @given(st.integers(0, 10_000), st.integers(60, 300), st.integers(1, 100), st.booleans())
    def test_p_lies_between_zero_and_one_or_is_undefined(self, seed, n, m, gaps):
        rng = np.random.default_rng(seed)
        steps = np.cumsum(rng.normal(size=n + m))
        if gaps:
            steps[rng.random(n + m) < 0.2] = np.nan
        p = reference.past_p(steps[:n], steps[n:], "number", ordered=True)
        assert p is None or 0 <= p <= 1


class TestComponents:
    @given(hnp.arrays(float, st.integers(1, 50), elements=st.floats(allow_infinity=False)))
    def test_are_bounded_for_any_numbers(self, values):
        matrix = reference.components(np.arange(20.0), "number")(values)
        assert matrix.shape == (len(values), 3)
        assert (np.abs(matrix) <= 1).all()

    @given(st.lists(st.one_of(st.text(max_size=5), st.none()), min_size=1, max_size=30))
    def test_put_every_category_in_one_place_at_most(self, values):
        matrix = reference.components(np.array(["a", "b", ""], dtype=object), "category")(
            np.array(values, dtype=object)
        )
        assert set(matrix.sum(axis=1)) <= {1.0}

    @given(
        hnp.arrays(float, st.tuples(st.integers(1, 40), st.just(2)), elements=st.floats(-10, 10)), st.integers(1, 10)
    )
    def test_block_means_keep_the_newest_whole_blocks(self, matrix, length):
        means = reference.block_means(matrix, length)
        assert means.shape == (len(matrix) // length, 2)
        if len(means):
            assert means[-1] == pytest.approx(matrix[-length:].mean(axis=0))
