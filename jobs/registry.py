"""Which function does which kind of job. Apps above register theirs; jobs knows none of them by name."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction

from projects.models import Project
from projects.project_settings import BadSpec
from validation.registry import Registry

if TYPE_CHECKING:
    from jobs.execution import Attempt
    from jobs.exposition import MetricFamily

log = logging.getLogger(__name__)
Handler = Callable[["Attempt"], None]
OfProject = Callable[[Project, datetime], None]


@dataclass(frozen=True)
class JobKind:
    name: str
    handler: Handler
    queue: str
    soft_seconds: int
    hard_seconds: int
    on_dead: Callable[[Any, str], None] | None


@dataclass(frozen=True)
class Periodic:
    """`enqueue` is called once a period, by the one reaper that claims the turn."""

    name: str
    seconds: int
    enqueue: Callable[[datetime], None]


@dataclass(frozen=True)
class ProjectCheck:
    """What can be wrong with single projects; `find` gives each project that has the problem, and why.

    `good` and `bad` say in words, without naming a project, that all is well and what is wrong.
    """

    name: str
    find: Callable[[Iterable[Project]], Iterable[tuple[Project, str]]]
    good: str
    bad: str


@dataclass(frozen=True)
class FigureSource:
    """Figures for monitoring: `find` gives families of samples (jobs.exposition.MetricFamily) at a time."""

    name: str
    find: Callable[[datetime], "Iterable[MetricFamily]"]


class UnknownKind(LookupError):
    """No function does this kind of job in this version."""


_kinds: Registry[JobKind] = Registry("kind of job")
_periodic: Registry[Periodic] = Registry("periodic work")
_project_checks: Registry[ProjectCheck] = Registry("check of projects")
_figure_sources: Registry[FigureSource] = Registry("source of figures")


def handles(
    name: str,
    *,
    queue: str = "default",
    soft_seconds: int = 600,
    hard_seconds: int = 660,
    on_dead: Callable[[Any, str], None] | None = None,
) -> Callable[[Handler], Handler]:
    """Register the function that does jobs of this kind; `on_dead(job, why)` tells the domain of a last failure."""

    def register(handler: Handler) -> Handler:
        _kinds.register(JobKind(name, handler, queue, soft_seconds, hard_seconds, on_dead))
        return handler

    return register


def every(seconds: int, name: str) -> Callable[[Callable[[datetime], None]], Callable[[datetime], None]]:
    """Register periodic work: a function of the time that enqueues what is due."""

    def register(enqueue: Callable[[datetime], None]) -> Callable[[datetime], None]:
        _periodic.register(Periodic(name, seconds, enqueue))
        return enqueue

    return register


def every_project(seconds: int, name: str) -> Callable[[OfProject], OfProject]:
    """Register periodic work of each project: a function of the project and the time."""

    def register(act: OfProject) -> OfProject:
        every(seconds, name)(lambda at: for_each_project(name, act, at=at))
        return act

    return register


def for_each_project(name: str, act: OfProject, *, at: datetime) -> None:
    """Do this for every project that is not archived; what fails is logged and undone for that project alone."""
    for project in Project.objects.filter(archived_at=None).order_by("pk"):
        try:
            with transaction.atomic():
                act(project, at)
        except BadSpec as why:
            log.warning("%s left project %s out: %s", name, project.slug, why)
        except Exception:
            log.exception("%s failed for project %s", name, project.slug)


def check_projects(check: ProjectCheck) -> None:
    """Register a check of projects; health and the pages of a project show what it finds."""
    _project_checks.register(check)


def add_figures(source: FigureSource) -> None:
    """Register figures that /metrics shows."""
    _figure_sources.register(source)


def figure_sources() -> tuple[FigureSource, ...]:
    return tuple(_figure_sources)


def queues() -> list[str]:
    """Every queue that some kind of job is done in."""
    return sorted({one.queue for one in _kinds})


def kind(name: str) -> JobKind:
    try:
        return _kinds[name]
    except KeyError:
        raise UnknownKind(f"No function does jobs of kind {name}.") from None


def kinds() -> tuple[JobKind, ...]:
    return tuple(_kinds)


def periodic() -> tuple[Periodic, ...]:
    return tuple(_periodic)


def project_checks() -> tuple[ProjectCheck, ...]:
    return tuple(_project_checks)
