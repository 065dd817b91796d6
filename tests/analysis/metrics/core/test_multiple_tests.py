"""Adjusted p values are those of statsmodels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from analysis.metrics.core.multiple_tests import benjamini_hochberg, holm
from validation import InvalidInput

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=30)


@given(P_VALUES, st.integers(0, 20))
@settings(max_examples=30)
def test_benjamini_hochberg_counts_the_tests_that_are_not_listed(p: list[float], unlisted: int) -> None:
    padded = [*p, *[1.0] * unlisted]
    expected = multipletests(padded, method="fdr_bh")[1][: len(p)]
    assert benjamini_hochberg(p, tests=len(padded)) == pytest.approx(expected)
    assert benjamini_hochberg(padded)[: len(p)] == pytest.approx(expected)


@pytest.mark.simulation
@given(P_VALUES)
@settings(max_examples=30)
def test_holm_never_lowers_a_p_and_keeps_their_order(p: list[float]) -> None:
    adjusted = holm(p)
    assert adjusted == pytest.approx(multipletests(p, method="holm")[1])
    assert (adjusted >= p).all() and (adjusted <= 1).all()
    assert (np.diff(adjusted[np.argsort(p)]) >= 0).all()


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.1, 10)), min_size=1, max_size=10), st.floats(0.1, 10))
def test_only_ratios_of_weights_matter(rows: list[tuple[float, float]], factor: float) -> None:
    p, weights = np.array(rows).T
    assert benjamini_hochberg(p, weights=weights) == pytest.approx(benjamini_hochberg(p, weights=weights * factor))


def test_more_weight_helps() -> None:
    plain, weighted = benjamini_hochberg([0.02, 0.5]), benjamini_hochberg([0.02, 0.5], weights=[3, 1])
    assert weighted[0] < plain[0]


def test_nothing_in_nothing_out() -> None:
    assert benjamini_hochberg([]).size == 0 and holm([]).size == 0


@pytest.mark.parametrize(("p", "weights"), [([1.5], None), ([np.nan], None), ([0.5], [0.0]), ([0.5], [1.0, 1.0])])
def test_refuses_what_is_no_p_or_no_weight(p: list[float], weights: list[float] | None) -> None:
    with pytest.raises(InvalidInput):
        benjamini_hochberg(p, weights=weights)
