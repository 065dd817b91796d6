"""Is the candidate better? One version against what was live when it was made."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from analysis import charts
from annotation import blinding, versions
from annotation.item_display import display_item
from annotation.models import Prediction, Source
from projects import spreadsheets
from projects.formatting import plural
from projects.guards import ProjectRequest, asks_for_fragment, member
from projects.models import Can, Project
from retraining import artifacts, comparison_charts, judging, label_requests, registry, release, verdict_words
from retraining.forms import MOST_ASKED, AskForm, PromoteForm
from retraining.judging import VerdictState
from retraining.models import EvaluatedItem, EvaluatedItemQuerySet, ModelVersion, Outcome
from retraining.views import page_of, version_of
from retraining.views.comparison_rows import difference_rows, gate_rows, headline, sides
from retraining.views.disagreement_panel import DisagreementPanel, differing

BROKEN_SHOWN, CASES_SHOWN, ROWS_DRAWN, OTHERS_SHOWN = 9, 60, 12, 12
ALL, FILTERS = "all", ("label", "segment")
A_DAY = timedelta(days=1)


@require_GET
@member(Can.SEE)
def compare(request: ProjectRequest, number: int) -> HttpResponse:
    return compare_page(request, version_of(request.project, number))


def compare_page(request: ProjectRequest, version: ModelVersion, *, error: str = "", status: int = 200) -> HttpResponse:
    incumbent = registry.incumbent(request.project)
    state = judging.state_of(version, incumbent)
    void = judging.why_void(version, incumbent) if state == VerdictState.VOID else ""
    rows, differ = difference_rows(version), differing(version, incumbent)
    broken = EvaluatedItem.objects.filter(judgement=version.judgement_id).outcome(Outcome.BROKEN)
    context = {
        **_head(request, version),
        "incumbent": incumbent,
        "state": state,
        "void": void,
        "judging": judging.waiting(version) if void else None,  # only a void verdict is judged again
        "gates": gate_rows(version.verdict),
        "headline": headline(version, state, differ),
        "audit": verdict_words.headline(version.verdict) if version.verdict else "",
        "since": release.serves_since(version) if state == VerdictState.SERVES else None,
        "judged": verdict_words.decision_words(version.verdict) if version.verdict else "",
        "overall": rows[0] if rows else None,
        "wanted": min(version.verdict.needed or 0, MOST_ASKED) if version.verdict else 0,
        "p_words": verdict_words.p_words(version.verdict.p if version.verdict else None),
        "sides": sides(version),
        "forest": comparison_charts.forest_plot(rows[:ROWS_DRAWN]),
        "narrow": comparison_charts.forest_plot(rows[:ROWS_DRAWN], width=charts.PHONE_WIDTH, stacked=True),
        "rows": rows,
        "counts": version.evaluation.counts if version.evaluation else None,
        "broken": _seen(request, list(_most_confident_first(broken)[:BROKEN_SHOWN]))["cases"],
        "served": _served(request.project, incumbent),
        "others": _others(request.project),
        "form": promote_form(version, incumbent),
        "label_version": f"Type {version.tag}",
        "may_change": request.role.can(Can.CHANGE),
        "error": error,
        "differ": differ,
    }
    return render(request, "retraining/compare.html", context, status=status)


def _head(request: ProjectRequest, version: ModelVersion) -> dict[str, Any]:
    """What every page about one comparison says of it."""
    against = version.verdict.against if version.verdict else ""
    return {
        "project": request.project,
        "version": version,
        "verdict": version.verdict,
        "evaluation": version.evaluation,
        "against": verdict_words.side_name(against),
        "other": against or "baseline",
    }


def _others(project: Project) -> Any:
    found = ModelVersion.objects.filter(project=project).only("number", "stage", "project")
    return found.order_by("-number")[:OTHERS_SHOWN]


def _served(project: Project, incumbent: registry.Incumbent) -> int:
    """Answers of the last day: what a promotion would touch."""
    since, live = timezone.now() - A_DAY, (Source.SERVED, Source.CAPTURED)
    rows = Prediction.objects.filter(project=project, model_version__in=versions.stored_as(incumbent.tag))
    return rows.filter(source__in=live, at__gte=since).count() if incumbent.tag else 0


def _most_confident_first(rows: EvaluatedItemQuerySet) -> EvaluatedItemQuerySet:
    return rows.select_related("item").order_by("-confidence", "pk")


@require_GET
@member(Can.SEE)
def cases(request: ProjectRequest, number: int, outcome: str) -> HttpResponse:
    """The items behind one count, or behind one row of the differences."""
    version = version_of(request.project, number)
    rows = chosen(version, outcome, request.GET)
    page = page_of(request)
    found = list(_most_confident_first(rows)[(page - 1) * CASES_SHOWN :][: CASES_SHOWN + 1])
    filters = {name: request.GET[name] for name in FILTERS if request.GET.get(name)}
    context = {
        **_head(request, version),
        "outcome": outcome,
        "words": "compared" if outcome == ALL else Outcome(outcome).label,
        "total": rows.count(),
        **_seen(request, found[:CASES_SHOWN]),
        "tabs": [(ALL, "All"), *((one.value, one.label.capitalize()) for one in Outcome)],
        "filters": filters,
        "query": urlencode(filters),
        "page": page,
        "next": page + 1 if len(found) > CASES_SHOWN else None,
        "previous": page - 1,
        "may_change": request.role.can(Can.CHANGE),
    }
    return render(request, "retraining/cases.html" + ("#cases" if asks_for_fragment(request) else ""), context)


def _seen(request: ProjectRequest, rows: list[EvaluatedItem]) -> dict[str, Any]:
    """The cases that this person may see, and how many are left out of the page."""
    blind = blinding.blind_among(request.project, request.user, [row.item_id for row in rows])
    seen = [row for row in rows if row.item_id not in blind]
    return {"cases": [(row, display_item(request.project, row.item)) for row in seen], "left_out": len(blind)}


def chosen(version: ModelVersion, outcome: str, given: Any) -> EvaluatedItemQuerySet:
    """The compared items of one outcome, of one true label, of one segment."""
    if outcome != ALL and outcome not in Outcome.values:
        raise Http404("There is no such outcome.")
    rows = EvaluatedItem.objects.filter(judgement=version.judgement_id)
    rows = rows if outcome == ALL else rows.outcome(outcome)
    if label := given.get("label", ""):
        rows = rows.filter(truth=label[:200].replace("\x00", ""))
    if segment := given.get("segment", ""):
        rows = rows.in_segment(segment)
    return rows


@require_GET
@member(Can.SEE)
def differences(request: ProjectRequest, number: int) -> HttpResponse:
    """The paired differences as CSV, safe to open in a spreadsheet."""
    version = version_of(request.project, number)
    header = ["measure", "kind", "n", "difference_points", "low_95", "high_95"]
    rows = [(row.name, row.group, row.n, row.value, row.low, row.high) for row in difference_rows(version)]
    answer = HttpResponse(spreadsheets.to_csv(header, rows), content_type="text/csv; charset=utf-8")
    name = f"{request.project.slug}-{version.tag}-differences.csv"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@require_http_methods(["GET", "POST"])
@member(Can.CHANGE)
def promote(request: ProjectRequest, number: int) -> HttpResponse:
    """The form on a page of its own, for those without JavaScript, and the act."""
    version = version_of(request.project, number)
    incumbent = registry.incumbent(request.project)
    if request.method == "GET":
        return _promote_page(request, version, incumbent, promote_form(version, incumbent))
    form = PromoteForm(request.POST, tag=version.tag)
    if not form.is_valid():
        error = f"Nothing was changed: {incumbent if incumbent.tag else 'no version'} still serves."
        return _promote_page(request, version, incumbent, form, error=error, status=422)
    try:
        release.promote(
            version,
            by=request.user,
            reason=form.cleaned_data["reason"],
            at=timezone.now(),
            expected=form.cleaned_data["expected"],
        )
    except (release.CannotRelease, artifacts.ArtifactRefused) as why:
        return compare_page(request, version, error=str(why), status=409)
    messages.success(request, f"Promoted {version.tag}. It answers from the next request on.")
    return redirect("retraining:release-list", slug=request.project.slug)


def promote_form(version: ModelVersion, incumbent: registry.Incumbent) -> PromoteForm:
    """An empty form that knows which champion the person sees."""
    live = incumbent.version if incumbent.version and incumbent.version.stage == ModelVersion.Stage.CHAMPION else None
    return PromoteForm(tag=version.tag, initial={"expected": live.tag if live else ""})


def _promote_page(
    request: ProjectRequest,
    version: ModelVersion,
    incumbent: registry.Incumbent,
    form: PromoteForm,
    *,
    error: str = "",
    status: int = 200,
) -> HttpResponse:
    state = judging.state_of(version, incumbent)
    context = {
        **_head(request, version),
        "incumbent": incumbent,
        "state": state,
        "void": judging.why_void(version, incumbent) if state == VerdictState.VOID else "",
        "words": _promote_words(version, state, differing(version, incumbent)),
        "label_version": f"Type {version.tag}",
        "served": _served(request.project, incumbent),
        "form": form,
        "error": error,
    }
    return render(request, "retraining/promote.html", context, status=status)


def _promote_words(version: ModelVersion, state: VerdictState, differ: DisagreementPanel) -> str:
    """The verdict; where labels of disagreements open the gate, what they decide first."""
    words = verdict_words.verdict_words(version.verdict) if version.verdict else ""
    return f"{headline(version, state, differ)}. Audit items, beside it: {words}" if differ.opens else words


@require_POST
@member(Can.CHANGE)
def request_judgement(request: ProjectRequest, number: int) -> HttpResponse:
    """Have a version judged against what serves now."""
    version = version_of(request.project, number)
    judging.request(version, by=request.user, at=timezone.now())
    messages.info(request, f"{version.tag} is being judged against {registry.incumbent(request.project)}.")
    return redirect("retraining:compare", slug=request.project.slug, number=number)


@require_POST
@member(Can.CHANGE)
def ask_again(request: ProjectRequest, number: int, outcome: str) -> HttpResponse:
    """Put the items of a selection into a queue of their own, to be looked at once more."""
    version = version_of(request.project, number)
    rows = chosen(version, outcome, request.POST)
    words = "compared" if outcome == ALL else Outcome(outcome).label
    ids = list(rows.order_by("-confidence", "pk").values_list("item_id", flat=True)[:MOST_ASKED])
    made = label_requests.request_relabel(version, item_ids=ids, words=words, by=request.user, at=timezone.now())
    messages.success(request, f"{plural(made.put.created, 'item,items')} added to {made.queue.title}.")
    return redirect("annotation:queue", slug=request.project.slug, queue=made.queue.slug)


@require_POST
@member(Can.CHANGE)
def request_labels(request: ProjectRequest, number: int) -> HttpResponse:
    """Send more items to people, so that the next verdict can be decided."""
    version = version_of(request.project, number)
    form = AskForm(request.POST)
    if not form.is_valid():
        return compare_page(request, version, error=" ".join(map(str, form.errors["count"])), status=422)
    try:
        put = label_requests.request_audit_labels(
            version, count=form.cleaned_data["count"], by=request.user, at=timezone.now()
        )
    except label_requests.NothingToDraw as why:
        return compare_page(request, version, error=str(why), status=409)
    messages.success(request, f"{plural(put.created, 'item,items')} added to Audit; the next run is judged with them.")
    return redirect("retraining:compare", slug=request.project.slug, number=number)
