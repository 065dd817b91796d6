"""Asking people: uniform draws that would decide a verdict, and second looks at a selection."""

from typing import Any

import pytest
from django.utils import timezone

from annotation.models import Cause, RoutedItem
from projects.models import AuditEvent, Project, User
from retraining import datasets, label_requests
from retraining.models import ModelVersion
from tests.factories import make_item, make_user
from tests.retraining.scenarios import learn, make_numeric_project, make_version, resolve

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    return make_user("ada")


@pytest.fixture
def version(artifact_home: Any) -> ModelVersion:
    project = make_numeric_project()
    learn(project, 4)
    return make_version(project, verdict={"decision": "hold", "against": "v1"})


def waiting(project: Project, n: int) -> None:
    for _ in range(n):
        make_item(project, inputs={"x": 0.1, "y": 0.0})


class TestForMore:
    def test_draws_uniformly_from_what_nobody_was_asked(self, version: ModelVersion, ada: User) -> None:
        waiting(version.project, 40)
        put = label_requests.request_audit_labels(version, count=10, by=ada, at=timezone.now())
        rows = RoutedItem.objects.filter(project=version.project)
        assert put.created == rows.count() == 10
        assert {(row.cause, row.evaluation) for row in rows} == {(Cause.AUDIT, True)}
        assert all(row.item.is_drawn and row.item.audit_probability == row.audit_probability for row in rows)
        assert not rows.filter(item__resolutions__isnull=False).exists()
        assert AuditEvent.objects.get(action="queue.ask").details == {"version": "v1", "asked": 10, "put": 10}

    def test_what_it_draws_is_weighed_by_the_chance_of_the_draw(self, version: ModelVersion, ada: User) -> None:
        waiting(version.project, 40)
        label_requests.request_audit_labels(version, count=10, by=ada, at=timezone.now())
        item = version.project.items.filter(routed_items__isnull=False)[0]
        item.resolutions.create(
            project=version.project,
            value="ham",
            method="single",
            quality=1.0,
            votes=1,
            evaluation=True,
            resolved_at=timezone.now(),
        )
        plan = datasets.plan_dataset(version.project, at=timezone.now())
        assert [row.inclusion_probability for row in plan.rows if row.item_id == item.pk] == [item.audit_probability]

    def test_takes_what_is_left(self, version: ModelVersion, ada: User) -> None:
        waiting(version.project, 3)
        assert label_requests.request_audit_labels(version, count=10, by=ada, at=timezone.now()).created == 3

    def test_says_when_nothing_is_left(self, version: ModelVersion, ada: User) -> None:
        with pytest.raises(label_requests.NothingToDraw, match="No unlabelled item is left"):
            label_requests.request_audit_labels(version, count=10, by=ada, at=timezone.now())


class TestAgain:
    def test_makes_a_queue_of_the_selection(self, version: ModelVersion, ada: User) -> None:
        items = list(version.project.items.all()[:2])
        asked = label_requests.request_relabel(
            version, item_ids=[one.pk for one in items], words="broken", by=ada, at=timezone.now()
        )
        rows = asked.queue.routed_items.order_by("-priority")
        assert asked.queue.title == "v1 against v1: broken" and asked.put.created == 2
        assert [row.item for row in rows] == items and not any(row.item.asked_at for row in rows)

    def test_what_was_measured_with_stays_so(self, version: ModelVersion, ada: User) -> None:
        item = make_item(version.project)
        resolve(item, "ham", evaluation=True)
        asked = label_requests.request_relabel(version, item_ids=[item.pk], words="broken", by=ada, at=timezone.now())
        assert asked.queue.routed_items.get().evaluation
