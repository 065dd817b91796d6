"""Import and export of a project's data: a file tried first and then kept, and the items as a file of any format."""

from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from annotation.exchange.registry import FORMATS
from annotation.exchange.rows import ColumnNames, UnusableFile
from annotation.exporting import exported_file, written_formats
from annotation.file_answers import file_answer
from annotation.importing import ImportOptions, ImportResult, format_of_name, import_file
from projects.guards import ProjectRequest, asks_for_fragment, member
from projects.models import Can

LARGEST = 32 << 20  # bytes; larger files are imported by the command, which no request waits for
NAMED = ("key", "label", "predicted", "scores", "version", "time")
SHOWN = 50  # refused rows


class ImportForm(forms.Form):
    """A file with its format, and the columns of a flat file where they have other names than usual."""

    file = forms.FileField(error_messages={"required": "Choose a file.", "empty": "The file is empty."})
    format = forms.ChoiceField(required=False, label="Format")
    key = forms.CharField(required=False, max_length=200, label="Key column")
    label = forms.CharField(required=False, max_length=200, label="Label column")
    predicted = forms.CharField(required=False, max_length=200, label="Predicted label column")
    scores = forms.CharField(required=False, max_length=200, label="Score columns begin with")
    version = forms.CharField(required=False, max_length=200, label="Model version column")
    time = forms.CharField(required=False, max_length=200, label="Time column")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", "By the file's name"), *((name, name) for name in FORMATS.names())]
        self.fields["format"].choices = choices  # type: ignore[attr-defined]  # a ChoiceField has them

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > LARGEST:
            raise forms.ValidationError(
                f"The file has {file.size >> 20:,} MiB; this page takes {LARGEST >> 20}. Larger ones: "
                "./plumbline import_data."
            )
        return file

    def columns(self) -> ColumnNames:
        return ColumnNames(**{name: self.cleaned_data[name].strip() for name in NAMED})


@require_GET
@member(Can.CHANGE)
def exchange(request: ProjectRequest) -> HttpResponse:
    """The form, and the formats to export to."""
    return _page(request, ImportForm())


@require_POST
@member(Can.CHANGE)
def import_rows(request: ProjectRequest) -> HttpResponse:
    """Try the file or keep it, as the pressed button says."""
    form = ImportForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, form, error=" ".join(str(why) for found in form.errors.values() for why in found))
    file = form.cleaned_data["file"]
    try:
        result = import_file(
            request.project,
            file.file,
            form.cleaned_data["format"] or format_of_name(file.name),
            options=ImportOptions(form.columns()),
            at=timezone.now(),
            dry_run=request.POST.get("act") != "import",
        )
    except UnusableFile as why:
        return _page(request, form, error=str(why))
    return _page(request, form, result=result)


def _page(
    request: ProjectRequest, form: ImportForm, *, result: ImportResult | None = None, error: str = ""
) -> HttpResponse:
    context = {
        "project": request.project,
        "form": form,
        "columns": [form[name] for name in NAMED],
        "result": result,
        "refused": result.refused[:SHOWN] if result else [],
        "error": error,
        "formats": written_formats(),
    }
    page = "annotation/exchange.html" + ("#outcome" if asks_for_fragment(request) else "")
    return render(request, page, context, status=422 if error else 200)


@require_GET
@member(Can.CHANGE)
def export(request: ProjectRequest) -> HttpResponse:
    """Every item as a file, without what this person may not see yet."""
    name = request.GET.get("format", "jsonl")
    try:
        file = exported_file(request.project, name, viewer=request.user)
    except UnusableFile as why:
        return _page(request, ImportForm(), error=str(why))
    return file_answer(file, request.project, name)
