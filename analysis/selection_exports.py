"""Exports of the items of a view, as jobs that write the same files as the export of a whole project."""

from collections.abc import Sequence
from datetime import datetime

from django.http import QueryDict

from analysis.item_filters import BadFilter, Filters, parse_filters
from analysis.items import ItemSelection
from annotation import export_jobs
from annotation.models import DataExport
from jobs.execution import Attempt, PermanentFailure
from projects.models import ApiKey, Project, User

KIND = "analysis.export_selection"
MOST_CHOSEN = 5000


def start_selection_export(
    project: Project,
    filters: Filters,
    format_name: str,
    *,
    chosen: Sequence[str] = (),
    viewer: User | None,
    by: User | ApiKey,
    at: datetime,
    raw_cells: bool = False,
    full: bool = False,
) -> DataExport:
    """Let a job write the items that match when it begins, or those of them with the ids that were chosen, to a file.

    Raises UnusableFile where the format cannot carry that. `viewer`: as for `exporting.export_file`, and what the
    filters would tell this person of items that they label blind stays out as on the page.
    """
    return export_jobs.start_export(
        project,
        format_name,
        viewer=viewer,
        by=by,
        at=at,
        raw_cells=raw_cells,
        full=full,
        selection=export_jobs.ExportSelection(KIND, filters.query(), tuple(chosen[:MOST_CHOSEN])),
    )


def run_selection_export(attempt: Attempt, data_export: DataExport, *, at: datetime) -> None:
    """Write the file of the items that match now."""
    project = data_export.project
    try:
        filters = parse_filters(QueryDict(data_export.query), project)
    except BadFilter as why:
        raise PermanentFailure(str(why)) from None
    found = ItemSelection(project, filters, at, data_export.viewer).matching()
    if chosen := attempt.payload["chosen"]:
        found = found.filter(uid__in=chosen)
    ids = list(found.order_by("pk").values_list("pk", flat=True))
    export_jobs.run_export(attempt, data_export, at=at, only=ids)
