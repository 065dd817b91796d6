"""Duplicates: planted copies are paired, strangers stand out, and nothing that leaks between splits is missed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps
from scipy import sparse

from analysis.metrics.core import duplicates
from analysis.metrics.core.duplicates import (
    VectorsUndefined,
    conflicting,
    leakage,
    near_duplicates,
    outliers,
    text_vectors,
)

TEXTS = [
    "How do I activate my new card?",
    "how do I activate my new  card ?",
    "My transfer has not arrived yet",
    "What is the exchange rate today?",
    "",
]
vectors = nps.arrays(np.float64, st.tuples(st.integers(3, 12), st.integers(1, 4)), elements=st.integers(-3, 3))


def copies(n=400, d=30, pairs=25, noise=0.01, seed=0):
    """Random vectors; the last `pairs` rows repeat the first ones with a little noise."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((n, d))
    rows[n - pairs :] = rows[:pairs] + noise * rng.standard_normal((pairs, d))
    return rows, {(i, n - pairs + i) for i in range(pairs)}


def pair_set(found):
    return {(int(i), int(j)) for i, j in found}


def test_planted_copies_are_paired_and_grouped_and_nothing_else():
    rows, planted = copies()
    found = near_duplicates(rows)
    assert pair_set(found.pairs) == planted
    assert (found.similarity >= 0.9).all()
    assert (np.diff(found.similarity) <= 1e-9).all()
    assert all(found.group[i] == found.group[j] for i, j in planted)
    assert np.unique(found.group).size == 400 - 25


def test_small_edits_of_a_text_are_near_duplicates_and_empty_text_is_set_aside():
    found = near_duplicates(text_vectors(TEXTS), similarity=0.8)
    assert pair_set(found.pairs) == {(0, 1)}
    assert found.empty.tolist() == [False, False, False, False, True]


def test_sparse_and_dense_vectors_give_the_same_pairs():
    rows, planted = copies(n=120)
    assert pair_set(near_duplicates(sparse.csr_matrix(rows)).pairs) == planted


def test_hashing_finds_what_comparing_every_pair_finds(monkeypatch):
    rows, planted = copies(n=600, pairs=60, noise=0.05)
    monkeypatch.setattr(duplicates, "EXACT_ROWS", 100)
    for given_rows in (rows, sparse.csr_matrix(rows)):
        found = pair_set(near_duplicates(given_rows).pairs)
        assert found <= planted
        assert len(found) >= 59


def test_duplicates_with_different_labels_are_in_conflict():
    rows, planted = copies()
    labels = np.zeros(400, dtype=int)
    labels[399] = 1
    assert pair_set(conflicting(near_duplicates(rows), labels)) == {(24, 399)}
    with pytest.raises(VectorsUndefined, match="400 rows"):
        conflicting(near_duplicates(rows), labels[:5])


@pytest.mark.parametrize("reference", [10_000, 150])
def test_a_stranger_scores_lowest_and_is_flagged(monkeypatch, reference):
    monkeypatch.setattr(duplicates, "REFERENCE_ROWS", reference)
    rng = np.random.default_rng(2)
    rows = rng.standard_normal((300, 10)) * 0.2 + 1
    rows[7] = -1
    found = outliers(rows)
    assert found.score.argmin() == 7
    assert found.flagged[7]
    assert found.flagged.sum() < 6


def test_identical_rows_hold_no_outlier():
    found = outliers(np.ones((20, 3)))
    assert not found.flagged.any()
    assert (found.score > 0.9).all()


def test_an_empty_row_is_an_outlier():
    found = outliers(np.vstack([np.ones((20, 3)), np.zeros((1, 3))]))
    assert np.flatnonzero(found.flagged).tolist() == [20]


