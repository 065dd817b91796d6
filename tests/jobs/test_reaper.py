"""The reaper: what lost its worker or its message comes back; periodic turns are taken once."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from jobs import execution, queue, reaper, registry
from jobs.models import Job, JobState, PeriodicTurn
from tests.factories import NOW
from validation.registry import Registry

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_kinds", Registry("kind of job"))
    monkeypatch.setattr(registry, "_periodic", Registry("periodic work"))
    registry.handles("test.work")(lambda attempt: None)


def waiting(**fields: Any) -> Job:
    job, _ = queue.enqueue("test.work", key=f"k{Job.objects.count()}", at=NOW)
    Job.objects.filter(pk=job.pk).update(**fields)
    return job


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_hints_a_job_whose_message_was_never_sent(sent: list[int]) -> None:
    job = waiting(hinted_at=None)
    assert reaper.reap(at=after(1))["hinted"] == 1
    assert sent == [job.pk]


def test_hints_again_what_was_lost_with_the_broker(sent: list[int], settings: Any) -> None:
    job = waiting(hinted_at=NOW, hints=5)
    reaper.hint_waiting(at=after(settings.JOB_RESEND_SECONDS - 1))
    assert sent == []
    reaper.hint_waiting(at=after(settings.JOB_RESEND_SECONDS + 1))
    assert sent == [job.pk]


def test_does_not_flood_a_queue_that_is_only_slow(sent: list[int], settings: Any) -> None:
    busy = waiting()
    assert execution.claim(busy.pk, at=after(100), worker="w")
    waiting(hinted_at=NOW, hints=3)
    reaper.hint_waiting(at=after(settings.JOB_RESEND_SECONDS + 1))
    assert sent == []
    Job.objects.filter(pk=busy.pk).update(lease_until=after(10_000))
    reaper.hint_waiting(at=after(settings.JOB_RESEND_SECONDS * 8 + 1))
    assert len(sent) == 1


def test_does_not_hint_what_is_not_due(sent: list[int]) -> None:
    waiting(hinted_at=None, due_at=after(60))
    reaper.reap(at=after(1))
    assert sent == []


def test_requeues_what_lost_its_worker() -> None:
    job = waiting()
    execution.claim(job.pk, at=NOW, worker="w")
    reaper.reap(at=after(3600))
    job.refresh_from_db()
    assert (job.state, job.attempt) == (JobState.QUEUED, 1)


def test_leaves_alone_what_still_has_its_lease() -> None:
    job = waiting()
    execution.claim(job.pk, at=NOW, worker="w")
    assert reaper.reap(at=after(1))["requeued"] == 0


def test_buries_what_lost_its_worker_three_times() -> None:
    job = waiting(attempt=2)
    execution.claim(job.pk, at=NOW, worker="w")
    reaper.reap(at=after(3600))
    job.refresh_from_db()
    assert job.state == JobState.DEAD
    assert job.error == "Its worker stopped answering in attempt 3 of 3."


def test_takes_a_periodic_turn_once() -> None:
    taken: list[datetime] = []
    registry.every(60, "test.turn")(taken.append)
    for second in (0, 1, 30):
        reaper.take_turns(at=after(second))
    assert len(taken) == 1
    reaper.take_turns(at=after(60))
    assert len(taken) == 2


@pytest.mark.parametrize(("before", "now"), [(15, 60), (60, 15)])
def test_a_period_that_a_new_version_changed_holds_no_turn_up(before: int, now: int) -> None:
    taken: list[datetime] = []
    registry.every(before, "test.turn")(taken.append)
    reaper.take_turns(at=NOW)
    registry._periodic.unregister("test.turn")  # another process, of the new version
    registry.every(now, "test.turn")(taken.append)
    for second in (1, now, now + 1):
        reaper.take_turns(at=after(second))
    assert taken == [NOW, after(now)]


def test_a_turn_that_failed_is_taken_again_and_does_not_keep_others_from_theirs() -> None:
    taken: list[datetime] = []

    def fails(at: datetime) -> None:
        raise RuntimeError

    registry.every(60, "test.fails")(fails)
    registry.every(60, "test.works")(taken.append)
    reaper.take_turns(at=NOW)
    assert taken == [NOW]
    assert list(PeriodicTurn.objects.values_list("name", flat=True)) == ["test.works"]


def test_buries_every_lost_job_though_the_domain_cannot_end_what_one_had_begun(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fails(job: Job, why: str) -> None:
        raise ZeroDivisionError

    registry.handles("test.ends_badly", on_dead=fails)(lambda attempt: None)
    lost = {"state": JobState.RUNNING, "attempt": 3, "lease_until": NOW}
    first, second = waiting(kind="test.ends_badly", **lost), waiting(**lost)
    assert reaper.reap(at=after(1))["failed"] == 2
    assert dict(Job.objects.values_list("pk", "state")) == {first.pk: JobState.DEAD, second.pk: JobState.DEAD}
    assert "could not be ended" in caplog.text


def test_forgets_what_ended_well_two_weeks_ago_but_no_training_and_no_failure() -> None:
    ended = {"finished_at": NOW, "state": JobState.SUCCEEDED}
    old, training = waiting(**ended), waiting(**ended, queue="train")
    dead, new = waiting(**{**ended, "state": JobState.DEAD}), waiting(**ended)
    Job.objects.filter(pk=new.pk).update(finished_at=NOW + timedelta(days=10))
    assert reaper.forget_ended(at=NOW + timedelta(days=15)) == 1
    assert set(Job.objects.values_list("pk", flat=True)) == {training.pk, dead.pk, new.pk}
    assert old.pk
