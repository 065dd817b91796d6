"""Accuracy without labels of a version in a window: what it reads, when it is undefined, and that a report holds it."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.test import Client

from analysis import samples, unlabelled_accuracy
from analysis.metrics.estimates.answer_accuracy import Undefined
from analysis.reports import refreshing
from analysis.unlabelled_accuracy import UnlabelledAccuracy, answer_scores
from annotation.models import Cause, Item, Prediction
from projects import members
from projects.models import Project
from tests.analysis.scenarios import performance_body, resolve, route
from tests.factories import NOW, make_item, make_prediction, make_project, make_user

pytestmark = pytest.mark.django_db
KINDS = ("ham", "spam")


def answered(project: Project, n: int, *, sure: float, at: datetime, **fields: Any) -> list[Item]:
    """n items of which the version says ham with this score."""
    items = [make_item(project, at=at + timedelta(minutes=i)) for i in range(n)]
    for item in items:
        make_prediction(item, [sure, 1 - sure], **fields)
    return items


def judged(project: Project, items: list[Item], *, right: int) -> None:
    """Label these items, drawn for the audit; the first `right` answers are right."""
    route(project, items, Cause.AUDIT, probability=0.5)
    for i, item in enumerate(items):
        resolve(item, KINDS[0] if i < right else KINDS[1], evaluation=True)


def estimated(project: Project, *, at: datetime, days: int = 0, version: str = "v1") -> UnlabelledAccuracy:
    everything = samples.live(project, version, at=at)
    return unlabelled_accuracy.unlabelled_accuracy(project, everything, at=at, days=days)


@pytest.fixture
def project() -> Project:
    """Sure answers, of which 36 of 40 labelled ones are right, and unsure ones, of which 20 of 40 are; then traffic."""
    project = make_project(inputs={"text": {"type": "text"}}, champion_version="v1")
    judged(project, answered(project, 40, sure=0.95, at=NOW), right=36)
    judged(project, answered(project, 40, sure=0.6, at=NOW + timedelta(hours=1)), right=20)
    return project


def test_the_scores_of_unlabelled_answers_are_read_as_the_labelled_ones_say(project: Project) -> None:
    later = NOW + timedelta(days=20)
    answered(project, 60, sure=0.6, at=later)
    found = estimated(project, at=later + timedelta(days=1), days=7)
    assert found.accuracy.value == pytest.approx(0.5, abs=1e-6)
    assert found.accuracy.low < 0.4 and found.accuracy.high > 0.6
    assert (found.accuracy.n, found.calibrated_on, found.undefined, found.why) == (60, 80, None, "")
    assert estimated(project, at=later).accuracy.value == pytest.approx((56 + 30) / 140)


def test_a_window_of_days_is_calibrated_on_the_labels_before_it_only(project: Project) -> None:
    later = NOW + timedelta(days=20)
    judged(project, answered(project, 60, sure=0.95, at=later), right=10)
    at = later + timedelta(days=1)
    assert estimated(project, at=at, days=7).calibrated_on == 80
    assert estimated(project, at=at, days=7).accuracy.value == pytest.approx(0.9, abs=1e-6)
    assert estimated(project, at=at).calibrated_on == 140


def test_what_a_version_learnt_from_and_what_another_one_says_does_not_count(project: Project) -> None:
    answered(project, 50, sure=0.99, at=NOW, out_of_sample=False)
    answered(project, 50, sure=0.99, at=NOW, source="out_of_fold")
    answered(project, 50, sure=0.99, at=NOW, model_version="v2")
    assert answer_scores(project, "v1", at=NOW, days=0).size == 80


def test_of_many_answers_an_even_sample_is_read(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    items = answered(project, 400, sure=0.8, at=NOW)
    for item in items[::2]:
        make_prediction(item, [0.7, 0.3], model_version="v2")
    monkeypatch.setattr(unlabelled_accuracy, "MOST_ANSWERS", 120)
    read = answer_scores(project, "v1", at=NOW, days=0)
    assert 100 <= read.size <= 140
    share = float(np.mean(np.isclose(read, 0.8, atol=1e-6)))
    assert share == pytest.approx(400 / 480, abs=0.05)
    found = estimated(project, at=NOW)
    assert found.accuracy.n == read.size


def test_ids_of_any_size_can_be_drawn(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    [item] = answered(project, 1, sure=0.8, at=NOW)
    Prediction.objects.filter(item=item).update(id=2**62)
    monkeypatch.setattr(unlabelled_accuracy, "MOST_ANSWERS", 1)
    assert answer_scores(project, "v1", at=NOW, days=0).size <= 5


class TestIsUndefined:
    def test_for_a_version_without_scores(self) -> None:
        project = make_project(inputs={"text": {"type": "text"}}, champion_version="v1")
        items = [make_item(project, at=NOW) for _ in range(40)]
        for item in items:
            make_prediction(item, label="ham")
        judged(project, items, right=30)
        found = estimated(project, at=NOW)
        assert (found.accuracy.value, found.undefined) == (None, Undefined.NO_SCORES)
        assert found.why == "Undefined: the version sends no scores with its answers."

    def test_without_enough_labels_before_the_window(self, project: Project) -> None:
        found = estimated(project, at=NOW + timedelta(hours=9), days=7)
        assert (found.accuracy.low, found.accuracy.n, found.undefined) == (None, 80, Undefined.FEW_LABELS)
        assert found.why == "Undefined: 0 labelled answers where 30 are needed."

    def test_where_every_labelled_answer_is_right(self) -> None:
        project = make_project(inputs={"text": {"type": "text"}}, champion_version="v1")
        judged(project, answered(project, 40, sure=0.9, at=NOW), right=40)
        assert estimated(project, at=NOW).undefined == Undefined.ONE_OUTCOME

    def test_in_a_window_with_few_answers(self, project: Project) -> None:
        later = NOW + timedelta(days=20)
        answered(project, 12, sure=0.9, at=later)
        found = estimated(project, at=later + timedelta(hours=1), days=1)
        assert (found.accuracy.n, found.undefined) == (12, Undefined.FEW_ANSWERS)

    def test_in_an_empty_project(self) -> None:
        found = estimated(make_project(champion_version="v1"), at=NOW)
        assert (found.accuracy.n, found.undefined) == (0, Undefined.FEW_LABELS)


def test_the_report_holds_it_and_the_api_gives_it_with_what_it_assumes(project: Project) -> None:
    refreshing.refresh(project, at=NOW)
    stored = performance_body(project).unlabelled
    assert stored is not None and stored == estimated(project, at=NOW)
    emil = make_user("emil", project, "engineer")
    _, secret = members.create_key(project, emil, ["read"], by=None, at=NOW)
    key = {"Authorization": f"Bearer {secret}"}
    address = f"/api/v1/projects/{project.slug}/metrics"
    found = Client().get(address, headers=key).json()["estimate_without_labels"]
    assert found["accuracy"] == {
        "value": stored.accuracy.value,
        "low": stored.accuracy.low,
        "high": stored.accuracy.high,
    }
    assert (found["n"], found["calibrated_on"], found["why"]) == (80, 80, None)
    assert found["method"].endswith("(CBPE)") and found["source"].startswith("NannyML")
    assert "concept drift" in found["assumes"]
    of_days = Client().get(f"{address}?window=7", headers=key).json()["estimate_without_labels"]
    assert of_days["accuracy"] == {"value": None, "low": None, "high": None}
    assert of_days["why"].startswith("Undefined: ")
    assert Client().get(f"{address}?segment=channel=app", headers=key).json()["estimate_without_labels"] is None
