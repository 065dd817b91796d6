"""Live metrics by one function: with the scores of all traffic where they may be used, else from labels alone."""

import html
from datetime import timedelta

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse

from analysis import samples, traffic_scores
from analysis.decision_costs import decision_costs
from analysis.live_estimates import LiveEstimates, estimate_live
from analysis.metrics.core import weighted
from analysis.reports import refreshing
from annotation.models import Item, Prediction, Source
from projects.models import Project
from tests.annotation.routing.traffic import NUMBERS, fill, score
from tests.factories import NOW, make_project, make_user

pytestmark = pytest.mark.django_db
N = 900


@pytest.fixture
def project() -> Project:
    return make_project(inputs=NUMBERS)


def traffic(project: Project, *, n: int = N, seed: int = 1, uneven: bool = True, scored: bool = True) -> float:
    """n items with scores that mean what they say, an audit of them that is labelled, and the true accuracy."""
    rng = np.random.default_rng(seed)
    items = fill(project, n, scored=False, seed=seed, start=NOW - timedelta(days=1))
    spam = rng.beta(0.6, 0.6, n)
    if scored:
        score(items, spam)
    chance = np.clip(0.5 * np.sqrt(spam * (1 - spam)), 0.06, 1.0) if uneven else np.full(n, 0.15)
    truth = np.where(rng.random(n) < spam, "spam", "ham")
    for item, p, value in zip(items, chance.tolist(), truth.tolist(), strict=True):
        item.audit_probability = p
        if item.audit_number is not None and item.audit_number < p:
            item.resolutions.create(project=project, value=value, method="single", quality=1, votes=1, resolved_at=NOW)
    Item.objects.bulk_update(items, ["audit_probability"])
    return float(((spam > 0.5) == (truth == "spam")).mean())


def live(project: Project, version: str = "v1") -> tuple[samples.EvaluationSample, LiveEstimates]:
    sample = samples.live(project, version, at=NOW)
    return sample, estimate_live(sample)


def by_labels(sample: samples.EvaluationSample) -> weighted.Estimate:
    return weighted.score(sample.score, sample.inclusion_probability, groups=sample.groups)


def test_labels_correct_the_scores_of_all_items_of_the_window(project: Project) -> None:
    truth = traffic(project)
    sample, found = live(project)
    assert found.traffic == N and found.classes is not None
    assert found.score == found.classes.accuracy
    assert found.score.low is not None and found.score.high is not None
    assert found.score.low < truth < found.score.high
    plain = by_labels(sample)
    assert plain.low is not None and plain.high is not None
    assert found.score.high - found.score.low < 0.95 * (plain.high - plain.low)
    assert found.score.n == len(sample)
    assert all("Model-assisted" in one.method for one in (found.classes.per_class[1].recall, found.classes.pr_auc))


@pytest.mark.simulation
def test_old_draws_at_one_rate_and_new_ones_by_expected_error_are_weighed_together(project: Project) -> None:
    truths = [traffic(project, seed=seed, uneven=seed > 3) for seed in (2, 3, 4, 5)]
    sample, found = live(project)
    assert found.traffic == 4 * N
    assert len(np.unique(np.round(sample.inclusion_probability, 3))) > 5
    assert found.score.value == pytest.approx(float(np.mean(truths)), abs=0.04)
    assert found.score.low is not None and found.score.high is not None
    assert found.score.low < np.mean(truths) < found.score.high


def test_a_large_window_is_known_by_a_uniform_sample_of_its_scores(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    traffic(project)
    _, whole = live(project)
    monkeypatch.setattr(traffic_scores, "MOST_SCORES", 300)
    sample, found = live(project)
    assert sample.traffic is not None
    assert 300 <= found.traffic < 300 + len(sample) + 60
    assert sample.traffic.stands_for.sum() == pytest.approx(N)
    assert (sample.traffic.stands_for[: len(sample)] == 1).all()
    assert found.score.value == pytest.approx(whole.score.value, abs=0.03)


def test_without_scores_the_labels_alone_are_used(project: Project) -> None:
    traffic(project)
    Prediction.objects.update(scores=None)
    sample, found = live(project)
    assert (found.traffic, found.score) == (0, by_labels(sample))


def test_a_few_answers_without_scores_take_those_of_their_like(project: Project) -> None:
    traffic(project)
    some = list(Prediction.objects.values_list("pk", flat=True)[:20])
    Prediction.objects.filter(pk__in=some).update(scores=None)
    sample, found = live(project)
    assert found.traffic == N and sample.traffic is not None
    assert np.isfinite(sample.traffic.probabilities).all()
    np.testing.assert_allclose(sample.traffic.probabilities.sum(axis=1), 1)


@pytest.mark.parametrize("change", [{"out_of_sample": False}, {"source": Source.OUT_OF_FOLD}])
def test_a_version_that_learnt_from_an_item_of_the_window_is_judged_by_labels_alone(
    project: Project, change: dict[str, object]
) -> None:
    """Which items it learnt from follows from the audit draw, so its scores of them would not be comparable."""
    traffic(project)
    undrawn = Item.objects.exclude(pk__in=Item.objects.drawn().values("pk")).order_by("pk")[0]
    Prediction.objects.filter(item=undrawn).update(**change)
    if "source" in change:
        last = list(Item.objects.order_by("-pk"))[0]
        Prediction.objects.filter(item=Item.objects.drawn().order_by("-pk")[0]).update(source=Source.RESCORED)
        assert last.pk > undrawn.pk
    sample, found = live(project)
    assert (found.traffic, found.score) == (0, by_labels(sample))


def test_the_cost_of_decisions_uses_the_same_labels_and_scores(project: Project) -> None:
    project.costs = {"false_positive": 1, "false_negative": 5}
    project.positive = "spam"
    project.save()
    traffic(project)
    sample, _ = live(project)
    found = decision_costs(sample, project)
    assert found is not None
    cost = found.rules[0].cost
    wrong = np.array([(truth, answer) for truth, answer in zip(sample.truths, sample.answers, strict=True)])
    paid = np.select([(wrong == ["ham", "spam"]).all(axis=1), (wrong == ["spam", "ham"]).all(axis=1)], [1.0, 5.0])
    plain = weighted.mean(paid, sample.inclusion_probability, groups=sample.groups)
    assert cost.value is not None and plain.low is not None and plain.high is not None
    assert cost.value != pytest.approx(plain.value, abs=1e-6)
    assert plain.low < cost.value < plain.high


def performance_page(project: Project) -> str:
    """The page's text, of a report that is computed now."""
    refreshing.refresh(project, at=NOW)
    browser = Client()
    browser.force_login(
        make_user(project=project, role="engineer"), backend="django.contrib.auth.backends.ModelBackend"
    )
    page = browser.get(reverse("analysis:performance", args=[project.slug])).content.decode()
    return " ".join(html.unescape(page).split())


def test_the_page_says_by_how_many_labels_and_scores_it_was_estimated(project: Project) -> None:
    traffic(project)
    n = len(samples.live(project, "v1", at=NOW))
    text = performance_page(project)
    assert f"use {n} labels and the scores of 900 items: the labels correct what the scores expect" in text
    assert "Figures over time, by segment and by threshold use the labels alone" in text


def test_the_page_says_where_labels_alone_were_used(project: Project) -> None:
    traffic(project)
    Prediction.objects.update(scores=None)
    assert "Every figure uses these labels alone, weighted by inclusion probability" in performance_page(project)
