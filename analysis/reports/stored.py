"""Stored reports: the one place where bodies are written and read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any, Generic

import msgspec
from django.db import transaction
from django.db.models import Q, QuerySet, Subquery

from analysis.models import Report
from analysis.reports.registry import ALL_TIME, Body, Computation, ReportKind, StoredKind, report_kinds
from jobs import queue
from jobs.models import Job
from projects import locks
from projects.models import Project

KEPT = 50  # reports of one kind, version and window


@dataclass(frozen=True)
class ComputedReport(Generic[Body]):
    """A report as pages read it."""

    body: Body
    computed_at: datetime


def newest(
    project: Project, kind: StoredKind[Body], *, version: str = "", days: int = ALL_TIME
) -> ComputedReport[Body] | None:
    """The report that a page shows; None where there is none, or only one whose body has another format."""
    return newest_of_kinds(project, kind, version=version, days=days).of(kind)


@dataclass(frozen=True)
class NewestReports:
    """The newest reports of several kinds, read by one query."""

    rows: Mapping[str, Report]

    def of(self, kind: StoredKind[Body]) -> ComputedReport[Body] | None:
        """As `newest` gives it."""
        row = self.rows.get(kind.name)
        body = _body(row, kind) if row else None
        return None if row is None or body is None else ComputedReport(body, row.computed_at)


def newest_of_kinds(
    project: Project,
    *kinds: StoredKind[Any],
    version: str,
    days: int = ALL_TIME,
    whole: Sequence[StoredKind[Any]] = (),
) -> NewestReports:
    """The newest report of each kind; of those in `whole` the one of the whole project."""
    wanted = [*((kind, version) for kind in kinds), *((kind, "") for kind in whole)]
    each = [Q(pk=Subquery(_rows(project, kind, tag, days).values("pk")[:1])) for kind, tag in wanted]
    found = Report.objects.filter(reduce(or_, each), project=project)
    return NewestReports({row.kind: row for row in found})


def newest_or_request(
    project: Project, kind: ReportKind[Body], *, version: str = "", days: int = ALL_TIME, at: datetime
) -> ComputedReport[Body] | None:
    """The same; where there is none it is computed soon. Asking twice is one job, and no reader waits for a lock.

    An archived project keeps the reports that it has.
    """
    found = newest(project, kind, version=version, days=days)
    key = report_key(project, version)
    may_ask = not project.archived_at and (version or not kind.of_version)
    if found is None and may_ask and not Job.objects.open().filter(key=key).exists():
        locks.write_if_free(lambda: request(project, version, at=at))
    return found


def is_outdated(project: Project) -> bool:
    """Whether the newest report of any kind has a body of another format, as after an upgrade."""
    for kind in report_kinds():
        row = Report.objects.filter(project=project, kind=kind.name).order_by("-computed_at", "-pk").first()
        if row and _body(row, kind) is None:
            return True
    return False


def request(project: Project, version: str = "", *, at: datetime) -> None:
    """Have the reports of a version computed, or those of the whole project."""
    payload = {"version": version} if version else {}
    queue.enqueue("analysis.report", key=report_key(project, version), project=project, payload=payload, at=at)


def report_key(project: Project, version: str) -> str:
    """The key of the job that computes them."""
    return f"report:{project.pk}:{version}" if version else f"report:{project.pk}"


def store_if_changed(
    project: Project, kind: StoredKind[Body], made: Computation[Body], *, version: str, days: int, at: datetime
) -> Report | None:
    """Compute and store the report; None where the newest was made of the same rows."""
    last = _rows(project, kind, version, days).first()
    if last and last.inputs_hash == made.inputs and _body(last, kind):
        return None
    body = made.compute()
    with transaction.atomic():
        report = Report.objects.create(
            project=project,
            kind=kind.name,
            model_version=version,
            window_days=days,
            inputs_hash=made.inputs,
            body=msgspec.to_builtins(body),
            computed_at=at,
        )
        kind.announce(project, version, body, at=at)
    old = list(_rows(project, kind, version, days).values_list("pk", flat=True)[KEPT:])
    Report.objects.filter(pk__in=old).delete()
    return report


def _rows(project: Project, kind: StoredKind[Body], version: str, days: int) -> QuerySet[Report]:
    rows = Report.objects.filter(project=project, kind=kind.name, model_version=version, window_days=days)
    return rows.order_by("-computed_at", "-pk")


def _body(row: Report, kind: StoredKind[Body]) -> Body | None:
    if not isinstance(row.body, dict) or "version" not in row.body:  # msgspec takes an absent tag for the right one
        return None
    try:
        return msgspec.convert(row.body, kind.body)
    except msgspec.ValidationError:
        return None
