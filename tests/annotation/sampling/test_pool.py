"""What a pool must be, and the words for what is wrong with it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from annotation.sampling import Pool, check_pool, select
from tests.annotation.sampling.pools import make_pool
from validation import InvalidInput
from validation.probabilities import InvalidProbabilities

GOOD = make_pool(20, labels=5)


def test_a_checked_pool_has_arrays_of_the_types_the_strategies_expect():
    lists: dict[str, Any] = {"signals": [0] * 20, "member_probabilities": [GOOD.probabilities] * 2}
    checked = check_pool(replace(GOOD, **lists))
    assert checked.vectors.dtype == np.float32
    assert checked.member_probabilities.shape == (2, 20, 3)
    assert checked.signals.dtype == float
    assert check_pool(checked).labelled_targets.tolist() == GOOD.labelled_targets.tolist()


def test_no_label_becomes_no_rows():
    checked = check_pool(replace(GOOD, labelled_vectors=None, labelled_targets=None))
    assert checked.labelled_vectors.shape == (0, 6)
    assert checked.labelled_targets.shape == (0,)


def test_a_pool_of_a_task_without_classes_has_no_probabilities_and_its_labels_no_code():
    pool = replace(GOOD, classes=(), probabilities=None, labelled_targets=np.zeros(5, dtype=int))
    assert check_pool(pool).classes == ()
    chosen = select(pool, size=6, seed=0)
    assert (chosen.strategy, len(chosen)) == ("typical", 6)
    assert chosen.why == "answers are not classes, so typical items come first (5 labels so far)"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"classes": ()}, "at least one class"),
        ({"vectors": np.zeros((0, 6)), "probabilities": None}, "empty"),
        ({"vectors": np.zeros(20)}, "rows and columns"),
        ({"vectors": np.full((20, 6), np.nan)}, "Row 0 of the vectors"),
        ({"vectors": np.full((20, 6), np.inf)}, "inf, not a number"),
        ({"labelled_targets": None}, "together"),
        ({"labelled_targets": np.zeros(4, dtype=int)}, "do not fit"),
        ({"labelled_targets": np.array([0, 1, 2, 3, 0])}, "targets has class 3 in row 3"),
        ({"labelled_targets": np.zeros(5)}, "whole number"),
        ({"labelled_vectors": np.full((5, 6), np.nan)}, "labelled vectors"),
        ({"member_probabilities": GOOD.probabilities[None]}, "two members"),
        ({"vectors": np.full((20, 6), "x")}, "vectors must be numbers"),
        ({"vectors": np.full((20, 6), 1e300)}, "column 0 is inf"),
        ({"signals": ["x"] * 20}, "from 0 to 1"),
        ({"signals": np.full(20, 2.0)}, "from 0 to 1"),
        ({"signals": np.zeros(3)}, "each of the 20"),
        ({"signals": np.full(20, np.nan)}, "from 0 to 1"),
    ],
)
def test_a_bad_pool_is_refused_in_words(change, words):
    with pytest.raises(InvalidInput, match=words):
        select(replace(GOOD, **change), size=3, seed=0)


@pytest.mark.parametrize("bad", [np.full((20, 3), np.nan), np.full((20, 3), 0.5), np.full((20, 2), 0.5), np.ones(20)])
def test_bad_probabilities_are_refused_wherever_they_come_from(bad):
    with pytest.raises(InvalidProbabilities):
        select(replace(GOOD, probabilities=bad), size=3, seed=0)
    members: Any = [GOOD.probabilities, bad]
    with pytest.raises(InvalidProbabilities):
        select(replace(GOOD, member_probabilities=members), size=3, seed=0)


def test_a_pool_knows_its_length():
    assert len(Pool(np.zeros((7, 2)), None, ("a",))) == 7
