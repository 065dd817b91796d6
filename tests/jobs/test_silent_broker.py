"""Redis that accepts connections and never answers, or refuses them: nobody waits for it, and health says which."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from config.celery import Application, broker_settings
from jobs import broker, health, queue, reaper
from jobs.models import Job
from projects import members
from projects.models import Role, Scope
from tests.factories import NOW, make_project, make_user

send = broker.send  # before the fixture of all tests takes its place
PATIENCE = 4.0  # seconds, far from what a test needs and from the 10 that a silent Redis once took for each hint


class SilentServer:
    """Takes connections, counts them, and says nothing."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.taken: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.listener.getsockname()[1]}/0"

    def _accept(self) -> None:
        while True:
            try:
                self.taken.append(self.listener.accept()[0])
            except OSError:
                return

    def refuse(self) -> None:
        """Take no more connections."""
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def close(self) -> None:
        self.refuse()
        for one in self.taken:
            one.close()


@pytest.fixture
def silent() -> Iterator[SilentServer]:
    server = SilentServer()
    yield server
    server.close()


def use_redis(monkeypatch: pytest.MonkeyPatch, settings: Any, url: str) -> None:
    settings.REDIS_URL = url
    app = Application("test", set_as_current=False)
    app.config_from_object(broker_settings(url, Path("unused")))
    monkeypatch.setattr(broker, "current_app", app)
    monkeypatch.setattr(broker, "send", send)
    monkeypatch.setattr(broker.Pause, "until", 0.0)


def hint() -> bool:
    return broker.send(7, queue="default", soft_seconds=1, hard_seconds=2)


def test_after_one_wait_none_is_tried_until_the_pause_is_over(
    silent: SilentServer, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    use_redis(monkeypatch, settings, silent.url)
    began = time.monotonic()
    assert [hint() for _ in range(20)] == [False] * 20
    assert time.monotonic() - began < PATIENCE
    tried = len(silent.taken)
    assert tried >= 1
    monkeypatch.setattr(broker.Pause, "until", 0.0)
    assert not hint()
    assert len(silent.taken) > tried


def test_a_refused_connection_is_tried_once_without_a_pause(
    silent: SilentServer, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    use_redis(monkeypatch, settings, silent.url)
    silent.refuse()
    began = time.monotonic()
    assert [hint() for _ in range(5)] == [False] * 5
    assert broker.Pause.until == 0.0
    assert time.monotonic() - began < PATIENCE


def test_who_waits_for_messages_waits_longer_than_who_sends(silent: SilentServer) -> None:
    app = Application("test", set_as_current=False)
    app.config_from_object(broker_settings(silent.url, Path("unused")))
    reading, writing = (c.transport_options for c in (app.connection_for_read(), app.connection_for_write()))
    assert reading["socket_timeout"] == 10 > 1 > writing["socket_timeout"]
    assert "max_retries" not in reading and writing["max_retries"] == 0


@pytest.mark.django_db(transaction=True)
def test_a_capture_waits_for_no_broker(silent: SilentServer, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    use_redis(monkeypatch, settings, silent.url)
    project = make_project("mail")
    engineer = make_user("ada", project, Role.ENGINEER)
    _, secret = members.create_key(project, engineer, [Scope.INGEST], by=engineer, at=timezone.now())
    rows = [{"key": "1", "inputs": {"text": "hello"}, "scores": {"ham": 0.6, "spam": 0.4}, "model_version": "m1"}]
    answer = Client(headers={"authorization": f"Bearer {secret}"}).post(
        "/api/v1/projects/mail/predictions", json.dumps(rows), content_type="application/json"
    )
    assert (answer.status_code, answer.json()["created"]) == (200, 1)
    assert not silent.taken


@pytest.mark.django_db(transaction=True)
def test_jobs_of_one_request_wait_once_together_and_the_reaper_sends_their_hints_later(
    silent: SilentServer, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    use_redis(monkeypatch, settings, silent.url)
    began = time.monotonic()
    with transaction.atomic():
        jobs = [queue.enqueue("analysis.report", key=f"k{n}", at=NOW)[0] for n in range(8)]
    assert time.monotonic() - began < PATIENCE
    assert Job.objects.filter(hinted_at=None).count() == 8
    monkeypatch.setattr(broker, "send", lambda *_, **__: True)
    assert reaper.hint_waiting(at=NOW) == 8
    assert not Job.objects.filter(pk__in=[job.pk for job in jobs], hinted_at=None).exists()


@pytest.mark.django_db
def test_health_says_whether_redis_is_silent_or_away(silent: SilentServer, settings: Any) -> None:
    settings.REDIS_URL = silent.url
    assert health.check_broker().words == "Redis takes connections and does not answer within a second."
    silent.refuse()
    assert health.check_broker().words == "Redis does not answer."


@pytest.mark.django_db
def test_ready_says_it_and_the_process_is_up(silent: SilentServer, settings: Any) -> None:
    settings.REDIS_URL = silent.url
    answer = Client().get("/readyz")
    said = {one["name"]: one["detail"] for one in answer.json()["missing"]}
    assert (answer.status_code, said["broker"]) == (503, "Redis takes connections and does not answer within a second.")
    assert Client().get("/healthz").status_code == 200
