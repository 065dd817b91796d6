"""One import or export: how far it is, what became of the rows, and the file to download."""

import csv
from typing import Any

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from annotation import export_jobs, import_jobs
from annotation.file_answers import file_answer
from annotation.import_options import ImportOptions
from annotation.models import TO_LABEL, DataExport, DataImport, RoutedItem
from annotation.routing import refill
from jobs import queue
from projects.guards import ProjectRequest, asks_for_fragment, member
from projects.models import Can
from projects.spreadsheets import escape

SHOWN = 20  # refused rows


def import_context(data_import: DataImport) -> dict[str, Any]:
    """What the page of an import shows."""
    return {
        "data_import": data_import,
        "state": data_import.state,
        "refused": data_import.refused_rows.order_by("number", "pk")[:SHOWN],
        "shown": SHOWN,
        "askable": RoutedItem.objects.filter(TO_LABEL, project=data_import.project_id).exists()
        or refill.has_more(data_import.project),
        "kept": min(data_import.refused, import_jobs.MOST_REFUSED),
    }


@require_GET
@member(Can.CHANGE)
def import_status(request: ProjectRequest, import_uid: str) -> HttpResponse:
    """The import; a fragment while it is polled."""
    return _show(request, _import(request, import_uid))


def _show(request: ProjectRequest, found: DataImport, *, problem: str = "", status: int = 200) -> HttpResponse:
    page = "annotation/import.html" + ("#state" if asks_for_fragment(request) else "")
    context = {"project": request.project, "problem": problem, **import_context(found)}
    return render(request, page, context, status=status)


@require_POST
@member(Can.CHANGE)
def resume_import(request: ProjectRequest, import_uid: str) -> HttpResponse:
    found = _import(request, import_uid)
    try:
        import_jobs.resume_import(found, by=request.user, at=timezone.now())
    except import_jobs.NotResumable as why:
        return _show(request, found, problem=str(why), status=409)
    return _after(request, import_uid)


@require_POST
@member(Can.CHANGE)
def keep_tried(request: ProjectRequest, import_uid: str) -> HttpResponse:
    """Import the file that was tried, read in the same way."""
    tried = _import(request, import_uid)
    if tried.upload is None:
        gone = f"{tried.name} is no longer here; upload it again."
        return _show(request, tried, problem=gone, status=409)
    options = ImportOptions.from_json(tried.options)
    made = import_jobs.start_import(
        request.project, tried.upload, format_name=tried.format, options=options, by=request.user, at=timezone.now()
    )
    return redirect("annotation:import", request.project.slug, made.uid)


@require_POST
@member(Can.CHANGE)
def stop_import(request: ProjectRequest, import_uid: str) -> HttpResponse:
    """What was kept stays; a stopped import can go on."""
    found = _import(request, import_uid)
    if found.job:
        queue.cancel(found.job, by=request.user, at=timezone.now())
    return _after(request, import_uid)


def _after(request: ProjectRequest, import_uid: str) -> HttpResponse:
    if asks_for_fragment(request):
        return _show(request, _import(request, import_uid))
    return redirect("annotation:import", request.project.slug, import_uid)


@require_GET
@member(Can.CHANGE)
def refused_rows(request: ProjectRequest, import_uid: str) -> HttpResponse:
    """The refused rows and why, as CSV."""
    found = _import(request, import_uid)
    rows = found.refused_rows.order_by("number", "pk").values_list("number", "error").iterator(chunk_size=1000)
    writer = csv.writer(_Echo())
    lines = (writer.writerow([number, escape(error)]) for number, error in rows)
    answer = StreamingHttpResponse([writer.writerow(["row", "error"]), *lines], content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="refused-{found.uid}.csv"'
    return answer  # type: ignore[return-value]  # a response that streams is no HttpResponse to django-stubs


class _Echo:
    """Gives back what is written to it."""

    def write(self, text: str) -> str:
        return text


def _import(request: ProjectRequest, uid: str) -> DataImport:
    found = DataImport.objects.select_related("job", "upload", "created_by")
    return get_object_or_404(found, project=request.project, uid=uid)


@require_GET
@member(Can.CHANGE)
def export_status(request: ProjectRequest, export_uid: str) -> HttpResponse:
    """The export; a fragment while it is polled."""
    found = _export(request, export_uid)
    page = "annotation/export.html" + ("#state" if asks_for_fragment(request) else "")
    return render(request, page, {"project": request.project, "data_export": found, "state": found.state})


@require_GET
@member(Can.CHANGE)
def exported_file(request: ProjectRequest, export_uid: str) -> HttpResponse:
    """The file, for who asked for it: it leaves out what this person labels blind, and nothing of what others do."""
    found = _export(request, export_uid)
    try:
        return file_answer(export_jobs.open_file(found), request.project, found.format)
    except export_jobs.ExportGone as why:
        raise Http404(str(why)) from None


def _export(request: ProjectRequest, uid: str) -> DataExport:
    found = DataExport.objects.select_related("job", "project")
    return get_object_or_404(found, project=request.project, uid=uid, created_by=request.user)
