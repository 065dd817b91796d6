"""The stated quality of resolutions is as high as their accuracy, where votes alone can show it."""

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.metrics.votes.annotator_models import CodedVotes, one_coin
from analysis.metrics.votes.consensus import resolve
from analysis.metrics.votes.quality_calibration import Temperatures, calibrated, fit_temperatures, tempered

Scenario = tuple[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]], NDArray[np.int64]]


def cast(seed: int, *, spread: float, items: int = 400, people: int = 30, per_item: int = 6, k: int = 3) -> Scenario:
    """Votes on items whose log odds of a right vote vary by `spread`; errors fall evenly."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, k, items)
    ability, ease = rng.normal(1.0, 0.4, people), rng.normal(0, spread, items)
    who = np.argsort(rng.random((items, people)), axis=1)[:, :per_item].ravel()
    item = np.repeat(np.arange(items), per_item)
    hit = rng.random(item.size) < 1 / (1 + np.exp(-ability[who] - ease[item]))
    return (item, who, np.where(hit, truth[item], (truth[item] + rng.integers(1, k, item.size)) % k)), truth


def overstated(method: str, spread: float, seeds: range, **sizes: int) -> float:
    """How far the mean stated quality is above the accuracy, over draws."""
    gaps = []
    for seed in seeds:
        votes, truth = cast(seed, spread=spread, **sizes)
        found = resolve(votes, method=method, seed=seed)
        gaps.append(found.quality.mean() - (found.label == truth).mean())
    return float(np.mean(gaps))


def coded(votes: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]], items: int) -> CodedVotes:
    """Of 30 annotators and three labels."""
    item, who, label = votes
    return CodedVotes(item, who, label, items, 30, 3)


@pytest.mark.simulation
@pytest.mark.parametrize("method", ["auto", "one_coin"])
def test_quality_is_the_accuracy_where_items_are_alike(method: str) -> None:
    assert abs(overstated(method, 0.0, range(3))) < 0.05


@pytest.mark.simulation
def test_quality_is_nearly_the_accuracy_where_items_differ_in_difficulty() -> None:
    assert -0.05 < overstated("auto", 1.5, range(3)) < 0.08


def test_items_of_unequal_difficulty_overstate_quality_without_a_temperature() -> None:
    votes, truth = cast(0, spread=1.5)
    given = coded(votes, 400)
    fit = one_coin(given)
    right = (fit.posterior.argmax(axis=1) == truth).mean()
    at = fit_temperatures(given, {"": one_coin}, {"": 1.0}, None, 0)
    untempered = fit.posterior.max(axis=1).mean() - right
    assert untempered > 0.1
    assert at.mean_dependence > 1
    stated = calibrated({"": fit}, {"": 1.0}, at)
    assert -0.05 < stated.max(axis=1).mean() - right < untempered * 0.6
    np.testing.assert_array_equal(stated.argmax(axis=1), fit.posterior.argmax(axis=1))


def test_few_votes_name_no_single_temperature_and_many_nearly_do() -> None:
    few, many = (
        fit_temperatures(
            coded(cast(3, spread=1.5, items=items, per_item=4)[0], items), {"": one_coin}, {"": 1.0}, None, 0
        )
        for items in (40, 1000)
    )
    for at in (few, many):
        assert sum(at.dependence) == pytest.approx(1)
    assert max(few.dependence) < 0.5
    assert sorted(many.dependence)[-1] + sorted(many.dependence)[-2] > 0.9


def test_an_average_of_temperatures_is_flatter_than_the_sharpest_and_sharper_than_the_flattest() -> None:
    given = coded(cast(0, spread=0.0, items=50)[0], 50)
    fit = {"": one_coin(given)}
    sharp, mixed, flat = (
        calibrated(fit, {"": 1.0}, Temperatures(weights)).max(axis=1)
        for weights in ((1.0,), (0.5, 0.0, 0.0, 0.5), (0.0, 0.0, 0.0, 1.0))
    )
    np.testing.assert_allclose(mixed, (sharp + flat) / 2)
    assert (flat <= mixed).all() and (mixed <= sharp).all()


@pytest.mark.simulation
def test_annotators_with_few_votes_are_said_to_be_few() -> None:
    few, _ = cast(1, spread=0.0, items=60, people=40, per_item=3)
    many, _ = cast(1, spread=0.0, items=200, people=10, per_item=5)
    assert "votes or fewer, so quality may be too high" in resolve(few).why
    assert "votes or fewer" not in resolve(many).why
    assert "an error that most annotators share cannot be seen in votes" in resolve(many).why


@pytest.mark.parametrize("method", ["auto", "one_coin", "dawid_skene", "glad"])
def test_too_few_votes_to_check_state_a_smoothed_share_of_votes(method: str) -> None:
    votes = [0, 0, 0, 1, 2, 3], ["a", "b", "c", "a", "b", "c"], ["x", "x", "y", "x", "y", "y"]
    found = resolve(votes, method=method)
    counts = np.array([[2, 1], [1, 0], [0, 1], [0, 1]])
    np.testing.assert_allclose(found.probabilities, (counts + 1) / (counts.sum(axis=1, keepdims=True) + 2))
    of_label = found.probabilities[np.arange(4), (found.label == "y").astype(int)]
    np.testing.assert_array_equal(found.quality, of_label)
    assert "rule of succession" in found.why


def test_a_temperature_flattens_rows_and_keeps_their_order() -> None:
    rows = np.array([[0.9, 0.1, 0.0], [0.2, 0.3, 0.5]])
    flat = tempered(rows, 2)
    np.testing.assert_allclose(flat.sum(axis=1), 1)
    np.testing.assert_allclose(flat[0, :2], np.array([3, 1]) / 4, atol=1e-6)
    np.testing.assert_array_equal(flat.argsort(axis=1), rows.argsort(axis=1))
    assert tempered(rows, 1) is rows and Temperatures().mean_dependence == Temperatures().estimation == 1


def test_the_same_seed_gives_the_same_temperatures() -> None:
    votes, _ = cast(2, spread=1.5, items=80)
    given = coded(votes, 80)
    one, again = (fit_temperatures(given, {"": one_coin}, {"": 1.0}, None, 5) for _ in range(2))
    assert one == again
