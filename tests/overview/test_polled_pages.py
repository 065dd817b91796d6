"""What a polled page brings up to date outside its fragment: the counts of the navigation and the chips."""

import re
from typing import Any

import pytest
from django.test import Client

from jobs.models import Job, JobState
from projects.models import Project, Role
from retraining.models import RunState, TrainingRun
from tests.factories import NOW, make_item, make_project, make_user

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
PATHS = {"overview": "", "runs": "runs/", "run": "runs/1/", "jobs": "jobs/"}
COUNT = re.compile(r'<span class="count" id="(count-[a-z]+)"( hx-swap-oob="morph")?>([^<]*)</span>')


@pytest.fixture
def project() -> Project:
    project = make_project("digits", champion_version="v1")
    TrainingRun.objects.create(project=project, number=1, state=RunState.WAITING, reason="r", created_at=NOW)
    make_item(project)
    return project


@pytest.fixture
def engineer(client: Client, project: Project) -> Client:
    client.force_login(make_user("eli", project, Role.ENGINEER))
    return client


def counts(body: str, *, refreshes: bool) -> dict[str, str]:
    found = COUNT.findall(body)
    assert len(found) == len({name for name, _, _ in found}), "an id stands twice"
    assert {bool(oob) for _, oob, _ in found} == {refreshes}
    return {name: value for name, _, value in found}


def a_dead_job(project: Project) -> None:
    Job.objects.create(kind="x.y", key="1", project=project, state=JobState.DEAD, created_at=NOW, due_at=NOW)


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_one_answer_carries_every_count_of_the_page_as_it_is_now(engineer: Client, project: Project, path: str) -> None:
    whole = counts(engineer.get(f"/p/digits/{path}").content.decode(), refreshes=False)
    assert whole["count-items"] == "1" and whole["count-running"] == "1" and whole["count-review"] == ""

    make_item(project)
    TrainingRun.objects.update(state=RunState.FAILED)
    a_dead_job(project)
    part = counts(engineer.get(f"/p/digits/{path}", headers=HTMX).content.decode(), refreshes=True)

    assert part.keys() == whole.keys()
    assert part == {
        **whole,
        "count-items": "2",
        "count-running": "",
        **({"count-dead": "1"} if path == "jobs/" else {}),
    }


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_the_chip_says_what_serves_now(engineer: Client, project: Project, path: str) -> None:
    Project.objects.update(champion_version="v2")
    body = engineer.get(f"/p/digits/{path}", headers=HTMX).content.decode()
    chips: Any = re.search(r'<div class="view" id="view" hx-swap-oob="morph">.*', body, re.DOTALL)
    assert "v2 champion" in re.sub(r"\s+", " ", chips.group())


def test_an_answer_about_all_projects_names_no_count(client: Client, project: Project) -> None:
    client.force_login(make_user("root", is_superuser=True))
    a_dead_job(project)
    body = client.get("/jobs/", headers=HTMX).content.decode()
    assert "x.y" in body and not COUNT.findall(body) and 'id="view"' not in body
