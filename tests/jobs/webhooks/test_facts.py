"""Each fact writes its event in its own transaction: resolutions, ends of runs, releases, drift."""

import json
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from analysis.live_monitor import MonitoredLoss
from analysis.metrics.core.stored import StoredEstimate
from analysis.reports.kinds.monitor import KIND, MonitorBody
from analysis.reports.registry import Computation
from analysis.reports.stored import store_if_changed
from annotation import labels, resolution
from jobs.models import EventType, WebhookEvent
from projects.models import Project, Role
from retraining import training
from retraining.models import RunState, TrainingRun
from tests.annotation.labelling_scenario import make_scenario
from tests.factories import NOW, make_endpoint, make_item, make_project, make_user

pytestmark = pytest.mark.django_db


def events(project: Project) -> list[dict[str, Any]]:
    return [json.loads(one.body) for one in WebhookEvent.objects.filter(project=project).order_by("pk")]


def test_a_label_that_settles_an_item_sends_its_resolution() -> None:
    scenario = make_scenario()
    project = scenario.project
    make_endpoint(project)
    [item] = scenario.ask()
    labels.submit(project, scenario.token(scenario.alice), by=scenario.alice, at=scenario.tick(), value="spam")

    [event] = events(project)
    assert event["type"] == EventType.ITEM_RESOLVED
    assert event["data"]["item"] == item.uid and event["data"]["key"] == item.key
    assert event["data"]["value"] == "spam" and event["data"]["votes"] == 1


def test_a_decision_of_a_reviewer_sends_it_too() -> None:
    project = make_project()
    make_endpoint(project)
    item = make_item(project)
    resolution.resolve_by_person(item, value="ham", by=make_user("ada", project, Role.REVIEWER), at=NOW)

    [event] = events(project)
    assert (event["data"]["value"], event["data"]["method"]) == ("ham", "reviewer")


def test_a_run_that_is_stopped_or_lost_sends_its_end_once() -> None:
    project = make_project()
    make_endpoint(project)
    ada = make_user("ada", project, Role.ENGINEER)
    run = TrainingRun.objects.create(project=project, number=1, state=RunState.RUNNING, reason="asked", created_at=NOW)
    assert training.stop(run, by=ada, at=NOW)
    assert not training.stop(run, by=ada, at=NOW)
    TrainingRun.objects.create(project=project, number=2, state=RunState.RUNNING, reason="asked", created_at=NOW)
    training.reconcile(at=NOW)

    assert [(one["data"]["run"], one["data"]["state"]) for one in events(project)] == [(1, "stopped"), (2, "failed")]
    assert events(project)[1]["data"]["error"] == "Its job was removed."


def test_an_alarm_of_the_monitor_is_one_event_however_often_it_is_reported() -> None:
    project = make_project()
    make_endpoint(project)
    alarm = MonitoredLoss(
        0,
        0.05,
        0.05,
        1_000,
        watched=120,
        reference=StoredEstimate(0.1, 0.08, 0.12, 300),
        since=NOW.timestamp(),
        after=StoredEstimate(0.2, 0.15, 0.25, 80),
        key="k" * 64,
    )
    for number, monitored in enumerate([None, alarm, alarm]):
        made = Computation(str(number), partial(MonitorBody, monitored))
        store_if_changed(project, KIND, made, version="v1", days=0, at=NOW + timedelta(hours=number))

    [event] = events(project)
    assert event["type"] == EventType.DRIFT_FOUND and event["data"]["version"] == "v1"
    assert event["data"]["since"] == NOW.isoformat()
    assert event["data"]["error_after"]["value"] == 0.2
