"""What was said, released or done is not changed afterwards: the database itself refuses it."""

import pytest
from django.db import IntegrityError, connection, models, transaction

from annotation.models import Cause, Label, LabelRevision, Lease, Queue, RoutedItem, Slot
from projects import append_only, audit
from projects.models import AuditEvent, Project, User
from retraining.models import Dataset, DecisionRule, ModelVersion, Release, TrainingRun
from tests.factories import NOW, make_item, make_project, make_user

pytestmark = pytest.mark.django_db


def an_event(project: Project, user: User) -> AuditEvent:
    return audit.record("member.role", by=user, at=NOW, project=project)


def a_revision(project: Project, user: User) -> LabelRevision:
    item = make_item(project)
    queue = Queue.objects.create(project=project, slug="q", title="Q", cause=Cause.AUDIT, created_at=NOW)
    routed = RoutedItem.objects.create(
        project=project,
        queue=queue,
        item=item,
        cause=Cause.AUDIT,
        reason="x",
        inclusion_probability=1,
        priority=1,
        routed_at=NOW,
    )
    slot = Slot.objects.create(project=project, queue=queue, routed=routed, item=item, ordinal=1, priority=1)
    lease = Lease.objects.create(project=project, slot=slot, item=item, user=user, granted_at=NOW)
    label = Label.objects.create(
        project=project,
        item=item,
        lease=lease,
        slot=slot,
        user=user,
        cause=Cause.AUDIT,
        value="ham",
        created_at=NOW,
        updated_at=NOW,
    )
    return LabelRevision.objects.create(label=label, number=1, state="given", value="ham", by=user, at=NOW)


def a_release(project: Project, user: User) -> Release:
    dataset = Dataset.objects.create(
        project=project,
        number=1,
        hash="0" * 64,
        schema_version=1,
        contract_version=1,
        cut_at=NOW,
        train_rows=1,
        evaluation_rows=1,
        created_at=NOW,
    )
    run = TrainingRun.objects.create(project=project, number=1, reason="x", dataset=dataset, created_at=NOW)
    version = ModelVersion.objects.create(
        project=project,
        number=1,
        run=run,
        family="linear",
        artifact_sha256="0" * 64,
        artifact_size=1,
        signature="0" * 64,
        schema_version=1,
        contract_version=1,
        created_at=NOW,
    )
    return Release.objects.create(project=project, act="promote", version=version, by=user, reason="better", at=NOW)


def a_rule(project: Project, user: User) -> DecisionRule:
    body = {"thresholds": {"spam": 0.5}}
    return DecisionRule.objects.create(project=project, kind="threshold", number=1, body=body, by=user, at=NOW)


@pytest.fixture(params=[an_event, a_revision, a_release, a_rule], ids=lambda make: make.__name__)
def row(request) -> models.Model:
    project = make_project("digits")
    return request.param(project, make_user("ada", project, "admin"))


@pytest.mark.parametrize("act", ["update", "save", "delete", "delete by id"])
def test_a_row_is_not_changed_by_any_way_of_the_orm(row, act):
    rows = type(row)._default_manager.filter(pk=row.pk)
    before = rows.values().get()
    acts = {
        "update": lambda: rows.update(at=before["at"].replace(year=2020)),
        "save": row.save,
        "delete": row.delete,
        "delete by id": lambda: rows._raw_delete(rows.db),
    }
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        acts[act]()
    assert rows.values().get() == before


def test_plain_sql_is_refused_too(row):
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {row._meta.db_table}")


def test_nothing_above_takes_it_along_when_it_is_deleted(row):
    project = Project.objects.get(slug="digits")
    if isinstance(row, AuditEvent):
        project.delete()
        assert AuditEvent.objects.filter(pk=row.pk).exists()
        return
    with pytest.raises((IntegrityError, models.ProtectedError)), transaction.atomic():
        project.delete()
    assert type(row)._default_manager.filter(pk=row.pk).exists()


def test_every_append_only_table_is_named():
    tables = {model._meta.db_table for model in (AuditEvent, LabelRevision, Release, DecisionRule)}
    assert tables == set(append_only.TABLES)
