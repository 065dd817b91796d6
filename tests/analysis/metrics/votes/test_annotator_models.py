"""Models of annotators: each finds the truth that it was made for, and none gives an impossible answer."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from analysis.metrics.votes import ability_models, annotator_models
from analysis.metrics.votes.annotator_models import (
    CodedVotes,
    annotator_quality,
    log_prior,
    normalised,
    soft_start,
    with_log_odds,
)

MODELS = {
    "majority": annotator_models.majority,
    "one coin": annotator_models.one_coin,
    "Dawid-Skene": annotator_models.dawid_skene,
    "hierarchical": lambda votes, log_odds=None: annotator_models.hierarchical(
        votes, log_odds, strength=10, prior="held"
    ),
    "independent": annotator_models.independent,
    "item types": lambda votes, log_odds=None: annotator_models.item_types(votes, log_odds, extra=0, seed=0),
    "GLAD": ability_models.glad,
    "even coin": ability_models.symmetric_one_coin,
    "guesses": ability_models.mace,
}
PREDICTING = [name for name in MODELS if name != "GLAD"]  # its chances leave out the items' difficulty
cells = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=40)


def cast(chances, truth, seed=0):
    """Every annotator's vote on every item, by their confusion matrices (a, k, k)."""
    rng = np.random.default_rng(seed)
    people, items = (grid.ravel() for grid in np.meshgrid(range(len(chances)), range(truth.size), indexing="ij"))
    chance = np.cumsum(chances[people, truth[items]], axis=1)
    label = np.minimum((rng.random((items.size, 1)) > chance).sum(axis=1), chances.shape[2] - 1)
    return CodedVotes(items, people, label, truth.size, len(chances), chances.shape[2])


def coin(right, k):
    return right * np.eye(k) + (1 - right) / (k - 1) * (1 - np.eye(k))


def of(rows):
    items, people, labels = (np.array(column) for column in zip(*rows, strict=True))
    return CodedVotes(items, people, labels, 6, 4, 3)


def right(fit, truth):
    return float((fit.posterior.argmax(axis=1) == truth).mean())


@pytest.mark.parametrize("name", MODELS)
def test_people_of_differing_skill_are_resolved_by_every_model(name):
    truth = np.random.default_rng(1).integers(0, 3, 200)
    votes = cast(np.stack([coin(r, 3) for r in (0.9, 0.85, 0.7, 0.6, 0.5)]), truth)
    assert right(MODELS[name](votes), truth) > 0.85


@pytest.mark.parametrize("name", ["Dawid-Skene", "hierarchical", "independent", "item types"])
def test_a_matrix_per_annotator_reads_people_who_swap_two_labels(name):
    truth = np.random.default_rng(2).integers(0, 3, 300)
    swapped = coin(0.9, 3)[[1, 0, 2]]
    votes = cast(np.stack([coin(0.85, 3)] * 3 + [swapped] * 2), truth)
    assert right(MODELS[name](votes), truth) > right(annotator_models.majority(votes), truth) + 0.03


def test_guessing_shares_distinguish_those_who_look_from_those_who_always_answer_alike():
    truth = np.random.default_rng(3).integers(0, 4, 300)
    lazy = [np.tile(np.eye(4)[label], (4, 1)) for label in (0, 0, 0, 1, 2)]
    votes = cast(np.stack([coin(r, 4) for r in (0.8, 0.75, 0.7)] + lazy), truth)
    found = ability_models.mace(votes)
    assert right(found, truth) > right(annotator_models.majority(votes), truth) + 0.1
    # A lazy annotator's next vote is predicted whatever the item is.
    said = found.chance(np.array([3, 4]), np.array([0, 0]))
    assert (said > 0.9).all()


def test_glad_lets_the_able_decide_where_items_are_hard():
    rng = np.random.default_rng(4)
    truth, ability = rng.integers(0, 2, 400), np.array([3.0, 2.5, 0.3, 0.2, 0.2, 0.1, 0.1])
    ease = np.exp(rng.normal(0, 1, 400))
    people, items = (grid.ravel() for grid in np.meshgrid(range(7), range(400), indexing="ij"))
    hit = rng.random(items.size) < 1 / (1 + np.exp(-ability[people] * ease[items]))
    votes = CodedVotes(items, people, np.where(hit, truth[items], 1 - truth[items]), 400, 7, 2)
    assert right(ability_models.glad(votes), truth) > right(annotator_models.majority(votes), truth) + 0.03


def test_more_item_types_than_kinds_of_votes_cannot_be_fitted():
    votes = CodedVotes(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1]), 2, 2, 2)
    assert annotator_models.item_types(votes, extra=1, seed=0) is None


