"""What fails says so: 503 while the database is away, else 500, with the id under which the log tells why."""

import errno
import logging
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from config.urls import handler500 as handler500
from config.urls import urlpatterns as real
from projects.guards import public

RAISED: dict[str, Exception] = {
    "away": OperationalError("connection refused"),
    "closed": InterfaceError("connection already closed"),
    "broken": RuntimeError("a fault of ours"),
    "full": OSError(errno.ENOSPC, "No space left on device"),
    "full_database": OperationalError("database or disk is full"),
}


@public
def fail(request: HttpRequest, how: str) -> HttpResponse:
    raise RAISED[how]


urlpatterns = [path("fail/<how>", fail), path("api/fail/<how>", fail), *real]
pytestmark = pytest.mark.urls(__name__)


@pytest.fixture
def browser() -> Client:
    return Client(raise_request_exception=False)


@pytest.mark.parametrize("how", ["away", "closed"])
def test_a_database_that_is_away_is_503_on_pages_and_in_the_api(browser: Client, how: str) -> None:
    page, call = browser.get(f"/fail/{how}"), browser.get(f"/api/fail/{how}")
    assert (page.status_code, page["Retry-After"]) == (503, "5")
    assert "The database does not answer" in page.content.decode()
    assert (call.status_code, call["Retry-After"]) == (503, "5")
    assert call["Content-Type"] == "application/problem+json"
    assert "nothing was kept" in call.json()["detail"]


@pytest.mark.parametrize("how", ["full", "full_database"])
def test_a_full_disk_is_503_and_said_on_pages_and_in_the_api(browser: Client, how: str) -> None:
    page, call = browser.get(f"/fail/{how}"), browser.get(f"/api/fail/{how}")
    assert (page.status_code, call.status_code) == (503, 503)
    assert "The disk is full" in page.content.decode()
    assert "disk of the server is full, and nothing was kept" in call.json()["detail"]


def test_the_id_on_the_page_of_a_failure_stands_in_the_log(browser: Client, caplog: pytest.LogCaptureFixture) -> None:
    page = browser.get("/fail/broken")
    assert page.status_code == 500
    assert page["X-Request-Id"] in page.content.decode()
    (logged,) = [record for record in caplog.records if "Internal Server Error" in record.getMessage()]
    assert formatted(logged, page["X-Request-Id"])


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["fail/away", "fail/broken", "api/fail/away", "api/fail/broken", "nowhere/", "api/x"])
def test_every_line_about_a_request_names_its_id(browser: Client, path: str, caplog: pytest.LogCaptureFixture) -> None:
    answer = browser.get(f"/{path}")
    lines = [record for record in caplog.records if record.name == "django.request"]
    assert answer.status_code >= 400 and lines
    assert all(formatted(record, answer["X-Request-Id"]) for record in lines)


def formatted(record: logging.LogRecord, id_: str) -> bool:
    """Whether the line that this installation writes for the record names the id."""
    return record.__dict__["request_id"] == id_


def test_lines_outside_of_a_request_name_none(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("jobs").error("Something")
    assert caplog.records[-1].__dict__["request_id"] == "-"


@pytest.fixture(autouse=True)
def _as_the_installation_logs(caplog: pytest.LogCaptureFixture, settings: Any) -> None:
    """caplog's handler stands where stderr's does, with the same filter."""
    from projects.logs import RequestIds

    assert settings.LOGGING["handlers"]["stderr"]["filters"] == ["request"]
    assert "%(request_id)s" in settings.LOGGING["formatters"]["plain"]["format"]
    caplog.handler.addFilter(RequestIds())


@pytest.mark.parametrize("charset", ["rot13", "hex", "utf-16", "nonsense", "utf-7", "undefined"])
def test_a_charset_that_no_text_is_sent_in_is_refused_on_any_page(browser: Client, charset: str) -> None:
    answer = browser.get("/healthz", CONTENT_TYPE=f"text/plain; charset={charset}")
    assert answer.status_code == 415
    assert "send UTF-8" in answer.json()["detail"]


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", "us-ascii", "iso-8859-1"])
def test_charsets_of_texts_are_taken(browser: Client, charset: str) -> None:
    assert browser.get("/healthz", CONTENT_TYPE=f"text/plain; charset={charset}").status_code == 200
