"""The export over HTTP: a whole file in the format asked for, and nothing that the key's person may not see."""

import json
from typing import Any

import pytest
from django.test import Client

from annotation import exporting
from annotation.exchange.formats import parquet
from annotation.models import Item
from projects.models import ApiKey, Project, Role, Scope
from projects.secrets import hashed
from tests.annotation.exchange.shapes import TEXTS, parse_bytes
from tests.factories import NOW, make_item, make_prediction, make_project, make_user

pytestmark = pytest.mark.django_db
SECRET = "plumb_" + "x" * 40


def make_key(project: Project, *scopes: Scope, role: Role = Role.ENGINEER) -> None:
    user = make_user("eva", project, role)
    ApiKey.objects.create(
        project=project, user=user, name="k", hash=hashed(SECRET), scopes=list(scopes), created_at=NOW
    )


def export(project: Project, **query: str) -> Any:
    return Client().get(f"/api/v1/projects/{project.slug}/export", query, headers={"Authorization": f"Bearer {SECRET}"})


def body_of(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("jsonl", "application/x-ndjson"),
        ("csv", "text/csv"),
        ("parquet", "application/vnd.apache.parquet"),
        ("label_studio", "application/json"),
        ("argilla", "application/x-ndjson"),
        ("doccano", "application/x-ndjson"),
    ],
)
def test_each_format_is_a_file_with_its_type_and_name(name: str, kind: str) -> None:
    project = make_project("mail")
    make_key(project, Scope.READ)
    make_prediction(make_item(project, "a"), [0.9, 0.1])
    answer = export(project, format=name)
    assert answer.status_code == 200 and answer.headers["Content-Type"].startswith(kind)
    assert 'filename="mail.' in answer.headers["Content-Disposition"] and body_of(answer)


def test_without_a_format_it_is_json_lines() -> None:
    project = make_project("mail")
    make_key(project, Scope.READ)
    make_prediction(make_item(project, "a"), [0.75, 0.25])
    (row,) = map(json.loads, body_of(export(project)).splitlines())
    assert row["key"] == "a" and row["predictions"][0]["scores"] == {"ham": 0.75, "spam": 0.25}


@pytest.mark.parametrize(
    ("query", "scope", "status", "words"),
    [
        ({"format": "xml"}, Scope.READ, 422, "There is no format xml to write"),
        ({"format": "langfuse"}, Scope.READ, 422, "There is no format langfuse to write"),
        ({}, Scope.INGEST, 403, "needs read"),
    ],
)
def test_what_cannot_be_exported_is_a_problem(query: dict[str, str], scope: Scope, status: int, words: str) -> None:
    project = make_project("mail")
    make_key(project, scope)
    answer = export(project, **query)
    assert answer.status_code == status and words in answer.json()["detail"]


def test_a_key_that_may_annotate_gets_only_the_inputs_of_items_that_its_person_is_to_label_blind() -> None:
    project = make_project("mail")
    make_key(project, Scope.READ, Scope.ANNOTATE)
    drawn = make_item(project, "drawn", audit_number=0.1, audit_probability=0.5)
    plain = make_item(project, "plain")
    for item in (drawn, plain):
        make_prediction(item, [0.9, 0.1])
    rows = {row["key"]: row for row in map(json.loads, body_of(export(project)).splitlines())}
    assert "predictions" in rows["plain"] and set(rows["drawn"]) == {"key", "inputs", "at"}
    assert Item.objects.count() == 2


def test_full_rows_are_given_where_asked_for() -> None:
    project = make_project("mail")
    make_key(project, Scope.READ)
    make_item(project, "a", audit_number=0.1, audit_probability=0.5)
    plain, full = (json.loads(body_of(export(project, **query))) for query in ({}, {"full": "yes"}))
    assert "sampling" not in plain and full["sampling"]["audit_probability"] == 0.5
    assert export(project, full="yes", format="doccano").status_code == 422


@pytest.mark.parametrize("name", ["jsonl", "csv", "parquet", "label_studio", "argilla", "doccano"])
def test_it_is_sent_while_it_is_written(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "AT_ONCE", 1)
    monkeypatch.setattr(exporting, "PART", 1)
    monkeypatch.setattr(parquet, "PART", 1)
    project = make_project("mail")
    make_key(project, Scope.READ)
    make_item(project, "first")
    parts = iter(export(project, format=name).streaming_content)
    begun = next(parts)
    make_item(project, "second")
    assert [getattr(row, "key", "") for row in parse_bytes(name, begun + b"".join(parts), TEXTS)] == ["first", "second"]


def test_what_fails_on_the_way_does_not_look_like_the_end_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "AT_ONCE", 1)
    monkeypatch.setattr(exporting, "PART", 1)
    project = make_project("mail")
    make_key(project, Scope.READ)
    make_item(project, "first")
    parts = iter(export(project).streaming_content)
    next(parts)
    make_item(project, "second", inputs={"text": {"media": "gone"}})
    with pytest.raises(Exception, match="gone"):
        list(parts)
