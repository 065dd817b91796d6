"""Labels with planted errors, whose truth is known."""

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st


def planted(kind, *, rate=0.1, n=2000, k=6, sharp=3.0, seed=0):
    """Calibrated probabilities, labels drawn from them, some then replaced at random or by confusion."""
    rng = np.random.default_rng(seed)
    score = sharp * rng.standard_normal((n, k))
    p = np.exp(score) / np.exp(score).sum(axis=1, keepdims=True)
    truth = (rng.random((n, 1)) > p.cumsum(axis=1)).sum(axis=1).clip(max=k - 1)
    weight = np.ones((n, k)) if kind == "at random" else p.copy()
    weight[np.arange(n), truth] = 0
    weight /= weight.sum(axis=1, keepdims=True)
    other = (rng.random((n, 1)) > weight.cumsum(axis=1)).sum(axis=1).clip(max=k - 1)
    wrong = (rng.random(n) < rate) & (other != truth)
    return np.where(wrong, other, truth), p, wrong


def copied(copies, *, seed, rate=0.0, n=300):
    """Labels, probabilities, which are wrong and groups, where each row stands so many times."""
    labels, p, wrong = planted("at random", rate=rate, n=n, k=3, sharp=1.5, seed=seed)
    groups = np.tile(np.arange(n), copies)
    return np.tile(labels, copies), np.tile(p, (copies, 1)), np.tile(wrong, copies), groups


def as_rows(*rows):
    return np.array([row for row in rows for _ in range(6)])


tables = st.integers(2, 5).flatmap(
    lambda k: st.lists(
        st.tuples(st.integers(0, k - 1), st.lists(st.floats(0, 1), min_size=k, max_size=k)), min_size=10, max_size=40
    )
)


def judged(rows):
    labels = np.array([label for label, _ in rows])
    weights = np.array([weight for _, weight in rows]) + 1e-9
    assume(len(set(labels.tolist())) > 1)
    return labels, weights / weights.sum(axis=1, keepdims=True)