def test_leakage_is_what_crosses_splits():
    rows, planted = copies(n=200, pairs=10)
    split = np.array(["train"] * 150 + ["test"] * 50)
    found = leakage(rows, split)
    assert pair_set(found.pairs) == planted
    assert found.share == {"test": pytest.approx(10 / 50), "train": pytest.approx(10 / 150)}
    assert leakage(rows, ["all"] * 200).pairs.size == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: near_duplicates([[1.0, np.nan]]), "NaN"),
        (lambda: near_duplicates([[1.0, np.inf]]), "NaN or infinity"),
        (lambda: near_duplicates([1.0, 2.0]), "rows and columns"),
        (lambda: near_duplicates(np.zeros((0, 3))), "rows and columns"),
        (lambda: near_duplicates([["a", "b"]]), "rows of numbers"),
        (lambda: near_duplicates([[1.0]], similarity=0), "more than 0"),
        (lambda: near_duplicates([[1.0]], similarity=1.5), "at most 1"),
        (lambda: near_duplicates(sparse.csr_matrix([[np.nan, 1.0]])), "NaN"),
        (lambda: outliers([[1.0], [2.0]]), "from 3 rows"),
        (lambda: outliers(np.ones((5, 2)), neighbours=0), "1 neighbour"),
        (lambda: leakage(np.ones((5, 2)), ["a"]), "5 rows"),
        (lambda: text_vectors(["", "  "]), "no text"),
        (lambda: text_vectors([]), "no text"),
    ],
)
def test_bad_input_is_refused_with_its_reason(call, message):
    with pytest.raises(VectorsUndefined, match=message):
        call()


@given(vectors, st.floats(0.3, 1))
def test_pairs_are_ordered_similar_enough_and_complete(rows, similarity):
    found = near_duplicates(rows, similarity=similarity)
    length = np.linalg.norm(rows, axis=1)
    for i in range(len(rows)):
        for j in range(i + 1, len(rows)):
            cosine = rows[i] @ rows[j] / (length[i] * length[j]) if length[i] and length[j] else 0.0
            if abs(cosine - similarity) > 1e-8:
                assert ((i, j) in pair_set(found.pairs)) == (cosine > similarity)
    assert found.empty.tolist() == (length == 0).tolist()
    assert all(found.group[i] == found.group[j] for i, j in found.pairs)


@given(vectors, st.integers(0, 3))
def test_conflicts_are_the_pairs_whose_labels_differ(rows, seed):
    found = near_duplicates(rows, similarity=0.5)
    labels = np.random.default_rng(seed).integers(0, 2, len(rows))
    assert pair_set(conflicting(found, labels)) == {(i, j) for i, j in pair_set(found.pairs) if labels[i] != labels[j]}
    assert not len(conflicting(found, np.zeros(len(rows))))


@given(vectors)
def test_outlier_scores_do_not_depend_on_scale_or_order(rows):
    found = outliers(rows)
    assert ((found.score >= 0) & (found.score <= 1)).all()
    np.testing.assert_allclose(outliers(rows * 7.0).score, found.score, atol=1e-6)
    np.testing.assert_allclose(outliers(rows[::-1]).score[::-1], found.score, atol=1e-6)


@given(vectors, st.integers(1, 3))
def test_leaks_are_the_duplicates_across_splits(rows, parts):
    split = np.arange(len(rows)) % parts
    found, every = leakage(rows, split), near_duplicates(rows)
    crossing = {(i, j) for i, j in pair_set(every.pairs) if split[i] != split[j]}
    assert pair_set(found.pairs) == crossing
    assert set(found.share) == {str(part) for part in split}
    assert all(0 <= share <= 1 for share in found.share.values())


@given(st.lists(st.text(max_size=12), min_size=1, max_size=6))
def test_texts_become_one_row_each_and_only_blank_ones_are_empty(texts):
    if not any(text.split() for text in texts):
        with pytest.raises(VectorsUndefined):
            text_vectors(texts)
        return
    found = text_vectors(texts)
    assert found.shape[0] == len(texts)
    assert np.isfinite(found.data).all()
    for row, text in zip(found, texts, strict=True):
        assert bool(row.nnz) == bool(text.split())
