"""What is training, and did it work?"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from annotation import blinding
from annotation.item_display import display_item
from annotation.models import Item, Resolution
from projects.formatting import span
from projects.guards import ProjectRequest, asks_for_fragment, member
from projects.models import Can, Project
from projects.paging import BadCursor, KeysetPage, keyset_page
from projects.project_settings import RetrainingSettings
from retraining import judging, new_labels, registry, training
from retraining.bodies import CandidateBody
from retraining.models import DatasetRow, ModelVersion, RunState, TrainingRun, TriggerCheck
from retraining.run_records import TriggerEvidence
from retraining.trainers.registry import title_of
from retraining.triggers import checks
from retraining.triggers.registry import title
from retraining.views import page_of, run_of

SHOWN, ITEMS_SHOWN = 30, 60
CHECKS = 8


@dataclass(frozen=True)
class StageRow:
    """One stage of a run as the page shows it: done, now, failed or waiting, and how long it took."""

    name: str
    state: str
    took: str


@require_GET
@member(Can.SEE)
def run_list(request: ProjectRequest) -> HttpResponse:
    now = timezone.now()
    before = request.GET.get("before", "")
    page = _runs(request.project, before)
    runs = page.rows
    verdicts = judging.gate_verdicts([run.version for run in runs if hasattr(run, "version")])
    recent = None if before else runs[: new_labels.RECENT]  # the first page begins with them
    answers = checks.current_answers(request.project, at=now)
    settings = request.project.retraining_settings()
    context = {
        "project": request.project,
        "now": now,
        "runs": runs,
        "verdicts": verdicts,
        "verdict": verdicts.get(runs[0].version.pk) if runs and hasattr(runs[0], "version") else None,
        "older": page.next,
        "newest": runs[0] if runs else None,
        "flying": next((run for run in runs if run.in_flight), None),
        "answers": answers,
        "new": new_labels.count(request.project, recent),
        "settings": settings,
        "who_promotes": _who_promotes(settings),
        "cooldown": span(settings.cooldown),
        "checks": _checks(request.project),
        "gate": _gate(request.project, runs[0] if runs else None),
        "may_change": request.role.can(Can.CHANGE),
    }
    return render(request, "retraining/runs.html" + ("#state" if asks_for_fragment(request) else ""), context)


def _who_promotes(settings: RetrainingSettings) -> str:
    who = "the gate" if settings.by_gate else "a person, after the gate"
    return f"{who} on labels where it differs from what serves" if settings.by_disagreement else who


def _runs(project: Project, before: str) -> KeysetPage[TrainingRun]:
    runs = TrainingRun.objects.filter(project=project).select_related(
        "job", "dataset", "version__judgement", "version__project"
    )
    lean = runs.defer("report", "stages", "version__judgement__evaluation", "version__parameters")
    try:
        return keyset_page(lean, by=["number"], after=before, size=SHOWN)
    except BadCursor as why:
        raise Http404(str(why)) from None


def _gate(project: Project, run: TrainingRun | None) -> str:
    """What the verdict of this run's version is worth now: promote, hold, void, or "" where there is none."""
    version: ModelVersion | None = getattr(run, "version", None)
    return judging.state_of(version, registry.incumbent(project)) if version else ""


def _checks(project: Project) -> list[tuple[TriggerCheck, str]]:
    """The newest answers of the trigger rules, each with the rule's title."""
    found = TriggerCheck.objects.filter(project=project).select_related("run").order_by("-at", "-pk")[:CHECKS]
    return [(check, title(check.trigger)) for check in found]


@require_POST
@member(Can.CHANGE)
def start(request: ProjectRequest) -> HttpResponse:
    """Begin a run now. A second click finds the first one's run in flight and leads there."""
    try:
        run = training.open_run(
            request.project,
            reason=f"Asked for by {request.user.name()}.",
            evidence=TriggerEvidence(code="asked"),
            by=request.user,
            at=timezone.now(),
        )
        messages.success(request, f"Run {run.number} begins.")
    except training.RunInFlight as why:
        messages.info(request, str(why))
        flying = TrainingRun.objects.filter(project=request.project, state__in=training.IN_FLIGHT).first()
        if flying is None:  # it ended between the refusal and this look
            return redirect("retraining:run-list", slug=request.project.slug)
        run = flying
    return redirect("retraining:run", slug=request.project.slug, number=run.number)


@require_GET
@member(Can.SEE)
def run_detail(request: ProjectRequest, number: int) -> HttpResponse:
    return _run(request, number)


def _run(request: ProjectRequest, number: int) -> HttpResponse:
    found = run_of(request.project, number)
    now = timezone.now()
    passed, report = stages(found, now), found.load_report()
    version: ModelVersion | None = getattr(found, "version", None)
    context = {
        "project": request.project,
        "now": now,
        "run": found,
        "version": version,
        "gate": _gate(request.project, found),
        "verdict": judging.gate_verdicts([version]).get(version.pk) if version else None,
        "stages": passed,
        "log": found.load_stages().entries,
        **_current_stage(found, passed),
        "took": short((found.finished_at or now) - found.started_at) if found.started_at else "",
        "report": report,
        "trainer": title_of(found.trainer),
        "candidates": sorted(report.candidates, key=_by_loss) if report else [],
        "may_change": request.role.can(Can.CHANGE),
    }
    return render(request, "retraining/run.html" + ("#state" if asks_for_fragment(request) else ""), context)


