"""Exports as jobs: a file that is whole or not there, for who asked for it, until its time is over."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotation import export_jobs
from annotation.exchange.rows import UnusableFile
from annotation.models import DataExport
from jobs import execution
from jobs.models import WorkState
from projects.models import Project, Role, User
from tests.factories import make_item, make_prediction, make_project, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def homes(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_HOME = tmp_path


@pytest.fixture
def project() -> Project:
    return make_project("mail")


def signed_in(project: Project, name: str) -> tuple[User, Client]:
    user, client = make_user(name, project, Role.ENGINEER), Client()
    client.force_login(user)
    return user, client


def run(made: DataExport) -> DataExport:
    assert made.job is not None
    execution.run(made.job.pk)
    return DataExport.objects.select_related("job").get(pk=made.pk)


def test_a_file_is_written_and_downloaded_by_who_asked_for_it_until_its_time_is_over(
    project: Project, settings: Any
) -> None:
    (eva, client), (_, other) = signed_in(project, "eva"), signed_in(project, "otto")
    make_prediction(make_item(project, "a"), [0.9, 0.1])
    made = export_jobs.start_export(project, "jsonl", viewer=eva, by=eva, at=timezone.now())
    page, file = (reverse(f"annotation:{name}", args=["mail", made.uid]) for name in ("export", "export-file"))
    assert "every 1s" in client.get(page).content.decode() and client.get(file).status_code == 404
    made = run(made)
    assert (made.state, made.items) == (WorkState.FINISHED, 1)
    assert "Download" in client.get(page).content.decode()
    data = b"".join(client.get(file).streaming_content)  # type: ignore[attr-defined]  # a file streams
    assert b'"key":"a"' in data and len(data) == made.size
    assert other.get(file).status_code == other.get(page).status_code == 404
    assert export_jobs.sweep(at=timezone.now() + timedelta(days=settings.FILE_DAYS + 1)) == 1
    assert not DataExport.objects.exists() and client.get(file).status_code == 404
    assert not [path for path in settings.MEDIA_HOME.rglob("*") if path.is_file()]


def test_a_format_that_cannot_carry_the_project_is_refused_or_fails_with_the_reason(project: Project) -> None:
    eva, _ = signed_in(project, "eva")
    with pytest.raises(UnusableFile, match="There is no format xml"):
        export_jobs.start_export(project, "xml", viewer=eva, by=eva, at=timezone.now())
    numbers = make_project("numbers", inputs={"amount": {"type": "number"}})
    make_item(numbers, "a", inputs={"amount": 1})
    made = run(export_jobs.start_export(numbers, "doccano", viewer=None, by=eva, at=timezone.now()))
    assert made.state == WorkState.FAILED and "no input of type text" in made.error
