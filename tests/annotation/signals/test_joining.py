"""Joining: what waits is counted, and joined by whichever comes last, or by the periodic work."""

from datetime import timedelta

import pytest
from django.db import DatabaseError

from annotation import capture, tasks
from annotation.models import Signal
from annotation.signals import joining
from annotation.signals.capture import capture_signals
from jobs import registry
from tests.factories import NOW, make_item, make_project

pytestmark = pytest.mark.django_db
PREDICTION = {"key": "a", "inputs": {"text": "hello"}}
SIGNAL = {"id": "s1", "key": "a", "kind": "thumbs_down"}


def test_a_prediction_captured_between_the_look_for_it_and_the_commit_is_joined(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The other order of the two is played on PostgreSQL in tests/services."""
    from annotation.signals import capture as signals

    project, look = make_project(), signals._find_items

    def look_too_early(*given: object) -> dict[str, int]:
        found = look(*given)  # type: ignore[arg-type]
        make_item(project, "a")
        return found

    monkeypatch.setattr(signals, "_find_items", look_too_early)
    captured = capture_signals(project, [SIGNAL], at=NOW)
    assert (captured.created, captured.waiting) == (1, 0)
    assert Signal.objects.get().item is not None


def test_what_waits_is_counted_with_the_time_of_the_first() -> None:
    project = make_project()
    assert joining.count_waiting(project) == joining.Waiting(0, None)
    for hours, key in enumerate("abc"):
        capture_signals(project, [{**SIGNAL, "id": key, "key": key}], at=NOW + timedelta(hours=hours))
    make_item(project, "c")
    joining.join_all()
    assert joining.count_waiting(project) == joining.Waiting(2, NOW)


def test_a_capture_that_died_before_its_look_is_made_good_by_the_periodic_work(monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_project()
    capture_signals(project, [SIGNAL], at=NOW)
    capture_signals(project, [{**SIGNAL, "id": "s2"}], at=NOW - timedelta(days=3))
    monkeypatch.setattr(joining, "join_keys", lambda *given: None)
    capture.capture_rows(project, [PREDICTION], at=NOW)

    tasks.join_recent_signals(NOW + timedelta(minutes=1))
    assert list(Signal.objects.filter(item=None).values_list("key", flat=True)) == ["s2"]
    tasks.join_all_signals(NOW + timedelta(minutes=1))
    assert joining.count_waiting(project).count == 0


def test_both_kinds_of_periodic_work_are_registered() -> None:
    names = {periodic.name for periodic in registry.periodic()}
    assert {"annotation.join_signals", "annotation.join_all_signals"} <= names


def test_a_look_that_fails_after_the_commit_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_project()
    capture_signals(project, [SIGNAL], at=NOW)

    def away(waiting: object) -> int:
        raise DatabaseError("the connection is gone")

    with monkeypatch.context() as patch:
        patch.setattr(joining, "_join", away)
        assert capture.capture_rows(project, [PREDICTION], at=NOW).created == 1
    assert joining.join_all() == 1
