"""The job that computes reports, and the periodic look for projects whose reports are old."""

from datetime import datetime, timedelta

from django.db.models import Max
from django.utils import timezone

from analysis import bulk_acts, queue_rule_jobs, queue_rule_log, selection_exports, skew_jobs
from analysis.models import Finding, QueueRule
from analysis.reports import refreshing
from analysis.reports.stored import is_outdated
from annotation import export_jobs
from annotation.models import DataExport, Item, LabelChange, Prediction, Resolution
from annotation.tasks import FILES
from jobs import queue, registry
from jobs.execution import Attempt, PermanentFailure
from projects.models import Project

HOURS = 3600  # seconds
AN_HOUR = timedelta(hours=1)


@registry.handles("analysis.report", soft_seconds=900, hard_seconds=960)
def report(attempt: Attempt) -> None:
    project = Project.objects.get(jobs=attempt.job)
    version, now = attempt.payload.get("version", ""), timezone.now()
    attempt.progress(0.1, "Reading labels and predictions")
    made = refreshing.refresh_version(project, version, at=now) if version else refreshing.refresh(project, at=now)
    with attempt.commit(reports=[f"{one.kind} {one.model_version}".strip() for one in made]):
        pass


@registry.handles(bulk_acts.KIND, soft_seconds=1800, hard_seconds=1860)
def act_on_items(attempt: Attempt) -> None:
    project, by = Project.objects.get(jobs=attempt.job), attempt.job.created_by
    if by is None:
        raise PermanentFailure("Who asked for it is no longer here.")
    bulk_acts.run_act(attempt, project, by, at=timezone.now())


@registry.handles(
    selection_exports.KIND,
    queue=FILES,
    soft_seconds=2 * HOURS,
    hard_seconds=2 * HOURS + 60,
    on_dead=export_jobs.note_failure,
)
def export_selection(attempt: Attempt) -> None:
    """Write the file of an export of a view."""
    found = DataExport.objects.select_related("project", "viewer").get(pk=attempt.payload["export"])
    selection_exports.run_selection_export(attempt, found, at=timezone.now())


@registry.handles(queue_rule_jobs.KIND, soft_seconds=600, hard_seconds=660)
def apply_queue_rule(attempt: Attempt) -> None:
    """Let a rule put into its queue what it finds."""
    queue_rule_jobs.run_rule(attempt, at=timezone.now())


@registry.every_project(60, queue_rule_jobs.KIND)
def look_by_queue_rules(project: Project, at: datetime) -> None:
    """Let each rule whose queue is not paused look at what came since."""
    for rule in QueueRule.objects.filter(project=project, queue__paused=False).order_by("pk"):
        queue_rule_jobs.request_look(rule, at=at)


@registry.every(HOURS, "analysis.forget_rule_log")
def forget_rule_log(at: datetime) -> None:
    """Delete what rules did long ago."""
    queue_rule_log.forget_old(at=at)


@registry.handles(skew_jobs.KIND, queue=FILES, soft_seconds=HOURS, hard_seconds=HOURS + 60)
def compare_features(attempt: Attempt) -> None:
    """Compare an uploaded file of features with the project's items."""
    skew_jobs.run_comparison(attempt, Project.objects.get(jobs=attempt.job), at=timezone.now())


@registry.every_project(30, "analysis.reports")
def refresh_old(project: Project, at: datetime) -> None:
    """Enqueue reports where a fact is newer than the last look, or stored bodies have another format."""
    newest = _newest_fact(project)
    last = project.jobs.filter(kind="analysis.report").aggregate(at=Max("created_at"))["at"]
    is_old = newest is not None and (last is None or newest > last)
    if is_old or (last is not None and at - last > AN_HOUR and is_outdated(project)):
        queue.enqueue("analysis.report", key=f"report:{project.pk}", project=project, at=at)


def _newest_fact(project: Project) -> datetime | None:
    facts = (
        Resolution.objects.filter(project=project).aggregate(at=Max("resolved_at"))["at"],
        Item.objects.filter(project=project).aggregate(at=Max("captured_at"))["at"],
        Prediction.objects.filter(project=project).aggregate(at=Max("at"))["at"],
        Finding.objects.filter(project=project).aggregate(at=Max("decided_at"))["at"],
        LabelChange.objects.filter(project=project).aggregate(at=Max("finished_at"))["at"],
    )
    return max((fact for fact in facts if fact), default=None)
