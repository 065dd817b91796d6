"""The jobs of annotation, and the periodic look for what waits to be routed."""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef
from django.utils import timezone

from annotation import leases, rescoring, routing
from annotation.models import Item, RoutedItem, Signal
from annotation.signals import joining, kinds
from jobs import queue, registry
from jobs.execution import Attempt
from projects.models import Project

SIGNAL_WINDOW = timedelta(days=30)


@registry.handles("annotation.route", soft_seconds=600, hard_seconds=660)
def route(attempt: Attempt) -> None:
    """Write priorities under the champion, then route what waits."""
    project = Project.objects.get(jobs=attempt.job)
    attempt.progress(0.1, "Ranking open items")
    rescored = rescoring.refresh(project, at=timezone.now())
    attempt.progress(0.3, "Choosing items")
    with_fence = attempt.commit(rescored=rescored)
    routed = routing.route(project, at=timezone.now(), seed=attempt.job.pk, fence=with_fence)
    attempt.tell(by_cause=routed.by_cause, strategy=routed.strategy, words=routed.words)


@registry.every_project(15, "annotation.route")
def route_what_waits(project: Project, at: datetime) -> None:
    """Enqueue a routing round where something waits and people can take it."""
    if _objected(project, at) or _has_work(project):
        queue.enqueue("annotation.route", key=f"route:{project.pk}", project=project, at=at)


def _objected(project: Project, at: datetime) -> bool:
    routed = RoutedItem.objects.filter(item=OuterRef("item"))
    recent = Signal.objects.filter(
        ~Exists(routed),
        project=project,
        item__isnull=False,
        kind__in=kinds.objections(),
        captured_at__gte=at - SIGNAL_WINDOW,
    )
    return recent.exists()


def _has_work(project: Project) -> bool:
    """New items and any room; or a queue half empty and older items to fill it with."""
    room = routing.room(project)
    if room > 0 and Item.objects.filter(project=project, considered_at=None).exists():
        return True
    return room * 2 >= project.routing_settings().waiting and routing.candidates(project).exists()


@registry.every(10, "annotation.release_expired")
def release_expired(at: datetime) -> None:
    """Give slots back whose lease ended, so that counts on pages are true."""
    leases.release_expired(at=at)


@registry.every(60, "annotation.join_signals")
def join_recent_signals(at: datetime) -> None:
    """Join signals whose capture died before it looked for their prediction."""
    joining.join_all(captured_since=at - timedelta(hours=1))


@registry.every(3600, "annotation.join_all_signals")
def join_all_signals(at: datetime) -> None:
    """Join them however long ago they came: when no reaper ran, or rows were restored."""
    joining.join_all()
