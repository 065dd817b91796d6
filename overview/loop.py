"""What stands where in the loop: the figures of which stations and actions are made."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Min, OuterRef, Q, QuerySet, Subquery

from analysis.models import Finding
from annotation.models import IN_REVIEW, TO_LABEL, Item, Label, LabelState, Resolution, RoutedItem
from annotation.queue_counts import OldestWaiting, oldest_waiting
from projects.models import Project
from retraining import datasets, new_labels
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
    oldest_by_queue: list[OldestWaiting]
    labels_hour: int
    audited: int
    run: TrainingRun | None
    last_run: TrainingRun | None
    failed_run: TrainingRun | None
    serves: str
    candidate: ModelVersion | None
    released: Release | None
    trigger_new: int
    trainable: bool


def collect(project: Project, *, at: datetime, serves: str) -> LoopFacts:
    """`serves` is the tag of the version that answers now, "" for none."""
    day, hour = at - timedelta(days=1), at - timedelta(hours=1)
    items = Item.objects.filter(project=project)
    captured = items.aggregate(
        now=Count("pk", filter=Q(at__gte=day)),  # by when it happened, as the list behind the figure
        before=Count("pk", filter=Q(at__lt=day, at__gte=day - timedelta(days=1))),
        newest=Max("at"),
        unrouted=Count("pk", filter=Q(in_pool=True)),
        oldest=Min("captured_at", filter=Q(in_pool=True)),
    )
    counted = _counted(project, since=hour)
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
    released = Release.objects.filter(project=project).of_what_serves().order_by("at", "pk").last()
    return LoopFacts(
        captured=captured["now"],
        captured_before=captured["before"],
        newest=captured["newest"],
        findings=counted["n_findings"] or 0,
        oldest_finding=counted["oldest_finding"],
        unrouted=captured["unrouted"],
        oldest_unrouted=captured["oldest"],
        waiting=counted["n_waiting"] or 0,
        oldest_waiting=counted["oldest_waiting"],
        review=counted["n_review"] or 0,
        oldest_review=counted["oldest_review"],
        oldest_by_queue=oldest_waiting(project),
        labels_hour=counted["n_labels"] or 0,
        audited=resolved["audited"],
        trigger_new=resolved["new"],
        trainable=datasets.is_trainable(project),
        run=next((run for run in runs if run.in_flight), None),
        last_run=last,
        failed_run=runs[0] if runs and runs[0].state == RunState.FAILED else None,
        serves=serves,
        candidate=_candidate(runs, released),
        released=released,
    )


def _counted(project: Project, *, since: datetime) -> dict[str, Any]:
    """Open findings, what waits for a label and for review, the oldest of each, and labels given since then.

    One query; None where there are none.
    """
    findings = Finding.objects.filter(decision=Finding.Decision.OPEN)
    labels = Label.objects.filter(state=LabelState.GIVEN, updated_at__gt=since)
    waiting, review = RoutedItem.objects.filter(TO_LABEL), RoutedItem.objects.filter(IN_REVIEW)
    found = Project.objects.filter(pk=project.pk).values(
        n_findings=_of_project(findings, Count("pk")),
        oldest_finding=_of_project(findings, Min("found_at")),
        n_labels=_of_project(labels, Count("pk")),
        n_waiting=_of_project(waiting, Count("pk")),
        oldest_waiting=_of_project(waiting, Min("routed_at")),
        n_review=_of_project(review, Count("item", distinct=True)),
        oldest_review=_of_project(review, Min("routed_at")),
    )
    return dict(found.get())


def _of_project(rows: QuerySet[Any], figure: Any) -> Subquery:
    grouped = rows.filter(project=OuterRef("pk")).order_by().values("project").annotate(_figure=figure)
    return Subquery(grouped.values("_figure"))


def _candidate(runs: list[TrainingRun], released: Release | None) -> ModelVersion | None:
    """The newest version, while it waits for a decision: neither promoted nor older than what was released since."""
    newest: ModelVersion | None = next((run.version for run in runs if hasattr(run, "version")), None)
    if newest is None or newest.stage != ModelVersion.Stage.CANDIDATE:
        return None
    decided = released is not None and released.at >= newest.created_at
    return None if decided else newest
