"""Copies of an item: however often it is repeated, every measure says what it says of the item alone."""

import dataclasses

import numpy as np
import pytest
from scipy.special import expit

from analysis.metrics.core.design import design
from analysis.metrics.core.weighted import Estimate, mean, proportion, ratio
from analysis.metrics.performance import calibration, paired, risk_coverage, threshold_curve, thresholds
from analysis.metrics.performance.classification import classification

N = 60
RNG = np.random.default_rng(0)
TRUTH = RNG.integers(0, 3, N)
SCORES = RNG.dirichlet(np.ones(3), N) * 0.6 + 0.4 * np.eye(3)[TRUTH]
OTHER = RNG.dirichlet(np.ones(3), N) * 0.8 + 0.2 * np.eye(3)[TRUTH]
CHANCE = RNG.uniform(0.2, 1.0, N)
COSTS = 1 - np.eye(3)
YES, SAID = TRUTH == 0, SCORES[:, 0]


def measures(rows, groups, chance=CHANCE):
    """Every measure of the items in these rows."""
    truth, scores, other, chance, yes, said = (a[rows] for a in (TRUTH, SCORES, OTHER, chance, YES, SAID))
    drawn = design(chance, groups=groups)
    names = ("a", "b", "c")
    one, two = scores.argmax(axis=1), other.argmax(axis=1)
    costs = threshold_curve.Costs(1.0, 5.0, 0.4)
    return {
        "classification": classification(truth, one, drawn, classes=names, probabilities=scores, costs=COSTS),
        "paired difference": paired.difference(
            (two == truth).astype(float) - (one == truth), 1 / chance, level=0.95, groups=groups
        ),
        "proportion": proportion(yes, chance, groups=groups),
        "in a domain": proportion(yes, chance, domain=one == 0, groups=groups),
        "mean": mean(said, chance, groups=groups),
        "ratio": ratio(said, said + 1, chance, groups=groups),
        "curve": threshold_curve.threshold_curve(yes, said, drawn, costs=costs),
        "band": thresholds.cheapest_band(yes, said, drawn, costs=costs),
        "cut": thresholds.cheapest_threshold(yes, said, drawn, costs=costs),
        "calibration": calibration.calibration(yes, said, drawn, spacing="uniform"),
        "Spiegelhalter": calibration.spiegelhalter(yes, said, drawn),
        "risk and coverage": risk_coverage.risk_coverage(one != truth, scores.max(axis=1), drawn),
    }


def figures(found):
    """Every value, limit and effective n in an answer; neither counts nor what grows with the traffic."""
    skip = {"n", "confusion", "counts", "wins", "test", "flagged", "caught", "both_right", "fixed", "order"}
    skip |= {"true_positive", "false_positive", "false_negative", "true_negative", "labelled", "predicted", "method"}
    if dataclasses.is_dataclass(found):
        fields = [f.name for f in dataclasses.fields(found) if f.name not in skip]
        return [number for name in fields for number in figures(getattr(found, name))]
    if isinstance(found, tuple | list):
        return [number for one in found for number in figures(one)]
    if isinstance(found, float | np.ndarray) and not isinstance(found, bool):
        return np.ravel(found).tolist()
    return []


def agree(found, before, **tolerance):
    for name in before:
        one, other = found[name], before[name]
        if name == "compare":  # its test of equal accuracy is the score version where there are copies
            one, other = dataclasses.replace(one, test=None), dataclasses.replace(other, test=None)
        assert figures(one) == pytest.approx(figures(other), nan_ok=True, **tolerance), name


@pytest.mark.parametrize("times", [2, 10])
def test_every_item_repeated_changes_no_value_and_no_limit_of_any_measure(times):
    rows, even = np.random.default_rng(1).permutation(np.tile(np.arange(N), times)), np.full(N, 0.5)
    agree(measures(rows, rows, even), measures(np.arange(N), None, even), rel=1e-6, abs=1e-9)


