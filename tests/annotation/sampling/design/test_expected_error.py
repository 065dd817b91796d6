"""Audit probabilities proportional to expected error: their floor, their mean, and when labels justify them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from annotation.sampling.design.expected_error import (
    FLOORS,
    LEAST_FLOOR,
    UNIFORM,
    Allocation,
    allocation,
    audit_probabilities,
    choose_floor,
    error_spread,
    relative_rates,
)
from annotation.sampling.design.poisson import draw_numbers
from validation import InvalidInput

spreads = arrays(np.float64, st.integers(1, 60), elements=st.floats(0, 0.5))


def two_classes(rng: np.random.Generator, n: int, *, informative: bool) -> tuple[np.ndarray, np.ndarray]:
    """Whether n predictions were right, and their scores (n,), calibrated or without any relation to that."""
    top = 0.5 + 0.5 * rng.beta(3, 1, n)
    chance = top if informative else np.full(n, top.mean())
    return rng.random(n) < chance, top


@given(spreads, st.sampled_from(FLOORS))
def test_recent_traffic_is_drawn_at_the_plain_rate_on_average_and_no_item_below_the_floor(spread, floor):
    rates = relative_rates(spread, allocation(spread, floor=floor))
    assert rates.mean() == pytest.approx(1.0)
    assert rates.min() >= floor - 1e-9


@given(spreads, st.sampled_from((*FLOORS, 1.0)), st.floats(1e-6, 1))
def test_probabilities_stay_between_the_floor_of_the_rate_and_one(spread, floor, rate):
    found = audit_probabilities(spread, allocation(spread[:1], floor=floor), rate=rate)
    assert (found >= floor * rate * (1 - 1e-9)).all()
    assert (found <= 1).all()


def test_above_the_floor_the_probability_is_proportional_to_the_spread():
    spread = np.linspace(0.2, 0.5, 31)
    rates = relative_rates(spread, allocation(spread, floor=0.3))
    np.testing.assert_allclose(rates / spread, (rates / spread)[0])


def test_the_probability_of_an_item_depends_on_nothing_that_comes_later():
    how = allocation(np.linspace(0, 0.5, 100), floor=0.3)
    alone = audit_probabilities([0.4], how, rate=0.1)
    among = audit_probabilities([0.01, 0.4, 0.5], how, rate=0.1)
    assert alone[0] == among[1]


def test_a_draw_by_these_probabilities_takes_as_many_items_as_a_uniform_draw():
    scores = np.random.default_rng(1).beta(4, 1, 20_000)
    spread = error_spread(scores)
    probability = audit_probabilities(spread, allocation(spread, floor=0.3), rate=0.05)
    drawn = draw_numbers(b"secret", [str(n) for n in range(20_000)])[:, 0] < probability
    assert abs(drawn.sum() - 1000) < 5 * np.sqrt(1000)


def test_the_spread_is_that_of_the_most_probable_class():
    np.testing.assert_allclose(error_spread([0.5, 1.0, 0.8, 0.2]), [0.5, 0.0, 0.4, 0.4])


@pytest.mark.parametrize("spread", [[], [0.0, 0.0], [5e-324]])
def test_traffic_without_doubt_is_drawn_uniformly(spread):
    assert allocation(spread, floor=0.3) == UNIFORM
    np.testing.assert_array_equal(audit_probabilities([0.0, 0.5], UNIFORM, rate=0.2), [0.2, 0.2])


def test_calibrated_scores_lower_the_floor():
    right, scores = two_classes(np.random.default_rng(2), 600, informative=True)
    assert choose_floor(right, scores, np.ones(600), error_spread(scores)) < 1


def test_scores_that_are_noise_leave_the_draw_uniform():
    lowered = 0
    for seed in range(200):
        right, scores = two_classes(np.random.default_rng([3, seed]), 300, informative=False)
        lowered += choose_floor(right, scores, np.ones(300), error_spread(scores)) < 1
    assert lowered <= 4


@pytest.mark.parametrize(("informative", "least", "most"), [(True, 45, 50), (False, 0, 3)])
def test_labels_of_an_unequal_draw_lead_to_the_same_choice(informative, least, most):
    """The audit is its own evidence: labels drawn with a low floor say whether that floor was right."""
    lowered = 0
    for seed in range(50):
        rng = np.random.default_rng([5, seed])
        right, scores = two_classes(rng, 12_000, informative=informative)
        spread = error_spread(scores)
        chance = audit_probabilities(spread, allocation(spread, floor=0.3), rate=0.05)
        drawn = rng.random(12_000) < chance
        lowered += choose_floor(right[drawn], scores[drawn], chance[drawn], spread) < 1
    assert least <= lowered <= most


def rare_doubt(errors_at: slice) -> float:
    """The floor by 500 labels of which 15 are in doubt, with 4 errors among the items at these places."""
    confidence = np.concatenate([np.linspace(0.5, 0.8, 15), np.full(485, 0.999)])
    right = np.ones(500, dtype=bool)
    right[errors_at] = False
    return choose_floor(right, confidence, np.ones(500), error_spread(np.tile(confidence, 10)))


def test_a_few_errors_that_all_lie_in_doubt_justify_a_high_floor_and_no_low_one():
    assert 0.6 <= rare_doubt(slice(0, 4)) <= 0.9
    assert rare_doubt(slice(0, 1)) == 1
    assert rare_doubt(slice(100, 104)) == 1


def test_few_labels_or_no_errors_leave_the_draw_uniform():
    right, scores = two_classes(np.random.default_rng(4), 600, informative=True)
    assert choose_floor(right[:90], scores[:90], np.ones(90), error_spread(scores)) == 1
    assert choose_floor(np.ones(600, dtype=bool), scores, np.ones(600), error_spread(scores)) == 1


@pytest.mark.parametrize(
    ("floor", "scale"), [(LEAST_FLOOR - 0.01, 1.0), (1.01, 1.0), (0.5, -1.0), (float("nan"), 1.0), (0.5, float("inf"))]
)
def test_a_floor_below_the_least_or_a_scale_that_is_none_is_refused(floor, scale):
    with pytest.raises(InvalidInput):
        Allocation(floor, scale)


@pytest.mark.parametrize("rate", [0.0, -0.1, 1.1, float("nan")])
def test_a_rate_outside_nought_to_one_is_refused(rate):
    with pytest.raises(InvalidInput, match="audit rate"):
        audit_probabilities([0.1], UNIFORM, rate=rate)


@pytest.mark.parametrize("spread", [[-0.1], [0.6], [float("nan")]])
def test_a_spread_that_no_probability_has_is_refused(spread):
    with pytest.raises(InvalidInput):
        relative_rates(spread, UNIFORM)
