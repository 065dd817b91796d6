"""The audit draw: a number for each key, a rate for the traffic, and draws that stay exact when probabilities move."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.sampling.design.poisson import (
    LOWEST_RATE,
    audit_rate,
    backlog_limit,
    draw_numbers,
    thinning_factor,
    threshold_for,
)

SECRET = b"secret"


def test_numbers_are_uniform_independent_and_the_same_each_time():
    keys = [f"key-{n}" for n in range(4000)]
    numbers = draw_numbers(SECRET, keys)
    assert ((numbers >= 0) & (numbers < 1)).all()
    np.testing.assert_array_equal(numbers[:7], draw_numbers(SECRET, keys[:7]))
    deciles = np.histogram(numbers[:, 0], bins=10, range=(0, 1))[0]
    assert abs(deciles - 400).max() < 80
    assert abs(np.corrcoef(numbers[:, 0], numbers[:, 1]).item(0, 1)) < 0.05


def test_another_secret_draws_other_items():
    keys = [f"key-{n}" for n in range(400)]
    assert abs(np.corrcoef(draw_numbers(SECRET, keys)[:, 0], draw_numbers(b"other", keys)[:, 0])[0, 1]) < 0.2


@given(st.lists(st.text(max_size=8), max_size=20))
def test_any_key_has_its_numbers(keys):
    assert draw_numbers(SECRET, keys).shape == (len(keys), 2)


@given(st.floats(0.01, 1), st.floats(0, 1e6), st.floats(0, 1e9))
def test_the_rate_is_the_share_of_what_people_can_label(share, labels, items):
    rate = audit_rate(share=share, labels_a_day=labels, items_a_day=items)
    assert LOWEST_RATE <= rate <= max(share, LOWEST_RATE)
    if labels >= items:
        assert rate == pytest.approx(share)
    elif rate > LOWEST_RATE:
        assert rate * items == pytest.approx(share * labels)


@pytest.mark.parametrize("share", [0.0, -0.1, 1.1, float("nan")])
def test_a_share_outside_nought_to_one_is_refused(share):
    with pytest.raises(ValueError, match="audit share"):
        audit_rate(share=share, labels_a_day=10, items_a_day=10)


@given(st.integers(0, 10**6), st.floats(1, 1e5))
def test_a_backlog_is_cut_to_its_limit_and_left_alone_up_to_twice_that(waiting, limit):
    factor = thinning_factor(waiting, limit)
    assert 0 < factor <= 1
    assert waiting * factor <= max(2 * limit, limit + 1e-6)
    assert factor == 1 or waiting * factor == pytest.approx(limit)


def test_people_of_a_hundred_labels_a_day_are_given_a_week_of_audit():
    assert backlog_limit(share=0.2, labels_a_day=100) == pytest.approx(140)


@given(st.lists(st.floats(0, 0.999), max_size=30), st.integers(0, 40), st.floats(0.01, 1))
def test_a_threshold_draws_as_many_as_asked_and_never_above_the_most(numbers, count, most):
    smallest = np.sort(np.array(numbers))[: count + 1]
    threshold = threshold_for(smallest, count, most=most)
    assert threshold <= most
    assert (smallest < threshold).sum() <= count
    if threshold < most and count and len(np.unique(smallest)) == len(smallest):
        assert (smallest < threshold).sum() == count


def test_the_threshold_of_a_draw_is_the_probability_that_it_had():
    """Each item's weight, 1 / threshold where it was drawn, is 1 on average: 20 of 200 drawn, 4,000 times."""
    rng = np.random.default_rng(0)
    total = np.zeros(200)
    for _ in range(4000):
        numbers = rng.random(200)
        threshold = threshold_for(np.sort(numbers)[:21], 20, most=1.0)
        total += (numbers < threshold) / threshold
    assert abs(total.mean() / 4000 - 1) < 0.005
    assert abs(total / 4000 - 1).max() < 0.25


def test_thinning_by_numbers_keeps_each_draw_exact():
    """Items that wait keep u < p f: overall each is drawn with probability p f."""
    rng = np.random.default_rng(1)
    numbers, probability = rng.random(200_000), rng.choice([0.02, 0.1, 0.3], 200_000)
    kept = numbers < probability * 0.25
    for rate in (0.02, 0.1, 0.3):
        part = kept[probability == rate]
        assert part.mean() == pytest.approx(rate * 0.25, rel=0.12)
    assert not (kept & (numbers >= probability)).any()