def _current_stage(run: TrainingRun, passed: list[StageRow]) -> dict[str, Any]:
    """What it does now and how far it is. The job's row is written once a second at most and may lag behind the log."""
    name = next((stage.name for stage in passed if stage.state == "now"), "")
    said, known = (run.job.stage, run.job.progress) if run.job else ("", 0.0)
    finer = name == "Fit and choose" and said and said not in training.STAGES
    return {"doing": said if finer else name or said, "progress": max(known, training.STAGES.get(name, 0.0))}


def _by_loss(candidate: CandidateBody) -> tuple[bool, float]:
    """Best first, what was not finished last."""
    return candidate.log_loss is None, candidate.log_loss or 0.0


def stages(run: TrainingRun, now: datetime) -> list[StageRow]:
    """Every stage in order, as the last attempt has gone through them."""
    entries = run.load_stages().entries
    attempt = max((entry.attempt for entry in entries), default=0)
    begun = {entry.stage: entry.at for entry in entries if entry.attempt == attempt}
    ends = [*list(begun.values())[1:], run.finished_at or now]
    took = {name: end - begun[name] for name, end in zip(begun, ends, strict=True)} if begun else {}
    last = next(reversed(begun), "")
    return [
        StageRow(name, _state(name, last, name in begun, run), short(took[name]) if name in took else "")
        for name in training.STAGES
    ]


def short(length: timedelta) -> str:
    """0.4 s, 12 s, 3 min: stages are often quicker than a second."""
    seconds = length.total_seconds()
    return f"{seconds:.1f}\u00a0s" if seconds < 10 else span(length)


def _state(name: str, last: str, begun: bool, run: TrainingRun) -> str:
    if not begun:
        return "waiting" if run.in_flight else "skipped"
    if name != last or run.state in (RunState.SUCCEEDED, RunState.UNCHANGED):
        return "done"
    return "now" if run.in_flight else "failed"


@require_GET
@member(Can.SEE)
def run_items(request: ProjectRequest, number: int, split: str) -> HttpResponse:
    """The items that a run was trained on, or measured with, each with the value that was agreed then."""
    found = run_of(request.project, number)
    if found.dataset is None:
        raise Http404("This run has no dataset yet.")
    rows = DatasetRow.objects.filter(dataset=found.dataset, split=split).order_by("pk")
    verb = "trained on" if split == DatasetRow.Split.TRAIN else "measured with"
    question = f"What was run {number} {verb}?"
    pairs = rows.select_related("item", "resolution")
    return _items(request, question, pairs, lambda row: (row.item, row.resolution))


@require_GET
@member(Can.SEE)
def new_items(request: ProjectRequest, split: str) -> HttpResponse:
    """The items whose labels count towards the next run."""
    rows = new_labels.waiting(request.project).filter(evaluation=split == DatasetRow.Split.EVALUATION)
    verb = "learn from" if split == DatasetRow.Split.TRAIN else "measure with"
    ordered = rows.select_related("item").order_by("-resolved_at", "-pk")
    return _items(request, f"What is new to {verb}?", ordered, lambda row: (row.item, row))


def _items(
    request: ProjectRequest, question: str, rows: Any, parts: Callable[[Any], tuple[Item, Resolution]]
) -> HttpResponse:
    page = page_of(request)
    found = list(rows[(page - 1) * ITEMS_SHOWN :][: ITEMS_SHOWN + 1])
    pairs = [parts(row) for row in found[:ITEMS_SHOWN]]
    blind = blinding.blind_among(request.project, request.user, [item.pk for item, _ in pairs])
    context = {
        "project": request.project,
        "question": question,
        "total": rows.count(),
        "items": [
            (item, resolution, display_item(request.project, item))
            for item, resolution in pairs
            if item.pk not in blind
        ],
        "left_out": len(blind),
        "next": page + 1 if len(found) > ITEMS_SHOWN else None,
        "previous": page - 1,
    }
    return render(request, "retraining/items.html" + ("#items" if asks_for_fragment(request) else ""), context)


@require_POST
@member(Can.CHANGE)
def stop(request: ProjectRequest, number: int) -> HttpResponse:
    """Stop a run; one that has ended meanwhile is left as it is."""
    found = run_of(request.project, number)
    stopped = training.stop(found, by=request.user, at=timezone.now())
    if asks_for_fragment(request):
        return _run(request, number)
    messages.info(request, f"Run {number} is stopped." if stopped else f"Run {number} had ended already.")
    return redirect("retraining:run", slug=request.project.slug, number=number)
