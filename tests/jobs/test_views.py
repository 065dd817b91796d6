"""Pages of jobs, and what health says of the processes that do them."""

import re
from collections import namedtuple
from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.utils import timezone

from jobs import health
from jobs.models import Beat, Job, JobState
from projects.models import AuditEvent, Role
from tests.factories import make_project, make_user

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def project():
    return make_project("digits", title="Cheque digits")


@pytest.fixture
def engineer(client, project):
    user = make_user("eli", project, Role.ENGINEER)
    client.force_login(user)
    return client


def make_job(project, kind="analysis.report", state=JobState.QUEUED, **fields):
    number = Job.objects.count()
    now = timezone.now()
    return Job.objects.create(
        **{
            "kind": kind,
            "key": f"key-{number}",
            "project": project,
            "state": state,
            "created_at": now,
            "due_at": now,
            **fields,
        }
    )


def text(response):
    return re.sub(r"\s+", " ", response.content.decode())


class TestList:
    def test_it_shows_state_progress_and_reason(self, engineer, project):
        make_job(project, state=JobState.RUNNING, progress=0.62, stage="Fold 3 of 5", attempt=1)
        make_job(project, state=JobState.DEAD, error="Its worker stopped answering.", attempt=3)
        page = text(engineer.get("/p/digits/jobs/"))
        assert "62 %" in page
        assert "Fold 3 of 5" in page
        assert "Its worker stopped answering." in page
        assert "3 of 3" in page
        assert "<b>1 job</b> gave up" in page

    def test_jobs_of_other_projects_and_of_none_are_not_shown(self, engineer):
        make_job(make_project("other"), kind="theirs.secret")
        make_job(None, kind="nobody.secret")
        assert "secret" not in text(engineer.get("/p/digits/jobs/"))

    def test_the_rows_ask_again_only_while_something_moves(self, engineer, project):
        job = make_job(project)
        assert 'hx-trigger="every 2s"' in text(engineer.get("/p/digits/jobs/"))
        Job.objects.filter(pk=job.pk).update(state=JobState.SUCCEEDED)
        assert "hx-trigger" not in text(engineer.get("/p/digits/jobs/", headers=HTMX))

    def test_a_fragment_is_the_rows_without_the_page(self, engineer, project):
        make_job(project)
        fragment = text(engineer.get("/p/digits/jobs/", headers=HTMX))
        assert fragment.strip().startswith('<div id="rows"')
        assert "<html" not in fragment

    def test_views_are_addresses(self, engineer, project):
        make_job(project, kind="one.dead", state=JobState.DEAD)
        make_job(project, kind="one.open")
        make_job(project, kind="one.ended", state=JobState.SUCCEEDED)
        for view, kinds in (
            ("dead", {"dead"}),
            ("open", {"open"}),
            ("ended", {"dead", "ended"}),
            ("", {"dead", "open", "ended"}),
        ):
            assert set(re.findall(r"one\.(\w+)", text(engineer.get("/p/digits/jobs/", {"view": view})))) == kinds
        assert engineer.get("/p/digits/jobs/?view=nonsense").status_code == 404

    def test_pages_follow_each_other_in_few_queries(self, engineer, project, django_assert_max_num_queries):
        for _ in range(70):
            make_job(project)
        with django_assert_max_num_queries(15):
            first = engineer.get("/p/digits/jobs/").content.decode()
        older = re.search(r'href="(\?view=&amp;before=\d+)"', first).group(1).replace("&amp;", "&")
        second = engineer.get(f"/p/digits/jobs/{older}").content.decode()
        rows = re.findall(r'id="job-(\d+)"', first) + re.findall(r'id="job-(\d+)"', second)
        assert rows == sorted(rows, key=int, reverse=True)
        assert len(set(rows)) == 70
        assert engineer.get("/p/digits/jobs/?before=²").status_code == 404

    def test_a_reason_is_shown_as_text(self, engineer, project):
        make_job(project, state=JobState.DEAD, error="<script>alert(1)</script>")
        assert "<script>alert" not in text(engineer.get("/p/digits/jobs/"))


