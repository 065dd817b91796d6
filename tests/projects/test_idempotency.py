"""Idempotency-Key: a request sent again is done once and answered the same."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from annotation.models import Item
from projects import idempotency, members
from projects.models import ApiKey, Role, Scope, StoredAnswer
from tests.factories import NOW, make_project, make_user

pytestmark = pytest.mark.django_db
ROW = {"key": "a", "inputs": {"text": "hello"}}
FRESH = {"created": 1, "existing": 0, "refused": []}


@pytest.fixture
def secret() -> str:
    project = make_project("mail")
    person = make_user(project=project, role=Role.ENGINEER)
    return members.create_key(project, person, [Scope.INGEST], by=person, at=NOW)[1]


def post(secret: str, rows: Any, name: str = "n-1") -> Any:
    headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": name}
    return Client(raise_request_exception=False).post(
        "/api/v1/projects/mail/predictions", json.dumps(rows), content_type="application/json", headers=headers
    )


def test_the_same_request_again_gets_the_stored_answer(secret: str) -> None:
    first, again = post(secret, [ROW]), post(secret, [ROW])
    assert (first.json(), again.json()) == (FRESH, FRESH)
    assert "Idempotent-Replayed" not in first and again["Idempotent-Replayed"] == "true"
    assert again["Content-Type"] == first["Content-Type"]


def test_a_refusal_is_replayed_too(secret: str) -> None:
    answers = [post(secret, {"no": "rows"}) for _ in range(2)]
    assert [(a.status_code, a["Content-Type"]) for a in answers] == [(400, "application/problem+json")] * 2


def test_another_request_under_the_name_is_refused_and_nothing_kept(secret: str) -> None:
    post(secret, [ROW])
    answer = post(secret, [{**ROW, "key": "b"}])
    assert answer.status_code == 422 and "was used before with another request" in answer.json()["detail"]
    assert Item.objects.count() == 1


def test_another_name_is_another_call(secret: str) -> None:
    post(secret, [ROW])
    assert post(secret, [ROW], "n-2").json() == {"created": 0, "existing": 1, "refused": []}


def test_a_name_belongs_to_its_api_key(secret: str) -> None:
    post(secret, [ROW])
    key = ApiKey.objects.get()
    other = members.create_key(key.project, key.user, [Scope.INGEST], by=key.user, at=NOW)[1]
    assert post(other, [ROW]).json() == {"created": 0, "existing": 1, "refused": []}


def test_a_request_still_being_answered_has_to_wait(secret: str) -> None:
    post(secret, [ROW])
    StoredAnswer.objects.update(status=None, created_at=timezone.now())
    answer = post(secret, [ROW])
    assert (answer.status_code, answer["Retry-After"]) == (409, "1")


def test_what_a_dead_process_left_unanswered_is_done_again_after_a_minute(secret: str) -> None:
    post(secret, [ROW])
    StoredAnswer.objects.update(status=None, created_at=timezone.now() - idempotency.IN_FLIGHT - timedelta(seconds=1))
    assert post(secret, [ROW]).json() == {"created": 0, "existing": 1, "refused": []}
    assert StoredAnswer.objects.get().status == 200


@pytest.mark.parametrize("fails", ["raises", "answers 503"])
def test_a_failure_is_not_kept(secret: str, monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    def fail(*_: Any, **__: Any) -> HttpResponse:
        if fails == "raises":
            raise RuntimeError("the disk is full")
        return HttpResponse(status=503)

    with monkeypatch.context() as patch:
        patch.setattr("annotation.api.capture.keep_batch", fail)
        assert post(secret, [ROW]).status_code in (500, 503)
    assert post(secret, [ROW]).json() == FRESH


def test_answers_are_kept_for_three_days(secret: str) -> None:
    post(secret, [ROW])
    StoredAnswer.objects.update(created_at=timezone.now() - idempotency.KEPT - timedelta(seconds=1))
    assert post(secret, [ROW]).json() == {"created": 0, "existing": 1, "refused": []}


@pytest.mark.parametrize("name", ["", "x" * 201])
def test_a_name_that_is_none_is_refused(secret: str, name: str) -> None:
    assert post(secret, [ROW], name).status_code == 400
    assert not Item.objects.exists()
