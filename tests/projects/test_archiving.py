"""An archived project is read-only for people, programs and jobs, stands apart, and can be restored."""

import json
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from annotation.capture.storage import capture_rows
from annotation.models import Item
from annotation.signals.capture import capture_signals
from jobs import execution, queue, registry
from jobs.models import Job, JobState
from jobs.webhooks import delivery
from projects import archiving
from projects.archiving import ProjectArchived
from projects.models import ApiKey, AuditEvent, Project, Role, User
from projects.secrets import hashed
from tests.factories import NOW, make_delivery, make_project, make_user
from validation.registry import Registry

ROW = {"key": "k", "inputs": {"text": "hello"}, "label": "ham"}


@pytest.fixture
def project(db: None) -> Project:
    return make_project("mail")


@pytest.fixture
def ada(project: Project) -> User:
    return make_user("ada", project, Role.ADMIN)


@pytest.fixture
def archived(project: Project, ada: User) -> Project:
    assert archiving.archive(project, reason="replaced", by=ada, at=NOW)
    return Project.objects.get(pk=project.pk)


@pytest.fixture
def signed_in(client: Client, ada: User) -> Client:
    client.force_login(ada)
    return client


def test_an_admin_archives_and_restores_with_one_event_each(signed_in: Client, project: Project) -> None:
    page = signed_in.get("/p/mail/settings/").content.decode()
    assert "Archive this project?" in page and "stays readable" in page
    for _ in range(2):
        signed_in.post("/p/mail/settings/archive/", {"reason": "replaced"})
    assert AuditEvent.objects.get(action="project.archive").details == {"reason": "replaced"}
    page = signed_in.get("/p/mail/settings/").content.decode()
    assert "Mail is archived: it can be read" in page and "Restore" in page
    for _ in range(2):
        signed_in.post("/p/mail/settings/restore/")
    assert AuditEvent.objects.filter(action="project.restore").count() == 1
    assert "is archived" not in signed_in.get("/p/mail/settings/").content.decode()


def test_nobody_else_archives_it(client: Client, project: Project) -> None:
    client.force_login(make_user("emil", project, Role.ENGINEER))
    assert "Archive this project?" not in client.get("/p/mail/settings/").content.decode()
    assert client.post("/p/mail/settings/archive/").status_code == 403
    assert Project.objects.get(pk=project.pk).archived_at is None


@pytest.mark.parametrize(
    "path", ["settings/", "desk/leases", "settings/labels/", "members/invite/", "exchange/exports"]
)
def test_a_person_can_read_it_and_is_refused_in_words_whatever_they_change(
    signed_in: Client, archived: Project, path: str
) -> None:
    answer = signed_in.post(f"/p/mail/{path}", {"act": "look"})
    assert answer.status_code == 403
    assert "nothing in it changes until an admin restores it" in answer.content.decode()
    assert signed_in.get("/p/mail/settings/").status_code == 200


def test_a_program_can_read_it_and_is_refused_in_words(client: Client, ada: User, archived: Project) -> None:
    ApiKey.objects.create(
        project=archived,
        user=ada,
        name="k",
        prefix="plumb_k",
        hash=hashed("plumb_k"),
        created_at=NOW,
        scopes=["ingest", "read"],
    )
    headers = {"Authorization": "Bearer plumb_k"}
    sent = json.dumps([ROW])
    answer = client.post("/api/v1/projects/mail/predictions", sent, content_type="application/json", headers=headers)
    assert answer.status_code == 409
    assert "Mail is archived" in answer.json()["detail"]
    assert client.get("/api/v1/projects/mail/items", headers=headers).status_code == 200
    assert not Item.objects.exists()


def test_nothing_is_captured_or_enqueued_whoever_asks(archived: Project) -> None:
    with pytest.raises(ProjectArchived):
        capture_rows(archived, [ROW], at=NOW)
    with pytest.raises(ProjectArchived):
        capture_signals(archived, [{"id": "s", "key": "k", "kind": "thumbs_down"}], at=NOW)
    with pytest.raises(ProjectArchived):
        queue.enqueue("annotation.route", key="route", project=archived, at=NOW)
    seen: list[Any] = []
    registry.for_each_project("test", lambda one, at: seen.append(one.slug), at=NOW)
    assert seen == []


def test_a_job_that_waits_goes_on_waiting_until_the_project_is_restored(project: Project, ada: User) -> None:
    job, _ = queue.enqueue("annotation.route", key="route", project=project, at=NOW)
    archiving.archive(project, reason="", by=ada, at=NOW)
    execution.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.attempt) == (JobState.QUEUED, 0)
    assert not Job.objects.waiting(timezone.now()).exists(), "nobody is sent to it, and no queue looks stalled"
    archiving.restore(project, by=ada, at=NOW)
    execution.run(job.pk)
    job.refresh_from_db()
    assert job.state == JobState.SUCCEEDED


@pytest.mark.parametrize("act", ["step", "commit", "progress"])
def test_a_job_that_runs_stops_and_goes_on_after_the_restore(
    project: Project, ada: User, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    kept: list[str] = []

    def work(attempt: execution.Attempt) -> None:
        with attempt.step(0.2, "First half"):
            kept.append("first")
        if attempt.number <= 3:
            archiving.archive(project, reason="", by=ada, at=NOW)
        if act == "progress":
            attempt.progress(1.0)
        with attempt.step(0.5) if act == "step" else attempt.commit():
            kept.append("second")

    monkeypatch.setattr(registry, "_kinds", Registry("kind of job"))
    registry.handles("test.halves")(work)
    job, _ = queue.enqueue("test.halves", key="halves", project=project, at=NOW)
    for _ in range(3):
        execution.run(job.pk)
        job.refresh_from_db()
        assert (job.state, job.stage, job.error) == (JobState.QUEUED, execution.UNTIL_RESTORED, "")
        execution.run(job.pk)  # nobody takes it
        archiving.restore(project, by=ada, at=NOW)
    execution.run(job.pk)
    job.refresh_from_db()
    assert kept == ["first"] * 4 + ["second"] and (job.state, job.attempt) == (JobState.SUCCEEDED, 4)


def test_it_stands_apart_in_the_list_of_projects(signed_in: Client, archived: Project, ada: User) -> None:
    other = make_project("post")
    other.memberships.create(user=ada, role=Role.ADMIN, created_at=NOW)
    answer = signed_in.get("/")
    assert [one.slug for one, _ in answer.context["rows"]] == ["post"]
    assert [one.slug for one, _ in answer.context["archived"]] == ["mail"]
    assert "Archived" in answer.content.decode()


@pytest.mark.parametrize("page", ["performance", "outcomes", "signals", "label-quality", "input-contract"])
def test_a_page_whose_report_was_never_made_still_opens(signed_in: Client, archived: Project, page: str) -> None:
    assert signed_in.get(f"/p/mail/{page}/").status_code == 200
    assert not Job.objects.exists()


def test_what_it_has_to_send_holds_up_no_other_project(archived: Project) -> None:
    other = make_project("post")
    make_delivery(archived)
    make_delivery(other)
    delivery.request_due(at=NOW)
    assert [job.project for job in Job.objects.all()] == [other]
