"""Refresh of reports: samples into metrics into rows that pages read. The same rows again write nothing."""

from datetime import datetime
from typing import Any

from analysis.models import Report
from analysis.reports.registry import ReportKind, ReportRows, report_kinds
from analysis.reports.stored import store_if_changed
from annotation import versions
from projects.models import Project

WATCHED = 8  # versions whose reports are kept up to date; those of others are computed when a page asks


def refresh(project: Project, *, at: datetime) -> list[Report]:
    """Compute every report of the project, and those of what serves and of the versions used last."""
    rows = ReportRows(project, at)
    watched = [one.tag for one in versions.load(project).all if one.serves or one.items][:WATCHED]
    made = [
        refresh_one(rows, kind, version, days)
        for kind in report_kinds()
        for days in kind.windows
        for version in (watched if kind.of_version else [""])
    ]
    return [report for report in made if report]


def refresh_version(project: Project, version: str, *, at: datetime) -> list[Report]:
    """Compute the reports of one version."""
    rows = ReportRows(project, at)
    wanted = [kind for kind in report_kinds() if kind.of_version]
    made = [refresh_one(rows, kind, version, days) for kind in wanted for days in kind.windows]
    return [report for report in made if report]


def refresh_one(rows: ReportRows, kind: ReportKind[Any], version: str = "", days: int = 0) -> Report | None:
    """Compute one report; None where nothing changed since the last."""
    return store_if_changed(
        rows.project, kind, kind.prepare(rows, version, days), version=version, days=days, at=rows.at
    )
