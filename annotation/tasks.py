"""The jobs of annotation, and the periodic look for what waits to be routed."""

from datetime import datetime, timedelta

from django.utils import timezone

from annotation import (
    breaches,
    encoding_progress,
    export_jobs,
    import_jobs,
    label_change_jobs,
    label_changes,
    lease_ends,
    media,
    rescoring,
    routing,
    search,
    search_index,
    text_vectors,
    uploads,
)
from annotation.ml_backends import asking, registration
from annotation.models import DataExport, DataImport, Item, LabelChange, MLBackend
from annotation.routing import audit_draw, negative_signals, refill, review_entries
from annotation.signals import joining
from annotation.streams import progress as stream_progress
from jobs import queue as jobs
from jobs import registry
from jobs.execution import Attempt
from projects.models import Project

TRAFFIC_SECONDS = 60
ENCODING_SECONDS = 15
INDEXING_SECONDS = 60
BACKEND_SECONDS = 30
BREACH_SECONDS = 30
HOURS = 3600  # seconds
FILES = "files"  # the queue of work that takes minutes or hours; routing and reports wait for none of it


@registry.handles("annotation.route", soft_seconds=600, hard_seconds=660)
def route(attempt: Attempt) -> None:
    """Write priorities under the champion, then route what waits; once more where people are quicker than that."""
    project = Project.objects.get(jobs=attempt.job)
    attempt.progress(0.1, "Ranking open items")
    rescored = rescoring.refresh(project, at=timezone.now())
    attempt.progress(0.3, "Choosing items")
    with_fence = attempt.commit(rescored=rescored)
    routed = routing.route(project, at=timezone.now(), seed=attempt.job.pk, fence=with_fence)
    attempt.add_to_result(by_cause=routed.by_cause, strategy=routed.strategy, words=routed.words)
    if refill.is_due(project, at=timezone.now()) and routed.by_cause:
        refill.request_round(project, at=timezone.now())


@registry.handles("annotation.review_audit")
def review_audit(attempt: Attempt) -> None:
    """Set the audit's rate by the traffic, and its backlog by what people can label."""
    project = Project.objects.get(jobs=attempt.job)
    found = audit_draw.review(project, at=timezone.now())
    attempt.add_to_result(rate=found.rate, thinned=found.thinned, drawn=found.drawn)


@registry.every_project(15, "annotation.route")
def route_what_waits(project: Project, at: datetime) -> None:
    """Enqueue a routing round where somebody objected to something, or where less waits than people can take."""
    objected = negative_signals.unweighed(project, at=at).exists() or review_entries.is_due(project)
    if refill.is_due(project, at=at) or objected:
        refill.request_round(project, at=at)


@registry.every_project(TRAFFIC_SECONDS, "annotation.review_audit")
def review_audits(project: Project, at: datetime) -> None:
    """Review the audit of a project that captured something since the last look."""
    if Item.objects.filter(project=project, captured_at__gt=at - timedelta(seconds=2 * TRAFFIC_SECONDS)).exists():
        jobs.enqueue("annotation.review_audit", key=f"audit:{project.pk}", project=project, at=at)


@registry.handles("annotation.encode_texts", soft_seconds=1800, hard_seconds=1860)
def encode_texts(attempt: Attempt) -> None:
    """Encode the texts of items that wait for it; nothing else waits for this."""
    project = Project.objects.get(jobs=attempt.job)
    text_vectors.encode_items(attempt, project, at=timezone.now())


@registry.every_project(ENCODING_SECONDS, "annotation.encode_texts")
def encode_what_waits(project: Project, at: datetime) -> None:
    """Enqueue the encoding of a project whose items are not all encoded yet."""
    if encoding_progress.is_due(project):
        text_vectors.request_encoding(project, at=at)


@registry.handles(
    import_jobs.KIND,
    queue=FILES,
    soft_seconds=6 * HOURS,
    hard_seconds=6 * HOURS + 60,
    on_dead=import_jobs.note_failure,
)
def import_upload(attempt: Attempt) -> None:
    """Import an uploaded file from where the attempt before ended."""
    found = DataImport.objects.select_related("project", "upload").get(pk=attempt.payload["import"])
    import_jobs.run_import(attempt, found, at=timezone.now())


