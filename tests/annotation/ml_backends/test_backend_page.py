"""Settings → ML backends: added once, refused in words, switched, asked, removed; each an audit event."""

from typing import Any

import pytest
from django.test import Client

from annotation.ml_backends import registration
from annotation.models import MLBackend
from jobs.models import Job
from projects.models import AuditEvent, Project, Role
from tests.factories import make_project, make_user

pytestmark = pytest.mark.django_db
URL = "https://203.0.113.7:9090/ml"
GIVEN = {"once": "one", "name": "Tiny", "url": f"{URL}/", "queue_slug": ""}
PAGE = "/p/mail/ml-backends/"


@pytest.fixture
def project() -> Project:
    return make_project("mail")


@pytest.fixture
def browser(project: Project, settings: Any) -> Client:
    settings.OUTGOING_NETWORKS = ["203.0.113.0/24"]  # of documentation
    client = Client()
    client.force_login(make_user("emil", project, Role.ENGINEER))
    return client


def test_a_form_that_is_sent_twice_adds_one_and_has_it_asked(project: Project, browser: Client) -> None:
    for _ in range(2):
        assert browser.post(PAGE + "add/", GIVEN).status_code == 302
    backend = MLBackend.objects.get()
    assert backend.url == URL and Job.objects.filter(kind=registration.ASK).count() == 1
    assert AuditEvent.objects.get(action="ml_backend.add").actor == "user:emil"
    page = browser.get(PAGE).content.decode()
    assert "being asked" in page and f"BASIC_AUTH_PASS={registration.password_of(backend)}" in page


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("url", "http://127.0.0.1:9090", "private"),
        ("url", "https://169.254.169.254", "never called"),
        ("url", f"{URL}?key=1", "no ?query"),
        ("url", "", "Enter an address"),
        ("name", "", "Say what the model is called"),
        ("queue_slug", "nowhere", "not one of the available choices"),
    ],
)
def test_what_cannot_be_is_refused_in_words(browser: Client, field: str, value: str, words: str) -> None:
    refused = browser.post(PAGE + "add/", {**GIVEN, field: value})
    assert refused.status_code == 422 and words in refused.content.decode()
    assert not MLBackend.objects.exists()


def test_a_name_is_taken_once_and_ten_are_enough(project: Project, browser: Client) -> None:
    browser.post(PAGE + "add/", GIVEN)
    assert "already" in browser.post(PAGE + "add/", {**GIVEN, "once": "two"}).content.decode()
    for number in range(registration.MOST):
        answered = browser.post(PAGE + "add/", {**GIVEN, "once": f"n{number}", "name": f"Tiny {number}"})
    assert "at most 10" in answered.content.decode() and MLBackend.objects.count() == registration.MOST


def test_it_is_switched_asked_and_removed(project: Project, browser: Client) -> None:
    browser.post(PAGE + "add/", GIVEN)
    backend = MLBackend.objects.get()
    for on in ("0", "0", "1"):
        browser.post(f"{PAGE}{backend.uid}/switch/", {"enabled": on})
    assert browser.post(f"{PAGE}{backend.uid}/ask/").status_code == 302
    browser.post(f"{PAGE}{backend.uid}/remove/")
    assert not MLBackend.objects.exists()
    acts = list(AuditEvent.objects.filter(action__startswith="ml_backend").values_list("action", flat=True))
    assert sorted(acts) == [f"ml_backend.{act}" for act in ("add", "disable", "enable", "remove")]
