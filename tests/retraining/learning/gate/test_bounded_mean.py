from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retraining.learning.gate.bets import boundary
from retraining.learning.gate.bounded_mean import MeanTest, confidence_limits, mean_above, mean_below

TIMES, LABELS = 2000, 300
Draw = Callable[[np.random.Generator], np.ndarray]


def signs(right: float) -> Draw:
    return lambda rng: np.where(rng.random(TIMES) < right, 1.0, -1.0)


def costs(right: float) -> Draw:
    """Rare dear gains against many cheap losses; the mean is 0 at right = 1 / 11."""
    return lambda rng: np.where(rng.random(TIMES) < right, 1.0, -0.1)


def share_rejected(draw: Draw, *, null: float = 0.0, labels: int = LABELS, sign: int = 1, seed: int = 0) -> float:
    rng = np.random.default_rng(seed)
    test = MeanTest(np.full(TIMES, sign * null), 0.05)
    for _ in range(labels):
        test.add(sign * draw(rng))
    return float(test.rejected.mean())


@pytest.mark.parametrize(
    ("draw", "null"),
    [
        (signs(0.5), 0.0),
        (signs(0.4), -0.2),
        (costs(1 / 11), 0.0),
        (lambda rng: rng.choice([-1.0, 0.0, 1.0], TIMES), 0.0),
        (lambda rng: 2 * rng.beta(0.1, 0.9, TIMES) - 1, -0.8),
    ],
)
@pytest.mark.parametrize("sign", [1, -1])
def test_looking_after_every_label_rejects_a_true_mean_no_more_often_than_alpha(
    draw: Draw, null: float, sign: int
) -> None:
    assert share_rejected(draw, null=null, sign=sign) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / TIMES)


def test_with_signs_it_rejects_exactly_where_the_sequential_sign_test_crosses_its_boundary() -> None:
    limits, rng = boundary(0.05), np.random.default_rng(1)
    gains = np.where(rng.random((400, TIMES)) < 0.55, 1.0, -1.0)
    sums = np.cumsum(gains, axis=0)
    test, crossed = MeanTest(np.zeros(TIMES), 0.05), np.zeros(TIMES, dtype=bool)
    for label, row in enumerate(gains):
        test.add(row)
        crossed |= sums[label] >= limits[label + 1]
        assert (test.rejected == crossed).all()
    assert 0.3 < crossed.mean() < 0.99


def test_a_label_that_neither_got_right_changes_nothing() -> None:
    gains = np.array([1.0, 1.0, -1.0, 1.0])
    plain, among = mean_above(gains, 0.0, 0.05), mean_above(np.array([0, 1, 0, 1, -1, 0, 0, 1.0]), 0.0, 0.05)
    assert plain.chance[0] == pytest.approx(among.chance[0])


def test_a_cheap_and_a_dear_mistake_are_weighed_by_their_costs() -> None:
    assert share_rejected(costs(0.2)) > 0.6


def test_gains_on_a_small_scale_are_recognised_as_such() -> None:
    assert share_rejected(lambda rng: 0.1 * signs(0.65)(rng)) > 0.9


def test_the_confidence_sequence_holds_the_mean_at_all_looks_together() -> None:
    rng = np.random.default_rng(2)
    missed = 0
    for _ in range(80):
        gains = np.where(rng.random(100) < 0.65, 1.0, -1.0)
        found = [confidence_limits(gains[:look], 0.05) for look in (10, 30, 100)]
        missed += any(not one.low <= 0.3 <= one.high for one in found)
    assert missed <= 80 * 0.1 + 3 * np.sqrt(80 * 0.09)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from([-1.0, -0.1, 0.0, 0.1, 1.0]), min_size=1, max_size=80))
def test_the_limits_lie_in_order_within_the_range_and_agree_with_the_tests_of_no_difference(gains: list[float]) -> None:
    values = np.array(gains)
    found = confidence_limits(values, 0.05)
    assert -1 <= found.low <= found.high <= 1
    assert (found.low > 0) == mean_above(values, 0.0, 0.05).rejected[0]
    assert (found.high < 0) == mean_below(values, 0.0, 0.05).rejected[0]


def test_copies_of_a_test_go_on_from_where_it_was() -> None:
    test = mean_above(np.ones(5), 0.0, 0.05)
    copies = test.repeat(3)
    copies.add(np.array([1.0, 1.0, -1.0]))
    test.add(1.0)
    assert copies.chance[0] == copies.chance[1] == test.chance[0] > copies.chance[2]
