"""What changed: the sentence, the segment table, and links to exactly those items."""

import pytest
from django.test import Client
from django.urls import reverse
from msgspec.structs import replace

from analysis.changes import StoredChange, StoredSegmentChange
from analysis.metrics.core.stored import StoredEstimate
from analysis.reports.kinds import performance
from analysis.reports.kinds.performance import PerformanceBody
from overview import changes
from projects.models import Project
from tests.analysis.scenarios import store_report
from tests.factories import NOW, make_project, make_user

pytestmark = pytest.mark.django_db


def an_estimate(value: float | None, n: int) -> StoredEstimate:
    return StoredEstimate(value, None if value is None else value - 0.1, None if value is None else 1.0, n)


def a_change(difference: float = -0.44) -> StoredChange:
    values = [
        StoredSegmentChange("A", an_estimate(0.93, 200), an_estimate(0.92, 30), 1.0, 0.4, -0.01),
        StoredSegmentChange("B", an_estimate(None, 0), an_estimate(0.2, 20), 0.0, 0.6, -0.43),
    ]
    return StoredChange(
        at=NOW.timestamp(),
        before=an_estimate(0.93, 200),
        after=an_estimate(0.49, 50),
        difference=StoredEstimate(difference, difference - 0.2, difference + 0.2, 250),
        p=0.002,
        segment="sensor",
        values=values,
        mix=0.0,
    )


@pytest.fixture
def project() -> Project:
    return make_project("digits", champion_version="v1")


def test_names_the_value_that_carries_most_of_it_and_asks_for_labels_there(project: Project) -> None:
    found = changes.of_report(project, a_change())
    assert found is not None
    assert (found.fell, found.name, found.value) == (True, "sensor", "B")
    assert [(row.value, row.main) for row in found.rows] == [("B", True), ("A", False)]
    errors, mistakes, more = found.steps
    assert errors.url == reverse("analysis:errors", args=[project.slug])
    assert (mistakes.words, more.words) == ("See the mistakes from sensor B", "Label more from sensor B")
    assert "segment=sensor%3DB" in mistakes.url and "served=yes" in mistakes.url


def test_marks_one_value_alone_though_several_carry_most_of_it(project: Project) -> None:
    change = a_change()
    both = [replace(one, contribution=-0.4) for one in change.values]
    found = changes.of_report(project, replace(change, values=both, mix=0.36))
    assert found is not None
    assert [(row.value, row.main) for row in found.rows] == [("A", True), ("B", False)]
    assert found.value == "A"


def test_no_change_is_none(project: Project) -> None:
    assert changes.of_report(project, None) is None


def test_the_page_says_it_first_and_each_refresh_again(project: Project) -> None:
    body = PerformanceBody(250, 200, 900, 0, True, an_estimate(0.8, 250), change=a_change())
    store_report(project, performance.KIND, body, version="v1", at=NOW)
    client = Client()
    client.force_login(make_user("emil", project, "engineer"), backend="django.contrib.auth.backends.ModelBackend")
    address = reverse("overview:overview", args=["digits"])
    page, fragment = (
        " ".join(client.get(address, headers=headers).content.decode().split())
        for headers in ({}, {"HX-Request": "true"})
    )
    for part in (page, fragment.partition('<span id="said" hx-swap-oob="morph">')[2]):
        assert "accuracy of what was served fell from <b>0.93</b> to <b>0.49</b>" in part
        assert "mostly in sensor <b>B</b>" in part
