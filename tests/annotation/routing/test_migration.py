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


@pytest.fixture
def with_rates() -> Iterator[Any]:
    """The models as they were while the audit queue held the rate."""
    executor = MigrationExecutor(connection)
    newest = executor.loader.graph.leaf_nodes()
    yield executor.migrate([("annotation", "0014_encoding_progress_of_files")]).apps
    MigrationExecutor(connection).migrate(newest)


def test_the_rate_of_the_audit_queue_becomes_the_first_setting_and_draws_keep_their_probability(
    with_rates: Any,
) -> None:
    project = with_rates.get_model("projects", "Project").objects.create(slug="p", title="P", created_at=NOW)
    queue, item = with_rates.get_model("annotation", "Queue"), with_rates.get_model("annotation", "Item")
    queue.objects.create(project=project, slug="a", title="A", cause="audit", rate=0.07, created_at=NOW)
    queue.objects.create(project=project, slug="b", title="B", cause="slice", created_at=NOW)
    given = {"body_hash": "0", "inputs": {}, "contract_version": 1, "at": NOW, "captured_at": NOW}
    item.objects.create(project=project, key="k", audit_number=0.5, audit_probability=0.1, **given)

    executor = MigrationExecutor(connection)
    after = executor.migrate([("annotation", "0015_audit_settings")]).apps

    setting = after.get_model("annotation", "AuditSetting").objects.get()
    assert (setting.version, setting.rate, setting.floor, setting.model_version) == (1, 0.07, 1.0, "")
    kept = after.get_model("annotation", "Item").objects.get()
    assert (kept.audit_probability, kept.audit_setting) == (0.1, None)
