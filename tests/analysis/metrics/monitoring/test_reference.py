import numpy as np
import pytest
from scipy import special, stats

from analysis.metrics.monitoring.reference import (
    ABOVE,
    LossReference,
    WatchedLevel,
    allowed_rate,
    dispersion,
    estimated_reference,
    watched_level,
)
from validation import InvalidInput


def errors(wrong: int, n: int) -> np.ndarray:
    return np.append(np.ones(wrong), np.zeros(n - wrong))


def test_a_uniform_sample_of_errors_is_a_binomial_count() -> None:
    found = estimated_reference(errors(20, 200), np.full(200, 0.1))
    assert (found.mean, found.scale, found.plain) == pytest.approx((0.1, 1.0, 0.1))
    assert found.rows == pytest.approx(200)
    assert found.p(0.15) == pytest.approx(stats.binom.cdf(20, 200, 0.15))
    assert found.level_at(found.p(0.15)) == pytest.approx(0.15)


def test_copies_and_unequal_weights_make_the_reference_less_certain() -> None:
    copies = estimated_reference(errors(20, 200), np.full(200, 0.1), groups=np.arange(200) // 4)
    weighted = estimated_reference(errors(20, 200), np.where(np.arange(200) % 2, 0.1, 0.5))
    assert copies.rows < 60
    assert weighted.rows < 160
    assert weighted.mean == pytest.approx(0.1)


def test_small_losses_have_a_small_scale() -> None:
    found = estimated_reference(0.2 * errors(50, 200), np.ones(200))
    assert (found.mean, found.scale) == pytest.approx((0.05, 0.2))


def test_no_loss_at_all_still_leaves_the_level_open() -> None:
    found = estimated_reference(np.zeros(100), np.ones(100))
    assert found.mean == 0 and found.rows == 100
    assert 0.015 < watched_level(found, 0.05).null < 0.05


def test_days_that_differ_more_than_chance_make_a_reference_of_fewer_rows_and_a_larger_scale() -> None:
    day = np.repeat(np.arange(40), 10)
    bad = (day % 8 == 0) & (np.arange(400) % 10 < 6)
    apart, by_day = (estimated_reference(bad.astype(float), np.ones(400), batches=batches) for batches in (None, day))
    assert by_day.rows < apart.rows / 2
    assert by_day.scale > 2 * apart.scale


def test_independent_days_are_not_taken_for_more_than_they_are() -> None:
    rng, day = np.random.default_rng(0), np.repeat(np.arange(60), 10)
    found = [
        dispersion(np.asarray((rng.random(600) < 0.1) - 0.1, dtype=np.float64), np.ones(600), day) for _ in range(200)
    ]
    assert min(found) >= 1 and np.median(found) < 1.2


def test_a_known_level_is_one_test_at_the_whole_rate() -> None:
    assert watched_level(LossReference(0.1), 0.05) == WatchedLevel(0.1, 0.05)


def test_allowed_rates_average_to_alpha_over_samples() -> None:
    p = (np.arange(20_000) + 0.5) / 20_000
    for rows in (100, 500, 5000):
        rates = [allowed_rate(-special.ndtri(one), 0.05, rows) for one in p.tolist()]
        assert np.mean(rates) == pytest.approx(0.05, abs=5e-4)


def test_the_watched_level_lies_above_the_sample_and_nearer_to_it_the_more_rows_it_has() -> None:
    few, many = (watched_level(estimated_reference(errors(n // 10, n), np.ones(n)), 0.05) for n in (500, 50_000))
    assert 0.1 < many.null < few.null < 0.13
    assert 0.05 < many.alpha < few.alpha < 0.25
    assert stats.binom.cdf(50, 500, few.null) == pytest.approx(stats.norm.sf(ABOVE))


def test_a_reference_without_rows_or_with_losses_above_one_is_refused() -> None:
    with pytest.raises(InvalidInput, match="labelled rows"):
        estimated_reference([], [])
    with pytest.raises(InvalidInput, match="losses"):
        estimated_reference([0.0, 2.0], [1.0, 1.0])
