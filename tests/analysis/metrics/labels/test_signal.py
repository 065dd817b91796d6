"""A model beats the base rate where its probabilities depend on the labels, whatever their calibration."""

import numpy as np
import pytest
from scipy.stats import kstest

from analysis.metrics.labels.signal import beats_base_rate, p_value


def drawn(seed: int, strength: float, k: int = 2, n: int = 300, base: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """Labels and probabilities that know them by `strength`, at a base rate of the last class."""
    rng = np.random.default_rng(seed)
    labels = np.where(rng.random(n) < base, k - 1, rng.integers(0, k, n))
    score = rng.normal(size=(n, k)) + strength * np.eye(k)[labels]
    score = np.exp(score)
    return labels, score / score.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(("k", "base"), [(2, 0.5), (2, 0.02), (5, 0.9)])
def test_without_signal_p_is_uniform(k: int, base: float) -> None:
    found = [p_value(*drawn(seed, 0.0, k, base=base)) for seed in range(400)]
    assert kstest(found, "uniform").pvalue > 0.001
    assert np.mean(np.array(found) < 0.01) <= 0.025


def test_it_is_the_share_of_permutations_that_reach_as_much() -> None:
    labels, probabilities = drawn(3, 0.15, n=60)
    rng, rows = np.random.default_rng(0), np.arange(labels.size)
    reached = [probabilities[rows, rng.permutation(labels)].sum() for _ in range(4000)]
    share = np.mean(np.array(reached) >= probabilities[rows, labels].sum())
    assert p_value(labels, probabilities) == pytest.approx(share, abs=0.02)


def test_a_signal_is_seen_also_through_powers_of_the_probabilities() -> None:
    labels, probabilities = drawn(1, 0.8)
    for power in (0.2, 1, 5):
        other = probabilities**power / (probabilities**power).sum(axis=1, keepdims=True)
        assert beats_base_rate(labels, other)


def test_equal_rows_and_the_wrong_way_round_are_no_signal() -> None:
    labels, probabilities = drawn(1, 2.0)
    assert p_value(labels, np.tile([0.3, 0.7], (labels.size, 1))) == 1
    assert not beats_base_rate(labels, probabilities[:, ::-1])
