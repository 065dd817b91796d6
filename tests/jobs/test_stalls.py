"""A queue has stalled where a message was sent, no worker begins the job, and nothing else runs there."""

import os
import signal
from datetime import datetime, timedelta
from typing import Any

import pytest

from jobs import execution, health, queue, reaper, registry, stalls, tasks
from jobs.models import Job
from tests.factories import NOW
from validation.registry import Registry

pytestmark = pytest.mark.django_db
LONG = timedelta(seconds=10)


@pytest.fixture(autouse=True)
def kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_kinds", Registry("kind of job"))
    monkeypatch.setattr(registry, "_periodic", Registry("periodic work"))
    registry.handles("test.work")(lambda attempt: None)
    registry.handles("test.train", queue="train")(lambda attempt: None)


def hinted(kind: str = "test.work", *, at: datetime = NOW) -> Job:
    job, _ = queue.enqueue(kind, key=f"k{Job.objects.count()}", at=at)
    queue.hint(job, at=at)
    return job


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def since(seconds: float, *queues: str) -> datetime | None:
    return stalls.stalled_since(queues or ("default",), at=after(seconds), longer_than=LONG)


def test_a_queue_stalls_once_its_message_has_gone_unanswered_for_so_long() -> None:
    hinted()
    assert since(9) is None
    assert since(11) == NOW


def test_sending_the_message_again_does_not_hide_that_the_first_went_unanswered() -> None:
    job = hinted()
    queue.hint(job, at=after(9))
    job.refresh_from_db()
    assert (job.hints, job.hinted_at) == (2, after(9))
    assert since(11) == NOW


def test_a_queue_that_is_only_busy_has_not_stalled() -> None:
    busy = hinted()
    hinted()
    execution.claim(busy.pk, at=after(1), worker="w")
    assert since(11) is None


def test_a_queue_in_which_a_job_was_started_lately_has_not_stalled() -> None:
    done = hinted()
    hinted()
    attempt = execution.claim(done.pk, at=after(5), worker="w")
    assert attempt is not None
    with attempt.commit():
        pass
    assert since(11) is None
    assert since(16) == NOW


def test_a_job_that_runs_in_another_queue_does_not_hide_the_stall() -> None:
    other = hinted("test.train")
    hinted()
    execution.claim(other.pk, at=after(1), worker="w")
    assert since(11) == NOW
    assert since(11, "default", "train") is None  # a worker of both queues may be busy with the other


def test_a_job_that_is_not_due_or_was_never_hinted_is_no_stall() -> None:
    Job.objects.filter(pk=hinted().pk).update(due_at=after(60))
    Job.objects.filter(pk=hinted().pk).update(hinted_at=None, first_hinted_at=None)
    assert since(11) is None


@pytest.mark.parametrize("came_back", ["lost", "failed", "requeued"])
def test_a_job_that_came_back_waits_anew(came_back: str, django_user_model: Any) -> None:
    job = hinted()
    execution.claim(job.pk, at=NOW, worker="w")
    if came_back == "lost":
        assert reaper.requeue_lost(at=after(3600)) == 1
    else:
        execution.fail(job, 1, "It failed.", at=NOW, final=came_back == "requeued")
    job.refresh_from_db()
    if came_back == "requeued":
        queue.requeue(job, by=django_user_model.objects.create(username="someone"), at=NOW)
    job.refresh_from_db()
    assert (job.hinted_at, job.first_hinted_at) == (None, None)


def test_health_says_that_a_worker_runs_and_begins_no_work(settings: Any) -> None:
    hinted("test.train")
    late = after(settings.JOB_RESEND_SECONDS / 2 + 1)
    for role in health.PROCESSES:
        reaper.beat(role, role, at=late)
    failed = [check for check in health.check_processes(at=late) if not check.ok]
    assert [check.name for check in failed] == ["trainer"]
    assert failed[0].words.startswith("A trainer runs and begins no work: a job was sent to it 11 s ago.")


class Ended(Exception):
    pass


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What the worker's end would kill: its pool's children; then its own exit is raised."""
    pids: list[int] = []

    def exit_(code: int) -> None:
        raise Ended(code)

    monkeypatch.setattr(tasks.billiard, "active_children", lambda: [type("Child", (), {"pid": 4711})])
    monkeypatch.setattr(os, "kill", lambda pid, number: pids.append(pid) if number == signal.SIGKILL else None)
    monkeypatch.setattr(os, "_exit", exit_)
    monkeypatch.setattr(tasks.timezone, "now", lambda: after(0))
    return pids


def test_a_worker_whose_queue_has_stalled_ends_with_its_pool(killed: list[int], settings: Any) -> None:
    hinted(at=after(-1.5 * settings.JOB_RESEND_SECONDS - 1))
    with pytest.raises(Ended, match=str(tasks.STALLED)):
        tasks.end_if_stalled(("default",))
    assert killed == [4711]


def test_a_worker_goes_on_where_a_message_may_have_been_lost_with_the_broker(killed: list[int], settings: Any) -> None:
    hinted(at=after(-1.2 * settings.JOB_RESEND_SECONDS))
    tasks.end_if_stalled(("default",))
    assert killed == []
