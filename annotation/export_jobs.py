"""Exports as jobs: a project's items are written to a file, which who asked for it downloads until its time is over."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, BinaryIO, cast

from django.conf import settings
from django.db import transaction

from annotation.exchange.rows import UnusableFile
from annotation.exporting import check_export, export_file
from annotation.models import DataExport, Item
from annotation.uploads import kept_for, person_of
from jobs import queue
from jobs.execution import Attempt, PermanentFailure
from jobs.models import Job
from projects import audit, regular_files
from projects.models import ApiKey, Project, User
from validation import InvalidInput

KIND = "annotation.export"
LEFT_FOR = timedelta(days=1)  # how long a file may lie here without a row, or half written


class ExportGone(InvalidInput):
    """A file that was removed after its time, or is not written yet."""


@dataclass(frozen=True)
class ExportSelection:
    """Some of the items. kind: of the job that finds them by the query, or by the ids of those that were chosen."""

    kind: str = KIND
    query: str = ""
    chosen: tuple[str, ...] = ()


EVERY_ITEM = ExportSelection()


@transaction.atomic
def start_export(
    project: Project,
    format_name: str,
    *,
    viewer: User | None,
    by: User | ApiKey,
    at: datetime,
    raw_cells: bool = False,
    full: bool = False,
    selection: ExportSelection = EVERY_ITEM,
) -> DataExport:
    """Let a job write items of the project to a file. Raises UnusableFile where the format cannot carry that.

    `viewer`: as for `exporting.export_file`.
    """
    check_export(project, format_name, full=full)
    made = DataExport.objects.create(
        project=project,
        format=format_name,
        viewer=viewer,
        raw_cells=raw_cells,
        full=full,
        query=selection.query,
        created_by=person_of(by),
        created_at=at,
    )
    payload = {"export": made.pk, "chosen": selection.chosen}
    made.job, _ = queue.enqueue(
        selection.kind, key=f"export:{made.uid}", project=project, payload=payload, by=person_of(by), at=at
    )
    made.save(update_fields=["job"])
    details = {"format": format_name} | ({"query": selection.query} if selection.query else {})
    audit.record("export.start", by=by, at=at, project=project, target=made.uid, details=details)
    return made


def run_export(attempt: Attempt, data_export: DataExport, *, at: datetime, only: Sequence[int] | None = None) -> None:
    """Write the file whole, of these items or of all; an attempt before left nothing that counts."""
    project = data_export.project
    total = max(Item.objects.filter(project=project).count() if only is None else len(only), 1)

    def report(written: int) -> None:
        attempt.progress(min(written / total, 0.99), f"{written:,} of {total:,} items written")

    try:
        with regular_files.whole_file(_path(data_export), workplace=_workplace()) as file:
            items = export_file(
                project,
                cast(IO[bytes], file),
                data_export.format,
                viewer=data_export.viewer,
                raw_cells=data_export.raw_cells,
                full=data_export.full,
                only=only,
                report=report,
            )
            size = file.tell()
    except UnusableFile as why:
        raise PermanentFailure(str(why)) from None
    with attempt.commit(items=items, bytes=size):
        DataExport.objects.filter(pk=data_export.pk).update(
            items=items, size=size, finished_at=at, expires_at=at + kept_for(), error=""
        )


def open_file(data_export: DataExport) -> BinaryIO:
    """The file, open to read; who gets it closes it. Raises ExportGone."""
    if not data_export.finished_at:
        raise ExportGone("This export's file is not written yet.")
    try:
        return _path(data_export).open("rb")
    except FileNotFoundError:
        raise ExportGone("This export's file is no longer here; export again.") from None


def sweep(*, at: datetime) -> int:
    """Remove exports after their time, and what killed processes left. Returns how many files."""
    ended = list(DataExport.objects.filter(expires_at__lte=at).order_by("pk"))
    for one in ended:
        _path(one).unlink(missing_ok=True)
        one.delete()
    return len(ended) + regular_files.remove_old(_without_row(), older_than=LEFT_FOR, at=at)


def _without_row() -> Iterator[Path]:
    yield from _workplace().glob(f"*{regular_files.UNFINISHED}")
    files = {path.name: path for path in _folder().glob("export_*")}
    known = set(DataExport.objects.filter(uid__in=list(files)).values_list("uid", flat=True)) if files else set()
    yield from (path for name, path in files.items() if name not in known)


def note_failure(job: Job, why: str) -> None:
    """Keep the reason, also for when the job is forgotten."""
    DataExport.objects.filter(job=job).update(error=why)


def _folder() -> Path:
    return Path(settings.MEDIA_HOME) / "exports"


def _workplace() -> Path:
    return _folder() / "unfinished"


def _path(data_export: DataExport) -> Path:
    return _folder() / data_export.uid
