"""The loop: stations with the bottleneck, and what to do next."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from msgspec.structs import replace

from analysis.metrics.core.stored import StoredEstimate
from analysis.reports import refreshing
from annotation import queue_counts
from annotation.models import Item, RoutedItem
from overview import actions, loop, stations
from projects.models import Project
from retraining.models import ModelVersion, TrainingRun
from tests.analysis.scenarios import Cause, judged_project, make_finding, performance_body, route
from tests.factories import NOW, make_item, make_prediction, make_project, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def stand() -> tuple[Project, list[Item]]:
    project, made = judged_project()
    refreshing.refresh(project, at=NOW)
    return project, made


def a_version(project: Project, *, stage: str) -> ModelVersion:
    run = TrainingRun.objects.create(project=project, number=2, state="succeeded", reason="x", created_at=NOW)
    return ModelVersion.objects.create(
        project=project,
        number=2,
        run=run,
        stage=stage,
        family="linear",
        artifact_sha256="0",
        artifact_size=1,
        schema_version=1,
        contract_version=1,
        created_at=NOW,
    )


def test_names_the_broken_promise(stand: tuple[Project, list[Item]]) -> None:
    project, items = stand
    RoutedItem.objects.filter(item=items[0]).update(state="review", routed_at=NOW)
    later = NOW + timedelta(days=3)
    made = stations.stations(project, loop.collect(project, at=later, serves="v1"), at=later)
    [stuck] = [station for station in made if station.bottleneck]
    assert (stuck.key, stuck.count) == ("review", "1")
    assert stuck.late.replace("\u00a0", " ").endswith("waits for more than 2 d")


@pytest.mark.parametrize(
    ("hours", "paused", "late"),
    [(1.0, False, "Late: R is due within 1 h"), (100.0, False, ""), (1.0, True, ""), (None, False, "R waits for more")],
)
def test_a_station_is_late_where_its_queue_is(
    stand: tuple[Project, list[Item]], hours: float | None, paused: bool, late: str
) -> None:
    """Seen: "Nowhere: nothing has waited longer than 2 d" while Queues said that R was overdue."""
    project, _ = stand
    make_prediction(item := make_item(project), [0.5, 0.5])
    route(project, [item], Cause.UNCERTAIN, probability=1.0)
    RoutedItem.objects.filter(item=item).update(routed_at=NOW)
    project.queues.filter(cause=Cause.UNCERTAIN).update(title="R", sla_hours=hours, paused=paused)
    later = NOW + timedelta(hours=70)
    made = stations.stations(project, loop.collect(project, at=later, serves="v1"), at=later)
    [label] = [station for station in made if station.key == "label"]
    queue = next(row for row in queue_counts.count_queues(project, at=later) if row.queue.title == "R")
    assert label.late.replace("\u00a0", " ").startswith(late) and bool(label.late) == bool(late)
    assert label.bottleneck == bool(late)
    assert label.late.startswith("Late") == (queue.late and not paused)


@pytest.mark.parametrize(
    ("audit", "low", "high", "needed"),
    [(29, 0.90, 1.0, 0), (35, 0.832, 0.971, 0), (20, 0.6, 0.9, 25), (10, 0.2, 0.8, 80), (0, None, None, 60)],
)
def test_more_audit_labels_are_asked_for_where_the_interval_is_wider_than_ten_points(
    stand: tuple[Project, list[Item]], audit: int, low: float | None, high: float | None, needed: int
) -> None:
    """Seen: [90 %, 100 %], and "31 more would give an interval of about ±10 points"."""
    project, _ = stand
    score = StoredEstimate(None if low is None else 0.8, low, high, audit)
    body = replace(performance_body(project), audit=audit, score=score)
    facts = loop.collect(project, at=NOW, serves="v1")
    asked = [action.words for action in actions.actions(project, facts, body) if "audit" in action.words]
    assert body.audit_needed == needed
    assert asked == ([f"Label {needed} more audit items"] if needed else [])


def test_of_two_that_are_late_the_one_whose_oldest_waits_longest_is_stuck(stand: tuple[Project, list[Item]]) -> None:
    """Seen: "waits longest" beside a station whose oldest item had waited nine days."""
    project, items = stand
    RoutedItem.objects.filter(item=items[0]).update(state="review", routed_at=NOW)
    make_prediction(item := make_item(project), [0.5, 0.5])
    route(project, [item], Cause.UNCERTAIN, probability=1.0)
    for days, key in ((9, "label"), (1, "review")):
        RoutedItem.objects.filter(item=item).update(routed_at=NOW - timedelta(days=days))
        RoutedItem.objects.filter(item=items[0]).update(routed_at=NOW - timedelta(days=3))
        made = stations.stations(project, loop.collect(project, at=NOW, serves="v1"), at=NOW)
        assert [station.key for station in made if station.bottleneck] == [key]


def test_where_nothing_is_late_the_page_says_for_what_and_how_long(stand: tuple[Project, list[Item]]) -> None:
    """Findings have no due time: "nothing waits longer than it should" stood beside "oldest 9 days"."""
    project, items = stand
    make_finding(items[0], "ham", "spam")
    browser = Client()
    browser.force_login(make_user("emil", project, "engineer"), backend="django.contrib.auth.backends.ModelBackend")
    page = " ".join(browser.get(reverse("overview:overview", args=[project.slug])).content.decode().split())
    assert "Nowhere: no queue is overdue, and nothing without a limit has waited for a label or a review" in page


def test_what_came_within_minutes_is_no_rate_and_no_trend() -> None:
    """Seen: 1,797 items captured within minutes were shown as days of traffic."""
    project = make_project()
    for number in range(30):
        make_item(project, at=NOW - timedelta(seconds=number))
    predict = stations.stations(project, loop.collect(project, at=NOW, serves=""), at=NOW)[0]
    assert (predict.count, predict.unit, predict.rate) == ("30", "in 24 hours", "")


def test_asks_for_the_labels_that_a_run_waits_for(stand: tuple[Project, list[Item]]) -> None:
    project, _ = stand
    make_prediction(item := make_item(project), [0.5, 0.5])
    route(project, [item], Cause.UNCERTAIN, probability=1.0)
    project.retraining = {"after_labels": 100}
    [label, *_] = actions.actions(project, loop.collect(project, at=NOW, serves="v1"))
    assert label.words == "Label 1 item"
    assert label.because == "60 of 100 new labels; a training run needs 39 more than wait now."


def test_a_candidate_that_waits_comes_first_and_one_that_serves_does_not(stand: tuple[Project, list[Item]]) -> None:
    project, _ = stand
    version = a_version(project, stage="candidate")
    assert actions.actions(project, loop.collect(project, at=NOW, serves="v1"))[0].words == "Decide on v2"
    version.stage = "champion"
    version.save()
    assert actions.actions(project, loop.collect(project, at=NOW, serves="v1"))[0].words != "Decide on v2"
