"""What `auto` becomes, the cold round, and that its choices are worth more than chance."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from annotation.sampling import Pool, cover_uncertainty, kernel_width, select
from annotation.sampling.arrays import top_k
from annotation.sampling.strategies.kmeans import kmeans_representatives
from annotation.sampling.strategies.typiclust import typiclust
from tests.annotation.sampling.pools import make_pool


@pytest.mark.parametrize(
    ("scored", "labels", "proven", "strategy", "words"),
    [
        (False, 0, False, "typical", "no model can score yet"),
        (False, 50, True, "typical", "50 labels so far"),
        (True, 5, False, "typical", "5 labels for 3 classes are too few"),
        (True, 6, False, "herding", "uncertainty can be trusted"),
        (True, 0, True, "herding", "a proven model"),
    ],
)
def test_auto_becomes_what_is_known(scored, labels, proven, strategy, words):
    chosen = select(make_pool(60, labels=labels, scored=scored, proven=proven), size=10, seed=0)
    assert chosen.strategy == strategy
    assert words in chosen.why


def test_many_labels_let_doubt_alone_decide():
    chosen = {}
    for labels in (9, 3000):
        pool = make_pool(400, labels=labels)
        most = np.sort(pool.probabilities, axis=1)
        doubted = set(np.argsort(most[:, -1] - most[:, -2])[:20].tolist())
        active = select(pool, size=10, seed=0).index
        chosen[labels] = len(doubted & set(active.tolist()))
    assert chosen[9] < 8 <= chosen[3000]


def test_a_cold_round_asks_each_cluster_once():
    rng = np.random.default_rng(0)
    centres = 20 * rng.normal(size=(8, 5))
    reference = np.repeat(np.arange(8), 40)
    pool = Pool(centres[reference] + rng.normal(size=(320, 5)), None, tuple("abcdefgh"))
    chosen = select(pool, size=8, seed=0)
    assert sorted(reference[chosen.index].tolist()) == list(range(8))
    assert chosen.reason[0].startswith("typical of ")


def test_fewer_places_than_classes_go_to_different_clusters():
    rng = np.random.default_rng(0)
    reference = np.repeat(np.arange(12), 30)
    pool = Pool((20 * rng.normal(size=(12, 5)))[reference] + rng.normal(size=(360, 5)), None, tuple("abcdefghijkl"))
    chosen = select(pool, size=6, seed=0)
    assert len(set(reference[chosen.index].tolist())) == 6


def test_a_cold_round_follows_signals_with_a_quarter():
    signals = np.zeros(200)
    signals[:20] = np.linspace(0.1, 1, 20)
    chosen = select(make_pool(200, labels=0, scored=False, signals=signals), size=20, seed=0)
    followed = chosen.index[chosen.arm == "signal"]
    assert followed.tolist() == [19, 18, 17, 16, 15]
    assert chosen.reason[0] == "it has signals, strength 1.00"


def test_items_all_alike_are_asked_once():
    chosen = select(Pool(np.ones((40, 3)), None, ("a", "b")), size=10, seed=0)
    assert (chosen.arm == "typical").sum() == 1


@given(st.integers(1, 30), st.integers(0, 100))
@settings(max_examples=25)
def test_herding_chooses_distinct_rows_and_counts_the_cluster(count, seed):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(25, 3)).astype(np.float32)
    found = cover_uncertainty(rows, rows, rows[:0], count, weight=rng.random(25))
    assert len(set(found.order.tolist())) == len(found.order) == min(count, 25)
    assert found.similar.sum() <= found.reference == 25


def test_herding_is_greedy_by_cover():
    rng = np.random.default_rng(0)
    rows, known = rng.normal(size=(40, 2)).astype(np.float32), rng.normal(size=(3, 2)).astype(np.float32)
    weight, width = rng.random(40), kernel_width(rows, 8)
    kernel = np.exp(-((rows[:, None] - rows[None]) ** 2).sum(axis=2) / width)
    covered = np.exp(-((rows[:, None] - known[None]) ** 2).sum(axis=2) / width).max(axis=1)
    expected: list[int] = []
    for _ in range(5):
        gains = np.maximum(kernel - covered, 0) @ weight
        gains[expected] = -1
        expected.append(int(np.argmax(gains)))
        covered = np.maximum(covered, kernel[expected[-1]])
    assert cover_uncertainty(rows, rows, known, 5, weight=weight).order.tolist() == expected


def test_a_width_falls_as_labels_come_in_and_is_never_nought():
    rows = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)
    widths = [kernel_width(rows, labels) for labels in (1, 5, 20, 100, 1000)]
    assert widths == sorted(widths, reverse=True)
    assert kernel_width(np.ones((50, 3), dtype=np.float32), 5) > 0


@given(st.lists(st.integers(0, 4).map(float), min_size=1, max_size=40), st.integers(1, 40))
def test_the_most_doubtful_are_the_highest_in_order(score, count):
    rows = top_k(np.array(score), count, np.random.default_rng(0))
    assert np.array(score)[rows].tolist() == sorted(score, reverse=True)[:count]
    assert len(set(rows.tolist())) == min(count, len(score))


@given(st.integers(1, 12), st.integers(0, 30))
@settings(max_examples=20)
def test_clusters_give_distinct_rows(count, seed):
    rows = np.random.default_rng(seed).integers(0, 3, size=(12, 2)).astype(np.float32)
    distinct = len(np.unique(rows, axis=0))
    for found in (
        kmeans_representatives(rows, np.ones(12), count, seed=seed),
        typiclust(rows, rows[:0], count, seed=seed)[0],
    ):
        assert len(set(found.tolist())) == len(found) <= count
        assert len(found) >= min(count, distinct, 1)


def test_auto_learns_digits_from_fewer_labels_than_chance():
    data = load_digits()
    x, y, test = data.data[:900] / 16, data.target[:900], slice(900, None)
    reached = {}
    for strategy in ("auto", "random"):
        asked, said = np.zeros(0, dtype=np.intp), None
        for seed in range(4):
            waiting = np.setdiff1d(np.arange(900), asked)
            scores = said[waiting] if said is not None else None
            pool = Pool(x[waiting], scores, tuple("0123456789"), x[asked], y[asked])
            asked = np.concatenate([asked, waiting[select(pool, size=20, strategy=strategy, seed=seed).index]])
            model = LogisticRegression(max_iter=500).fit(x[asked], y[asked])
            said = np.zeros((900, 10))
            said[:, model.classes_] = model.predict_proba(x)
        reached[strategy] = model.score(data.data[test] / 16, data.target[test])
    assert reached["auto"] > reached["random"] + 0.02


def test_labelled_clusters_are_not_asked_again():
    pool = make_pool(200, k=4, labels=0, scored=False)
    known = select(pool, size=4, seed=0).index
    again = select(replace(pool, labelled_vectors=pool.vectors[known], labelled_targets=np.arange(4)), size=4, seed=1)
    assert not set(known.tolist()) & set(again.index.tolist())
