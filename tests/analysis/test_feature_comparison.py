"""A file of features is uploaded on the page Input contract; a job compares it, and the page shows what differs."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from analysis import skew_jobs
from annotation.models import StoredUpload
from jobs import execution
from jobs.models import Job, JobState
from projects.models import AuditEvent, Project, Role
from tests.factories import make_item, make_project, make_user

pytestmark = pytest.mark.django_db
PAGE = "/p/loans/input-contract/"
FEATURES = b"id,amount\nk1,1\nk2,7\n"


@pytest.fixture
def project() -> Project:
    project = make_project("loans", inputs={"amount": {"type": "number"}})
    for key in ("k1", "k2", "k3"):
        make_item(project, key, inputs={"amount": 1.0})
    return project


@pytest.fixture
def browser(project: Project) -> Client:
    client = Client()
    client.force_login(make_user("emil", project, Role.ENGINEER))
    return client


def send(browser: Client, body: bytes = FEATURES, *, name: str = "training.csv", query: str = "&key=id") -> Any:
    return browser.post(f"{PAGE}compare?name={name}{query}", body, content_type="application/octet-stream")


def run_job() -> Job:
    job = Job.objects.get(kind=skew_jobs.KIND)
    execution.run(job.pk)
    job.refresh_from_db()
    return job


def words(browser: Client, **headers: str) -> str:
    return " ".join(browser.get(PAGE, headers=headers).content.decode().split())


def test_the_page_says_that_it_is_compared_and_then_what_differs(project: Project, browser: Client) -> None:
    for _ in range(2):  # a second click is the same comparison
        assert send(browser).json() == {"address": f"{PAGE}#skew-title"}
    assert "training.csv is being compared" in words(browser)
    assert AuditEvent.objects.filter(action="features.compare").count() == 1
    job = run_job()
    assert (job.state, job.result["matched"]) == (JobState.SUCCEEDED, 2)
    page = words(browser)
    assert "is being compared" not in page and "2 items of the newest 3 have a row in training.csv" in page
    assert "amount: 1 differ" in page
    part = words(browser, **{"HX-Request": "true", "HX-Target": "skew"})
    assert part.startswith("<section") and "amount: 1 differ" in part and "<h1" not in part


def test_a_form_without_scripts_does_the_same(project: Project, browser: Client) -> None:
    file = SimpleUploadedFile("training.csv", FEATURES)
    assert browser.post(f"{PAGE}compare", {"file": file, "key": "id"}).status_code == 302
    assert run_job().result["matched"] == 2


def test_a_file_that_cannot_be_compared_ends_the_job_with_its_reason(project: Project, browser: Client) -> None:
    send(browser, b"id,other\nk1,1\n")
    job = run_job()
    assert job.state == JobState.DEAD and "No row has an input that can be compared" in job.error
    assert "training.csv was not compared." in words(browser)
    send(browser)
    execution.run(Job.objects.latest("pk").pk)
    assert "was not compared" not in words(browser)


@pytest.mark.parametrize(
    ("name", "body", "query"), [("notes.pdf", FEATURES, ""), ("a.csv", b"", ""), ("a.csv", FEATURES, "&key=%00")]
)
def test_what_is_no_such_file_is_refused_at_once(browser: Client, name: str, body: bytes, query: str) -> None:
    refused = send(browser, body, name=name, query=query)
    assert refused.status_code == 422 and refused.json()["detail"].endswith(".")
    assert not Job.objects.filter(kind=skew_jobs.KIND).exists() and not StoredUpload.objects.exists()
    as_form = browser.post(f"{PAGE}compare", {"file": SimpleUploadedFile(name, body or b" ")} if "pdf" in name else {})
    assert as_form.status_code == 422 and 'role="alert"' in as_form.content.decode()
