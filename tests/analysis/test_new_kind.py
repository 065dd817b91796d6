"""A task kind that a test adds has its report, and every page of analysis opens, without a change to any module."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from analysis import items, samples
from analysis.item_filters import Filters
from analysis.reports import refreshing
from annotation import kinds
from annotation.capture import capture_rows
from annotation.models import Cause, Item, Prediction
from projects import members, specs
from projects.models import Membership, Project, User
from tests.analysis.scenarios import performance_body, quality_body, resolve, route
from tests.annotation.json_kind import Interval
from tests.factories import NOW, make_user

pytestmark = pytest.mark.django_db
SPEC = {
    "title": "Intervals",
    "kind": "interval",
    "inputs": {"text": {"type": "text"}},
    "segments": ["channel"],
}
N, WORSE = 60, 20  # of the newest the model finds half


@pytest.fixture
def project() -> Iterator[Project]:
    kinds.register(Interval())
    try:
        yield captured(specs.create_project("spans", SPEC, by=make_user("root", is_superuser=True), at=NOW))
    finally:
        kinds.unregister("interval")


def captured(project: Project) -> Project:
    """Every item drawn for the audit, answered by m1 and labelled by people."""
    rows = [
        {
            "key": f"k{i}",
            "inputs": {"text": f"message number {i}"},
            "model_version": "m1",
            "value": {"start": 0, "end": 10 if i < N - WORSE else 5},
            "segment": {"channel": "app" if i % 2 else "web"},
            "at": (NOW + timedelta(hours=i)).isoformat(),
        }
        for i in range(N)
    ]
    assert capture_rows(project, rows, at=NOW + timedelta(hours=N)).created == N
    made = list(Item.objects.order_by("at"))
    route(project, made, Cause.AUDIT, probability=0.5)
    for item in made:
        resolve(item, {"start": 0, "end": 10}, evaluation=True)
    return project


def test_its_report_has_the_mean_score_over_time_and_by_segment(project: Project) -> None:
    refreshing.refresh(project, at=NOW + timedelta(days=3))
    body = performance_body(project, "m1")
    assert (body.n, body.audit, body.has_classes, body.classes, body.costs) == (N, N, False, None, None)
    assert body.score.value == pytest.approx((N - WORSE / 2) / N)
    assert body.score.low is not None and body.score.high is not None
    assert body.score.low < body.score.value < body.score.high <= 1
    assert [point.score.value for point in (body.series[0], body.series[-1])] == [1.0, 0.5]
    assert not body.series[0].classes
    by_channel = {one.value: (one.score.n, one.score.value) for one in body.segments}
    assert by_channel == {"app": (30, pytest.approx(5 / 6)), "web": (30, pytest.approx(5 / 6))}
    assert body.change is not None and body.change.after.value == pytest.approx(0.5)
    assert quality_body(project).problem == "no_classes"


def test_its_items_are_listed_with_their_values(project: Project) -> None:
    sample = samples.live(project, "m1", at=NOW)
    listed: Any = items.select(project, Filters(judges="m1"), at=NOW)
    assert {item.pk for item in listed} == set(sample.item_ids.tolist())
    assert listed[0].says == {"start": 0, "end": 5} and listed[0].truth == {"start": 0, "end": 10}
    assert items.select(project, Filters(judges="m1", disagree="yes"), at=NOW).count() == WORSE
    Prediction.objects.filter(item=listed[0]).update(value=None)
    assert samples.live(project, "m1", at=NOW).item_ids.tolist() == sample.item_ids.tolist()[:-1]


def client(user: User) -> Client:
    browser = Client()
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return browser


def test_every_page_says_what_it_knows(project: Project) -> None:
    refreshing.refresh(project, at=NOW + timedelta(days=3))
    emil = make_user("emil", project, "engineer")
    assert Membership.objects.filter(user=emil).exists()

    def page(name: str, *arguments: object, query: str = "") -> str:
        found = client(emil).get(reverse(name, args=[project.slug, *arguments]) + query)
        assert found.status_code == 200, name
        return " ".join(found.content.decode().split())

    performance = page("analysis:performance")
    assert "Mean score of m1 <b>0.833</b>" in performance
    assert "How good is each channel?" in performance
    assert "mistaken for which" not in performance and "recall" not in performance
    assert "The mean score of what was served fell from" in page("overview:overview")
    assert "not classes" in page("analysis:label-quality")
    listed = page("analysis:item-list", query="?judges=m1")
    assert "0 to 5" in listed and "≠ 0 to 10" in listed
    item = Item.objects.order_by("-at").first()
    assert item is not None
    assert "0 to 5" in page("analysis:item", item.uid)


def test_services_read_its_values_and_its_score(project: Project) -> None:
    refreshing.refresh(project, at=NOW + timedelta(days=3))
    _, secret = members.create_key(project, make_user("emil", project, "engineer"), ["read"], by=None, at=NOW)

    def get(path: str) -> Any:
        headers = {"Authorization": f"Bearer {secret}"}
        found = Client().get(f"/api/v1/projects/{project.slug}/{path}", headers=headers)
        assert found.status_code == 200
        return found.json()

    metrics = get("metrics")
    assert metrics["n"] == N and metrics["accuracy"] is None
    assert metrics["score"]["value"] == pytest.approx(5 / 6)
    of_segment = get("metrics?segment=channel%3Dapp")
    assert of_segment["n"] == 30 and of_segment["score"]["value"] == pytest.approx(5 / 6)
    [newest, *_] = get("items?judges=m1")["items"]
    assert (newest["label"], newest["value"]) == (None, {"start": 0, "end": 5})
    assert newest["resolution"] == {"start": 0, "end": 10}
    story = get(f"items/{newest['id']}")
    assert story["predictions"][0]["value"] == {"start": 0, "end": 5}
