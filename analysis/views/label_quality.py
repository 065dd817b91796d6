"""Label quality: can I trust the labels?"""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_GET, require_POST

from analysis import charts, findings, relabel
from analysis.findings import LabelQualityBody, PrecisionAt
from analysis.models import Finding, FindingKind
from analysis.reports.kinds import label_quality as label_quality_report
from analysis.reports.stored import newest_or_request
from annotation import blinding
from annotation.kinds import InvalidLabel
from inputs.registry import INPUT_TYPES
from inputs.types.base import Display
from projects.formatting import plural
from projects.guards import ProjectRequest, asks_for_fragment, member
from projects.models import Can, Project
from validation.numbers import whole_number

CARDS = 24
ACTS = {"keep": "kept", "fix": "fixed", "unclear": "unclear", "queue": "requeued"}


@require_GET
@member(Can.SEE)
def label_quality(request: ProjectRequest) -> HttpResponse:
    template = "analysis/label_quality.html" + ("#cards" if asks_for_fragment(request) else "")
    return render(request, template, context(request))


def context(request: ProjectRequest) -> dict[str, Any]:
    project: Project = request.project
    report = newest_or_request(project, label_quality_report.KIND, at=timezone.now())
    body = report.body if report else None
    mine = Finding.objects.filter(project=project, kind=FindingKind.LABEL_ERROR)
    blind = Q(item__in=blinding.blind_items(project, request.user).values("pk"))
    counted = mine.values_list("decision").annotate(n=Count("pk"), hidden=Count("pk", filter=blind)).order_by()
    counts, hidden = ({row[0]: row[place] for row in counted} for place in (1, 2))
    suspects = list(
        mine.filter(~blind, decision=Finding.Decision.OPEN).select_related("item").order_by("score", "pk")[:CARDS]
    )
    decided = list(
        mine.filter(~blind, decision__in=list(ACTS.values())).select_related("item").order_by("-decided_at")[:6]
    )
    waiting = counts.get(Finding.Decision.OPEN, 0)
    image = next(
        (name for name, kind in project.contract().types().items() if INPUT_TYPES[kind].display is Display.IMAGE), ""
    )
    return {
        "project": project,
        "report": report,
        "body": body,
        "undefined": undefined(body),
        "suspects": suspects,
        "left_out": hidden.get(Finding.Decision.OPEN, 0),
        "decided": decided,
        "waiting": waiting,
        "counts": counts,
        "judged": judged(counts),
        "curve": curve(body, waiting),
        "can_decide": request.role.can(Can.REVIEW),
        "can_change": request.role.can(Can.CHANGE),
        "image": image,
        "first_input": next(iter(project.contract().types().items())),
        "items_url": reverse("analysis:item-list", args=[project.slug]) + "?suspected=yes",
    }


def judged(counts: dict[str, int]) -> dict[str, int]:
    """How many of the suspects that people looked at were really wrong."""
    fixed, kept = counts.get("fixed", 0), counts.get("kept", 0)
    return {"fixed": fixed, "n": fixed + kept}


def undefined(body: LabelQualityBody | None) -> str:
    """Why the labels cannot be judged, "" where they can."""
    if body is None or not body.problem:
        return ""
    return {
        "no_classes": "Labels of this task are not classes, so no model can say which are likely wrong.",
        "few_labels": f"{body.n} labels have an out-of-sample score so far; {findings.LEAST_LABELS} are needed before "
        "any is doubted.",
        "one_class": "All labels are the same: with one class only there are no errors to find.",
        "no_signal": f"On {body.n} labels the model is no better than the share of each label, so it cannot say which "
        "are wrong.",
    }[body.problem]


@dataclass(frozen=True)
class PrecisionCurve:
    """Expected precision by length of the list, and how many of the suspects that wait are wrong."""

    svg: SafeString
    rows: tuple[PrecisionAt, ...]
    here: PrecisionAt
    wrong: float
    low: float
    high: float


def curve(body: LabelQualityBody | None, waiting: int) -> PrecisionCurve | None:
    """With the plumb line at what waits now; None until people have checked some suspects."""
    if body is None or not body.decided:  # the model alone says what to check first, not how many are wrong
        return None
    rows = [row for row in body.curve if row.precision.value is not None]
    if not rows:
        return None
    here = min(rows, key=lambda row: abs(row.length - max(waiting, 1)))
    last = rows[-1].length
    value, low, high = (found or 0.0 for found in (here.precision.value, here.precision.low, here.precision.high))
    svg = charts.line(
        [_point(row) for row in rows],
        label="Expected precision of the list by its length",
        x_axis=charts.XAxis(
            [(v, f"{v:.0f}") for v in charts.ticks(0, last, 5) if v <= last], "labels checked, surest first"
        ),
        y_range=(0.0, 1.0),
        plumb=charts.Mark(here.length, f"{value:.2f} at {here.length}", value),
        discs="none",
        width=302,
        height=220,
    )
    wrong, fewest, most = (here.length * share for share in (value, low, high))
    return PrecisionCurve(mark_safe(svg), tuple(rows), here, wrong, fewest, most)


def _point(row: PrecisionAt) -> charts.Point:
    return charts.Point(row.length, row.precision.value or 0.0, row.precision.low, row.precision.high)


@require_POST
@member(Can.REVIEW)
def decide_suspect(request: ProjectRequest, pk: int) -> HttpResponse:
    """Keep, fix, unclear or queue again: one suspect."""
    finding = Finding.objects.select_related("project").filter(project=request.project, pk=pk).first()
    if finding is None:
        raise Http404("There is no such finding in this project.")
    act = request.POST.get("act", "")
    if act not in ACTS:
        return _cards(request, f"The decision takes {', '.join(ACTS)}; it is {act[:20]!r}.", status=422)
    try:
        if act == "queue":
            if not request.role.can(Can.CHANGE):
                return _cards(request, "Your role cannot make queues; keep, fix or unclear are yours.", status=403)
            relabel.queue_finding(finding, by=request.user, at=timezone.now())
        else:
            value = request.POST.get("to") or None  # what the button said; a refresh may suggest another by now
            findings.record_decision(finding, ACTS[act], by=request.user, at=timezone.now(), value=value)
    except (findings.AlreadyDecided, findings.LabelChanged, InvalidLabel) as why:
        return _cards(request, str(why), status=409)
    return _cards(request)


@require_POST
@member(Can.CHANGE)
def queue_suspects(request: ProjectRequest) -> HttpResponse:
    """Ask people again about all that wait, or the surest `count` of them."""
    given = request.POST.get("count", "")
    number = whole_number(given)
    count = findings.MOST if number is None else min(number, findings.MOST)
    mine = Finding.objects.filter(project=request.project, decision=Finding.Decision.OPEN).order_by("score", "pk")
    try:
        queue, put = relabel.queue_findings(request.project, list(mine[:count]), by=request.user, at=timezone.now())
    except relabel.NothingToQueue as why:
        return _cards(request, str(why), status=422)
    added = f"{plural(put.created, 'item,items')} added to {queue.title}." if queue else "All wait in a queue already."
    messages.info(request, added)
    return redirect("annotation:queue-list", request.project.slug)


def _cards(request: ProjectRequest, problem: str = "", status: int = 200) -> HttpResponse:
    """The cards once more: as a fragment for htmx, else the whole page after a redirect."""
    if request.htmx or problem:
        part = "#cards" if request.htmx else ""
        values = context(request) | {"problem": problem}
        return render(request, f"analysis/label_quality.html{part}", values, status=422 if status == 409 else status)
    return redirect("analysis:label-quality", request.project.slug)