def test_with_unequal_weights_too_it_does_not_matter_how_often_each_item_is_repeated():
    twice, often = (np.tile(np.arange(N), times) for times in (2, 7))
    agree(measures(twice, twice), measures(often, often), rel=1e-6, abs=1e-9)


def test_items_that_are_no_copies_are_measured_to_the_last_digit_as_without_groups():
    agree(measures(np.arange(N), np.arange(N)), measures(np.arange(N), None), rel=0, abs=0)


def test_copies_whose_labels_differ_are_as_many_observations_as_they_are():
    rng, group = np.random.default_rng(2), np.repeat(np.arange(400), 5)
    good = rng.random(2000) < 0.7  # independent within every group
    grouped, plain = proportion(good, np.ones(2000), groups=group), proportion(good, np.ones(2000))
    assert grouped.high - grouped.low == pytest.approx(plain.high - plain.low, rel=0.1)


def test_forty_coin_flips_ten_times_each_say_no_more_than_forty():
    flips = np.repeat(np.random.default_rng(3).random(40) < 0.5, 10)
    found = proportion(flips, np.ones(400), groups=np.repeat(np.arange(40), 10))
    assert found.low < 0.5 < found.high
    assert found.high - found.low > 0.25
    assert (found.n, found.effective_n) == (400, pytest.approx(40))


def test_copies_of_one_item_give_no_interval_of_a_mean():
    found = mean([1.0, 1.0, 1.0], np.ones(3), groups=[7, 7, 7])
    assert (found.low, found.high, found.n) == (None, None, 3)
    assert "Copies of one item" in found.note


def project(seed, m, mixed):
    """Distinct items with their scores by two models, and how often each is repeated."""
    rng = np.random.default_rng([seed, m])
    x = rng.normal(size=m)
    truth = (rng.random(m) < expit(1.5 * x - 1)).astype(int)
    a, b = expit(1.5 * x - 1 + 0.5 * rng.normal(size=m)), expit(1.2 * x - 1 + 0.8 * rng.normal(size=m))
    many = np.minimum(rng.geometric(0.12, m), 40)
    size = np.where(rng.random(m) < 0.7, 1, many) if mixed else np.full(m, 10)
    return truth, a, b, size


def estimates(truth, a, b, chance, groups=None) -> dict[str, Estimate]:
    scores, other = np.column_stack([1 - a, a]), np.column_stack([1 - b, b])
    drawn = design(chance, groups=groups)
    one = classification(truth, scores.argmax(axis=1), drawn, classes=("no", "yes"), probabilities=scores)
    gain = (other.argmax(1) == truth).astype(float) - (scores.argmax(1) == truth)
    both = paired.difference(gain, 1 / chance, level=0.95, groups=groups).as_share
    recall = one.per_class[1].recall
    return {
        "accuracy": one.accuracy,
        "recall": recall,
        "F1": one.macro_f1,
        "log loss": one.log_loss,
        "ROC": one.roc_auc,
        "difference": both,
    }


@pytest.mark.simulation
@pytest.mark.parametrize("mixed", [False, True])
def test_intervals_hold_the_truth_although_items_are_repeated(mixed):
    truth, a, b, size = project(-1 % 2**32, 200_000, mixed)
    real = estimates(truth, a, b, 1 / size)
    held: dict[str, list[bool]] = {name: [] for name in real}
    naive: dict[str, list[bool]] = {name: [] for name in real}
    for seed in range(300):
        truth, a, b, size = project(seed, 100, mixed)
        rows = np.repeat(np.arange(100), size)
        for groups, found in ((rows, held), (None, naive)):
            for name, one in estimates(truth[rows], a[rows], b[rows], np.ones(rows.size), groups).items():
                found[name].append(one.low <= real[name].value <= one.high)
    share = {name: np.mean(hits) for name, hits in held.items()}
    assert min(share.values()) > 0.91, share
    assert max(np.mean(hits) for hits in naive.values()) < 0.65
