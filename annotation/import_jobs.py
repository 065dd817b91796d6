"""Imports as jobs: an uploaded file comes into a project batch by batch, each with its counts in one transaction.

Whatever kills the worker, the next attempt goes on behind the last batch that was kept: no row is lost and none comes
twice, also of rows without a key.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import IO

import msgspec
from django.db import transaction
from django.db.models import F

from annotation import uploads
from annotation.exchange.registry import FORMATS
from annotation.exchange.rows import RefusedRecord, UnusableFile
from annotation.import_bodies import PreparedBatch
from annotation.import_options import ImportOptions, project_shape
from annotation.importing import (
    ImportResult,
    count_batch,
    find_format,
    image_inputs,
    image_sources,
    keep_batch,
    options_of_name,
    prepare_batch,
    read_batches,
    write_pictures,
)
from annotation.models import DataImport, RefusedImportRow, StoredUpload
from annotation.routing import refill
from jobs import queue
from jobs.execution import Attempt, PermanentFailure
from jobs.models import Job
from projects import audit
from projects.bulk_insert import many_batches
from projects.chunks import CHUNK
from projects.forked import iterate_in_fork
from projects.locks import retry_conflicts
from projects.models import ApiKey, Project, User
from validation import InvalidInput

KIND = "annotation.import"
MOST_REFUSED = 10_000  # refused rows of an import that are kept with their reason
READ_AHEAD = 2 << 20  # bytes of a file from which on a second process reads it
COUNTS = ("created", "existing", "known", "signals")


class NotResumable(InvalidInput):
    """Only an import that failed or was stopped goes on."""


@transaction.atomic
def start_import(
    project: Project,
    upload: StoredUpload,
    *,
    format_name: str = "",
    options: ImportOptions | None = None,
    by: User | ApiKey,
    at: datetime,
    dry_run: bool = False,
) -> DataImport:
    """Let a job import the uploaded file, or with `dry_run` count what would become of each row.

    `format_name`: "" for the one that the file's name says. Raises UnusableFile where there is no such format.
    """
    name = find_format(format_name, upload.name)
    made = DataImport.objects.create(
        project=project,
        upload=upload,
        name=upload.sent_name,
        size=upload.size,
        format=name,
        options=options_of_name(upload.name, options or ImportOptions()).to_json(),
        dry_run=dry_run,
        created_by=uploads.person_of(by),
        created_at=at,
    )
    _enqueue(made, by=by, at=at)
    if not dry_run:
        details = {"file": made.name, "format": name, "bytes": made.size}
        audit.record("import.start", by=by, at=at, project=project, target=made.uid, details=details)
    return made


@transaction.atomic
def resume_import(data_import: DataImport, *, by: User | ApiKey, at: datetime) -> DataImport:
    """Let a new job go on where an import failed or was stopped. Raises NotResumable."""
    found = DataImport.objects.select_related("job", "upload").get(pk=data_import.pk)
    if found.is_open or found.finished_at:
        raise NotResumable("This import has not failed, so there is nothing to go on with.")
    if found.upload is None:
        raise NotResumable(f"{found.name} is no longer here; upload it again.")
    _enqueue(found, by=by, at=at)
    return found


def _enqueue(data_import: DataImport, *, by: User | ApiKey, at: datetime) -> None:
    job, _ = queue.enqueue(
        KIND,
        key=f"import:{data_import.uid}",
        project=data_import.project,
        payload={"import": data_import.pk},
        by=uploads.person_of(by),
        at=at,
    )
    DataImport.objects.filter(pk=data_import.pk).update(job=job, error="")
    data_import.job, data_import.error = job, ""


def run_import(attempt: Attempt, data_import: DataImport, *, at: datetime) -> None:
    """Import the rows that no attempt before kept."""
    try:
        if data_import.upload is None:
            raise uploads.UploadGone(f"{data_import.name} is no longer here; upload it again.")
        with uploads.opened(data_import.upload) as stream, many_batches():
            _import_stream(attempt, data_import, stream, at=at)
    except (UnusableFile, uploads.UploadGone) as why:
        raise PermanentFailure(str(why)) from None
    with attempt.commit(**{name: getattr(data_import, name) for name in (*COUNTS, "refused")}):
        DataImport.objects.filter(pk=data_import.pk).update(finished_at=at, bytes_read=data_import.size, error="")


def _import_stream(attempt: Attempt, data_import: DataImport, stream: IO[bytes], *, at: datetime) -> None:
    project = data_import.project
    shape = project_shape(project, ImportOptions.from_json(data_import.options))
    data_import.rows = FORMATS[data_import.format].count_rows(stream, shape)
    prepared = partial(_prepared, data_import, stream, at=at)
    ahead = data_import.size >= READ_AHEAD and not image_inputs(project)
    for batch, bytes_read in iterate_in_fork(partial(_packed, prepared)) if ahead else prepared():
        if not data_import.dry_run:
            write_pictures(project, batch)
        _keep_and_count(attempt, data_import, batch, bytes_read=bytes_read, at=at)
        if not data_import.dry_run:
            refill.request_round(project, at=at)  # people label the first rows while the rest comes in


def _prepared(data_import: DataImport, stream: IO[bytes], *, at: datetime) -> Iterator[tuple[PreparedBatch, int]]:
    """Each batch of rows that no attempt before kept, and how many bytes had been read with it."""
    project, options = data_import.project, ImportOptions.from_json(data_import.options)
    images = image_sources(project, folder=None, fetches=not data_import.dry_run)
    for batch in read_batches(project, stream, data_import.format, options, skip=data_import.rows_read):
        yield prepare_batch(project, batch, images=images, at=at), stream.tell()


def _packed(prepared: Callable[[], Iterator[tuple[PreparedBatch, int]]]) -> Iterator[tuple[PreparedBatch, int]]:
    """The same batches, smaller: of each row as it was given, which is looked at again only in a conflict, its JSON."""
    for batch, bytes_read in prepared():
        for row in batch.valid:
            with suppress(UnicodeEncodeError):  # half of a surrogate pair
                row.given = msgspec.json.encode(row.given)
        yield batch, bytes_read


def _keep_and_count(
    attempt: Attempt, data_import: DataImport, batch: PreparedBatch, *, bytes_read: int, at: datetime
) -> None:
    """Keep the batch, and note in the row what became of it."""
    result = _keep_with_counts(attempt, data_import, batch, bytes_read=bytes_read, at=at)
    data_import.rows_read += batch.read
    data_import.bytes_read = max(data_import.bytes_read, min(bytes_read, data_import.size))
    data_import.refused += len(result.refused)
    for name in COUNTS:
        setattr(data_import, name, getattr(data_import, name) + getattr(result, name))


@retry_conflicts
def _keep_with_counts(
    attempt: Attempt, data_import: DataImport, batch: PreparedBatch, *, bytes_read: int, at: datetime
) -> ImportResult:
    project = data_import.project
    verb = "Counting" if data_import.dry_run else "Importing"
    with attempt.step(data_import.share, f"{verb} {data_import.name}: {data_import.rows_read:,} rows read"):
        if data_import.dry_run:
            result = count_batch(project, batch, at=at)
        else:
            result = keep_batch(project, batch, format_name=data_import.format, at=at)
        counts = {name: F(name) + getattr(result, name) for name in COUNTS}
        DataImport.objects.filter(pk=data_import.pk).update(
            rows=data_import.rows,
            rows_read=F("rows_read") + batch.read,
            bytes_read=max(data_import.bytes_read, min(bytes_read, data_import.size)),
            refused=F("refused") + len(result.refused),
            **counts,
        )
        _keep_refused(data_import, result.refused)
    return result


def _keep_refused(data_import: DataImport, refused: list[RefusedRecord]) -> None:
    kept = refused[: max(MOST_REFUSED - data_import.refused, 0)]
    rows = [RefusedImportRow(data_import=data_import, number=one.number, error=one.error) for one in kept]
    RefusedImportRow.objects.bulk_create(rows, batch_size=CHUNK)


def note_failure(job: Job, why: str) -> None:
    """Keep the reason, also for when the job is forgotten."""
    DataImport.objects.filter(job=job).update(error=why)
