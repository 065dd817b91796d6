"""Import and export of a project's data: a file is uploaded, looked at, tried, and then kept; items leave as a file."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.http import HttpResponse, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from annotation import export_jobs, import_jobs, uploads
from annotation.exchange.registry import FORMATS
from annotation.exchange.rows import UnusableFile
from annotation.exporting import FULL_FORMATS, exported_parts, written_formats
from annotation.file_answers import streamed_answer
from annotation.file_preview import FilePreview, preview_file
from annotation.import_query import COLUMN_OPTIONS, parse_options
from annotation.importing import find_format
from annotation.models import DataExport, DataImport, Item, StoredUpload
from projects.guards import ProjectRequest, member
from projects.models import Can
from projects.streamed_body import FORMS, BrokenBody, body_parts

SHOWN = 10  # imports and exports
AT_ONCE = 5_000  # items that a page exports while a person waits


@require_GET
@member(Can.CHANGE)
def exchange(request: ProjectRequest) -> HttpResponse:
    """What can come in and go out, and what did lately."""
    return _page(request)


def _page(request: ProjectRequest, *, error: str = "", status: int = 200) -> HttpResponse:
    project = request.project
    exports = DataExport.objects.filter(project=project, created_by=request.user)
    context = {
        "project": project,
        "error": error,
        "imports": DataImport.objects.filter(project=project).select_related("job").order_by("-pk")[:SHOWN],
        "exports": exports.select_related("job").order_by("-pk")[:SHOWN],
        "formats": written_formats(),
        "full_formats": FULL_FORMATS,
        "at_once": Item.objects.filter(project=project)[: AT_ONCE + 1].count() <= AT_ONCE,
    }
    return render(request, "annotation/exchange.html", context, status=status)


@require_POST
@member(Can.CHANGE)
def upload(request: ProjectRequest) -> HttpResponse:
    """Keep the file: as a form without scripts, else as the body itself, which may be large and is read as it comes."""
    as_form = request.content_type in FORMS
    try:
        stored = uploads.store_table(
            _form_parts(request) if as_form else body_parts(request),
            name=_form_name(request) if as_form else request.GET.get("name", ""),
            owner=request.user,
            at=timezone.now(),
        )
    except (BrokenBody, uploads.UploadRefused) as why:
        status = 413 if isinstance(why, uploads.UploadTooLarge) else 422
        return (
            _page(request, error=str(why), status=status)
            if as_form
            else JsonResponse({"detail": str(why)}, status=status)
        )
    address = reverse("annotation:upload", args=[request.project.slug, stored.uid])
    return redirect(address) if as_form else JsonResponse({"address": address})


def _form_parts(request: ProjectRequest) -> Iterator[bytes]:
    file = request.FILES.get("file")
    yield from file.chunks() if file else ()


def _form_name(request: ProjectRequest) -> str:
    file = request.FILES.get("file")
    return str(file.name) if file else ""


class ReadingForm(forms.Form):
    """How the file is read."""

    format = forms.ChoiceField(required=False, label="Format")
    encoding = forms.CharField(required=False, max_length=40, label="Encoding")
    separator = forms.CharField(required=False, max_length=3, label="Separator")
    decimal = forms.CharField(required=False, max_length=1, label="Decimal mark")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", "By the file's name"), *((name, name) for name in FORMATS.names())]
        self.fields["format"].choices = choices  # type: ignore[attr-defined]  # a ChoiceField has them


@require_GET
@member(Can.CHANGE)
def show_upload(request: ProjectRequest, upload_uid: str) -> HttpResponse:
    """The first rows of a file that this person uploaded, and which of its columns are what."""
    return _preview(request, _upload(request, upload_uid), request.GET)


def _preview(request: ProjectRequest, stored: StoredUpload, given: QueryDict, *, problem: str = "") -> HttpResponse:
    found, format_name = None, ""
    try:
        format_name = find_format(given.get("format", ""), stored.name)
        found = preview_file(stored, format_name, parse_options(_reading(given, stored), request.project).options)
    except (UnusableFile, uploads.UploadGone) as why:
        problem = problem or str(why)
    context = {
        "project": request.project,
        "upload": stored,
        "reading": ReadingForm(given),
        "preview": found,
        "format": format_name,
        "problem": problem,
        "mapping": _mapping(request, found, given) if found and found.flat else None,
    }
    return render(request, "annotation/upload.html", context, status=422 if problem else 200)


def _reading(given: QueryDict, stored: StoredUpload) -> QueryDict:
    """The part of a query that says how the file is read."""
    kept = QueryDict(mutable=True)
    kept["name"] = stored.name
    for name in ReadingForm.base_fields:
        if given.get(name):
            kept[name] = str(given[name])
    return kept


def _mapping(request: ProjectRequest, found: FilePreview, given: QueryDict) -> dict[str, Any]:
    """Each part and input with the column that is chosen, or else would be taken."""
    inputs = request.project.contract().types()
    chosen = given.getlist("segment")
    return {
        "parts": [
            {"name": name, "words": words.partition(";")[0].rstrip("."), "value": given.get(name) or found.usual(name)}
            for name, words in COLUMN_OPTIONS.items()
        ],
        "inputs": [
            {"name": name, "type": kind, "value": given.get(f"input:{name}") or (name if name in found.names else "")}
            for name, kind in inputs.items()
        ],
        "segment": [{"name": name, "chosen": name in chosen} for name in found.names],
    }


@require_POST
@member(Can.CHANGE)
def start_import(request: ProjectRequest, upload_uid: str) -> HttpResponse:
    """Let a job try the file or keep its rows, as the pressed button says."""
    stored, given = _upload(request, upload_uid), request.POST
    query = _reading(given, stored)
    for name in COLUMN_OPTIONS:
        query[name] = given.get(name, "")
    query.setlist("segment", given.getlist("segment"))
    inputs = request.project.contract().types()
    columns = {name: given.get(f"input:{name}", "") for name in inputs}
    query.setlist("input", [f"{name}={column}" for name, column in columns.items() if column and column != name])
    try:
        asked = parse_options(query, request.project)
        made = import_jobs.start_import(
            request.project,
            stored,
            format_name=asked.format,
            options=asked.options,
            by=request.user,
            at=timezone.now(),
            dry_run=given.get("act") != "import",
        )
    except UnusableFile as why:
        return _preview(request, stored, given, problem=str(why))
    return redirect("annotation:import", request.project.slug, made.uid)


def _upload(request: ProjectRequest, uid: str) -> StoredUpload:
    return get_object_or_404(StoredUpload, uid=uid, owner=request.user)


@require_POST
@member(Can.CHANGE)
def start_export(request: ProjectRequest) -> HttpResponse:
    """Let a job write every item to a file, without what this person may not see yet."""
    try:
        made = export_jobs.start_export(
            request.project,
            request.POST.get("format", "jsonl"),
            viewer=request.user,
            by=request.user,
            at=timezone.now(),
            raw_cells=request.POST.get("raw") == "yes",
            full=request.POST.get("full") == "yes",
        )
    except UnusableFile as why:
        return _page(request, error=str(why), status=422)
    return redirect("annotation:export", request.project.slug, made.uid)


@require_GET
@member(Can.CHANGE)
def export(request: ProjectRequest) -> HttpResponse:
    """Every item as a file at once, without what this person may not see yet."""
    name = request.GET.get("format", "jsonl")
    try:
        parts = exported_parts(request.project, name, viewer=request.user)
    except UnusableFile as why:
        return _page(request, error=str(why), status=422)
    return streamed_answer(parts, request.project, name)
