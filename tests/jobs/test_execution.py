"""Doing a job: lease, fence, progress, failure; whatever happens, effects happen once."""

from datetime import timedelta
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.utils import timezone

from jobs import execution, faults, queue, registry
from jobs.models import Job, JobState
from projects.models import AuditEvent
from tests.factories import make_user
from validation.registry import Registry

pytestmark = pytest.mark.django_db


def later(seconds: float) -> Any:
    return timezone.now() + timedelta(seconds=seconds)


@pytest.fixture
def deaths() -> list[str]:
    return []


@pytest.fixture(autouse=True)
def kind(monkeypatch: pytest.MonkeyPatch, deaths: list[str]) -> Any:
    """Call it with a handler to make that handler do the kind test.work."""
    monkeypatch.setattr(registry, "_kinds", Registry("kind of job"))

    def use(handler: Any) -> Job:
        registry.handles("test.work", soft_seconds=7, on_dead=lambda job, why: deaths.append(why))(handler)
        return queue.enqueue("test.work", key="k", at=timezone.now())[0]

    return use


def fresh(job: Job) -> Job:
    return Job.objects.get(pk=job.pk)


def effect(attempt: execution.Attempt) -> None:
    """An effect that can be counted: a person."""
    with attempt.commit(made=1):
        make_user(f"made-{attempt.job.pk}-{attempt.number}")


def people() -> int:
    from projects.models import User

    return User.objects.filter(username__startswith="made-").count()


def test_runs_once_however_often_it_is_hinted(kind: Any) -> None:
    job = kind(effect)
    for _ in range(3):
        execution.run(job.pk)
    assert people() == 1
    done = fresh(job)
    assert (done.state, done.attempt, done.progress, done.result) == (JobState.SUCCEEDED, 1, 1.0, {"made": 1})


def test_one_of_two_claims_wins(kind: Any) -> None:
    job = kind(effect)
    assert execution.claim(job.pk, at=timezone.now(), worker="a") is not None
    assert execution.claim(job.pk, at=timezone.now(), worker="b") is None


def test_a_lease_that_ended_can_be_claimed_and_the_first_worker_is_fenced(kind: Any) -> None:
    job = kind(effect)
    first = execution.claim(job.pk, at=timezone.now(), worker="a")
    second = execution.claim(job.pk, at=later(3600), worker="b")
    assert first and second

    with pytest.raises(execution.Fenced):
        effect(first)
    effect(second)

    assert people() == 1


def test_the_effects_of_a_fenced_attempt_are_rolled_back(kind: Any) -> None:
    job = kind(effect)
    first = execution.claim(job.pk, at=timezone.now(), worker="a")
    assert first
    Job.objects.filter(pk=job.pk).update(attempt=2)
    with pytest.raises(execution.Fenced):
        effect(first)
    assert people() == 0


def test_a_crash_inside_the_commit_leaves_nothing(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    job = kind(effect)

    def crash(name: str) -> None:
        if name == "inside_commit":
            raise KeyboardInterrupt

    monkeypatch.setattr(faults, "point", crash)
    with pytest.raises(KeyboardInterrupt):
        execution.run(job.pk)
    assert people() == 0
    assert fresh(job).state == JobState.RUNNING


def test_a_failure_waits_longer_each_time_and_the_third_is_the_last(kind: Any, deaths: list[str]) -> None:
    def fails(attempt: execution.Attempt) -> None:
        raise RuntimeError("no such file")

    job, pauses = kind(fails), []
    for _ in range(3):
        Job.objects.filter(pk=job.pk, state=JobState.QUEUED).update(due_at=timezone.now())
        execution.run(job.pk)
        pauses.append((fresh(job).due_at - timezone.now()).total_seconds())

    dead = fresh(job)
    assert (dead.state, dead.attempt, dead.error) == (JobState.DEAD, 3, "RuntimeError: no such file")
    assert deaths == ["RuntimeError: no such file"]
    assert pauses[0] == pytest.approx(2, abs=0.5)
    assert pauses[1] == pytest.approx(4, abs=0.5)


def test_what_cannot_succeed_is_not_tried_again(kind: Any, deaths: list[str]) -> None:
    def gives_up(attempt: execution.Attempt) -> None:
        raise execution.PermanentFailure("Only one class has labels; two are needed.")

    job = kind(gives_up)
    execution.run(job.pk)
    assert (fresh(job).state, fresh(job).attempt) == (JobState.DEAD, 1)
    assert deaths == ["Only one class has labels; two are needed."]


def test_the_soft_limit_is_a_failure_with_its_reason(kind: Any) -> None:
    def slow(attempt: execution.Attempt) -> None:
        raise SoftTimeLimitExceeded

    job = kind(slow)
    execution.run(job.pk)
    assert fresh(job).error == "It ran longer than its limit of 7 s."


def test_progress_never_falls_and_renews_the_lease(kind: Any) -> None:
    job = kind(effect)
    attempt = execution.claim(job.pk, at=timezone.now(), worker="a")
    assert attempt
    Job.objects.filter(pk=job.pk).update(lease_until=later(1))
    attempt.progress(0.5, "Half")
    attempt._reported_at = 0.0
    attempt.progress(0.2, "Later")
    row = fresh(job)
    assert (row.progress, row.stage) == (0.5, "Later")
    assert row.lease_until and row.lease_until > later(25)


def test_progress_is_written_at_most_once_a_second(kind: Any, django_assert_num_queries: Any) -> None:
    attempt = execution.claim(kind(effect).pk, at=timezone.now(), worker="a")
    assert attempt
    with django_assert_num_queries(1):
        for share in (0.1, 0.2, 0.3, 0.4):
            attempt.progress(share)


def test_a_stopped_job_ends_its_worker_at_the_next_progress(kind: Any) -> None:
    job = kind(effect)
    attempt = execution.claim(job.pk, at=timezone.now(), worker="a")
    assert attempt
    queue.cancel(job, by=make_user(), at=timezone.now())
    with pytest.raises(execution.Fenced):
        attempt.progress(0.5)
    assert AuditEvent.objects.filter(action="job.cancel").exists()


def test_a_handler_without_effects_may_just_return(kind: Any) -> None:
    job = kind(lambda attempt: None)
    execution.run(job.pk)
    assert fresh(job).state == JobState.SUCCEEDED
