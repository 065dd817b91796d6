"""How the runs of a project ended so far: what every trigger rule respects."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from projects.models import Project
from projects.project_settings import RetrainingSettings
from retraining import new_labels
from retraining.models import RunState, TrainingRun

SHORTEST_RETRY, LONGEST_RETRY = timedelta(minutes=1), timedelta(hours=6)


@dataclass(frozen=True)
class RunHistory:
    """The run in flight and the newest that has ended, by number; `runs` are the newest, newest first.

    `failures` counts the runs that failed since the last one that learnt. `stopped_since` is when the newest run began,
    where a person stopped it: a rule then waits for as much again as it would have asked for.
    """

    in_flight: int | None
    last: int | None
    last_ended_at: datetime | None
    failures: int = 0
    stopped_since: datetime | None = None
    runs: Sequence[TrainingRun] = ()


def load_history(project: Project) -> RunHistory:
    runs = new_labels.recent_runs(project)
    ended = [run for run in runs if not run.in_flight]
    last = ended[0] if ended else None
    flying = next((run for run in runs if run.in_flight), None)
    return RunHistory(
        in_flight=flying.number if flying else None,
        last=last.number if last else None,
        last_ended_at=last.finished_at if last else None,
        failures=_failures(ended),
        stopped_since=last.began_at if last and last.state == RunState.STOPPED else None,
        runs=runs,
    )


def _failures(ended: Sequence[TrainingRun]) -> int:
    """Runs that failed since the last one that learnt; what a person stopped says nothing either way."""
    tried = [run for run in ended if run.state != RunState.STOPPED]
    return len(list(takewhile(lambda run: run.state == RunState.FAILED, tried)))


def pause(settings: RetrainingSettings, failures: int) -> timedelta:
    """How long no run begins by itself after the last: the cooldown, doubled with each failure in a row."""
    if not failures:
        return settings.cooldown
    first = max(settings.cooldown, SHORTEST_RETRY)
    return min(first * 2 ** min(failures - 1, 20), max(first, LONGEST_RETRY))
