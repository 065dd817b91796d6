"""HTTP for services: imports and exports that jobs do."""

from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from msgspec import Struct
from ninja import Router

from annotation import export_jobs, import_jobs, uploads
from annotation.api.exchange import EXAMPLE
from annotation.blinding import viewer_of_key
from annotation.exchange.registry import FORMATS
from annotation.exchange.rows import UnusableFile
from annotation.exporting import written_formats
from annotation.file_answers import file_answer
from annotation.import_query import OPTIONS, parse_options
from annotation.models import DataExport, DataImport
from projects import openapi
from projects.api_auth import KeyRequest, keyed
from projects.json_body import json_response
from projects.models import Scope
from projects.problems import problem
from projects.streamed_body import BrokenBody, body_parts

router = Router(tags=["exchange"])
SHOWN = 100  # refused rows of an answer


class RefusedFileRow(Struct):
    """A row of the file, counted from 1, that was not kept, or not whole."""

    row: int
    error: str


class ImportState(Struct):
    """An import: its state is waiting, running, finished, failed or stopped; counts are of the rows read so far."""

    id: str
    state: str
    file: str
    format: str
    dry_run: bool
    size: int
    bytes_read: int
    rows: int | None
    rows_read: int
    created: int
    existing: int
    known: int
    signals: int
    refused: int
    refused_rows: list[RefusedFileRow]
    error: str | None
    created_at: datetime
    finished_at: datetime | None


class ExportState(Struct):
    """An export: its state is waiting, running, finished, failed or stopped; the file is there once it is finished."""

    id: str
    state: str
    format: str
    items: int
    size: int | None
    error: str | None
    created_at: datetime
    finished_at: datetime | None
    expires_at: datetime | None
    file: str | None


MOMENT = datetime.fromisoformat("2026-11-23T14:00:00+00:00")
AN_IMPORT = ImportState(
    id="import_01JD4K7Q2M0000000000000000",
    state="finished",
    file="messages.csv",
    format="csv",
    dry_run=False,
    size=182_044,
    bytes_read=182_044,
    rows=None,
    rows_read=1000,
    created=999,
    existing=0,
    known=620,
    signals=0,
    refused=1,
    refused_rows=[RefusedFileRow(17, "`amount` is 'many'; a number is expected.")],
    error=None,
    created_at=MOMENT,
    finished_at=MOMENT,
)
AN_EXPORT = ExportState(
    id="export_01JD4K7Q2M0000000000000000",
    state="finished",
    format="parquet",
    items=1000,
    size=96_218,
    error=None,
    created_at=MOMENT,
    finished_at=MOMENT,
    expires_at=MOMENT,
    file="/api/v1/projects/mail/exports/export_01JD4K7Q2M0000000000000000/file",
)
EXPORT_OPTIONS = {
    "format": f"One of {', '.join(written_formats())}; jsonl where absent.",
    "raw": "yes: texts of CSV as they are, also what a spreadsheet would run as a formula.",
    "full": "yes: each row also says how its item was chosen and agreed (jsonl, csv, parquet).",
}
NO_IMPORT = "There is no such import."
NO_EXPORT = "There is no such export of this key's person."


def import_answer(found: DataImport) -> ImportState:
    rows = found.refused_rows.order_by("number", "pk")[:SHOWN]
    same = ("format", "dry_run", "size", "bytes_read", "rows", "rows_read", "created", "existing", "known", "signals")
    given: dict[str, Any] = {name: getattr(found, name) for name in same}
    return ImportState(
        id=found.uid,
        state=found.state.value,
        file=found.name,
        refused=found.refused,
        refused_rows=[RefusedFileRow(row.number, row.error) for row in rows],
        error=found.error or None,
        created_at=found.created_at,
        finished_at=found.finished_at,
        **given,
    )


def export_answer(found: DataExport) -> ExportState:
    file = f"/api/v1/projects/{found.project.slug}/exports/{found.uid}/file"
    return ExportState(
        id=found.uid,
        state=found.state.value,
        format=found.format,
        items=found.items,
        size=found.size,
        error=found.error or None,
        created_at=found.created_at,
        finished_at=found.finished_at,
        expires_at=found.expires_at,
        file=file if found.finished_at else None,
    )


