"""Uncertainty scores: their ranges, their order, and what they refuse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from annotation.sampling import confidence, disagreement, entropy, margin

SHAPES = st.tuples(st.integers(1, 8), st.integers(1, 6))


@st.composite
def probabilities(draw, shape=SHAPES):
    raw = draw(arrays(float, shape, elements=st.floats(0, 1)))
    raw[raw.sum(axis=1) < 1e-3] = 1.0
    return raw / raw.sum(axis=1, keepdims=True)


@given(probabilities())
def test_scores_stay_in_the_ranges_they_state(p):
    k = p.shape[1]
    assert ((confidence(p) >= 1 / k - 1e-12) & (confidence(p) <= 1 + 1e-12)).all()
    assert ((margin(p) >= 0) & (margin(p) <= 1 + 1e-12)).all()
    assert ((entropy(p) >= 0) & (entropy(p) <= np.log(k) + 1e-12)).all()


@given(probabilities(), st.randoms())
def test_scores_do_not_depend_on_the_order_of_the_classes(p, random):
    order = list(range(p.shape[1]))
    random.shuffle(order)
    for score in (confidence, margin, entropy):
        np.testing.assert_allclose(score(p[:, order]), score(p), atol=1e-12)


def test_margin_is_the_lead_over_the_second():
    np.testing.assert_allclose(margin([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]]), [0.2, 0.7])
    np.testing.assert_allclose(margin([[0.4, 0.6]]), [0.2])
    assert margin([[1.0]]).tolist() == [1.0]


def test_even_odds_have_the_entropy_of_their_number():
    assert entropy([[0.25] * 4])[0] == pytest.approx(np.log(4))
    assert entropy([[1.0, 0.0]])[0] == 0.0


@given(probabilities(st.just((4, 3))), probabilities(st.just((4, 3))))
def test_a_committee_of_equals_does_not_disagree_and_none_by_more_than_the_classes_allow(p, q):
    np.testing.assert_allclose(disagreement([p, p]), 0, atol=1e-12)
    assert ((disagreement([p, q]) >= 0) & (disagreement([p, q]) <= np.log(2) + 1e-12)).all()


def test_two_sure_members_of_two_minds_disagree_by_ln_two():
    assert disagreement([[[1.0, 0.0]], [[0.0, 1.0]]])[0] == pytest.approx(np.log(2))