def test_a_held_prior_stays_near_the_votes_and_an_even_one_even():
    votes = cast(np.stack([coin(0.9, 2)] * 3), np.array([0] * 30 + [1] * 10))
    gone = np.tile([1.0, 0.0], (40, 1))
    learnt, held, even = (np.exp(log_prior(votes, gone, prior)) for prior in ("learnt", "held", "even"))
    assert learnt[1] < 0.03 < 0.1 < held[1] < 0.25
    assert even.tolist() == [0.5, 0.5]


def test_quality_of_annotators_is_drawn_to_the_pooled_quality_by_two_votes():
    votes = CodedVotes(np.array([0, 1, 0]), np.array([0, 0, 1]), np.array([0, 1, 1]), 2, 2, 2)
    found = annotator_quality(votes, np.array([[1.0, 0.0], [0.0, 1.0]]))
    np.testing.assert_allclose(found, [(2 + 2 * 2 / 3) / 4, (0 + 2 * 2 / 3) / 3])


@settings(max_examples=25)
@given(cells, st.sampled_from(list(MODELS)))
def test_every_model_gives_distributions_whatever_the_votes(rows, name):
    votes = of(rows)
    found = MODELS[name](votes)
    np.testing.assert_allclose(found.posterior.sum(axis=1), 1)
    assert (found.posterior >= 0).all()
    quality = annotator_quality(votes, found.posterior)
    assert ((quality >= 0) & (quality <= 1)).all()


@settings(max_examples=25)
@given(cells, st.sampled_from(PREDICTING))
def test_the_chances_of_all_labels_sum_to_one_for_every_type(rows, name):
    votes = of(rows)
    found = MODELS[name](votes)
    for person in range(votes.annotators):
        chances = found.chance(np.full(votes.k, person), np.arange(votes.k))
        np.testing.assert_allclose(chances.sum(axis=0), 1, atol=2e-3)
    predicted = found.predict(votes)
    assert ((predicted >= 0) & (predicted <= 1 + 1e-9)).all()


@settings(max_examples=25)
@given(cells, st.sampled_from(list(MODELS)))
def test_a_certain_model_outweighs_the_votes(rows, name):
    log_odds = np.full((6, 3), -60.0)
    log_odds[:, 1] = 60.0
    assert (MODELS[name](of(rows), log_odds).posterior.argmax(axis=1) == 1).all()


@settings(max_examples=25)
@given(cells, st.data())
def test_part_of_the_votes_is_part_of_them_under_the_same_names(rows, data):
    votes = of(rows)
    keep = np.array(data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows))))
    part = votes.only(keep)
    assert part.item.size == keep.sum()
    assert (part.items, part.annotators, part.k) == (6, 4, 3)
    chosen = np.unique(votes.item)
    assert votes.of_items(chosen).counts.sum() == len(rows)


@given(cells, st.sampled_from(["learnt", "held", "even"]))
def test_a_prior_is_a_distribution_that_rules_nothing_out(rows, prior):
    votes = of(rows)
    found = np.exp(log_prior(votes, annotator_models.majority(votes).posterior, prior))
    assert found.sum() == pytest.approx(1)
    assert (found > 0).all()


@given(cells, hnp.arrays(float, (6, 3), elements=st.floats(-30, 30)))
def test_a_start_is_a_distribution_in_the_order_of_the_votes_and_bends_to_the_lean(rows, log_odds):
    votes = of(rows)
    start, bent = soft_start(votes, None), soft_start(votes, log_odds)
    np.testing.assert_allclose(start.sum(axis=1), 1)
    np.testing.assert_allclose(bent.sum(axis=1), 1)
    voted = votes.counts.sum(axis=1) > 0
    most = votes.counts == votes.counts.max(axis=1, keepdims=True)
    assert most[np.arange(6), start.argmax(axis=1)][voted].all()
    np.testing.assert_array_equal(with_log_odds(votes, None), 0)
    np.testing.assert_array_equal(with_log_odds(votes, log_odds), log_odds)
    np.testing.assert_allclose(soft_start(votes, log_odds + 7), bent, atol=1e-9)


@given(
    hnp.arrays(float, st.tuples(st.integers(1, 6), st.integers(1, 4)), elements=st.floats(-700, 700)),
    st.floats(-1e3, 1e3),
)
def test_scores_of_any_height_become_distributions_and_a_shift_only_moves_the_likelihood(score, by):
    posterior, reached = normalised(score)
    shifted, higher = normalised(score + by)
    np.testing.assert_allclose(posterior.sum(axis=1), 1)
    np.testing.assert_allclose(shifted, posterior, atol=1e-9)
    assert higher - reached == pytest.approx(by * len(score), abs=1e-6)