@router.post(
    "/projects/{slug}/imports",
    summary="Import a file",
    openapi_extra=openapi.upload_operation(
        answers=AN_IMPORT,
        description=(
            "The body is the file as it is, of any size up to the server's limit. A job imports it, and the answer "
            "says which to ask for. The same file again changes nothing: the keys of its rows decide, so that this "
            "call ignores an Idempotency-Key."
        ),
        query={"name": "The file's name, whose ending says the format where `format` does not.", **OPTIONS},
        errors={
            400: "The body broke off, or has a Content-Encoding.",
            413: "The file is too large.",
            422: "The file is empty, there is no such format, or an option cannot be used.",
        },
    ),
)
@keyed(Scope.ENGINEER)
def start_import(request: KeyRequest, slug: str) -> HttpResponse:
    now = timezone.now()
    try:
        asked = parse_options(request.GET, request.project)
        upload = uploads.store_table(body_parts(request), name=asked.name, owner=request.key.user, at=now)
        made = import_jobs.start_import(
            request.project,
            upload,
            format_name=asked.format,
            options=asked.options,
            by=request.key,
            at=now,
            dry_run=asked.dry_run,
        )
    except BrokenBody as why:
        return problem(400, str(why))
    except uploads.UploadTooLarge as why:
        return problem(413, str(why))
    except (UnusableFile, uploads.UploadRefused) as why:
        return problem(422, str(why))
    return json_response(import_answer(made))


@router.get(
    "/projects/{slug}/imports/{import_uid}",
    summary="Show an import",
    openapi_extra=openapi.operation(
        answers=AN_IMPORT, description=f"With the first {SHOWN} refused rows.", errors={404: NO_IMPORT}
    ),
)
@keyed(Scope.ENGINEER)
def show_import(request: KeyRequest, slug: str, import_uid: str) -> HttpResponse:
    found = DataImport.objects.select_related("job").filter(project=request.project, uid=import_uid).first()
    return problem(404, NO_IMPORT) if found is None else json_response(import_answer(found))


@router.post(
    "/projects/{slug}/exports",
    summary="Export every item to a file",
    openapi_extra=openapi.operation(
        answers=AN_EXPORT,
        description="A job writes the file, and the answer says which to ask for. It is kept for some days.",
        query=EXPORT_OPTIONS,
        errors={422: "There is no such format, or it cannot carry this project."},
    ),
)
@keyed(Scope.READ)
def start_export(request: KeyRequest, slug: str) -> HttpResponse:
    try:
        made = export_jobs.start_export(
            request.project,
            request.GET.get("format", "jsonl"),
            viewer=viewer_of_key(request.key, request.role),
            by=request.key,
            at=timezone.now(),
            raw_cells=request.GET.get("raw") == "yes",
            full=request.GET.get("full") == "yes",
        )
    except UnusableFile as why:
        return problem(422, str(why))
    return json_response(export_answer(made))


@router.get(
    "/projects/{slug}/exports/{export_uid}",
    summary="Show an export",
    openapi_extra=openapi.operation(answers=AN_EXPORT, errors={404: NO_EXPORT}),
)
@keyed(Scope.READ)
def show_export(request: KeyRequest, slug: str, export_uid: str) -> HttpResponse:
    found = _own_export(request, export_uid)
    return problem(404, NO_EXPORT) if found is None else json_response(export_answer(found))


@router.get(
    "/projects/{slug}/exports/{export_uid}/file",
    summary="Download an export",
    openapi_extra=openapi.file_operation(
        media_types=sorted({one.media_type for one in FORMATS if one.writes}),
        example=[EXAMPLE],
        description="The file is whole; the call is refused until it is written.",
        errors={404: f"{NO_EXPORT[:-1]}, or its file is not written yet, or no longer there."},
    ),
)
@keyed(Scope.READ)
def download_export(request: KeyRequest, slug: str, export_uid: str) -> HttpResponse:
    found = _own_export(request, export_uid)
    if found is None:
        return problem(404, NO_EXPORT)
    try:
        return file_answer(export_jobs.open_file(found), request.project, found.format)
    except export_jobs.ExportGone as why:
        return problem(404, str(why))


def _own_export(request: KeyRequest, uid: str) -> DataExport | None:
    """The export, where this key's person asked for it: a file leaves out what its viewer labels blind."""
    mine = DataExport.objects.select_related("job", "project").filter(project=request.project, uid=uid)
    return mine.filter(created_by=request.key.user).first()