@registry.handles(
    export_jobs.KIND,
    queue=FILES,
    soft_seconds=2 * HOURS,
    hard_seconds=2 * HOURS + 60,
    on_dead=export_jobs.note_failure,
)
def export_items(attempt: Attempt) -> None:
    """Write the file of an export."""
    found = DataExport.objects.select_related("project", "viewer").get(pk=attempt.payload["export"])
    export_jobs.run_export(attempt, found, at=timezone.now())


@registry.handles(
    label_changes.KIND, soft_seconds=2 * HOURS, hard_seconds=2 * HOURS + 60, on_dead=label_change_jobs.note_failure
)
def change_labels(attempt: Attempt) -> None:
    """Carry a change of labels over to what was given, agreed and asked."""
    change = LabelChange.objects.select_related("project", "undoes", "queue").get(pk=attempt.payload["change"])
    label_change_jobs.run_change(attempt, change, at=timezone.now())


@registry.handles(registration.ASK, queue=FILES, soft_seconds=HOURS, hard_seconds=HOURS + 120)
def ask_ml_backend(attempt: Attempt) -> None:
    """Ask a backend about the items that wait for people."""
    backend = MLBackend.objects.select_related("project").filter(pk=attempt.payload["backend"], enabled=True).first()
    if backend is not None:  # else removed or switched off meanwhile
        asking.request_answers(attempt, backend, clock=timezone.now)


@registry.every_project(BACKEND_SECONDS, registration.ASK)
def ask_backends(project: Project, at: datetime) -> None:
    """Ask each backend of which something waits."""
    for backend in MLBackend.objects.filter(project=project, enabled=True).select_related("project"):
        if asking.is_due(backend, at=at):
            registration.request_suggestions(backend, at=at)


@registry.every(10, "annotation.release_expired")
def release_expired(at: datetime) -> None:
    """Give slots back whose lease ended, so that counts on pages are true."""
    lease_ends.release_expired(at=at)


@registry.every_project(BREACH_SECONDS, "annotation.note_breaches")
def note_breaches(project: Project, at: datetime) -> None:
    """Notice what waits longer in a queue than it may, and what does so no more."""
    breaches.note_breaches(project, at=at)


@registry.handles("annotation.sweep", soft_seconds=120, hard_seconds=150)
def sweep(attempt: Attempt) -> None:
    """Remove files after their time, and what killed processes left half written."""
    removed = sum(one.sweep(at=timezone.now()) for one in (media, uploads, export_jobs))
    with attempt.commit(removed=removed):
        pass


@registry.every(6 * 3600, "annotation.sweep")
def sweep_unfinished(at: datetime) -> None:
    jobs.enqueue("annotation.sweep", key="annotation.sweep", at=at)


@registry.every_project(600, "annotation.fill_search_text")
def fill_search_text(project: Project, at: datetime) -> None:
    """Fill what an older web process left out that captured while this release was installed."""
    search.fill_recent(project, at=at)
    audit_draw.draw_missing(project, at=at)


@registry.handles(search_index.KIND, soft_seconds=1800, hard_seconds=1860)
def index_search_texts(attempt: Attempt) -> None:
    """Take the search texts of a project into the index."""
    search_index.run_indexing(attempt, Project.objects.get(jobs=attempt.job))


@registry.every_project(INDEXING_SECONDS, search_index.KIND)
def index_what_waits(project: Project, at: datetime) -> None:
    """Enqueue the indexing of a project some of whose search texts are not in the index."""
    if search_index.is_due(project):
        search_index.request_indexing(project, at=at)


@registry.every(60, "annotation.join_signals")
def join_recent_signals(at: datetime) -> None:
    """Join signals whose capture died before it looked for their prediction."""
    joining.join_all(captured_since=at - timedelta(hours=1))


@registry.every(3600, "annotation.join_all_signals")
def join_all_signals(at: datetime) -> None:
    """Join them however long ago they came: when no reaper ran, or rows were restored."""
    joining.join_all()


registry.check_projects(
    registry.ProjectCheck(
        "streams",
        lambda projects: stream_progress.find_troubled(projects, at=timezone.now()),
        "Every stream that is captured has a consumer that keeps up.",
        "a stream is not captured, or its consumer is slow",
    )
)
registry.add_figures(registry.FigureSource("streams", stream_progress.find_figures))
