"""Evidence: what predicts hidden votes is weighed up, what does not is weighed down, and no truth is needed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.metrics.votes import ability_models, annotator_models, model_averaging
from analysis.metrics.votes.annotator_models import CodedVotes
from analysis.metrics.votes.evidence_weights import evidence_weights
from analysis.metrics.votes.model_averaging import average_models, label_log_odds


def votes_of(n=120, people=5, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, n)
    items, who = np.repeat(np.arange(n), people), np.tile(np.arange(people), n)
    hit = rng.random(items.size) < np.linspace(0.5, 0.9, people)[who]
    label = np.where(hit, truth[items], (truth[items] + rng.integers(1, 3, items.size)) % 3)
    return CodedVotes(items, who, label, n, people, 3), truth


def test_the_reason_names_the_models_and_the_votes_they_predict():
    votes, truth = votes_of()
    found = average_models(votes, None, 0)
    assert "600 held-out votes" in found.why
    assert (found.posterior.argmax(axis=1) == truth).mean() > 0.9


def test_too_few_votes_give_no_evidence():
    votes, _ = votes_of(n=5)
    assert average_models(votes, None, 0) is None


def test_a_fit_is_judged_on_votes_that_it_did_not_see():
    rng = np.random.default_rng(1)
    items, who = np.repeat(np.arange(100), 4), np.tile(np.arange(4), 100)
    votes = CodedVotes(items, who, rng.integers(0, 2, 400), 100, 4, 2)
    # Votes at random cannot be predicted: a model that overfits does worse than saying a half each time.
    for model in (annotator_models.dawid_skene, ability_models.symmetric_one_coin):
        assert model_averaging._held_out(votes, model, None, 0).mean() <= np.log(0.5) + 0.02


def test_a_model_that_predicts_better_gets_the_weight_and_equals_share_it():
    rng = np.random.default_rng(2)
    base = rng.normal(-1, 0.5, 200)
    weights = evidence_weights(np.stack([base, base - 0.5, base]), 0)
    assert weights[1] < 0.01
    np.testing.assert_allclose(weights[[0, 2]], 0.5, atol=0.01)


def test_a_lead_by_luck_on_few_items_is_not_certain():
    lead = np.zeros(200)
    lead[0] = 6.0
    weights = evidence_weights(np.stack([lead, np.zeros(200)]), 0)
    assert 0.02 < weights[1] < 0.5


def test_many_items_are_sampled_for_evidence_and_all_are_resolved(monkeypatch):
    monkeypatch.setattr(model_averaging, "HELD_OUT_ITEMS", 40)
    votes, truth = votes_of()
    found = average_models(votes, None, 0)
    assert "200 held-out votes" in found.why
    assert (found.posterior.argmax(axis=1) == truth).mean() > 0.85


@given(st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=1, max_size=8), st.floats(0, 4))
def test_a_lean_is_finite_keeps_the_order_of_labels_and_is_nothing_without_trust(rows, trust):
    believed = np.array(rows) + 1e-9
    believed /= believed.sum(axis=1, keepdims=True)
    found = label_log_odds(believed, trust)
    assert np.isfinite(found).all()
    if trust == 0:
        assert (found == 0).all()
    uniform = label_log_odds(np.full((2, 3), 1 / 3), trust)
    np.testing.assert_allclose(uniform, 0, atol=1e-12)


@pytest.mark.simulation
@settings(max_examples=6)
@given(st.integers(0, 1000), st.integers(2, 4))
def test_any_votes_are_resolved_to_distributions_alike_each_time(seed, people):
    votes, _ = votes_of(n=25, people=people, seed=seed)
    one, again = average_models(votes, None, seed), average_models(votes, None, seed)
    np.testing.assert_allclose(one.posterior.sum(axis=1), 1)
    np.testing.assert_array_equal(one.posterior, again.posterior)
    assert one.why == again.why


def test_a_model_is_trusted_as_far_as_it_predicts_votes():
    votes, truth = votes_of()
    knowing = np.full((120, 3), 0.1) + 0.7 * np.eye(3)[truth]
    assert "weight 0." not in average_models(votes, knowing, 0).why
    noise = np.random.default_rng(3).dirichlet(np.ones(3), 120)
    assert "count with weight 0. Quality" in average_models(votes, noise, 0).why
    with pytest.raises(ValueError):
        average_models(votes, knowing[:, :2], 0)
