"""Properties of the parts of a query round on any pool: uncertainty, clusters, kernels, the candidate filter and the
quota.
"""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from annotation.sampling import Pool, check_pool
from annotation.sampling.arrays import squared_distances
from annotation.sampling.filters.candidate_filter import make_candidate_filter
from annotation.sampling.strategies.batch import left_over_batch, random_batch, uncertain_batch, uncertainty_numbers
from annotation.sampling.strategies.cold_start import cold_start
from annotation.sampling.strategies.linear_probe import blend_linear_probe, granularity
from annotation.sampling.strategies.rare_classes import most_likely, rare_classes
from annotation.sampling.strategies.registry import RUN, run_strategy
from annotation.sampling.strategies.typiclust import typiclust
from annotation.sampling.strategies.uncertainty_coverage import cover_uncertainty, kernel_width

ARMS = ("margin", "entropy", "least_confidence", "herding")


@st.composite
def pools(draw: st.DrawFn, least: int = 1) -> Pool:
    """Few rows, often equal ones, of a model that may be certain, with labels, signals and members or without."""
    n, d, k = draw(st.integers(least, 30)), draw(st.integers(1, 3)), draw(st.integers(1, 4))
    labels = draw(st.integers(0, 8))
    rng = np.random.default_rng(draw(st.integers(0, 2**20)))
    scale = draw(st.sampled_from([1e-3, 1.0, 1e4]))
    vectors = scale * rng.integers(-3, 4, size=(n + labels, d))
    steps = rng.integers(0, 4, size=(n, k)) + np.eye(k)[rng.integers(k, size=n)]
    p = steps / steps.sum(axis=1, keepdims=True)
    return check_pool(
        Pool(
            vectors=vectors[:n],
            probabilities=p,
            classes=tuple("abcd"[:k]),
            labelled_vectors=vectors[n:],
            labelled_targets=rng.integers(k, size=labels),
            member_probabilities=np.stack([p, np.roll(p, 1, axis=1)]),
            signals=draw(st.sampled_from([None, np.zeros(n), rng.random(n)])),
        )
    )


def points(least: int = 1) -> st.SearchStrategy[np.ndarray]:
    shape = st.tuples(st.integers(least, 15), st.just(2))
    return hnp.arrays(np.float32, shape, elements=st.integers(-50, 50).map(float))


@given(pools())
def test_a_doubt_names_the_two_likeliest_and_its_figures_agree(pool: Pool) -> None:
    for row in range(len(pool)):
        found, p = uncertainty_numbers(pool, row), pool.probabilities[row]
        assert found["p_first"] == found["confidence"] == p.max()
        assert found["p_first"] >= found["p_second"]
        assert found["margin"] == pytest.approx(found["p_first"] - found["p_second"] if len(p) > 1 else 1.0)
        assert p[pool.classes.index(found["first"])] == found["p_first"]
        assert p[pool.classes.index(found["second"])] == found["p_second"]
        assert 0 <= found["entropy"] <= np.log(len(p)) + 1e-9


@given(pools(), st.sampled_from(ARMS), st.data())
def test_each_doubtful_row_brings_its_sentence(pool: Pool, arm: str, data: st.DataObject) -> None:
    rows = np.array(data.draw(st.lists(st.integers(0, len(pool) - 1), unique=True)), dtype=np.intp)

    found = uncertain_batch(pool, rows, arm)

    assert found.index.tolist() == rows.tolist()
    assert set(found.arm) <= {arm}
    assert len(found.reason) == len(found.numbers) == len(rows)
    for words, numbers in zip(found.reason, found.numbers, strict=True):
        assert numbers["first"] in words
        assert (" against " in words) is (len(pool.classes) > 1)


@given(st.integers(0, 5), st.integers(5, 10**7))
def test_a_random_choice_says_how_many_candidates_there_were(drawn: int, n: int) -> None:
    found = random_batch(np.arange(drawn), n)

    assert found.arm == ("random",) * drawn
    assert found.numbers == ({"candidates": n},) * drawn
    assert all(f"{n:,}" in words for words in found.reason)


@given(pools(), st.sampled_from(["remaining", "near_copy", "outlier"]))
def test_what_fills_an_empty_place_says_that_nothing_better_was_left(pool: Pool, arm: str) -> None:
    found = left_over_batch(pool, np.arange(len(pool)), arm)

    assert found.arm == (arm,) * len(pool)
    assert all("candidate was left" in words for words in found.reason)
    assert all(one["margin"] >= 0 for one in found.numbers)


