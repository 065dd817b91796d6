"""The audit trail: a chain that shows any change, and triggers that refuse one."""

from collections.abc import Callable
from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse

from analysis import release_events
from overview import events
from projects import append_only, audit
from projects.models import AuditEvent, Project
from tests.factories import NOW, make_project, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def three_events() -> list[AuditEvent]:
    ada = make_user("ada")
    return [
        audit.record("member.role", by=ada, at=NOW + timedelta(seconds=n), target=f"person-{n}", details={"n": n})
        for n in range(3)
    ]


@pytest.fixture
def tamper() -> Callable[..., None]:
    """Change a stored event as somebody with the database in hand would, past the triggers."""

    def change(sequence: int, **fields: object) -> None:
        with append_only.lifted("projects_auditevent"):
            AuditEvent.objects.filter(sequence=sequence).update(**fields)

    return change


def test_a_chain_as_written_fits(three_events):
    assert [event.sequence for event in three_events] == [1, 2, 3]
    assert three_events[0].previous_hash == audit.GENESIS
    assert three_events[2].previous_hash == three_events[1].hash
    assert audit.first_break() is None


def test_an_empty_chain_fits():
    assert audit.first_break() is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("actor", "user:somebody-else"),
        ("action", "key.create"),
        ("target", "other"),
        ("details", {"n": 9}),
        ("project", "other"),
        ("project_pk", 77),
        ("at", NOW + timedelta(days=1)),
    ],
)
def test_a_changed_field_is_found_at_its_event(three_events, tamper, field, value):
    tamper(2, **{field: value})
    assert audit.first_break() == (2, "event 2 was changed after it was written")


def test_a_changed_event_with_a_new_hash_breaks_the_next(three_events, tamper):
    event = three_events[1]
    event.actor = "user:somebody-else"
    tamper(2, actor=event.actor, hash=audit.digest(event))
    assert audit.first_break() == (3, "event 3 does not follow event 2")


@pytest.mark.parametrize("secret", ["", "another key, or what somebody takes for it " * 2])
def test_a_chain_written_anew_without_the_key_does_not_fit(three_events, tamper, secret):
    previous = audit.GENESIS
    for event in three_events:
        event.actor, event.previous_hash = "user:somebody-else", previous
        previous = audit.digest(event, secret)
        tamper(event.sequence, actor=event.actor, previous_hash=event.previous_hash, hash=previous)
    assert audit.first_break() == (1, "event 1 was changed after it was written")


def test_a_chain_begun_under_an_earlier_key_fits_while_that_key_is_kept(three_events, settings):
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new key " * 9, [settings.SECRET_KEY]
    audit.record("member.role", by=None, at=NOW)
    assert audit.first_break() is None
    settings.SECRET_KEY_FALLBACKS = []
    assert audit.first_break() == (1, "event 1 was changed after it was written")


def cut(after: int) -> None:
    with append_only.lifted("projects_auditevent"):
        AuditEvent.objects.filter(sequence__gt=after).delete()


def test_a_chain_whose_end_was_cut_off_fits_only_without_the_exported_head(three_events):
    exported = audit.head()
    assert audit.first_break(exported) is None
    audit.record("member.role", by=None, at=NOW)
    assert audit.first_break(exported) is None
    cut(after=1)
    assert audit.first_break() is None
    assert audit.first_break(exported) == (2, "the chain ends before event 3, which was exported")


def test_a_chain_that_went_another_way_after_a_cut_does_not_fit_the_exported_head(three_events):
    exported = audit.head()
    cut(after=2)
    audit.record("member.role", by=None, at=NOW, target="somebody else")
    assert audit.first_break() is None
    assert audit.first_break(exported) == (3, "event 3 is not the one that was exported")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"sequence": "3", "hash": "a"}', '{"sequence": true, "hash": ""}'])
def test_a_file_that_holds_no_head_is_refused(text):
    with pytest.raises(audit.BadHead, match="The head of an audit trail is"):
        audit.parse_head(text)


class Editor:
    """What a migration's function asks of a schema editor."""

    connection = connection


