"""What changed: the sentence, the segment table, and links to exactly those items."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from analysis.models import Report, ReportKind
from overview import changes
from projects.models import Project
from tests.factories import NOW, make_project, make_user

pytestmark = pytest.mark.django_db


def an_estimate(value: float | None, n: int) -> dict[str, Any]:
    return {
        "value": value,
        "low": None if value is None else value - 0.1,
        "high": None if value is None else 1.0,
        "n": n,
    }


def a_change(difference: float = -0.44) -> dict[str, Any]:
    values = [
        {
            "value": "A",
            "before": an_estimate(0.93, 200),
            "after": an_estimate(0.92, 30),
            "share_before": 1.0,
            "share_after": 0.4,
            "contribution": -0.01,
        },
        {
            "value": "B",
            "before": an_estimate(None, 0),
            "after": an_estimate(0.2, 20),
            "share_before": 0.0,
            "share_after": 0.6,
            "contribution": -0.43,
        },
    ]
    return {
        "at": NOW.timestamp(),
        "before": an_estimate(0.93, 200),
        "after": an_estimate(0.49, 50),
        "difference": {"value": difference, "low": difference - 0.2, "high": difference + 0.2},
        "p": 0.002,
        "segment": "sensor",
        "values": values,
        "mix": 0.0,
    }


@pytest.fixture
def project() -> Project:
    return make_project("digits", champion_version="v1")


def test_names_the_value_that_carries_most_of_it_and_asks_for_labels_there(project: Project) -> None:
    found = changes.of_report(project, "v1", {"change": a_change()})
    assert found is not None
    assert (found.fell, found.name, found.value) == (True, "sensor", "B")
    assert [(row.value, row.main) for row in found.rows] == [("B", True), ("A", False)]
    assert [step.words for step in found.steps] == ["See the mistakes from sensor B", "Label more from sensor B"]
    assert "segment=sensor%3DB" in found.steps[0].url and "judges=v1" in found.steps[0].url


@pytest.mark.parametrize("body", [None, {}, {"change": None}])
def test_no_change_is_none(project: Project, body: dict[str, Any] | None) -> None:
    assert changes.of_report(project, "v1", body) is None


def test_the_page_says_it_first(project: Project) -> None:
    accuracy = an_estimate(0.8, 250)
    Report.objects.create(
        project=project,
        kind=ReportKind.PERFORMANCE,
        model_version="v1",
        inputs_hash="x",
        computed_at=NOW,
        body={"n": 250, "audit": 200, "accuracy": accuracy, "series": [], "change": a_change()},
    )
    client = Client()
    client.force_login(make_user("emil", project, "engineer"), backend="django.contrib.auth.backends.ModelBackend")
    page = " ".join(client.get(reverse("overview:overview", args=["digits"])).content.decode().split())
    assert "accuracy fell from <b>0.93</b> to <b>0.49</b>" in page
    assert "mostly in sensor <b>B</b>" in page
