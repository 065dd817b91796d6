"""Can a classifier tell the window from the reference: near .5 when not, high when so, and which rows look new."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.metrics.drift import domain_classifier


def side(rng, rows, moved=0.0):
    return {"x": rng.normal(moved, 1, rows), "noise": rng.normal(size=rows), "c": rng.choice(list("abc"), rows)}


class TestDomainAuc:
    @pytest.mark.simulation
    def test_is_near_a_half_when_nothing_moved(self):
        rng = np.random.default_rng(0)
        found = [
            domain_classifier.domain_auc(side(rng, 300), side(rng, 200), permutations=99, seed=s) for s in range(5)
        ]
        assert np.mean([f.auc for f in found]) == pytest.approx(0.5, abs=0.03)
        assert np.mean([f.p < 0.05 for f in found]) <= 0.2

    def test_sees_a_moved_column_and_names_it(self):
        rng = np.random.default_rng(1)
        found = domain_classifier.domain_auc(side(rng, 600), side(rng, 400, 1.0))
        assert found.low > 0.6
        assert found.low <= found.auc <= found.high
        assert found.p <= 0.01
        assert found.importance[0][0] == "x"
        assert sum(share for _, share in found.importance) == pytest.approx(1)

    def test_sees_what_no_single_column_shows(self):
        rng = np.random.default_rng(2)
        x, y = rng.normal(size=(2, 1500))
        now = rng.normal(size=1500)
        found = domain_classifier.domain_auc(
            {"x": x, "y": y}, {"x": now, "y": now + 0.3 * rng.normal(size=1500)}, permutations=99
        )
        assert found.low > 0.7

    def test_the_newest_rows_are_those_that_came_from_elsewhere(self):
        rng = np.random.default_rng(3)
        now = side(rng, 300)
        now["x"][:60] += 5
        newest = domain_classifier.newest(domain_classifier.domain_auc(side(rng, 600), now, permutations=99), 50)
        assert (newest < 60).mean() > 0.9

    def test_text_that_speaks_of_something_else_is_seen(self):
        rng = np.random.default_rng(4)
        words = np.array(["card", "lost", "refund", "rate", "transfer", "abroad", "pending", "fee", "limit", "pin"])

        def texts(chosen, rows):
            return {
                "t": np.array(
                    [" ".join(rng.choice(chosen, 5)) + f" {i}" for i in rng.integers(10**9, size=rows)], dtype=object
                )
            }

        assert domain_classifier.domain_auc(texts(words, 160), texts(words[:5], 100), permutations=99).low > 0.8
        assert domain_classifier.domain_auc(texts(words, 160), texts(words, 100), permutations=99).high < 0.7

    @pytest.mark.simulation
    def test_blocks_keep_dependence_from_passing_for_drift(self):
        rng = np.random.default_rng(5)
        households = np.repeat(rng.normal(size=80), 20) + 0.01 * rng.normal(size=1600)
        before, now = {"x": households[:1000]}, {"x": households[1000:]}
        plain = domain_classifier.domain_auc(before, now, block=1, permutations=99)
        blocked = domain_classifier.domain_auc(before, now, block=20, permutations=99)
        assert plain.p <= 0.02
        assert blocked.p > 0.05
        assert blocked.high - blocked.low > plain.high - plain.low
        assert domain_classifier.domain_auc(before, now, permutations=99).block > 1

    def test_a_column_that_is_always_missing_is_no_harm(self):
        rng = np.random.default_rng(7)
        before, now = side(rng, 300), side(rng, 200, 1.0)
        before["gone"], now["gone"] = np.full(300, np.nan), np.full(200, np.nan)
        assert domain_classifier.domain_auc(before, now, permutations=99).low > 0.6

    def test_a_clock_does_not_tell_the_window_from_the_reference(self):
        rng = np.random.default_rng(6)
        before, now = side(rng, 300), side(rng, 200)
        before["at"], now["at"] = np.arange(300), np.arange(300, 500)
        assert domain_classifier.domain_auc(before, now, permutations=99).auc < 0.65

    @pytest.mark.parametrize(
        ("before", "now", "reason"),
        [
            ({"x": np.arange(20.0) % 7}, {"x": np.arange(90.0) % 7}, "20 rows where 60 are needed"),
            ({"x": np.arange(90.0)}, {"x": np.arange(90.0, 180.0)}, "every column runs with time"),
            ({"x": np.ones(90)}, {"x": np.ones(90)}, "no column varies"),
            ({"x": np.full(90, np.nan)}, {"x": np.full(90, np.nan)}, "no column varies"),
        ],
    )
    def test_is_undefined_and_says_why(self, before, now, reason):
        found = domain_classifier.domain_auc(before, now)
        assert found.auc is None
        assert found.p is None
        assert reason in found.why
        assert np.isnan(found.newness).all()
        assert domain_classifier.newest(found).size == 0

    def test_refuses_empty_windows_and_foreign_columns(self):
        with pytest.raises(ValueError, match="share no column"):
            domain_classifier.domain_auc({"x": np.ones(90)}, {"y": np.ones(90)})
        with pytest.raises(ValueError, match="empty"):
            domain_classifier.domain_auc({"x": np.ones(90)}, {"x": np.ones(0)})
        with pytest.raises(ValueError, match="empty"):
            domain_classifier.domain_auc({"x": np.ones(0)}, {"x": np.ones(90)})

    @settings(max_examples=8)
    @given(st.integers(0, 10_000), st.integers(60, 120), st.integers(60, 120), st.floats(0, 0.6))
    def test_figures_stay_in_range(self, seed, n, m, gaps):
        rng = np.random.default_rng(seed)
        before, now = side(rng, n), side(rng, m, rng.normal())
        now["x"][rng.random(m) < gaps] = np.nan
        found = domain_classifier.domain_auc(before, now, permutations=19, seed=seed)
        assert 0 <= found.low <= found.auc <= found.high <= 1
        assert 0 < found.p <= 1
        assert found.newness.shape == (m,)
        assert ((found.newness >= 0) & (found.newness <= 1)).all()


@given(st.lists(st.floats(0, 1), max_size=30), st.integers(0, 40))
def test_the_newest_rows_lead(newness, count):
    found = domain_classifier.newest(domain_classifier.Domain(0.7, 0.6, 0.8, 0.01, np.array(newness), (), 1, ""), count)
    assert [newness[row] for row in found] == sorted(newness, reverse=True)[:count]


@pytest.mark.parametrize(
    ("settings_", "says"),
    [({"permutations": 0}, "permutation"), ({"block": 0}, "block"), ({"level": 1.5}, "level")],
)
def test_settings_that_mean_nothing_are_refused(settings_, says):
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=says):
        domain_classifier.domain_auc(side(rng, 90), side(rng, 90), **settings_)


def test_infinite_numbers_are_refused_by_name():
    with pytest.raises(ValueError, match="'x' is infinite in row 0"):
        domain_classifier.domain_auc({"x": np.r_[np.inf, np.arange(89.0)]}, {"x": np.arange(90.0)})


@pytest.mark.simulation
def test_copies_do_not_pass_for_drift_and_share_their_newness():
    rng, rows = np.random.default_rng(0), np.random.default_rng(1).permutation(np.repeat(np.arange(150), 6))
    before, now = ({f"x{i}": rng.normal(size=150)[rows] for i in range(4)} for _ in range(2))
    plain = domain_classifier.domain_auc(before, now, permutations=99)
    found = domain_classifier.domain_auc(before, now, permutations=99, groups=(rows, rows))
    assert plain.p < 0.05 < found.p
    assert found.newness.shape == (900,)
    assert all(len(set(found.newness[rows == row])) == 1 for row in range(0, 150, 10))


@pytest.mark.simulation
@pytest.mark.parametrize(("kind", "many"), [("category", 60), ("text", 500)])
def test_levels_and_words_that_one_side_has_by_chance_give_nothing_away(kind, many):
    """Each of many merchants, and each of 500 rare words, stands a few times on each side."""
    found = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        names = [[f"m{i}" for i in rng.integers(0, many, 400)] for _ in range(2)]
        sides = [np.array([f"paid to {n} today" for n in side] if kind == "text" else side) for side in names]
        found.append(
            domain_classifier.domain_auc({"x": sides[0]}, {"x": sides[1]}, types={"x": kind}, permutations=99).p
        )
    assert sum(p < 0.05 for p in found) <= 3


@pytest.mark.parametrize("kind", ["category", "text"])
def test_names_that_occur_once_give_nothing_away(kind):
    """A name of its own in every row: the order of the rows must not show in what the classifier sees."""
    found = []
    for seed in range(5):
        names = np.array([f"id{i} is open" for i in np.random.default_rng(seed).permutation(9000)[:400]], dtype=object)
        before, now = {"x": names[:200]}, {"x": names[200:]}
        found.append(domain_classifier.domain_auc(before, now, types={"x": kind}, permutations=19, seed=seed).auc)
    assert np.mean([0.5 if auc is None else auc for auc in found]) < 0.53


@pytest.mark.simulation
def test_a_text_without_spaces_gives_away_what_moved():
    rng = np.random.default_rng(0)
    before, now = (["".join(rng.choice(list("我的卡丢了请问怎么办"), 9)) for _ in range(200)] for _ in range(2))
    sides = {"t": np.array(before, dtype=object)}, {"t": np.array([f"{text}护照" for text in now], dtype=object)}
    assert domain_classifier.domain_auc(*sides, types={"t": "text"}, permutations=99).low > 0.8


def test_a_window_that_repeats_the_reference_looks_like_it():
    rng = np.random.default_rng(0)
    rows = side(rng, 300)
    found = domain_classifier.domain_auc(rows, rows, permutations=99, groups=(np.arange(300), np.arange(300)))
    assert found.auc == pytest.approx(0.5, abs=0.05)
    assert found.p > 0.05 and found.low <= 0.5 <= found.high
