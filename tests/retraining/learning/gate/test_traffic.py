import numpy as np
import pytest

from retraining.learning.gate.traffic import draw_order, traffic
from validation import InvalidInput


def test_labels_are_drawn_from_the_disagreements_alone_and_each_comes_once() -> None:
    window = traffic(["a", "b", "a", "b"], ["a", "a", "b", "b"])
    drawn = draw_order(window, np.random.default_rng(0))
    assert sorted(drawn) == [1, 2]


def test_each_disagreement_is_as_likely_to_come_first() -> None:
    window = traffic(np.zeros(30), np.arange(30) < 10)
    first = [draw_order(window, np.random.default_rng(seed))[0] for seed in range(4000)]
    counts = np.bincount(first, minlength=30)
    assert counts[10:].sum() == 0
    assert np.abs(counts[:10] - 400).max() < 5 * np.sqrt(400)


def test_copies_of_an_input_are_asked_once() -> None:
    window = traffic(np.zeros(6), np.ones(6), groups=["x", "x", "x", "y", "y", "z"])
    drawn = draw_order(window, np.random.default_rng(0))
    assert len(drawn) == 3
    assert len({"xxxyyz"[row] for row in drawn}) == 3


def test_windows_of_several_lengths_and_bad_slices_are_refused() -> None:
    with pytest.raises(InvalidInput, match="candidate"):
        traffic(["a", "b"], ["a"])
    with pytest.raises(InvalidInput, match="web"):
        traffic(["a", "b"], ["a", "a"], protected={"web": [True]})
    with pytest.raises(InvalidInput, match="champion"):
        traffic([["a"]], ["a"])
    with pytest.raises(InvalidInput, match="groups"):
        traffic(["a", "b"], ["a", "a"], groups=["x"])
