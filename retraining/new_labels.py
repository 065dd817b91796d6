"""New labels: what was resolved since the last run that learnt. Triggers, Runs, Overview and the demo count here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet

from annotation.models import Resolution
from projects.models import Project
from retraining.models import RunState, TrainingRun

LEARNT = (
    RunState.SUCCEEDED,
    RunState.UNCHANGED,
)  # an unchanged run found that an earlier one had learnt the same labels
RECENT = 20
LONG = ("report", "stages", "evidence", "version__parameters")


@dataclass(frozen=True)
class NewLabels:
    """How many wait for the next run, to learn from and to measure with."""

    training: int
    evaluation: int

    @property
    def total(self) -> int:
        return self.training + self.evaluation


def recent_runs(project: Project) -> list[TrainingRun]:
    """The newest runs, newest first, each with its job and its version."""
    runs = TrainingRun.objects.filter(project=project).select_related("job", "version").defer(*LONG)
    return list(runs.order_by("-number")[:RECENT])


def waiting(project: Project, runs: Sequence[TrainingRun] | None = None) -> QuerySet[Resolution]:
    """The labels that the next run would be the first to see; `runs` are those of `recent_runs`, where known."""
    current = Resolution.objects.current().filter(project=project)
    return current.filter(is_new(project, recent_runs(project) if runs is None else runs))


def count(project: Project, runs: Sequence[TrainingRun] | None = None) -> NewLabels:
    counts = waiting(project, runs).aggregate(
        training=Count("pk", filter=Q(evaluation=False)), evaluation=Count("pk", filter=Q(evaluation=True))
    )
    return NewLabels(**counts)


def is_new(project: Project, runs: Sequence[TrainingRun]) -> Q:
    """The condition on resolutions. A run that failed or was stopped has spent none."""
    since = counted_from(project, runs)
    return Q(resolved_at__gt=since) if since else Q()


def counted_from(project: Project, runs: Sequence[TrainingRun]) -> datetime | None:
    """When the run in flight, else the last one that learnt, began; None where there was none."""
    found = next((run for run in runs if run.in_flight or run.state in LEARNT), None)
    if found is None and len(runs) == RECENT:
        found = TrainingRun.objects.filter(project=project, state__in=LEARNT).order_by("-number").first()
    return found.began_at if found else None