def test_the_migration_keys_a_plain_chain_and_leaves_a_broken_one_broken(three_events, tamper):
    migration = import_module("projects.migrations.0006_keyed_audit_chain")
    migration.to_plain(apps, Editor)
    assert audit.first_break() == (1, "event 1 was changed after it was written")
    migration.to_keyed(apps, Editor)
    assert audit.first_break() is None
    migration.to_plain(apps, Editor)
    tamper(2, actor="user:somebody-else")
    migration.to_keyed(apps, Editor)
    assert audit.first_break() == (2, "event 2 does not follow event 1")
    wanted = {f"{table}_no_{verb.lower()}" for table in append_only.TABLES for verb in append_only.VERBS}
    assert wanted <= append_only.protected(connection)


def test_a_missing_event_is_named(three_events):
    with append_only.lifted("projects_auditevent"):
        AuditEvent.objects.filter(sequence=2).delete()
    assert audit.first_break() == (2, "event 2 is missing")


def test_an_act_that_is_rolled_back_leaves_no_event(three_events):
    def fails() -> None:
        with transaction.atomic():
            audit.record("member.role", by=None, at=NOW)
            raise RuntimeError

    pytest.raises(RuntimeError, fails)
    assert AuditEvent.objects.count() == 3


def test_the_actor_is_a_user_a_key_or_the_system():
    ada = make_user("ada", make_project("digits"), "admin")
    assert audit.actor_name(ada) == "user:ada"
    assert audit.actor_name(None) == "system"


@pytest.mark.parametrize("act", ["update", "delete"])
def test_the_database_refuses_to_change_an_event(three_events, act):
    def change() -> None:
        with transaction.atomic():
            rows = AuditEvent.objects.filter(sequence=2)
            _ = rows.update(actor="nobody") if act == "update" else rows.delete()

    with pytest.raises(IntegrityError, match="append-only"):
        change()
    assert audit.first_break() is None


def test_every_append_only_table_is_protected_after_all_migrations():
    wanted = {f"{table}_no_{verb.lower()}" for table in append_only.TABLES for verb in append_only.VERBS}
    assert wanted <= append_only.protected(connection)


def test_lifting_puts_the_protection_back():
    before = append_only.protected(connection)
    with append_only.lifted("projects_auditevent"):
        assert "projects_auditevent_no_update" not in append_only.protected(connection)
    assert append_only.protected(connection) == before


def rename(project: Project, slug: str) -> None:
    Project.objects.filter(pk=project.pk).update(slug=slug)
    project.refresh_from_db()


def test_the_events_of_a_project_are_found_after_its_slug_changed() -> None:
    project, ada = make_project("before"), make_user("ada")
    audit.record("key.create", by=ada, at=NOW, project=project)
    rename(project, "after")
    audit.record("key.revoke", by=ada, at=NOW, project=project)
    newcomer = make_project("before")
    audit.record("member.add", by=ada, at=NOW, project=newcomer)

    assert [event.action for event in AuditEvent.objects.of(project).order_by("sequence")] == [
        "key.create",
        "key.revoke",
    ]
    assert [event.action for event in AuditEvent.objects.of(newcomer)] == ["member.add"]
    assert audit.first_break() is None


def test_so_are_those_that_were_written_before_events_had_the_projects_id() -> None:
    project = make_project("before", audit_slug="before")
    event = audit.record("key.create", by=None, at=NOW, project=project)
    event.project_pk = None
    with append_only.lifted("projects_auditevent"):
        AuditEvent.objects.filter(pk=event.pk).update(project_pk=None, hash=audit.digest(event))
    rename(project, "after")

    assert AuditEvent.objects.of(project).get() == event
    assert not AuditEvent.objects.of(make_project("before")).exists()
    assert audit.first_break() is None


def test_a_changed_slug_hides_no_event_on_any_page() -> None:
    project = make_project("before")
    browser, ada = Client(), make_user("ada", project, "admin")
    browser.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    audit.record("release.promote", by=ada, at=NOW, project=project, target="v3", details={"version": "v3"})
    rename(project, "after")

    page = browser.get(reverse("projects:audit", args=["after"])).content.decode()
    assert "release.promote" in page
    assert [event.version for event in release_events.list_releases(project)] == ["v3"]
    assert events.events(project)
