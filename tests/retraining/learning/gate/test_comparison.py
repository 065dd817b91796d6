import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from retraining.learning.gate.comparison import compare, inverse_weights, most_common, slice_mask
from validation import InvalidInput

labels = hnp.arrays(int, st.tuples(st.just(3), st.integers(1, 30)), elements=st.integers(0, 2))


@given(labels)
def test_every_row_is_in_one_of_four_counts(three: np.ndarray) -> None:
    truth, old, new = three
    found = compare(truth, old, new, inclusion_probability=np.ones(len(truth)))
    assert found.both_right + found.both_wrong + len(found.fixed) + len(found.broken) == found.n == len(truth)
    assert (new[found.fixed] == truth[found.fixed]).all() and (old[found.fixed] != truth[found.fixed]).all()
    assert (old[found.broken] == truth[found.broken]).all() and (new[found.broken] != truth[found.broken]).all()
    assert found.gain.sum() == len(found.fixed) - len(found.broken)


@given(labels, st.data())
def test_a_fixed_row_makes_better_no_less_likely(three: np.ndarray, data: st.DataObject) -> None:
    truth, old, new = three
    even = np.ones(len(truth))
    before = compare(truth, old, new, inclusion_probability=even).better_p()
    repaired = np.where(np.arange(len(truth)) == data.draw(st.integers(0, len(truth) - 1)), truth, new)
    assert 0 <= compare(truth, old, repaired, inclusion_probability=even).better_p() <= before <= 1


def test_names_are_compared_like_codes() -> None:
    found = compare(["a", "b"], ["a", "a"], ["b", "b"], inclusion_probability=[1, 1])
    assert (found.fixed.tolist(), found.broken.tolist()) == ([1], [0])


def test_costs_make_gains_shares_of_the_dearest_mistake() -> None:
    found = compare([0, 1, 1], [1, 0, 1], [0, 1, 0], inclusion_probability=np.ones(3), costs=[[0, 1], [20, 0]])
    assert found.gain == pytest.approx([0.05, 1.0, -1.0])


def test_the_commonest_class_is_that_of_the_stream_not_of_the_sample() -> None:
    assert most_common(["a", "a", "b"], [1.0, 1.0, 0.1]).tolist() == ["b"] * 3
    assert len(most_common([], [])) == 0


@given(hnp.arrays(float, st.integers(1, 20), elements=st.floats(0.01, 1)))
def test_weights_are_inverse_chances_with_mean_one(chance: np.ndarray) -> None:
    weight = inverse_weights(chance, len(chance))
    assert weight.mean() == pytest.approx(1)
    assert np.allclose(weight * chance, (weight * chance)[0])


@pytest.mark.parametrize("chance", [[0.0, 1.0], [1e-320, 1.0], [1.1, 1.0], [np.nan, 1.0], [-0.1, 1.0]])
def test_an_impossible_chance_is_refused(chance: list[float]) -> None:
    with pytest.raises(InvalidInput, match="above 0 and at most 1"):
        inverse_weights(chance, 2)


@pytest.mark.parametrize(
    ("three", "chance", "costs", "said"),
    [
        (([[0]], [0], [0]), [1], None, "one row of labels"),
        (([0, np.nan], [0, 1], [0, 1]), [1, 1], None, "truth has nothing in row 1"),
        (([0, 1], [0, 1], [None, 1]), [1, 1], None, "candidate_predicted has nothing in row 0"),
        (([0, 1], [0, 1], [0, 1]), ["a", 1], None, "inclusion_probability must hold numbers"),
        (([0, 1], [0], [0, 1]), [1, 1], None, "champion_predicted has 1 rows"),
        (([0, 1], [0, 1], [0]), [1, 1], None, "candidate_predicted has 1 rows"),
        (([0, 1], [0, 1], [0, 1]), [1], None, "inclusion_probability has 1 rows"),
        (([0, 1], [0, 1], [0, 1]), [1, 1], [[0, 0], [0, 0]], "all zero"),
        (([0, 2], [0, 1], [0, 1]), [1, 1], [[0, 1], [1, 0]], "the 2 classes are numbered"),
        (([0, 1], [0, 1], [0, 1]), [1, 1], [[0, np.nan], [1, 0]], "finite"),
    ],
)
def test_bad_input_is_named(three: tuple, chance: list, costs: list | None, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        compare(*three, inclusion_probability=chance, costs=costs)


@pytest.mark.parametrize("mask", [[True], [0, 1], [[True, False]]])
def test_a_slice_must_be_a_mask(mask: list) -> None:
    with pytest.raises(InvalidInput, match="'web' must be 2 values of true or false"):
        slice_mask("web", mask, 2)
