"""The jobs of retraining, and the periodic look at its triggers."""

from datetime import datetime

from django.utils import timezone

from jobs import queue, registry
from jobs.execution import Attempt
from retraining import (
    backtest_jobs,
    disagreement_job,
    disagreements,
    judging,
    live_check,
    release,
    rollout_looks,
    training,
)
from retraining import registry as versions
from retraining.triggers import checks


@registry.handles("retraining.train", queue="train", soft_seconds=3600, hard_seconds=3660, on_dead=training.died)
def train(attempt: Attempt) -> None:
    training.perform(attempt, clock=timezone.now)


@registry.handles(
    "retraining.backtest",
    queue="train",
    soft_seconds=4 * 3600,
    hard_seconds=4 * 3600 + 60,
    on_dead=backtest_jobs.note_failure,
)
def backtest(attempt: Attempt) -> None:
    backtest_jobs.run_backtest(attempt, at=timezone.now())


@registry.handles("retraining.rescore", soft_seconds=3600, hard_seconds=3660)
def rescore(attempt: Attempt) -> None:
    release.rescore(attempt, clock=timezone.now)


@registry.handles("retraining.judge", soft_seconds=600, hard_seconds=660)
def judge_version(attempt: Attempt) -> None:
    judging.perform(attempt, clock=timezone.now)


# It scores up to a month of traffic once, and compares it with what the versions learnt from to find copies.
@registry.handles("retraining.disagreement", soft_seconds=1200, hard_seconds=1260)
def judge_disagreement(attempt: Attempt) -> None:
    disagreement_job.perform(attempt, clock=timezone.now)


# It reads the inputs of every labelled item to find copies; decoded photos are the slow case.
@registry.handles("retraining.check", soft_seconds=1200, hard_seconds=1260)
def check_triggers(attempt: Attempt) -> None:
    checks.perform_check(attempt, at=timezone.now())


@registry.handles("retraining.rollout", soft_seconds=300, hard_seconds=330)
def look_at_rollout(attempt: Attempt) -> None:
    rollout_looks.perform(attempt, clock=timezone.now)


@registry.handles("retraining.sweep", soft_seconds=120, hard_seconds=150)
def sweep(attempt: Attempt) -> None:
    removed = versions.sweep(at=timezone.now())
    with attempt.commit(removed=removed):
        pass


@registry.every(5, "retraining.triggers")
def watch(at: datetime) -> None:
    checks.check_all_projects(at=at)


@registry.every(15, "retraining.disagreements")
def watch_disagreements(at: datetime) -> None:
    disagreements.watch(at)


@registry.every(60, "retraining.rollouts")
def watch_rollouts(at: datetime) -> None:
    rollout_looks.watch(at)


@registry.every(3600, "retraining.sweep")
def sweep_orphans(at: datetime) -> None:
    queue.enqueue("retraining.sweep", key="retraining.sweep", at=at)


registry.check_projects(
    registry.ProjectCheck(
        "models",
        live_check.problems,
        good="Every version that serves can be loaded.",
        bad="the version that serves cannot answer",
    )
)