class TestActs:
    def test_a_dead_job_is_queued_again_and_the_act_recorded(self, engineer, project):
        job = make_job(project, state=JobState.DEAD, attempt=3)
        assert engineer.post(f"/p/digits/jobs/{job.pk}/requeue/")["Location"] == "/p/digits/jobs/"
        job.refresh_from_db()
        assert (job.state, job.max_attempts) == (JobState.QUEUED, 6)
        assert AuditEvent.objects.get().actor == "user:eli"

    def test_what_is_not_dead_stays_as_it_is(self, engineer, project):
        job = make_job(project, state=JobState.SUCCEEDED)
        page = text(engineer.post(f"/p/digits/jobs/{job.pk}/requeue/", follow=True))
        assert "This job is not dead" in page

    def test_a_dead_job_whose_work_is_queued_again_already_stays_dead(self, engineer, project):
        job = make_job(project, state=JobState.DEAD, key="same")
        make_job(project, key="same")
        page = text(engineer.post(f"/p/digits/jobs/{job.pk}/requeue/", follow=True))
        assert "queued again already" in page
        job.refresh_from_db()
        assert job.state == JobState.DEAD

    def test_an_open_job_can_be_stopped_once(self, engineer, project):
        job = make_job(project, state=JobState.RUNNING)
        assert "stopped." in text(engineer.post(f"/p/digits/jobs/{job.pk}/stop/", follow=True))
        assert "had ended already" in text(engineer.post(f"/p/digits/jobs/{job.pk}/stop/", follow=True))
        job.refresh_from_db()
        assert job.state == JobState.CANCELLED

    @pytest.mark.parametrize("act", ["requeue", "stop"])
    def test_a_job_of_another_project_is_not_there(self, engineer, act):
        job = make_job(make_project("other"), state=JobState.DEAD if act == "requeue" else JobState.RUNNING)
        before = job.state
        assert engineer.post(f"/p/digits/jobs/{job.pk}/{act}/").status_code == 404
        job.refresh_from_db()
        assert job.state == before

    def test_a_reviewer_sees_jobs_and_changes_none(self, client, project):
        client.force_login(make_user("rae", project, Role.REVIEWER))
        job = make_job(project, state=JobState.DEAD)
        assert "Requeue" not in text(client.get("/p/digits/jobs/"))
        assert client.post(f"/p/digits/jobs/{job.pk}/requeue/").status_code == 403

    def test_a_superuser_has_the_jobs_of_all_projects(self, client, project):
        client.force_login(make_user("root", is_superuser=True))
        job = make_job(None, kind="of.none", state=JobState.DEAD)
        make_job(project, kind="of.digits")
        page = text(client.get("/jobs/"))
        assert "of.none" in page
        assert "of.digits" in page
        assert client.post(f"/jobs/{job.pk}/requeue/")["Location"] == "/jobs/"


@pytest.fixture
def all_seen():
    for role in health.PROCESSES:
        Beat.objects.create(name=role, role=role, at=timezone.now())


class TestHealth:
    def test_alive_is_answered_without_the_database(self, client, monkeypatch):
        monkeypatch.setattr(health, "checks", lambda **_: pytest.fail("healthz asked for more than the process"))
        response = client.get("/healthz")
        assert (response.status_code, response.content) == (200, b"ok\n")

    def test_ready_where_all_is_there(self, client, all_seen):
        response = client.get("/readyz")
        assert (response.status_code, response.json()) == (200, {"ready": True, "missing": []})

    @pytest.mark.parametrize("role", health.PROCESSES)
    def test_a_process_that_fell_silent_is_named(self, client, all_seen, role):
        Beat.objects.filter(role=role).update(at=timezone.now() - timedelta(minutes=7))
        response = client.get("/readyz")
        assert response.status_code == 503
        assert [missing["name"] for missing in response.json()["missing"]] == [role]
        assert f"No {role} has been seen for 7 min." in response.json()["missing"][0]["detail"]

    def test_one_of_two_workers_is_enough(self, client, all_seen):
        Beat.objects.create(name="worker@old", role="worker", at=timezone.now() - timedelta(days=2))
        assert client.get("/readyz").status_code == 200

    def test_a_database_that_is_away_is_503_and_no_trace(self, client, monkeypatch):
        class Away:
            vendor = "sqlite"

            def cursor(self):
                raise DatabaseError("secret address")

        monkeypatch.setattr(health, "connection", Away())
        response = client.get("/readyz")
        assert response.status_code == 503
        assert response.json()["missing"][0]["detail"] == "The database does not answer."
        assert b"secret" not in response.content

    def test_missing_migrations_are_counted(self, all_seen, monkeypatch):
        monkeypatch.setattr(health.MigrationExecutor, "migration_plan", lambda self, targets: [("a", False)])
        assert health.check_migrations().words == "1 migration is not applied."

    def test_a_broker_folder_that_cannot_be_written_is_named(self, settings, tmp_path):
        settings.BROKER_HOME = tmp_path / "gone"
        check = health.check_broker()
        assert (check.ok, check.words) == (False, "The broker folder cannot be written.")

    def test_a_full_disk_is_named(self, client, all_seen, monkeypatch):
        usage = namedtuple("usage", "total used free")
        monkeypatch.setattr(health.shutil, "disk_usage", lambda path: usage(10**12, 10**12 - 5 * 2**20, 5 * 2**20))
        response = client.get("/readyz")
        assert response.status_code == 503
        assert "is full: 5 MiB are left" in response.json()["missing"][0]["detail"]

    def test_a_home_that_is_gone_is_named(self, settings, tmp_path):
        settings.HOME = tmp_path / "gone"
        assert health.check_disk().words == "PLUMBLINE_HOME is not there."

    def test_a_redis_that_is_away_is_named(self, settings):
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
        check = health.check_broker()
        assert (check.ok, check.words) == (False, "Redis does not answer.")

    def test_the_page_says_how_to_start_what_is_missing(self, client):
        client.force_login(make_user("bo"))
        page = text(client.get("/health/"))
        assert "No worker was ever seen." in page
        assert "<code>celery -A config worker --queues train --concurrency 1</code>" in page
        assert "./plumbline reap" in page