@given(points(), points(0))
def test_squared_distances_are_those_of_numpy_and_never_negative(a: np.ndarray, b: np.ndarray) -> None:
    found = squared_distances(a, b)

    exact = ((a[:, None].astype(float) - b[None].astype(float)) ** 2).sum(axis=2)
    assert found.shape == (len(a), len(b))
    assert (found >= 0).all()
    np.testing.assert_allclose(found, exact, rtol=1e-4, atol=0.05)


@given(points(), st.integers(1, 40), st.integers(0, 20))
def test_more_labels_speak_less_far_and_in_the_unit_of_the_vectors(
    reference: np.ndarray, labels: int, more: int
) -> None:
    width = kernel_width(reference, labels)

    assert width > 0
    if np.ptp(reference, axis=0).any():
        assert kernel_width(4 * reference, labels) == pytest.approx(16 * width, rel=1e-3)
    if len(np.unique(reference, axis=0)) == len(reference):  # equal rows have a width of their own
        assert kernel_width(reference, labels + more) <= width * (1 + 1e-5)


@settings(max_examples=50)
@given(points(), points(0), st.integers(1, 20))
def test_a_herd_is_distinct_candidates_and_its_first_adds_most_cover(
    reference: np.ndarray, labelled: np.ndarray, count: int
) -> None:
    found = cover_uncertainty(reference, reference, labelled, count)

    assert len(found.order) == len(found.similar) == min(count, len(reference))
    assert len(set(found.order.tolist())) == len(found.order)
    assert found.similar.sum() <= len(reference)
    width = kernel_width(reference, len(found.order) + len(labelled))
    had = np.exp(-squared_distances(labelled, reference) / width).max(axis=0, initial=0)
    added = np.maximum(np.exp(-squared_distances(reference, reference) / width) - had, 0).sum(axis=1)
    assert added[found.order[0]] >= added.max() - 1e-4 * len(reference)


@given(pools(2))
def test_resolution_runs_from_all_alike_to_as_fine_as_the_vectors(pool: Pool) -> None:
    alike = check_pool(Pool(pool.vectors, np.full_like(pool.probabilities, 1 / len(pool.classes)), pool.classes))
    order = np.random.default_rng(0).permutation(len(pool))
    turned = check_pool(Pool(pool.vectors[order], pool.probabilities[order], pool.classes))

    assert 0 < granularity(pool) <= 1
    assert granularity(alike) == pytest.approx(1 / min(len(pool), _distinct(pool.vectors)), rel=1e-6)
    assert granularity(turned) == pytest.approx(granularity(pool))


def _distinct(rows: np.ndarray) -> float:
    share = np.unique(rows, axis=0, return_counts=True)[1] / len(rows)
    return float(np.prod(share**-share))


@settings(max_examples=40)
@given(pools())
def test_a_blend_is_probabilities_with_a_weight_in_range(pool: Pool) -> None:
    found = blend_linear_probe(pool)

    assert 0 <= found.weight < 1
    np.testing.assert_allclose(found.pool.probabilities.sum(axis=1), 1)
    assert (found.pool.probabilities >= 0).all()
    assert found.weight or found.pool is pool


@given(pools(), st.integers(1, 12), st.integers(0, 99))
def test_the_rows_likeliest_of_rare_classes_take_turns(pool: Pool, places: int, seed: int) -> None:
    p = pool.probabilities
    classes = rare_classes(p, pool.labelled_targets)[:places]
    if not classes:
        return

    rows, codes = most_likely(p, classes, places, np.random.default_rng(seed))

    assert len(rows) == len(codes) == len(set(rows.tolist()))
    assert set(codes.tolist()) <= {one.code for one in classes}
    assert (p[rows, codes] > 0).all()
    assert rows[:1].tolist() == [] or p[rows[0], codes[0]] == p[:, codes[0]].max()


def test_no_rare_class_needs_no_rows() -> None:
    rows, codes = most_likely(np.full((3, 2), 0.5), (), 4, np.random.default_rng(0))
    assert len(rows) == len(codes) == 0


