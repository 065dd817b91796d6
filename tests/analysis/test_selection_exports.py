"""Exports of the items of a view: what the page and the API select is what the file holds."""

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from analysis import selection_exports
from annotation import export_jobs, exporting
from annotation.models import Cause, DataExport, Item
from jobs.execution import run
from jobs.models import Job, JobState
from projects import members
from projects.models import Project, User
from tests.analysis.scenarios import resolve, route
from tests.factories import NOW, make_item, make_project, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    project = make_project(labels=("ham", "spam"), inputs={"text": {"type": "text"}, "amount": {"type": "number"}})
    for n in range(5):
        item = make_item(project, f"k{n}", inputs={"text": f"message {n}", "amount": n})
        if n != 3:
            resolve(item, "spam")
    return project


@pytest.fixture
def emil(project: Project) -> User:
    return make_user("emil", project, "engineer")


def browser_of(user: User) -> Client:
    browser = Client()
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return browser


def written(made: DataExport) -> list[dict[str, Any]]:
    run(Job.objects.get(kind=selection_exports.KIND, payload__export=made.pk).pk)
    made.refresh_from_db()
    with export_jobs.open_file(made) as file:
        return [json.loads(line) for line in file]


def test_a_view_or_its_chosen_items_leave_as_a_file(project: Project, emil: User, monkeypatch: Any) -> None:
    monkeypatch.setattr(exporting, "AT_ONCE", 2)
    address, given = reverse("analysis:item-export", args=[project.slug]), {"format": "jsonl", "input": "amount:1..3"}
    answer = browser_of(emil).post(address, given)
    made = DataExport.objects.get()
    assert answer["Location"] == reverse("annotation:export", args=[project.slug, made.uid])
    assert {row["key"] for row in written(made)} == {"k1", "k2", "k3"}
    page = browser_of(emil).get(answer["Location"]).content.decode()
    assert f"{reverse('analysis:item-list', args=[project.slug])}?input=amount%3A1..3" in page

    uids = list(Item.objects.filter(key__in=["k2", "k4"]).values_list("uid", flat=True))
    browser_of(emil).post(address, {**given, "item": uids})
    assert {row["key"] for row in written(DataExport.objects.latest("pk"))} == {"k2"}


def test_a_key_exports_what_its_person_may_see(project: Project, emil: User) -> None:
    route(project, [Item.objects.get(key="k3")], Cause.AUDIT, probability=0.5)
    route(project, [Item.objects.get(key="k4")], Cause.UNCERTAIN, probability=1.0)
    _, secret = members.create_key(project, emil, ["read", "annotate"], by=None, at=NOW)
    headers = {"Authorization": f"Bearer {secret}"}
    path = f"/api/v1/projects/{project.slug}/items/export"
    for query, keys in (("cause=audit", set()), ("cause=uncertain", {"k4"}), ("input=amount:3..", {"k3", "k4"})):
        answer = Client().post(f"{path}?{query}&full=yes", headers=headers).json()
        assert {row["key"] for row in written(DataExport.objects.get(uid=answer["id"]))} == keys
    assert Client().post(f"{path}?truth=egg", headers=headers).status_code == 422
    assert Client().post(f"{path}?format=pdf", headers=headers).status_code == 422


def test_a_view_that_is_no_longer_one_ends_the_job_with_its_reason(project: Project, emil: User) -> None:
    browser_of(emil).post(reverse("analysis:item-export", args=[project.slug]), {"truth": "spam"})
    made = DataExport.objects.get()
    DataExport.objects.filter(pk=made.pk).update(query="truth=egg")
    job = Job.objects.get(kind=selection_exports.KIND)
    run(job.pk)
    job.refresh_from_db()
    made.refresh_from_db()
    assert job.state == JobState.DEAD and "Resolved as" in made.error
