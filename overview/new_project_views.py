"""New project: what should it decide? From a file, from a sample request, or from nothing."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from annotation import kinds, uploads
from annotation.exchange.rows import UnusableFile
from annotation.kinds.choice.shortcuts import cap, keys_of
from annotation.kinds.option_fields import option_fields
from annotation.models import StoredUpload
from inputs.files.column_roles import ColumnRole
from inputs.files.table import BadFile
from overview.new_project import creation, remarks, source, trial
from overview.new_project.choices import Choices, parse_choices, parse_dialect
from overview.new_project.specification import has_classes, import_options, labels_of, positive_of, spec_of_choices
from projects import task_kinds
from projects.guards import UserRequest, asks_for_fragment, member_anywhere
from projects.models import Can
from projects.project_settings import RoutingSettings
from projects.specs import parse_spec
from projects.streamed_body import BrokenBody, body_parts, takes_file
from retraining.triggers.rules.new_labels import NewLabelsSettings
from validation import InvalidInput

FIRST_LABELS = 12  # that the page shows before a person opens the rest
EMPTY_INPUTS = 6
ROLES = (
    ("Read by the model", ("text", "number", "category", "boolean", "time", "image", "conversation", "vector")),
    ("About the row", ("key", "at", "segment", "segment_input", "annotator")),
    ("The decision", ("label", "predicted", "scores", "confidence", "positive_score", "version")),
    ("Not stored", ("ignore",)),
)
ROLE_WORDS = {
    "at": "row time",
    "segment_input": "segment, read too",
    "predicted": "prediction",
    "scores": "label score",
    "confidence": "score",
    "positive_score": "positive score",
    "version": "model version",
}
CHOICES = [(group, [(role, ROLE_WORDS.get(role, role)) for role in roles]) for group, roles in ROLES]


@require_GET
@member_anywhere(Can.CHANGE)
def start(request: UserRequest) -> HttpResponse:
    """Three ways to begin."""
    return _start_page(request)


def _start_page(request: HttpRequest, *, problem: str = "", at: str = "", sample: str = "") -> HttpResponse:
    context = {
        "problem": problem,
        "problem_at": at,
        "sample": sample,
        "largest": source.LARGEST >> 20,
        "example": json.dumps([{"key": "ticket-1", "inputs": {"text": "Where is my parcel?"}, "label": "delivery"}]),
    }
    return render(request, "overview/new_project_start.html", context, status=422 if problem else 200)


@require_POST
@member_anywhere(Can.CHANGE)
def take_file(request: UserRequest) -> HttpResponse:
    """Keep the file for a day or so, which is all that is stored before the project is created."""
    if takes_file(request):
        length = int(request.META.get("CONTENT_LENGTH") or 0)
        if length > source.LARGEST:
            return _start_page(request, problem=source.too_large("The file", length), at="file")
        try:
            return _take(request, body_parts(request), request.GET.get("name", ""), at="file")
        except BrokenBody as why:
            return _start_page(request, problem=str(why), at="file")
    given = request.FILES.get("file")
    if given is None:
        return _start_page(request, problem="Choose a file.", at="file")
    return _take(request, given.chunks(), str(given.name), at="file")


@require_POST
@member_anywhere(Can.CHANGE)
def take_sample(request: UserRequest) -> HttpResponse:
    """Keep a pasted request, whose rows say what a row looks like."""
    text = request.POST.get("sample", "")
    try:
        rows = source.sample_rows(text)
    except InvalidInput as why:
        return _start_page(request, problem=str(why), at="sample", sample=text)
    return _take(request, [rows], source.SAMPLE, at="sample", sample=text)


def _take(request: UserRequest, parts: Any, name: str, *, at: str, sample: str = "") -> HttpResponse:
    upload = None
    try:
        upload = uploads.store_table(parts, name=name, owner=request.user, at=timezone.now())
        source.examine(upload, parse_dialect({}))
    except (UnusableFile, BadFile, uploads.UploadRefused) as why:
        if upload:
            uploads.remove_upload(upload)
        return _start_page(request, problem=str(why), at=at, sample=sample)
    return redirect("new_project:from-upload", upload.uid)


@require_http_methods(["GET", "POST"])
@member_anywhere(Can.CHANGE)
def from_nothing(request: UserRequest) -> HttpResponse:
    """The form without a file: inputs and labels are written by hand."""
    return _respond(request, None, source.EMPTY)


@require_http_methods(["GET", "POST"])
@member_anywhere(Can.CHANGE)
def from_upload(request: UserRequest, upload_uid: str) -> HttpResponse:
    """The form of one uploaded file; a fragment while a person changes it."""
    upload = get_object_or_404(StoredUpload, owner=request.user, uid=upload_uid)
    unread = ""
    try:
        try:
            found = source.examine(upload, parse_dialect(request.POST))
        except (UnusableFile, BadFile) as why:  # of the reading that was chosen: the form stays as it was
            unread = str(why)
            found = source.examine(upload, parse_dialect({}))
    except (UnusableFile, BadFile, uploads.UploadGone) as why:
        return _start_page(request, problem=str(why), at="file")
    return _respond(request, upload, found, unread=unread)


def _respond(
    request: UserRequest, upload: StoredUpload | None, found: source.ProjectSource, *, unread: str = ""
) -> HttpResponse:
    """`unread`: why the file cannot be read as was chosen, so that nothing is created.

    A request of the form for its own next state creates nothing either: htmx sends the button that has the focus.
    """
    choices = parse_choices(request.POST, found)
    problem = ""
    if request.POST.get("act") == "create" and not unread and not asks_for_fragment(request):
        try:
            return _created(request, upload, found, choices)
        except InvalidInput as why:
            problem = str(why)
    context = _context(upload, found, choices, counts=request.method == "POST" and not unread)
    if unread:
        context["missing"] = "Choose another way to read the file, or leave it recognised."
    page = "overview/new_project.html" + ("#making" if asks_for_fragment(request) else "")
    return render(
        request, page, {**context, "problem": problem, "unread": unread}, status=422 if problem or unread else 200
    )


def _created(
    request: UserRequest, upload: StoredUpload | None, found: source.ProjectSource, choices: Choices
) -> HttpResponse:
    imported = upload if found.imports else None
    made = creation.create_from_page(
        spec_of_choices(found, choices),
        upload=imported,
        format_name=found.format_name,
        options=import_options(found, choices) if imported else None,
        by=request.user,
        at=timezone.now(),
    )
    slug = made.project.slug
    if made.data_import:
        return redirect("annotation:import", slug, made.data_import.uid)
    return redirect("overview:overview", slug)


def _context(
    upload: StoredUpload | None, found: source.ProjectSource, choices: Choices, *, counts: bool
) -> dict[str, Any]:
    """`counts`: with the dry run over the whole file, which a page that opens asks for afterwards."""
    spec, options = spec_of_choices(found, choices), import_options(found, choices)
    missing, tried = _problem(spec), None
    if counts and upload and found.imports and not missing:
        try:
            tried = trial.try_rows(upload, found, spec, options)
        except InvalidInput as why:
            missing = str(why)
    labels = labels_of(found, choices)
    rows = list(zip([cap(key) for key in keys_of([{"value": one.value} for one in labels])], labels, strict=True))
    needs_labels, one_label = task_kinds.needs_labels(choices.kind), has_classes(choices.kind)
    written = json.dumps(spec, indent=2, ensure_ascii=False)
    return {
        "source": found,
        "upload": upload,
        "address": reverse("new_project:from-upload", args=[upload.uid]) if upload else reverse("new_project:empty"),
        "choices": choices,
        "columns": list(zip(found.columns, choices.guesses, strict=True)),
        "roles": CHOICES,
        "used": sum(guess.role != ColumnRole.IGNORE for guess in choices.guesses),
        "labels": rows[:FIRST_LABELS],
        "more_labels": rows[FIRST_LABELS:],
        "by_hand": needs_labels and (not one_label or len(labels) < 2 or bool(choices.listed.strip())),
        "kinds": kinds.titles(),
        "options": option_fields(kinds.of(choices.kind), spec.get("answer", {}), spec["inputs"]),
        "has_classes": one_label,
        "labelled": bool(choices.column_of(ColumnRole.LABEL)),
        "positive": positive_of(choices, labels),
        "positive_title": next((one.title for one in labels if one.value == positive_of(choices, labels)), ""),
        "types": source.input_types(),
        "input_rows": [*choices.named_inputs, *[("", "text")] * EMPTY_INPUTS][:EMPTY_INPUTS],
        "remarks": remarks.find_remarks(found, choices, tried),
        "trial": tried,
        "missing": missing,
        "slug": creation.free_slug(choices.title),
        "spec": written,
        "lines": written.count("\n") + 1,
        "routing": RoutingSettings(),
        "after_labels": NewLabelsSettings().after_labels,
    }


def _problem(spec: dict[str, Any]) -> str:
    """What is missing yet, in one sentence, or nothing."""
    if not spec["title"].strip():
        return "The project has no name yet."
    if not spec["inputs"]:
        return "Nothing would be read by the model: choose a type for at least one column."
    if task_kinds.needs_labels(spec["kind"]) and len(spec["labels"]) < task_kinds.fewest_labels(spec["kind"]):
        if not has_classes(spec["kind"]):
            return "Answers are made of labels: write them, one a line."
        return "A decision needs two labels or more: choose the column that holds them, or write them."
    try:
        parse_spec(spec)
    except InvalidInput as why:
        return str(why)
    return ""
