"""Signal kinds: those of the surface, and one more that a test adds without touching another module."""

from collections.abc import Iterator

import pytest

from annotation.models import Cause, Item, RoutedItem
from annotation.routing import route
from annotation.signals import kinds
from annotation.signals.capture import capture_signals
from tests.factories import NOW, make_item, make_project

SURFACE = [
    *("thumbs_up", "thumbs_down", "correction", "override", "escalation", "comment"),
    *("action", "outcome", "exposure", "click", "skip", "dwell"),
]


@pytest.fixture
def rollback() -> Iterator[kinds.SignalKind]:
    """A kind that no module knows."""
    kind = kinds.SignalKind(
        "rollback", "The product took the action back.", kinds.SignalOrigin.REACTION, objection=True, label=True
    )
    yield kinds.register(kind)
    kinds.unregister("rollback")


def test_has_every_kind_of_the_surface() -> None:
    assert kinds.names() == SURFACE


def test_says_which_kinds_object_and_which_tell_what_happened() -> None:
    assert kinds.objections() == ["thumbs_down", "correction", "override", "escalation"]
    assert kinds.outcomes() == ["outcome"]


def test_a_kind_whose_value_is_a_label_comes_from_a_person() -> None:
    for name in kinds.names():
        kind = kinds.kind_named(name)
        assert kind is not None and (not kind.label or kind.origin == kinds.SignalOrigin.STATEMENT)


def test_takes_the_same_kind_twice_and_no_other_under_its_name(rollback: kinds.SignalKind) -> None:
    kinds.register(rollback)
    with pytest.raises(ValueError, match="another signal kind rollback"):
        kinds.register(kinds.SignalKind("rollback", "Something else.", kinds.SignalOrigin.BEHAVIOUR))


@pytest.mark.django_db
def test_a_new_kind_is_captured_checked_and_asked_about(rollback: kinds.SignalKind) -> None:
    project = make_project(routing={"waiting": 1})  # what people object to goes before the audit draw
    item = make_item(project, "a")
    Item.objects.update(audit_number=0.999, audit_probability=0.5)  # not drawn: an audit item would be asked as one

    captured = capture_signals(
        project,
        [
            {"id": "1", "key": "a", "kind": "rollback", "value": "spam"},
            {"id": "2", "key": "a", "kind": "rollback"},
        ],
        at=NOW,
    )
    route(project, at=NOW, seed=1)

    assert (captured.created, captured.refused[0].error) == (
        1,
        "A rollback needs `value`: No label is given; the labels are ham, spam.",
    )
    assert RoutedItem.objects.filter(item=item, cause=Cause.OVERRIDDEN).exists()
