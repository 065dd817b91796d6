"""Enqueueing: one open job per key, hinted after the commit, safe with the broker down."""

from datetime import timedelta

import pytest

from jobs import broker, execution, queue, registry
from jobs.models import Job, JobState
from projects.models import AuditEvent
from tests.factories import NOW, make_user
from validation.registry import Registry

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_kinds", Registry("kind of job"))
    registry.handles("test.work", queue="train", soft_seconds=5, hard_seconds=6)(lambda attempt: None)


def test_makes_one_open_job_per_key() -> None:
    job, created = queue.enqueue("test.work", key="k", at=NOW)
    same, again = queue.enqueue("test.work", key="k", at=NOW)
    assert (job.pk, created, again) == (same.pk, True, False)
    assert job.queue == "train"


def test_makes_a_new_job_when_the_last_one_has_ended() -> None:
    job, _ = queue.enqueue("test.work", key="k", at=NOW)
    Job.objects.filter(pk=job.pk).update(state=JobState.SUCCEEDED)
    assert queue.enqueue("test.work", key="k", at=NOW)[1]


def test_hints_after_the_commit_only(sent: list[int], django_capture_on_commit_callbacks: object) -> None:
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        job, _ = queue.enqueue("test.work", key="k", at=NOW)
        assert sent == []
    assert sent == [job.pk]


def test_does_not_hint_what_is_due_later(sent: list[int], django_capture_on_commit_callbacks: object) -> None:
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        queue.enqueue("test.work", key="k", at=NOW, due_at=NOW + timedelta(hours=1))
    assert sent == []


def test_keeps_the_job_with_the_broker_down(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: object
) -> None:
    monkeypatch.setattr(broker, "send", lambda *_, **__: False)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        job, _ = queue.enqueue("test.work", key="k", at=NOW)
    job.refresh_from_db()
    assert (job.state, job.hinted_at) == (JobState.QUEUED, None)


def test_refuses_a_kind_that_nobody_does() -> None:
    with pytest.raises(registry.UnknownKind, match="No function does jobs of kind nothing"):
        queue.enqueue("nothing", key="k", at=NOW)


def test_requeues_a_dead_job_with_three_new_attempts_and_says_who() -> None:
    job, _ = queue.enqueue("test.work", key="k", at=NOW)
    Job.objects.filter(pk=job.pk).update(state=JobState.DEAD, attempt=3, error="It broke.")
    requeued = queue.requeue(job, by=make_user("emil"), at=NOW)
    assert (requeued.state, requeued.attempt, requeued.max_attempts) == (JobState.QUEUED, 3, 6)
    assert AuditEvent.objects.get(action="job.requeue").actor == "user:emil"


def test_requeues_only_the_dead() -> None:
    job, _ = queue.enqueue("test.work", key="k", at=NOW)
    with pytest.raises(queue.NotDead):
        queue.requeue(job, by=make_user(), at=NOW)


def test_a_cancelled_job_is_not_done() -> None:
    job, _ = queue.enqueue("test.work", key="k", at=NOW)
    assert queue.cancel(job, by=make_user(), at=NOW)
    assert execution.claim(job.pk, at=NOW, worker="w") is None
    assert not queue.cancel(job, by=make_user(), at=NOW)
