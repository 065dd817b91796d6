"""Why was this decided so: one page a prediction, complete for an audit, and blind to who may still label it."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from annotation.models import Item, Prediction
from projects.models import Project, Role
from retraining.decision_record import decision_record
from tests.annotation.routing.test_negative_signals import signal
from tests.factories import NOW, make_item, make_prediction, make_project, make_user
from tests.retraining.conftest import artifact_home
from tests.retraining.scenarios import make_champion, make_numeric_project

__all__ = ["artifact_home"]  # a fixture
pytestmark = pytest.mark.django_db


def page(said: Prediction, role: Role = Role.ENGINEER) -> str:
    client = Client()
    client.force_login(make_user(project=said.project, role=role))
    answer = client.get(reverse("retraining:decision", args=[said.project.slug, said.item.uid, said.pk]))
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_a_foreign_model_s_answer_with_its_threshold_and_what_came_after() -> None:
    project = make_project(labels=("ham", "spam"))
    item = make_item(project, key="mail-7", audit_number=0.9, audit_probability=0.1)
    said = make_prediction(item, [0.7, 0.3], model_version="their-4", threshold_version="t9", policy_version="p2")
    taken = {"stage": "canary", "latency_ms": 12.25, "decision": "block"}
    Prediction.objects.filter(pk=said.pk).update(label="spam", **taken)
    said.refresh_from_db()
    signal(item, "override", "ham", actor="dr-4")
    text = page(said)
    assert "spam has the score 0.300, not the largest: ham has 0.700. Decided by t9, as its caller sent it." in text
    assert "It was not trained here" in text and "Nothing that was trained here served then" in text
    assert "<code>p2</code>" in text and "Override" in text and "dr-4" in text and "mail-7" in text
    assert "contract version 1" in text
    assert all(words in text for words in ("<td>canary</td>", "<td>block</td>", "12.2 ms"))


def test_without_a_threshold_the_largest_score_decides() -> None:
    said = make_prediction(make_item(make_project(), audit_number=0.9, audit_probability=0.1), [0.9, 0.1])
    assert "ham has the largest score, 0.900; the next, spam, has 0.100. No threshold was in force" in page(said)


def test_an_answer_of_our_own_model_names_run_dataset_artifact_and_release() -> None:
    project: Project = make_numeric_project()
    version = make_champion(project)
    item = Item.objects.filter(project=project).first() or make_item(project, inputs={"x": 1.0, "y": 1.0})
    assert version.run.dataset
    said = make_prediction(item, model_version=version.tag, at=NOW + timedelta(days=400), source="rescored")
    record = decision_record(said, item, viewer=make_user(project=project, role=Role.ENGINEER))
    assert record and record.model and record.model.version == version and record.release
    assert record.release.version == version and "served nobody" in record.in_force
    text = page(said)
    assert version.run.dataset.hash in text and version.artifact_sha256 in text
    assert f"run {version.run.number}" in text


def test_who_may_still_label_it_blind_sees_nothing_of_it() -> None:
    project = make_project()
    said = make_prediction(make_item(project, audit_number=0.1, audit_probability=0.5), [0.9, 0.1])
    text = page(said)
    assert "You may still label this item" in text and "0.9" not in text and "v1" not in text.split("<main")[1]


@pytest.mark.parametrize("pk", [0, 10**30])
def test_what_is_not_there_or_of_another_project_is_404(pk: int) -> None:
    said = make_prediction(make_item(make_project()), [0.9, 0.1])
    other = make_project()
    client = Client()
    client.force_login(make_user(project=other, role=Role.ENGINEER))
    where = [other.slug, said.item.uid, pk or said.pk]
    assert client.get(reverse("retraining:decision", args=where)).status_code == 404
