"""Items of the former design, which drew the audit in rounds, keep the probabilities of their draws."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from tests.factories import NOW

pytestmark = pytest.mark.django_db(transaction=True)
BEFORE, AFTER = [("annotation", "0005_audit_at_capture")], [("annotation", "0006_first_audit_draws")]


@pytest.fixture
def apps() -> Iterator[Any]:
    """The models as they were before the data moved."""
    executor = MigrationExecutor(connection)
    newest = executor.loader.graph.leaf_nodes()
    yield executor.migrate(BEFORE).apps
    executor = MigrationExecutor(connection)
    executor.migrate(newest)


def test_carries_draws_choices_and_what_stands_for_nothing(apps: Any) -> None:
    def model(name: str) -> Any:
        return apps.get_model("annotation", name)

    project = apps.get_model("projects", "Project").objects.create(slug="p", title="P", created_at=NOW)
    queue = model("Queue").objects.create(project=project, slug="q", title="Q", cause="audit", created_at=NOW)

    def item(key: str, **fields: Any) -> Any:
        given = {"body_hash": "0", "inputs": {}, "contract_version": 1, "at": NOW, "captured_at": NOW}
        return model("Item").objects.create(project=project, key=key, **given, **fields)

    def routed(about: Any, cause: str, **fields: Any) -> None:
        given = {"reason": "r", "priority": 0.5, "inclusion_probability": 1.0, "state": "done", "routed_at": NOW}
        model("RoutedItem").objects.create(project=project, queue=queue, item=about, cause=cause, **given | fields)

    weighed = {"considered_at": NOW}
    item("left", **weighed)
    item("new")
    audit, both, asked, later = (item(key, **weighed) for key in ("audit", "both", "asked", "later"))
    routed(audit, "audit", inclusion_probability=0.1, audit_probability=0.1)
    routed(both, "audit", audit_probability=0.1, priority=0.9)
    routed(asked, "uncertain", priority=0.8)
    routed(later, "uncertain", represents=False, routed_at=NOW + timedelta(days=1))

    executor = MigrationExecutor(connection)
    items = executor.migrate(AFTER).apps.get_model("annotation", "Item").objects.all()
    after = {row.key: row for row in items}

    numbers = {key: (row.audit_number, row.audit_probability) for key, row in after.items() if row.audit_probability}
    drawn = {key for key, (number, probability) in numbers.items() if number < probability}
    assert drawn == {"audit", "both"}
    assert {after[key].audit_probability for key in ("audit", "left", "both", "asked", "later")} == {0.1}
    assert [after[key].asked_rank for key in ("both", "asked")] == [0, 1]
    assert {key for key, row in after.items() if row.asked_at} == {"both", "asked"}
    assert {key for key, row in after.items() if row.in_pool} == {"left", "new"}
    assert after["new"].audit_probability is None
