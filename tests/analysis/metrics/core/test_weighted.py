"""Weighted estimates: equal to plain ones where nothing is weighted, right on average and about their own variance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from analysis.metrics.core.design import design, from_weights, kish
from analysis.metrics.core.weighted import linearised, lure, mean, proportion, ratio, share, undefined
from validation import InvalidInput

finite = st.floats(-1e6, 1e6)
chances = st.sampled_from([1.0, 0.5, 0.1, 0.02])


@st.composite
def samples(draw, values, least=1):
    n = draw(st.integers(least, 40))
    return draw(hnp.arrays(np.float64, n, elements=values)), draw(hnp.arrays(np.float64, n, elements=chances))


@given(samples(values=st.sampled_from([0.0, 1.0])))
def test_a_proportion_lies_in_its_interval_and_that_between_0_and_1(sample):
    successes, inclusion = sample
    found = proportion(successes, inclusion)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert 0 < found.effective_n <= found.n + 1e-9 == pytest.approx(successes.size)


@given(samples(values=st.sampled_from([0.0, 1.0])))
def test_a_proportion_and_that_of_the_opposite_mirror_each_other(sample):
    successes, inclusion = sample
    found, opposite = proportion(successes, inclusion), proportion(1 - successes, inclusion)
    assert found.value == pytest.approx(1 - opposite.value)
    assert (found.low, found.high) == pytest.approx((1 - opposite.high, 1 - opposite.low))


@given(samples(values=st.sampled_from([0.0, 1.0])), st.integers(0, 500))
def test_a_window_is_never_more_doubtful_than_the_process_it_came_from(sample, unseen):
    successes, inclusion = sample
    inclusion = np.append(inclusion, 0.5)  # somebody must speak for what was not seen
    successes = np.append(successes, 1.0)
    window = proportion(successes, inclusion, population=successes.size + unseen)
    assert 0 <= window.low <= window.value <= window.high <= 1


@given(samples(values=finite, least=2))
def test_a_mean_is_the_weighted_mean_and_lies_in_its_interval(sample):
    values, inclusion = sample
    found = mean(values, inclusion)
    assert found.value == pytest.approx(np.average(values, weights=1 / inclusion), abs=1e-6)
    assert found.low <= found.value + 1e-6 and found.value <= found.high + 1e-6


@given(samples(values=finite, least=2), st.floats(0.1, 10), finite)
def test_a_mean_moves_with_its_unit(sample, scale, shift):
    values, inclusion = sample
    found, moved = mean(values, inclusion), mean(values * scale + shift, inclusion)
    assert moved.value == pytest.approx(found.value * scale + shift, abs=1e-3)


@given(samples(values=finite, least=2))
def test_a_ratio_over_one_is_a_mean(sample):
    values, inclusion = sample
    assert ratio(values, np.ones_like(values), inclusion) == mean(values, inclusion)


@given(hnp.arrays(np.float64, st.integers(1, 30), elements=st.floats(0.01, 100)))
def test_weights_become_inclusion_probabilities_in_the_same_proportion(weights):
    inclusion = from_weights(weights)
    assert inclusion.max() == 1
    assert np.allclose(weights * inclusion, weights.min())


@given(st.data(), st.integers(2, 30))
def test_lure_of_a_uniform_order_is_the_plain_mean(data, m):
    losses = data.draw(hnp.arrays(np.float64, m, elements=finite))
    pool = m + data.draw(st.integers(0, 100))
    found = lure(losses, 1 / (pool - np.arange(m)), pool=pool)
    assert found.value == pytest.approx(losses.mean(), abs=1e-5)
    assert found.low <= found.value + 1e-6 and found.value <= found.high + 1e-6


def test_an_unweighted_proportion_agrees_with_the_textbook_interval():
    found = proportion(np.arange(1000) < 800, np.ones(1000))
    assert (found.low, found.high) == pytest.approx((0.7741, 0.8237), abs=5e-4)  # Jeffreys
    assert found.effective_n == pytest.approx(1000)


def test_a_window_labelled_whole_has_no_doubt_left():
    found = proportion(np.arange(10) < 7, np.ones(10), population=10)
    assert (found.low, found.value, found.high) == (0.7, 0.7, 0.7)
    assert mean(np.arange(10.0), np.ones(10), population=10).high == 4.5


def test_errors_that_an_audit_could_have_missed_widen_a_perfect_record():
    alone = proportion(np.ones(300, bool), np.ones(300))
    audited = proportion(np.ones(300, bool), np.where(np.arange(300) < 200, 1.0, 0.02))
    assert audited.value == alone.value == 1
    assert audited.low < 0.98 < alone.low < 1


def test_a_domain_is_judged_by_what_the_whole_design_could_have_missed():
    inclusion = np.where(np.arange(300) < 200, 1.0, 0.02)
    in_domain = np.arange(300) < 20
    whole = proportion(np.ones(300, bool), inclusion, domain=in_domain)
    torn_out = proportion(np.ones(20, bool), inclusion[:20])
    assert whole.low < torn_out.low


def test_population_scales_the_weights_of_the_audit_to_the_items_left():
    drawn = design([1.0, 1.0, 0.5, 0.5], population=12)
    assert drawn.weight.tolist() == [1, 1, 5, 5]


def test_mixing_active_and_audit_labels_holds_the_truth_where_the_naive_interval_does_not():
    rng = np.random.default_rng(3)
    held, naive, window = [], [], []
    for _ in range(400):
        uncertainty = rng.random(3000)
        right = rng.random(3000) < 1 - 0.5 * uncertainty**3
        active = uncertainty > 0.93
        rows = np.flatnonzero(active | (rng.random(3000) < 0.08))
        inclusion = np.where(active[rows], 1.0, 0.08)
        process, plain = proportion(right[rows], inclusion), proportion(right[rows], np.ones(rows.size))
        whole = proportion(right[rows], inclusion, population=3000)
        held.append(process.low <= 0.875 <= process.high)
        naive.append(plain.low <= 0.875 <= plain.high)
        window.append(whole.low <= right.mean() <= whole.high)
    assert 0.92 <= np.mean(held) <= 0.98
    assert 0.92 <= np.mean(window) <= 0.98
    assert np.mean(naive) < 0.05


def test_a_mean_of_rare_great_losses_is_held_on_both_sides():
    rng = np.random.default_rng(4)
    found = [mean(rng.exponential(size=80) ** 2, np.ones(80)) for _ in range(1500)]
    below, above = np.mean([f.high < 2 for f in found]), np.mean([f.low > 2 for f in found])
    assert below < 0.09
    assert above < 0.05


def test_lure_is_right_on_average_where_the_plain_mean_is_not():
    rng = np.random.default_rng(5)
    size, m = 800, 120
    losses = rng.exponential(rng.random(size) ** 2)
    appeal = losses**0.5 + 0.05
    found = []
    for _ in range(300):
        order = np.argsort(rng.exponential(size=size) / appeal)[:m]
        left = appeal.sum() - np.concatenate([[0.0], np.cumsum(appeal[order])[:-1]])
        found.append((lure(losses[order], appeal[order] / left, pool=size), losses[order].mean()))
    values = np.array([f.value for f, _ in found])
    assert abs(values.mean() - losses.mean()) < 3 * values.std() / 300**0.5 + 1e-3
    assert np.mean([plain for _, plain in found]) > 1.3 * losses.mean()
    assert 0.9 <= np.mean([f.low <= losses.mean() <= f.high for f, _ in found]) <= 0.99


def test_nothing_labelled_is_undefined_and_says_so():
    for found in (proportion([], []), mean([], []), lure([], [], pool=5)):
        assert found.value is None and found.low is None and found.high is None
        assert found.note == "No labelled items."


def test_an_empty_domain_is_undefined():
    assert proportion([True], [1.0], domain=[False]).note == "No labelled items in this part."


def test_one_item_gives_a_mean_without_an_interval():
    found = mean([3.0], [0.5])
    assert (found.value, found.low, found.high) == (3.0, None, None)
    assert found.note == "One item gives no interval."


def test_a_ratio_to_nothing_is_undefined():
    assert ratio([1.0, 2.0], [0.0, 0.0], [1.0, 1.0]).value is None


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: proportion([1, 0], [0.0, 1.0]), "inclusion_probability has 0 in row 0"),
        (lambda: proportion([1, 0], [1.0, 1.5]), "inclusion_probability has 1.5 in row 1"),
        (lambda: proportion([1, 0], [1.0, np.nan]), "inclusion_probability has nan in row 1"),
        (lambda: proportion([1, 2], [1.0, 1.0]), "successes has 2 in row 1"),
        (lambda: proportion([1], [1.0, 1.0]), "successes has 1 rows where 2 are needed"),
        (lambda: proportion([[1]], [1.0]), "shape (1, 1)"),
        (lambda: proportion(["yes"], [1.0]), "successes must hold numbers"),
        (lambda: proportion([1], [1.0], level=95), "level is 95"),
        (lambda: proportion([1, 1], [1.0, 0.5], population=1), "population is 1, but 2"),
        (lambda: proportion([1, 1], [1.0, 1.0], population=5), "3 items of the population had no chance"),
        (lambda: mean([np.inf, 1.0], [1.0, 1.0]), "values has inf in row 0"),
        (lambda: mean([1.0, 1e308], [1.0, 1.0]), "values has 1e+308 in row 1, too large"),
        (lambda: ratio([1.0], [-1.0], [1.0]), "must not be negative"),
        (lambda: from_weights([1.0, 0.0]), "weights has 0 in row 1"),
        (lambda: lure([1.0, 2.0], [0.5, 0.5], pool=1), "pool is 1, but 2 items"),
        (lambda: lure([1.0], [0.0], pool=3), "inclusion_probability has 0"),
    ],
)
def test_what_cannot_be_answered_is_refused_by_name(call, says):
    with pytest.raises(InvalidInput) as refused:
        call()
    assert says in str(refused.value)


@given(hnp.arrays(np.float64, st.integers(1, 40), elements=chances), st.integers(0, 300))
def test_a_design_weighs_by_the_inverse_chance_and_to_the_population(inclusion, unseen):
    process = design(inclusion)
    assert process.weight == pytest.approx(1 / inclusion)
    assert process.spread**2 == pytest.approx(process.weight**2)
    assert 1 - 1e-9 <= process.effective_n <= process.n + 1e-9
    assert process.weight.min() - 1e-9 <= process.mass <= process.weight.max() + 1e-9
    if (inclusion < 1).any():
        window = design(inclusion, population=inclusion.size + unseen)
        assert (window.weight >= 1).all() and (window.spread >= 0).all()
        assert (window.variance_share[inclusion == 1] == 0).all()
        assert window.weight.sum() >= inclusion.size + unseen - 1e-6


@given(hnp.arrays(np.float64, st.integers(1, 40), elements=st.floats(0.01, 100)), st.floats(0.1, 10))
def test_kishs_n_is_that_of_equal_weights_at_most_and_has_no_unit(weights, factor):
    assert 1 - 1e-9 <= kish(weights) <= weights.size + 1e-9
    assert kish(weights * factor) == pytest.approx(kish(weights))
    assert kish(np.full(weights.size, factor)) == pytest.approx(weights.size)


@given(samples(values=st.sampled_from([0.0, 1.0])), st.integers(0, 2**40 - 1))
def test_a_share_is_the_proportion_in_its_domain_from_the_sums_of_both_sides(sample, chosen):
    good, inclusion = sample[0] == 1, sample[1]
    inside = np.array([chosen >> i & 1 for i in range(good.size)], dtype=bool)
    drawn = design(inclusion)
    assert share(good, inside, drawn) == proportion(good, inclusion, domain=inside)
    hits, misses = drawn.sums(good & inside), drawn.sums(~good & inside)
    assert (hits.total + misses.total)[0] == pytest.approx((inside / inclusion).sum())
    assert hits.variance[0] == pytest.approx(((good & inside) / inclusion**2).sum())


@given(samples(values=st.floats(-1e3, 1e3), least=2), st.floats(0.01, 0.99), st.booleans())
def test_linearised_limits_hold_the_value_and_keep_to_bounds_and_floor(sample, value, bounded):
    influence, inclusion = sample
    found = linearised(value, influence, design(inclusion), bounds=(0.0, 1.0) if bounded else None, within=(0.0, 1.0))
    assert found.value == value
    assert 0 <= found.low <= value + 1e-9 and value - 1e-9 <= found.high
    assert found.high <= 1


@pytest.mark.parametrize("value", [np.nextafter(1.0, 0.0), np.nextafter(-1.0, 0.0)])
def test_a_value_a_rounding_away_from_its_bound_has_limits(value):
    found = linearised(float(value), np.array([1e-16, -1e-16]), design(np.ones(2)), bounds=(-1.0, 1.0))
    assert -1 <= found.low <= value <= found.high <= 1


@given(st.text(min_size=1, max_size=20), st.integers(0, 9))
def test_undefined_has_no_number_and_says_why(note, n):
    found = undefined(note, n=n)
    assert (found.value, found.low, found.high, found.n, found.note) == (None, None, None, n, note)
