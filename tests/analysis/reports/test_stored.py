"""Stored bodies: of this format they are read, of any other one they are computed again."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from analysis.models import Report
from analysis.reports import refreshing
from analysis.reports.kinds import label_quality, performance
from analysis.reports.registry import report_kinds
from analysis.reports.stored import newest, newest_or_request
from analysis.tasks import refresh_old
from jobs import queue
from projects import members
from projects.models import Project
from tests.analysis.scenarios import judged_project, performance_body
from tests.factories import NOW, make_user

pytestmark = pytest.mark.django_db
OTHERS = {
    "of a version before versions": {"n": 60, "accuracy": {"value": 0.9, "low": 0.8, "high": 1.0, "n": 60}},
    "of a later version": {"version": 99, "n": 60},
    "without a field": {"version": 2},
    "of another type": {"version": 2, "n": "sixty"},
    "no object": [1, 2],
}
PAGES = ("analysis:performance", "analysis:label-quality", "overview:overview")


@pytest.fixture
def project() -> Project:
    project, _ = judged_project()
    refreshing.refresh(project, at=NOW)
    return project


@pytest.mark.parametrize("body", OTHERS.values(), ids=OTHERS)
class TestABodyOfAnotherFormat:
    @pytest.fixture(autouse=True)
    def stored(self, project: Project, body: Any) -> None:
        Report.objects.filter(project=project).update(body=body)

    def test_is_not_read_and_computed_again(self, project: Project) -> None:
        assert newest(project, performance.KIND, version="v1") is None
        assert len(refreshing.refresh(project, at=NOW)) == sum(len(kind.windows) for kind in report_kinds())
        assert performance_body(project).n == 60

    def test_is_computed_again_though_nothing_is_new(self, project: Project) -> None:
        later = timezone.now() + timedelta(hours=2)
        queue.enqueue("analysis.report", key="before", project=project, at=timezone.now())
        refresh_old(project, later)
        assert project.jobs.filter(kind="analysis.report").count() == 2

    def test_makes_one_job_and_no_page_fails(self, project: Project) -> None:
        browser = Client()
        emil = make_user("emil", project, "engineer")
        browser.force_login(emil, backend="django.contrib.auth.backends.ModelBackend")
        for name in PAGES:
            assert browser.get(reverse(name, args=[project.slug])).status_code == 200, name
        _, secret = members.create_key(project, emil, ["read"], by=None, at=NOW)
        key = {"Authorization": f"Bearer {secret}"}
        assert Client().get(f"/api/v1/projects/{project.slug}/metrics", headers=key).json()["n"] == 0
        assert project.jobs.filter(kind="analysis.report").count() == 2  # of the version, and of the project


def test_nothing_is_computed_again_where_all_is_readable_and_known(project: Project) -> None:
    queue.enqueue("analysis.report", key="before", project=project, at=timezone.now())
    refresh_old(project, timezone.now() + timedelta(hours=2))
    assert project.jobs.filter(kind="analysis.report").count() == 1


def test_one_that_is_there_is_not_asked_for_again(project: Project) -> None:
    assert newest_or_request(project, performance.KIND, version="v1", at=NOW) is not None
    assert newest_or_request(project, label_quality.KIND, at=NOW) is not None
    assert newest_or_request(project, performance.KIND, version="", at=NOW) is None  # no version has answered
    assert not project.jobs.exists()
