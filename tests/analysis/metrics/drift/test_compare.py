"""Have the inputs changed: quiet when it is not, named when it is, and clear about what cannot be said."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.metrics.drift.compare import (
    Drift,
    DriftCriteria,
    compare,
    persists,
    weighted_share,
)
from analysis.metrics.drift.feature_drift import FeatureDrift


def simulated(rng, rows, moved=0.0, count=20):
    return {f"x{i}": rng.normal(moved if i == 0 else 0.0, 1.0, rows) for i in range(count)}


def feature(name, drifted, score=False):
    return FeatureDrift(name, "number", 0.01, 0.02, 0.5, "Wasserstein / SD", drifted, 100, 100, name, score=score)


def verdict(*drifted):
    features = tuple(feature(name, name in drifted) for name in "abc")
    return Drift(bool(drifted), features, "", 0.05, 0.0, 100, 100)


class TestCompare:
    @pytest.mark.simulation
    def test_twenty_stable_features_alarm_in_at_most_one_window_of_twenty(self):
        rng = np.random.default_rng(1)
        alarms = [compare(simulated(rng, 1000), simulated(rng, 300)).drifted for _ in range(60)]
        assert np.mean(alarms) <= 0.05

    @pytest.mark.simulation
    def test_a_shift_of_a_fifth_of_a_standard_deviation_is_found_at_a_thousand_rows(self):
        rng = np.random.default_rng(2)
        found = [compare(simulated(rng, 3000), simulated(rng, 1000, 0.2)).features[0] for _ in range(30)]
        assert np.mean([f.drifted and f.name == "x0" for f in found]) >= 0.9

    def test_rows_that_depend_on_each_other_do_not_alarm_where_plain_tests_do(self):
        rng = np.random.default_rng(3)
        plain, ours = [], []
        for _ in range(25):
            steps = rng.normal(size=(6000, 4))
            for row in range(1, 6000):
                steps[row] += 0.97 * steps[row - 1]
            past = {f"x{i}": steps[:5700, i] for i in range(4)}
            now = {f"x{i}": steps[5700:, i] for i in range(4)}
            plain.append(compare(past, now, ordered=False).drifted)
            ours.append(compare(past, now).drifted)
        assert np.mean(plain) > 0.5
        assert np.mean(ours) <= 0.08

    def test_a_large_move_is_found_though_rows_depend_on_each_other(self):
        rng = np.random.default_rng(4)
        steps = rng.normal(size=6000)
        for row in range(1, 6000):
            steps[row] += 0.9 * steps[row - 1]
        result = compare({"x": steps[:5700]}, {"x": steps[5700:] + 3 * steps.std()})
        assert result.drifted
        assert result.features[0].dependent
        assert "past windows" in result.why

    def test_a_change_below_the_effect_floor_is_not_an_alarm_however_certain(self):
        rng = np.random.default_rng(5)
        before, now = {"x": rng.normal(size=200_000)}, {"x": rng.normal(0.04, 1, size=200_000)}
        result = compare(before, now)
        assert result.features[0].p_adjusted < 1e-6
        assert not result.drifted
        assert compare(before, now, criteria=DriftCriteria(effect_floor={})).drifted

    def test_model_scores_come_first_and_get_half_of_the_error_budget(self):
        rng = np.random.default_rng(6)
        before, now = simulated(rng, 500), simulated(rng, 500)
        before["score"], now["score"] = rng.random(500), rng.random(500) * 0.8
        result = compare(before, now, criteria=DriftCriteria(scores_first="score"))
        alone = compare(before, now)
        assert result.features[0].name == "score"
        assert result.features[0].score
        assert result.features[0].p_adjusted < next(f for f in alone.features if f.name == "score").p_adjusted
        with pytest.raises(ValueError, match="not on both sides: nope"):
            compare(before, now, criteria=DriftCriteria(scores_first="nope"))

    def test_only_like_seasons_are_compared(self):
        rng = np.random.default_rng(7)
        hour = rng.integers(0, 4, 4000)
        before = {"load": hour * 2.0 + rng.normal(size=4000)}
        now_hour = rng.choice([2, 3], 600)
        now = {"load": now_hour * 2.0 + rng.normal(size=600)}
        assert compare(before, now).drifted
        assert not compare(before, now, season=(hour, now_hour)).drifted

    def test_a_counter_or_clock_is_left_out_in_words(self):
        before, now = {"id": np.arange(500)}, {"id": np.arange(500, 700)}
        result = compare(before, now)
        assert not result.drifted
        assert "runs with time" in result.features[0].words
        assert result.why.startswith("Undefined")

    def test_a_constant_column_is_undefined_and_the_others_are_tested(self):
        rng = np.random.default_rng(8)
        before = {"same": np.ones(200), "x": rng.normal(size=200)}
        now = {"same": np.ones(200), "x": rng.normal(3, 1, size=200)}
        result = compare(before, now)
        states = {f.name: f.p for f in result.features}
        assert states["same"] is None
        assert result.drifted
        assert [f.name for f in result.features] == ["x", "same"]

    def test_kinds_can_be_said(self):
        codes = np.tile([0, 1, 2], 100)
        assert compare({"c": codes}, {"c": codes}, types={"c": "category"}).features[0].kind == "category"

    def test_a_thin_window_says_so(self):
        rng = np.random.default_rng(9)
        assert "thin: 60 rows" in compare({"x": rng.normal(size=500)}, {"x": rng.normal(size=60)}).why

    @pytest.mark.parametrize(
        ("before", "now", "message"),
        [
            ({"a": [1.0]}, {"b": [1.0]}, "share no column"),
            ({}, {}, "share no column"),
            ({"a": np.ones(50)}, {"a": []}, "current window is empty"),
            ({"a": []}, {"a": np.ones(50)}, "reference is empty"),
            ({"a": np.ones(50), "b": np.ones(40)}, {"a": np.ones(50), "b": np.ones(50)}, "differ in length"),
            ({"a": np.r_[np.inf, np.ones(50)]}, {"a": np.ones(50)}, "infinite"),
        ],
    )
    def test_bad_input_is_a_clear_error(self, before, now, message):
        with pytest.raises(ValueError, match=message):
            compare(before, now)

    def test_a_level_that_is_none_is_refused(self):
        with pytest.raises(ValueError, match="level is 4"):
            compare({"a": np.ones(50)}, {"a": np.ones(50)}, criteria=DriftCriteria(level=4))

    def test_a_season_of_the_wrong_length_is_refused(self):
        with pytest.raises(ValueError, match="one value per row"):
            compare({"a": np.ones(50)}, {"a": np.ones(50)}, season=(np.ones(50), np.ones(49)))

    def test_is_the_same_every_time(self):
        rng = np.random.default_rng(10)
        before, now, season = simulated(rng, 300), simulated(rng, 300), rng.integers(0, 3, 300)
        assert compare(before, now, season=(season, season)) == compare(before, now, season=(season, season))

    @settings(max_examples=30)
    @given(st.integers(0, 10_000), st.integers(30, 120), st.integers(30, 120), st.floats(0, 0.5))
    def test_every_verdict_is_consistent_with_its_columns(self, seed, n, m, gaps):
        rng = np.random.default_rng(seed)

        def side(rows):
            values = rng.normal(rng.normal(), 1, rows)
            values[rng.random(rows) < gaps] = np.nan
            return {"x": values, "c": rng.choice(list("ab"), rows), "k": np.ones(rows)}

        result = compare(side(n), side(m))
        assert result.drifted == any(f.drifted for f in result.features)
        assert {f.name for f in result.features} == {"x", "c", "k"}
        for f in result.features:
            assert (f.p is None) == (f.p_adjusted is None)
            assert f.p is None or 0 <= f.p <= f.p_adjusted <= 1
            assert not f.drifted or f.p_adjusted < result.level


class TestPersistence:
    def test_needs_the_same_column_in_running_windows(self):
        assert persists([verdict("a"), verdict("a", "b")]) == ("a",)
        assert persists([verdict("a"), verdict("b")]) == ()
        assert persists([verdict("a"), verdict(), verdict("a")]) == ()
        assert persists([verdict("a")]) == ()
        assert persists([]) == ()
        assert persists([verdict("a", "b")] * 3, windows=3) == ("a", "b")

    def test_needs_at_least_one_window(self):
        with pytest.raises(ValueError, match="at least one window"):
            persists([verdict("a")], windows=0)

    @given(st.lists(st.sets(st.sampled_from("abc")), max_size=6), st.integers(1, 4))
    def test_names_only_columns_of_the_last_window(self, history, windows):
        names = persists([verdict(*drifted) for drifted in history], windows=windows)
        assert not names or set(names) <= history[-1]


class TestWeightedShare:
    def test_weighs_by_importance(self):
        features = [feature("a", True), feature("b", False)]
        assert weighted_share(features) == 0.5
        assert weighted_share(features, {"a": 1, "b": 9}) == pytest.approx(0.1)
        assert weighted_share(features, {"b": 9}) == 0

    def test_is_undefined_when_all_weights_are_zero(self):
        assert np.isnan(weighted_share([feature("a", True)], {"a": 0}))
        assert np.isnan(weighted_share([]))

    @pytest.mark.parametrize("weight", [-1, np.nan, np.inf])
    def test_refuses_weights_that_mean_nothing(self, weight):
        with pytest.raises(ValueError, match="finite and not negative"):
            weighted_share([feature("a", True)], {"a": weight})

    @given(st.lists(st.tuples(st.booleans(), st.floats(0, 1e6)), min_size=1, max_size=8))
    def test_lies_between_zero_and_one(self, rows):
        features = [feature(str(i), drifted) for i, (drifted, _) in enumerate(rows)]
        share = weighted_share(features, {str(i): weight for i, (_, weight) in enumerate(rows)})
        assert np.isnan(share) or 0 <= share <= 1 + 1e-9


def stable(seed, times):
    """Two windows of one distribution, every row sent several times."""
    rng = np.random.default_rng(seed)
    rows = [np.repeat(np.arange(200), times) for _ in range(2)]
    windows = [{"x": rng.normal(size=200)[r], "c": rng.choice(list("abc"), 200)[r]} for r in rows]
    return windows, rows


def test_rows_sent_ten_times_are_not_more_evidence():
    grouped = plain = 0
    for seed in range(40):
        (before, now), groups = stable(seed, 10)
        grouped += compare(before, now, groups=tuple(groups), ordered=False).drifted
        plain += compare(before, now, ordered=False).drifted
    assert grouped <= 5
    assert plain >= 20


def test_a_change_is_seen_beyond_copies_and_what_was_left_out_is_said():
    (before, now), groups = stable(0, 3)
    now = {**now, "x": now["x"] + 1.0}
    found = compare(before, now, groups=tuple(groups), ordered=False)
    assert found.drifted and (found.n_reference, found.n_current) == (200, 200)
    assert "Copies count once: 800 rows left out." in found.why
    season = (np.tile(["a", "b"], 300), np.tile(["a", "b"], 300))
    assert compare(before, now, groups=tuple(groups), season=season, ordered=False).drifted


def test_numbers_of_rows_are_identifiers_in_whatever_order_and_amounts_are_not():
    rng = np.random.default_rng(0)
    before = {"id": rng.permutation(np.arange(500)) * 3, "cents": rng.integers(0, 2000, 500)}
    now = {"id": rng.permutation(np.arange(500, 900)) * 3, "cents": rng.integers(0, 2000, 400)}
    found = {one.name: one for one in compare(before, now).features}
    assert found["id"].p is None and "an identifier" in found["id"].words
    assert found["cents"].p is not None
