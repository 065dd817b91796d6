"""The doctor: each thing that can be wrong is named with how to repair it."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from annotation.models import Media
from config import doctor, stored_files
from jobs import health
from jobs.models import Job, JobState
from projects import append_only, audit
from retraining import artifacts
from tests.factories import NOW, make_project
from tests.retraining import scenarios

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def place(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_HOME, settings.ARTIFACT_HOME = tmp_path / "media", tmp_path / "artifacts"
    for folder in (settings.MEDIA_HOME, settings.ARTIFACT_HOME):
        folder.mkdir()


def test_a_package_in_another_version_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.check_environment().ok
    monkeypatch.setattr(doctor, "_version_of", lambda name: "1.0" if name == "celery" else "5.2.19")
    assert doctor.check_environment().words == "The environment has celery 1.0; 5.7.0 is needed."
    monkeypatch.setattr(doctor, "_version_of", lambda name: "")
    assert doctor.check_environment().words == "The environment lacks django; 5.2.19 is needed."


def test_an_image_that_is_absent_or_cut_off_is_named(settings: Any) -> None:
    project = make_project()
    Media.objects.create(
        project=project, sha256="a" * 64, content_type="image/png", width=1, height=1, size=9, created_at=NOW
    )
    path = settings.MEDIA_HOME / str(project.pk) / "aa" / ("a" * 64)
    assert doctor.check_media().words == f"{path} cannot be read: No such file or directory."
    path.parent.mkdir(parents=True)
    path.write_bytes(b"12345678")
    assert doctor.check_media().words == f"{path} has 8 bytes where 9 were written."
    path.write_bytes(b"123456789")
    assert doctor.check_media().ok


def test_an_artifact_that_is_absent_is_named_with_its_project() -> None:
    project = scenarios.make_numeric_project("numbers")
    scenarios.learn(project, 20)
    version = scenarios.make_version(project)
    assert stored_files.artifact_faults() == [] and doctor.check_artifacts().ok
    artifacts.path_of(version.artifact_sha256).unlink()
    found = doctor.check_artifacts()
    assert found.words == "numbers: v1 cannot be loaded. Its file cannot be read: No such file or directory."
    assert found.remedy


def test_another_signing_key_is_named_in_place_of_a_broken_trail(settings: Any) -> None:
    for _ in range(2):
        audit.record("member.role", by=None, at=NOW)
    assert doctor.check_signing_key().ok and doctor.check_audit_trail().ok
    settings.SECRET_KEY = "another-key-" * 6
    assert not doctor.check_signing_key().ok
    assert doctor.check_audit_trail().words == "The audit trail cannot be verified without its key."


def test_a_broken_trail_is_named() -> None:
    for _ in range(5):
        event = audit.record("member.role", by=None, at=NOW)
    with append_only.lifted("projects_auditevent"):
        type(event).objects.filter(sequence=2).update(actor="user:eve")
    assert doctor.check_signing_key().ok
    assert doctor.check_audit_trail().words == "The audit trail is broken: event 2 was changed after it was written."


def test_a_table_without_its_trigger_is_named() -> None:
    from django.db import connection

    assert doctor.check_triggers().ok
    append_only.release(connection, "retraining_release")
    assert "the trigger retraining_release_no_delete is missing" in doctor.check_triggers().words
    append_only.protect(connection, "retraining_release")


def test_jobs_that_died_lately_are_counted_with_the_last_reason() -> None:
    at = timezone.now()
    given = {"kind": "x", "state": JobState.DEAD, "due_at": at, "created_at": at}
    Job.objects.create(key="old", finished_at=at - timedelta(days=8), **given)
    assert doctor.check_dead_jobs(at=at).ok
    Job.objects.create(key="new", finished_at=at, error="Traceback\nValueError: no", **given)
    assert doctor.check_dead_jobs(at=at).words == "1 job died in the last 7 days, the last one x: ValueError: no"


def test_an_encoder_that_cannot_be_used_is_named(settings: Any) -> None:
    assert doctor.check_encoder().ok
    settings.TEXT_ENCODER = "/nowhere"
    assert "/nowhere" in doctor.check_encoder().words


@pytest.mark.parametrize("name", list(health.REDIS_SETTINGS))
def test_redis_that_may_forget_is_named(monkeypatch: pytest.MonkeyPatch, settings: Any, name: str) -> None:
    known = {**health.REDIS_SETTINGS}

    class FakeRedis:
        def __enter__(self) -> "FakeRedis":
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def config_get(self, wanted: str) -> dict[str, str]:
            return {wanted: known[wanted]}

    assert health.check_broker_settings().words == "The broker folder needs none."
    settings.REDIS_URL = "redis://x"
    monkeypatch.setattr(health, "_redis", FakeRedis)
    assert health.check_broker_settings().ok
    known[name] = "bad"
    assert f"Redis has {name} bad in place of" in health.check_broker_settings().words


def test_the_command_says_each_check_and_ends_with_1_where_one_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    good, bad = health.Check("disk", True, "Fine."), health.Check("broker", False, "Away.", "Start it.")
    monkeypatch.setattr("config.management.commands.doctor.examine", lambda at: [good, bad])
    out = StringIO()
    with pytest.raises(CommandError, match="1 thing is wrong: broker."):
        call_command("doctor", stdout=out)
    assert out.getvalue() == "ok     disk: Fine.\nWRONG  broker: Away.\n       Start it.\n"
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("doctor", "--json", stdout=out)
    assert [check["ok"] for check in json.loads(out.getvalue())["checks"]] == [True, False]
    monkeypatch.setattr("config.management.commands.doctor.examine", lambda at: [good])
    call_command("doctor", stdout=StringIO())
