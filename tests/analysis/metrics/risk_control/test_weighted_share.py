import numpy as np
import pytest
from scipy import stats

from analysis.metrics.risk_control.weighted_share import at_most, betting_below, binomial_below, means_below, refined


@pytest.mark.parametrize("rows", [30, 45, 100, 105, 300])
def test_betting_on_rows_of_equal_weight_is_the_exact_binomial_test_in_any_order(rows: int) -> None:
    rng = np.random.default_rng(rows)
    for wrong in range(12):
        losses = rng.permutation(np.append(np.ones(wrong), np.zeros(rows - wrong)))
        bet = betting_below(losses, np.full((rows, 1), 3.0), 0.05, 0.1)
        assert bet == binomial_below(np.array([wrong]), np.array([rows]), 0.05, 0.1)


def test_equal_weights_and_plain_errors_take_the_closed_form() -> None:
    losses, weights = np.zeros(60), np.zeros((60, 3))
    weights[:44, 0], weights[:45, 1] = 2.0, 2.0
    assert means_below(losses, weights, 0.05, 0.1).tolist() == [False, True, False]


@pytest.mark.simulation
def test_a_mean_at_the_limit_is_rejected_no_more_often_than_delta_under_unequal_weights() -> None:
    rng, rejected = np.random.default_rng(0), 0
    for _ in range(150):
        doubt = rng.random(300)
        drawn = doubt[rng.random(300) < 0.2 + 0.8 * doubt]
        losses = (rng.random(drawn.size) < 0.2 * drawn).astype(float)  # over all traffic the mean is .1
        rejected += int(means_below(losses, 1 / (0.2 + 0.8 * drawn[:, None]), 0.1, 0.2)[0])
    assert rejected / 150 <= 0.2


def test_a_low_mean_under_unequal_weights_is_found() -> None:
    rng = np.random.default_rng(0)
    weights = rng.choice([1.0, 3.0], size=(400, 1))
    assert means_below((rng.random(400) < 0.01).astype(float), weights, 0.05, 0.1)[0]
    assert not means_below((rng.random(400) < 0.06).astype(float), weights, 0.05, 0.1)[0]


def test_losses_between_0_and_1_are_bet_on_too() -> None:
    assert means_below(np.full(200, 0.01), np.ones((200, 1)), 0.05, 0.1)[0]
    assert not means_below(np.full(200, 0.05), np.ones((200, 1)), 0.05, 0.1)[0]


def test_one_heavy_row_is_no_evidence() -> None:
    weights = np.append(np.full(50, 0.01), 10.0)[:, None]
    assert not means_below(np.zeros(51), weights, 0.05, 0.1)[0]


def test_the_continued_binomial_is_the_binomial_at_whole_numbers() -> None:
    k, n = np.array([0.0, 3.0, 10.0, -1.0]), np.array([5.0, 40.0, 10.0, 3.0])
    assert at_most(k, n, 0.1) == pytest.approx([stats.binom.cdf(0, 5, 0.1), stats.binom.cdf(3, 40, 0.1), 1.0, 0.0])


def test_the_number_of_losses_is_found_from_its_chance() -> None:
    wanted, left = np.array([2.3, 7.0]), np.array([60.0, 100.0])
    assert refined(wanted + 0.05, left, 0.05, at_most(wanted, left, 0.05)) == pytest.approx(wanted, abs=1e-3)
