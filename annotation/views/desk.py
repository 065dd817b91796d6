"""The desk: the page, and the calls by which its script keeps a buffer of leases and sends answers behind it."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

import msgspec
from django.conf import settings
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from annotation import (
    answers,
    blinding,
    desk_body,
    desk_buffer,
    desk_questions,
    guidelines,
    kinds,
    labels,
    leases,
    waiting_items,
)
from annotation.desk_body import DeskAnswer
from annotation.guideline_examples import shown_guideline
from annotation.item_display import display_item
from annotation.models import Label, LabelState, Lease, Queue
from annotation.views.empty_desk import nothing_html
from projects import zones
from projects.guards import ProjectRequest, member
from projects.json_body import BadBody
from projects.models import Can, Project
from projects.problems import problem
from validation import InvalidInput
from validation.json_values import is_storable_text
from validation.structs import to_struct

BUFFER = 25  # items at hand; a desk asks for more when it holds 12
UNDO_DEEP = 20
FLAGS = ("Two labels fit", "No label fits", "It cannot be read", "Somebody should see this")
Call = Callable[..., HttpResponse]


def json_call(view: Call) -> Call:
    """A call of the desk's script: JSON out, and a body that does not fit is a problem with its sentence."""

    @wraps(view)
    def inner(request: ProjectRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.content_type == "multipart/form-data":  # Django has taken the body apart to look for its token
            return problem(415, "This call takes a JSON body.")
        try:
            return view(request, *args, **kwargs)
        except BadBody as why:
            return problem(why.status, str(why))

    return inner


@require_GET
@member(Can.LABEL)
def page(request: ProjectRequest) -> HttpResponse:
    """The frame: guideline, answers, history. Items come by a POST, so that opening the page leases nothing."""
    project, queue = request.project, _queue(request, request.GET.get("queue"))
    guideline, kind = guidelines.current(project), kinds.of_project(project)
    form = kind.form(project.schema().labels)
    progress = _progress(request, queue)
    context = {
        "project": project,
        "queue": queue,
        "kind_template": kind.template,
        "desk_module": kind.desk_module,
        "form": form,
        "also_ask": desk_questions.for_template(project),
        "flags": FLAGS,
        "guideline": guideline,
        "guideline_html": shown_guideline(project, guideline),
        "progress": progress,
        "config": _config(request, queue, guideline.version if guideline else 0, progress),
    }
    return render(request, "annotation/desk.html", context)


def _queue(request: ProjectRequest, slug: Any) -> Queue | None:
    if not slug:
        return None
    found = None
    if isinstance(slug, str) and is_storable_text(slug):
        found = Queue.objects.filter(project=request.project, slug=slug).first()
    if found is None or not blinding.may_choose(found, request.role):
        raise Http404("There is no such queue in this project.")
    return found


def _progress(request: ProjectRequest, queue: Queue | None) -> dict[str, int]:
    """What this person labelled on their own day, and what waits for them in the queue or in all."""
    mine = Label.objects.filter(project=request.project, user=request.user, state=LabelState.GIVEN)
    today = mine.filter(created_at__gte=zones.start_of_day(timezone.now()))
    waiting = waiting_items.waiting_for(request.user, request.project, queue=queue).count()
    return {"today": today.count(), "waiting": waiting}


def _config(request: ProjectRequest, queue: Queue | None, guideline: int, progress: dict[str, int]) -> str:
    """What the script needs to know, for an attribute of the element."""
    names = ("leases", "answers", "beat", "back", "guideline")
    calls = {name: reverse(f"annotation:desk-{name}", args=[request.project.slug]) for name in names}
    config = {
        "calls": calls,
        "module": static(kinds.of_project(request.project).desk_module),
        "also": desk_questions.for_script(request.project),
        "queue": queue.slug if queue else None,
        "buffer": BUFFER,
        "undo": UNDO_DEEP,
        "beatSeconds": desk_buffer.beat_seconds(),
        "leaseSeconds": settings.LEASE_SECONDS,
        "guideline": guideline,
        "progress": progress,
        "store": f"{request.project.slug}/{request.user.pk}",
        "history": _history(request.project, request.user),
    }
    return msgspec.json.encode(config).decode()


def _history(project: Project, user: Any) -> list[dict[str, Any]]:
    """The person's last answers, the oldest first: what was said, without what was asked."""
    mine = Label.objects.filter(project=project, user=user).exclude(state=LabelState.UNDONE)
    rows = mine.select_related("lease", "item").order_by("-pk")[:UNDO_DEEP]
    return [
        {
            **_entry(project, label),
            "thumb": next((picture.src for picture in display_item(project, label.item).pictures), None),
        }
        for label in reversed(rows)
    ]


def _entry(project: Project, label: Label) -> dict[str, Any]:
    skipped = label.state == LabelState.SKIPPED
    words = "skipped" if skipped else kinds.of_project(project).describe(label.value, project.schema().labels)
    revised = label.revisions.count() > 1 if label.revision > 1 else False
    said = {"value": label.value, "also": label.also or {}, "skip": skipped}
    return {"lease": label.lease.token, **said, "words": words, "edited": revised}


@require_POST
@member(Can.LABEL, with_schema=True)
@json_call
def claim(request: ProjectRequest) -> HttpResponse:
    """Fill the desk's buffer: what it held before a reload first, then what is most wanted.

    `resume` comes with the first call of a sitting, `have` says how many items the desk holds.
    """
    asked = desk_body.parse_body(request.body, desk_body.DeskClaim)
    held = None if asked.resume is None else desk_body.storable(asked.resume)
    queue, now = _queue(request, asked.queue), timezone.now()
    found = desk_buffer.fill(
        request.project, by=request.user, count=asked.count, at_hand=asked.have, held=held, queue=queue, at=now
    )
    progress = _progress(request, queue)
    drawn = [_lease(request.project, lease) for lease in found]
    version = _guideline_in_force(request.project, found, now)
    answer: dict[str, Any] = {"leases": drawn, "guideline": version, "at": now.isoformat(), **progress}
    if not found and not asked.have:
        answer["nothing"] = nothing_html(request, queue, today=progress["today"])
    return JsonResponse(answer)


def _guideline_in_force(project: Project, found: list[Lease], now: datetime) -> int:
    """The version that the leases granted now carry; read where none was."""
    new = [lease.guideline_version for lease in found if lease.granted_at == now]
    return new[0] if new else guidelines.version(project)


def _lease(project: Project, lease: Lease) -> dict[str, Any]:
    """A lease for the script: the item drawn, and nothing that would tell an evaluation item from another."""
    shown = display_item(project, lease.item)
    drawn = {"shown": shown, "item": lease.item, "reason": blinding.shown_reason(project, lease.slot.routed)}
    return {
        "lease": lease.token,
        "html": render_to_string("annotation/desk.html#item", drawn),
        "about": kinds.of_project(project).about(lease.item.inputs),
        "beside": desk_questions.about(project, lease.item.inputs),
        "guideline": lease.guideline_version,
        "thumb": shown.pictures[0].src if shown.pictures else None,
    }


@never_cache
@require_GET
@member(Can.LABEL, with_schema=True)
def show_lease(request: ProjectRequest, token: str) -> HttpResponse:
    """One of the person's own leases again, to correct what they answered."""
    mine = Lease.objects.select_related("slot__routed", "item").filter(project=request.project, user=request.user)
    return JsonResponse(_lease(request.project, get_object_or_404(mine, token=token)))


@require_POST
@member(Can.LABEL, with_schema=True)
@json_call
def submit_answers(request: ProjectRequest) -> HttpResponse:
    """Answers, undoings and corrections in the order in which the person made them; each has its own result."""
    rows = desk_body.parse_body(request.body, desk_body.DeskAnswers).answers
    return JsonResponse({"results": [_act(request, row) for row in rows]})


def _act(request: ProjectRequest, given: Any) -> dict[str, Any]:
    """The result of one act; one that does not fit is refused alone."""
    try:
        row = to_struct(given, desk_body.DeskAnswer, noun="answer")
    except InvalidInput as why:
        return {"lease": None, "status": "refused", "error": str(why)}
    if not is_storable_text(row.lease):
        return {"lease": None, "status": "refused", "error": "`lease` takes the token of a lease."}
    status, error = ACTS[row.op](request, row)
    return {"lease": row.lease, "status": status, "error": error}


def _submit(request: ProjectRequest, row: DeskAnswer) -> tuple[str, str | None]:
    done = labels.submit(request.project, row.lease, by=request.user, at=timezone.now(), **row.sent_parts())
    return done.status, done.error


def _undo(request: ProjectRequest, row: DeskAnswer) -> tuple[str, str | None]:
    try:
        labels.undo(request.project, row.lease, by=request.user, at=timezone.now())
    except answers.AnswerRefused as why:
        return "refused", str(why)
    return "undone", None


def _revise(request: ProjectRequest, row: DeskAnswer) -> tuple[str, str | None]:
    mine = Label.objects.select_related("lease").filter(project=request.project, user=request.user)
    label = mine.filter(lease__token=row.lease).first()
    if label is None:
        return "refused", "There is no answer of yours to correct for this lease."
    label.project = request.project
    done = labels.revise(label, value=row.value, also=row.also, by=request.user, at=timezone.now())
    return done.status, done.error


ACTS = {"submit": _submit, "undo": _undo, "revise": _revise}


@require_POST
@member(Can.LABEL)
@json_call
def beat(request: ProjectRequest) -> HttpResponse:
    """Heartbeat: extend what the desk holds and say what it still holds."""
    tokens = desk_body.storable(desk_body.parse_body(request.body, desk_body.DeskBeat).tokens)
    return JsonResponse({"held": leases.extend(request.project, tokens=tokens, by=request.user, at=timezone.now())})


@require_POST
@member(Can.LABEL)
@json_call
def give_back(request: ProjectRequest) -> HttpResponse:
    """The end of a sitting: what the desk holds waits for others at once.

    A page that is closed sends it as a form, for a beacon carries no header: see static/js/desk/wire.js.
    """
    if request.content_type == "application/x-www-form-urlencoded":
        given = {"tokens": request.POST.getlist("tokens"), "at": request.POST.get("at")}
        asked = desk_body.to_body(given, desk_body.DeskBack)
    else:
        asked = desk_body.parse_body(request.body, desk_body.DeskBack)
    tokens, granted_by = desk_body.storable(asked.tokens), desk_body.moment(asked.at, "at")
    now = timezone.now()
    freed = leases.give_back_all(request.project, tokens=tokens, by=request.user, granted_by=granted_by, at=now)
    return JsonResponse({"freed": freed})


@require_GET
@member(Can.LABEL)
def guideline(request: ProjectRequest) -> HttpResponse:
    """The guideline in force, for a desk that was opened under an older one."""
    current = guidelines.current(request.project)
    context = {
        "guideline": current,
        "guideline_html": shown_guideline(request.project, current),
    }
    return render(request, "annotation/desk.html#guideline", context)
