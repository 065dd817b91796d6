"""Bulk insert: what the ORM would have stored, and nothing twice."""

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from django.db import DataError, IntegrityError, connection, transaction

from annotation.models import Item, Prediction, Resolution
from projects import bulk_insert
from projects.bulk_insert import insert_new, many_batches
from projects.models import Project
from tests.factories import NOW, make_item, make_project

pytestmark = pytest.mark.django_db
VALUES = [{"text": 'a "quote" \\ and é \U0001f600', "n": 1e16}, {"n": 2**70}, {"list": [1.5, None, True]}]


def insert(project: Project, keys: list[str], **columns: Sequence[Any]) -> None:
    given: dict[str, Sequence[Any]] = {
        "uid": [f"item_{key}" for key in keys],
        "key": keys,
        "body_hash": [""] * len(keys),
    }
    given |= {"inputs": [{}] * len(keys)}
    given |= {"at": [NOW] * len(keys)}
    given |= columns
    insert_new(Item, given, project_id=project.pk, contract_version=1, captured_at=NOW)


def test_stores_what_the_orm_reads() -> None:
    project = make_project()
    at = [NOW, NOW.astimezone(timezone(timedelta(hours=5, minutes=30))), datetime(1999, 1, 1, tzinfo=NOW.tzinfo)]
    insert(project, ["a", "b", "c"], inputs=VALUES, at=at, segment=[{"x": 1}, {}, {"é": "\t"}])

    stored = list(Item.objects.order_by("key"))
    assert [item.inputs for item in stored] == VALUES
    assert [item.at for item in stored] == at
    assert [item.segment for item in stored] == [{"x": 1}, {}, {"é": "\t"}]
    assert {item.captured_at for item in stored} == {NOW}
    assert {(item.audit_number, item.asked_at, item.in_pool) for item in stored} == {(None, None, True)}  # defaults


def test_stores_bytes_numbers_and_nothing() -> None:
    project = make_project()
    items = [make_item(project, key=key) for key in "abc"]
    insert_new(
        Prediction,
        {
            "item_id": [item.pk for item in items],
            "scores": [b"\x00\xff", None, b""],
            "confidence": [0.1 + 0.2, None, 5e-324],
            "value": [None, [1], "x"],
        },
        project_id=project.pk,
        schema_version=1,
        at=NOW,
    )
    stored = list(Prediction.objects.order_by("item__key"))
    assert [row.scores and bytes(row.scores) for row in stored] == [b"\x00\xff", None, b""]
    assert [row.confidence for row in stored] == [0.1 + 0.2, None, 5e-324]
    assert [row.value for row in stored] == [None, [1], "x"]
    assert Prediction.objects.filter(value__isnull=True).count() == 1
    assert {(row.label, row.degraded, row.out_of_sample) for row in stored} == {("", False, True)}


@pytest.mark.parametrize("value", ["Müll", "🙂", ["a", "é"], [{"start": 0, "end": 2, "label": "ä"}], 1.5, True])
def test_a_value_is_found_by_what_it_is(value: Any) -> None:
    item = make_item(make_project())
    columns = {"item_id": [item.pk], "value": [value]}
    insert_new(Resolution, columns, project_id=item.project_id, method="single", quality=1.0, votes=1, resolved_at=NOW)
    assert Resolution.objects.filter(value=value).count() == Resolution.objects.filter(value__in=[value]).count() == 1


def test_leaves_out_what_is_there_already() -> None:
    project = make_project()
    insert(project, ["a"], segment=[{"first": 1}])
    insert(project, ["a", "b"], uid=["item_x", "item_y"], segment=[{"second": 1}, {}])
    assert list(Item.objects.order_by("key").values_list("key", "segment")) == [("a", {"first": 1}), ("b", {})]


def test_what_no_row_may_hold_fails_and_stores_nothing() -> None:
    project = make_project()
    with pytest.raises((IntegrityError, DataError)), transaction.atomic():
        insert(project, ["a", "b"], audit_probability=[0.5, 7.0])
    assert not Item.objects.exists()


def test_a_field_that_the_model_does_not_have_is_an_error() -> None:
    with pytest.raises(TypeError, match="Item has no field colour"):
        insert_new(Item, {"colour": []})


def test_takes_more_rows_than_one_statement_holds() -> None:
    project = make_project()
    insert(project, [f"k{place}" for place in range(2_500)])
    assert Item.objects.count() == 2_500


def test_nothing_to_insert_is_nothing() -> None:
    insert(make_project(), [])
    assert connection.is_usable() and not Item.objects.exists()


def test_many_batches_change_how_sqlite_works_and_put_it_back_also_after_a_failure() -> None:
    def settings_of_sqlite() -> dict[str, int]:
        with connection.cursor() as cursor:
            return {name: cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in bulk_insert.USUAL}

    if connection.vendor != "sqlite":
        with many_batches():
            assert connection.is_usable()
        return
    before = settings_of_sqlite()
    inside = []

    def fails() -> None:
        with many_batches():
            inside.append(settings_of_sqlite())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert inside == [bulk_insert.OF_MANY_BATCHES]
    assert settings_of_sqlite() == before == bulk_insert.USUAL
