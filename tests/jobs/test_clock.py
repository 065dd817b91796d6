"""The clock is set by 95 seconds or a day, back or ahead: work goes on, and no worker that lives is taken for lost."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from jobs import clock, execution, health, queue, reaper, registry, stalls
from jobs.models import Beat, Job, JobState
from tests.factories import NOW
from validation.registry import Registry

pytestmark = pytest.mark.django_db
BACK = [timedelta(seconds=-95), timedelta(days=-1)]
STEPS = [*BACK, timedelta(seconds=95), timedelta(days=1)]
ROUND = 5  # seconds between two rounds of the reaper


@pytest.fixture(autouse=True)
def kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_kinds", Registry("kind of job"))
    monkeypatch.setattr(registry, "_periodic", Registry("periodic work"))
    registry.handles("test.work")(lambda attempt: None)


class Clock:
    """A clock that can be set, beside the seconds that really pass."""

    def __init__(self) -> None:
        self.passed, self.set_by = 0.0, timedelta()

    @property
    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.passed) + self.set_by

    def rounds(self, seconds: float) -> Iterator[datetime]:
        """The moments of the reaper's rounds for so long."""
        end = self.passed + seconds
        while self.passed < end:
            yield self.now
            self.passed += ROUND


def job(**fields: Any) -> Job:
    made, _ = queue.enqueue("test.work", key=f"k{Job.objects.count()}", at=NOW)
    Job.objects.filter(pk=made.pk).update(**fields)
    return made


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("seconds", [5, 15, 60, pytest.param(3600, marks=pytest.mark.simulation)])
def test_no_periodic_work_waits_longer_than_two_periods(step: timedelta, seconds: int) -> None:
    ours, turns = Clock(), []
    registry.every(seconds, "test.turn")(lambda at: turns.append(ours.passed))
    for at in ours.rounds(2 * seconds):
        reaper.take_turns(at=at)
    ours.set_by = step
    for at in ours.rounds(6 * seconds):
        reaper.take_turns(at=at)
    ours.set_by = timedelta()
    for at in ours.rounds(6 * seconds):
        reaper.take_turns(at=at)
    gaps = [later - earlier for earlier, later in zip(turns, turns[1:], strict=False)]
    assert max([*gaps, ours.passed - turns[-1]]) <= 2 * seconds + ROUND
    assert len(turns) <= 14 + 4  # one a period, and a few at the steps


@pytest.mark.parametrize("step", BACK)
@pytest.mark.parametrize("attempt", [0, 1, 2])
def test_a_job_is_begun_as_soon_as_by_the_old_clock(step: timedelta, attempt: int, sent: list[int]) -> None:
    made = job(attempt=attempt, hinted_at=NOW, first_hinted_at=NOW, due_at=NOW + execution.pause(attempt))
    at = NOW + step
    reaper.reap(at=at)
    later = at + execution.pause(attempt)
    reaper.reap(at=later)
    assert sent == [made.pk]
    assert execution.claim(made.pk, at=later, worker="w")


@pytest.mark.parametrize("step", BACK)
def test_a_delay_that_was_asked_for_stays(step: timedelta, sent: list[int]) -> None:
    made, _ = queue.enqueue("test.work", key="late", at=NOW, due_at=NOW + timedelta(hours=1))
    at = NOW + step
    for minutes in (0, 1, 2, 59):
        reaper.reap(at=at + timedelta(minutes=minutes))
    assert sent == []
    reaper.reap(at=at + timedelta(minutes=60, seconds=1))
    assert sent == [made.pk]


@pytest.mark.parametrize("step", BACK)
def test_a_worker_that_died_before_the_step_is_noticed(step: timedelta) -> None:
    made = job()
    assert execution.claim(made.pk, at=NOW, worker="w")
    at = NOW + step
    reaper.reap(at=at)
    reaper.reap(at=at + execution.lease_length() + timedelta(seconds=1))
    made.refresh_from_db()
    assert made.state == JobState.QUEUED


@pytest.mark.parametrize("step", BACK)
def test_a_queue_that_stalls_is_noticed(step: timedelta) -> None:
    job(state=JobState.SUCCEEDED, started_at=NOW)
    job(hinted_at=NOW, first_hinted_at=NOW)
    at = NOW + step
    clock.bring_back(at=at)
    since = stalls.stalled_since(["default"], at=at + timedelta(seconds=61), longer_than=timedelta(seconds=60))
    assert since == at


@pytest.mark.parametrize("step", BACK)
def test_a_process_that_was_last_seen_before_the_step_counts_as_away(step: timedelta) -> None:
    Beat.objects.create(name="worker@gone", role="worker", at=NOW)
    at = NOW + step
    assert not {check.name: check.ok for check in health.check_processes(at=at)}["worker"]
    Beat.objects.create(name="worker@here", role="worker", at=at - timedelta(seconds=2))
    assert {check.name: check.ok for check in health.check_processes(at=at)}["worker"]


@pytest.mark.parametrize(("ahead", "judged"), [(0.0, True), (4.0, True), (95.0, False), (86_400.0, False)])
def test_a_lease_is_not_judged_just_after_the_clock_went_ahead(ahead: float, judged: bool) -> None:
    jumps = clock.Jumps(pause=30)
    assert jumps.are_over(NOW, 100.0)
    assert jumps.are_over(NOW + timedelta(seconds=5 + ahead), 105.0) == judged
    assert jumps.are_over(NOW + timedelta(seconds=34 + ahead), 134.0) == judged
    assert jumps.are_over(NOW + timedelta(seconds=36 + ahead), 136.0)


def test_a_job_of_a_worker_that_lives_outlasts_a_day_ahead(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    made, ours = job(max_attempts=1), Clock()
    attempt = execution.claim(made.pk, at=NOW, worker="w")
    assert attempt
    monkeypatch.setattr("django.utils.timezone.now", lambda: ours.now)
    jumps = clock.Jumps(pause=settings.JOB_LEASE_SECONDS)
    for step in (timedelta(), timedelta(days=1), timedelta(days=1, seconds=95)):
        ours.set_by = step
        for at in ours.rounds(2 * settings.JOB_LEASE_SECONDS):
            reaper.run_round(jumps, at=at, monotonic=ours.passed)
            if ours.passed % (2 * ROUND) == 0:
                attempt.beat()
    made.refresh_from_db()
    assert made.state == JobState.RUNNING

    for at in ours.rounds(2 * settings.JOB_LEASE_SECONDS):  # now it dies
        reaper.run_round(jumps, at=at, monotonic=ours.passed)
    made.refresh_from_db()
    assert made.state == JobState.DEAD