@settings(max_examples=60)
@given(pools(), st.integers(0, 99), st.data())
def test_what_passes_the_filter_is_asked_for_unlike_each_other_and_unlike_labels(
    pool: Pool, seed: int, data: st.DataObject
) -> None:
    rows = np.array(data.draw(st.lists(st.integers(0, len(pool) - 1), unique=True)), dtype=np.intp)
    candidate_filter = make_candidate_filter(pool, np.random.default_rng(seed))

    found = candidate_filter.apply(rows)

    assert set(found.rows.tolist()) | set(found.set_aside.tolist()) <= set(rows.tolist())
    assert not set(found.rows.tolist()) & set(found.set_aside.tolist())
    place = {row: position for position, row in enumerate(rows.tolist())}
    assert all(place[a] < place[b] for a, b in pairwise(found.rows.tolist()))
    kept = np.vstack([pool.vectors[found.rows], pool.labelled_vectors]).astype(float)
    asked = len(found.rows)
    gaps = np.linalg.norm(kept[:asked, None] - kept[None], axis=2) + 1e9 * np.eye(len(kept))[:asked]
    assert not gaps.size or gaps.min() > candidate_filter.near
    assert candidate_filter.apply(found.rows).rows.tolist() == found.rows.tolist()


@settings(max_examples=60)
@given(pools(), st.integers(1, 12), st.integers(0, 99))
def test_the_best_are_as_many_as_asked_unless_the_whole_pool_was_looked_at(pool: Pool, count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    score, candidate_filter = rng.integers(0, 5, len(pool)) / 4, make_candidate_filter(pool, rng)

    found = candidate_filter.best(score, count, rng)

    assert (np.diff(score[found.rows]) <= 0).all()
    everything = candidate_filter.apply(np.argsort(-score, kind="stable"))
    assert len(found.rows) >= min(count, len(everything.rows)) or len(pool) > 2 * count * 9


@given(pools(2), st.data())
def test_interleaved_batches_keep_every_row_with_its_own_sentence(pool: Pool, data: st.DataObject) -> None:
    rows = np.array(data.draw(st.lists(st.integers(0, len(pool) - 1), unique=True)), dtype=np.intp)
    cut = data.draw(st.integers(0, len(rows)))
    one, other = uncertain_batch(pool, rows[:cut], "margin"), uncertain_batch(pool, rows[cut:], "entropy")

    found = one.interleaved_with(other)

    expected = dict(zip((one + other).index.tolist(), (one + other).reason, strict=True))
    assert dict(zip(found.index.tolist(), found.reason, strict=True)) == expected
    arms = np.array(found.arm, dtype=str)
    assert found.index[arms == "margin"].tolist() == rows[:cut].tolist()
    assert found.index[arms == "entropy"].tolist() == rows[cut:].tolist()


@settings(max_examples=60)
@given(pools(), st.integers(0, 12), st.integers(0, 99))
def test_a_cold_round_asks_distinct_rows_none_of_them_taken(pool: Pool, count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    taken = rng.permutation(len(pool))[: len(pool) // 3]

    found = cold_start(pool, count, make_candidate_filter(pool, rng), rng, taken)

    rows = found.index.tolist()
    assert len(rows) == len(set(rows)) <= count
    assert not set(rows) & set(taken.tolist())
    assert not set(rows) & set(found.set_aside.tolist())
    assert set(found.arm) <= {"signal", "typical"}
    assert len(found.reason) == len(found.numbers) == len(rows)
    for arm, numbers in zip(found.arm, found.numbers, strict=True):
        assert numbers["signal"] > 0 if arm == "signal" else 1 <= numbers["similar"] <= len(pool)


@settings(max_examples=40)
@given(points(), points(0), st.integers(1, 15), st.integers(0, 99))
def test_typical_rows_are_distinct_and_stand_for_clusters(
    vectors: np.ndarray, labelled: np.ndarray, count: int, seed: int
) -> None:
    rows, sizes = typiclust(vectors, labelled, count, seed=seed)

    assert len(rows) == len(sizes) == len(set(rows.tolist())) <= count
    assert len(rows) >= 1
    assert (sizes >= 1).all()
    assert sizes.sum() <= len(vectors)


@settings(max_examples=60)
@given(pools(), st.integers(0, 12), st.sampled_from(["auto", "random", *RUN]), st.integers(0, 99))
def test_every_strategy_answers_any_pool_alike_each_time(pool: Pool, count: int, strategy: str, seed: int) -> None:
    one, other = (run_strategy(pool, count, strategy, np.random.default_rng(seed)) for _ in range(2))

    rows = one.choice.index.tolist()
    assert rows == other.choice.index.tolist()
    assert len(rows) == len(set(rows)) <= count
    assert not one.out_of_scope[one.choice.index].any()
    assert len(one.choice.reason) == len(one.choice.arm) == len(one.choice.numbers) == len(rows)
    assert one.why
    assert all(one.choice.reason)
