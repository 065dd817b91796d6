"""What stands where in the loop: the figures of which stations and actions are made."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Min, Q

from analysis.models import Finding
from annotation.models import Item, Label, LabelState, Resolution, RoutedItem
from projects.models import Project
from retraining import new_labels
from retraining.models import ModelVersion, Release, RunState, TrainingRun


@dataclass(frozen=True)
class LoopFacts:
    """What the stations and actions are made of; one query or two each."""

    captured: int
    captured_before: int
    newest: datetime | None
    findings: int
    oldest_finding: datetime | None
    unrouted: int
    oldest_unrouted: datetime | None
    waiting: int
    oldest_waiting: datetime | None
    review: int
    oldest_review: datetime | None
    labels_hour: int
    labels_week: int
    audited: int
    run: TrainingRun | None
    last_run: TrainingRun | None
    failed_run: TrainingRun | None
    serves: str
    candidate: ModelVersion | None
    released: Release | None
    trigger_new: int


def collect(project: Project, *, at: datetime, serves: str) -> LoopFacts:
    """`serves` is the tag of the version that answers now, "" for none."""
    day, hour, week = at - timedelta(days=1), at - timedelta(hours=1), at - timedelta(days=7)
    items = Item.objects.filter(project=project)
    captured = items.aggregate(
        now=Count("pk", filter=Q(at__gte=day)),  # by when it happened, as the list behind the figure
        before=Count("pk", filter=Q(at__lt=day, at__gte=day - timedelta(days=1))),
        newest=Max("at"),
        unrouted=Count("pk", filter=Q(in_pool=True)),
        oldest=Min("captured_at", filter=Q(in_pool=True)),
    )
    findings = Finding.objects.filter(project=project, decision=Finding.Decision.OPEN)
    found = findings.aggregate(n=Count("pk"), oldest=Min("found_at"))
    routed = RoutedItem.objects.filter(project=project).aggregate(
        waiting=Count("pk", filter=Q(state="open")),
        oldest_waiting=Min("routed_at", filter=Q(state="open")),
        review=Count("pk", filter=Q(state="review")),
        oldest_review=Min("routed_at", filter=Q(state="review")),
    )
    labels = Label.objects.filter(project=project, state=LabelState.GIVEN).aggregate(
        hour=Count("pk", filter=Q(updated_at__gt=hour)), week=Count("pk", filter=Q(updated_at__gt=week))
    )
    runs = new_labels.recent_runs(project)
    last = next((run for run in runs if run.state == RunState.SUCCEEDED), None)
    resolved = (
        Resolution.objects.current()
        .filter(project=project)
        .aggregate(
            audited=Count("pk", filter=Q(evaluation=True)),
            new=Count("pk", filter=new_labels.is_new(project, runs)),
        )
    )
    released = Release.objects.filter(project=project).order_by("at", "pk").last()
    return LoopFacts(
        captured=captured["now"],
        captured_before=captured["before"],
        newest=captured["newest"],
        findings=found["n"],
        oldest_finding=found["oldest"],
        unrouted=captured["unrouted"],
        oldest_unrouted=captured["oldest"],
        **routed,
        labels_hour=labels["hour"],
        labels_week=labels["week"],
        audited=resolved["audited"],
        trigger_new=resolved["new"],
        run=next((run for run in runs if run.in_flight), None),
        last_run=last,
        failed_run=runs[0] if runs and runs[0].state == RunState.FAILED else None,
        serves=serves,
        candidate=_candidate(runs, released),
        released=released,
    )


def _candidate(runs: list[TrainingRun], released: Release | None) -> ModelVersion | None:
    """The newest version, while it waits for a decision: neither promoted nor older than what was released since."""
    newest: ModelVersion | None = next((run.version for run in runs if hasattr(run, "version")), None)
    if newest is None or newest.stage != ModelVersion.Stage.CANDIDATE:
        return None
    decided = released is not None and released.at >= newest.created_at
    return None if decided else newest
