"""Drift of vectors: quiet where nothing changed, found where directions moved, in columns and by the classifier."""

import numpy as np
import pytest

from analysis.metrics.drift.compare import compare
from analysis.metrics.drift.domain_classifier import domain_auc
from analysis.metrics.drift.tests_by_type import vector_test

TYPES = {"v": "vector"}


def _rows(n: int, seed: int, *, shift: float = 0.0) -> np.ndarray:
    """Embeddings with a few strong directions, as those of texts have; `shift` moves one of them."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, 16)) * np.r_[3.0, 2.0, 2.0, np.full(13, 0.5)] + np.r_[2.0, np.zeros(15)]
    rows[:, 1] += shift
    return rows


def test_two_samples_of_one_distribution_seldom_differ() -> None:
    p = [vector_test(_rows(200, 2 * draw), _rows(150, 2 * draw + 1)).p for draw in range(200)]
    alarms = np.mean([one is not None and one < 0.05 for one in p])
    assert alarms <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 200)


def test_directions_that_moved_are_found_with_their_size() -> None:
    found = [vector_test(_rows(300, 2 * draw), _rows(300, 2 * draw + 1, shift=1.0)) for draw in range(20)]
    assert np.mean([one.p is not None and one.p < 0.01 for one in found]) >= 0.9
    assert all("directions moved" in one.words for one in found)
    assert np.median([one.effect or 0.0 for one in found]) > 0.2


def test_a_column_of_vectors_takes_part_in_the_comparison() -> None:
    same = compare({"v": _rows(300, 0)}, {"v": _rows(300, 1)}, types=TYPES)
    moved = compare({"v": _rows(300, 0)}, {"v": _rows(300, 1, shift=1.5)}, types=TYPES)
    assert (same.drifted, moved.drifted) == (False, True)
    assert moved.features[0].kind == "vector"


@pytest.mark.simulation
def test_the_classifier_tells_windows_apart_by_their_vectors() -> None:
    moved = domain_auc({"v": _rows(300, 0)}, {"v": _rows(300, 1, shift=1.5)}, types=TYPES, permutations=19)
    assert moved.auc is not None and moved.auc > 0.6


@pytest.mark.parametrize("rows", [np.ones((40, 3)), _rows(10, 0)])
def test_what_cannot_be_tested_says_why(rows: np.ndarray) -> None:
    found = vector_test(rows, rows)
    assert found.p is None
    assert "undefined" in found.words
