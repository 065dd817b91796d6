"""The broker: a hint carries the job's id, queue and limits, and a broker that is away breaks nothing."""

from pathlib import Path
from typing import Any

import pytest

from jobs import broker, health, registry

send = broker.send  # before the fixture of all tests takes its place


def test_a_hint_carries_queue_and_both_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: dict[str, Any] = {}
    monkeypatch.setattr(broker.current_app, "send_task", lambda name, **more: sent.update(name=name, **more))
    assert send(7, queue="train", soft_seconds=600, hard_seconds=660)
    assert (sent["name"], sent["kwargs"], sent["queue"]) == ("jobs.run", {"job_id": 7}, "train")
    assert (sent["soft_time_limit"], sent["time_limit"]) == (600, 660)


def test_a_broker_that_is_away_is_an_answer_and_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(broker.current_app, "send_task", away)
    assert not send(7, queue="default", soft_seconds=1, hard_seconds=2)


def test_every_kind_of_job_has_a_soft_limit_below_its_hard_one() -> None:
    kinds = list(registry._kinds)
    assert kinds
    for kind in kinds:
        assert 0 < kind.soft_seconds < kind.hard_seconds, kind.name
        assert kind.queue in health.QUEUES.values(), kind.name


def test_folders_that_somebody_removed_are_made_again_before_a_hint_is_sent(
    monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
) -> None:
    settings.BROKER_HOME = tmp_path / "broker"
    monkeypatch.setattr(broker.current_app, "send_task", lambda *_, **__: None)
    assert send(7, queue="default", soft_seconds=1, hard_seconds=2)
    assert sorted(path.name for path in settings.BROKER_HOME.iterdir()) == ["control", "messages"]
    assert (settings.BROKER_HOME / "messages").stat().st_mode & 0o077 == 0


def test_folders_that_cannot_be_made_end_no_reaper(settings: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings.BROKER_HOME = tmp_path / "file" / "broker"
    broker.restore()
