"""Which of two versions is better? Any two that have answered, trained here or only captured."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from analysis import pairs
from analysis.pairs import PairOutcome, Pairs
from analysis.samples import EvaluationSample
from annotation import blinding, versions
from annotation.item_display import display_item
from annotation.models import Item
from annotation.version_chip import version_chip
from annotation.versions import Versions
from projects.chips import Chip
from projects.guards import ProjectRequest, asks_for_fragment, member
from projects.models import Can, Project
from retraining import registry
from retraining.models import ModelVersion
from retraining.views import page_of

SHOWN = 60
WORDS = {
    PairOutcome.ALL: "compared",
    PairOutcome.BOTH_RIGHT: "both right",
    PairOutcome.FIXED: "fixed",
    PairOutcome.BROKEN: "broken",
    PairOutcome.BOTH_WRONG: "both wrong",
}


@dataclass(frozen=True)
class PairState:
    """What the address says: the two versions."""

    version: str
    against: str

    def url(self, project: Project, name: str = "compare-any", **changes: str) -> str:
        given = {"version": self.version, "against": self.against, **changes}
        wanted = {key: value for key, value in given.items() if value}
        return reverse(f"retraining:{name}", args=[project.slug]) + (f"?{urlencode(wanted)}" if wanted else "")


@require_GET
@member(Can.SEE)
def compare_any(request: ProjectRequest) -> HttpResponse:
    project = request.project
    newest = ModelVersion.objects.filter(project=project).order_by("-number").first()
    if newest and not request.GET.get("version"):
        return redirect("retraining:compare", slug=project.slug, number=newest.number)
    known = versions.load(project)
    try:
        state = read_state(request.GET, known)
    except versions.UnknownVersion as why:
        context = {"project": project, "unknown": str(why), "chips": chips(project, known, PairState("", ""))}
        return render(request, "retraining/pair.html", context, status=404)
    context = {"project": project, "state": state, "chips": chips(project, known, state)}
    if state.version and state.against:
        found = pairs.pair(project, state.version, state.against, at=timezone.now())
        context |= figures(project, state, found) | {"judged": trained_here(project, state.version)}
    return render(request, "retraining/pair.html" + ("#figures" if asks_for_fragment(request) else ""), context)


def read_state(given: Any, known: Versions) -> PairState:
    """The two versions; without a name the newest one is compared with what serves. Raises UnknownVersion."""
    others = [one.tag for one in known.all if not one.serves]
    version = known.chosen(given["version"]) if given.get("version") else next(iter(others), known.serves)
    if given.get("against"):
        return PairState(version, known.chosen(given["against"]))
    rest = [tag for tag in (known.serves, *others) if tag not in ("", version)]
    return PairState(version, next(iter(rest), ""))


def chips(project: Project, known: Versions, state: PairState) -> list[Chip]:
    return [
        version_chip(project, known, state.version, lambda tag: state.url(project, version=tag), name="Version"),
        version_chip(project, known, state.against, lambda tag: state.url(project, against=tag), name="Against"),
    ]


def trained_here(project: Project, tag: str) -> ModelVersion | None:
    try:
        return registry.version_by_tag(project, tag)
    except registry.UnknownModelVersion:
        return None


def figures(project: Project, state: PairState, found: Pairs) -> dict[str, Any]:
    report = pairs.report(found)
    return {
        "report": report,
        "counts": {
            outcome.value: (count, state.url(project, "compare-any-cases", outcome=outcome.value))
            for outcome, count in report.counts.items()
        },
        "sides": [
            (tag, estimate, _judging_url(project, tag), frame)
            for tag, estimate, frame in (
                (state.version, report.accuracy, found.version),
                (state.against, report.accuracy_against, found.against),
            )
        ],
    }


def _judging_url(project: Project, tag: str) -> str:
    """The items that judge a version on its own."""
    query = urlencode({"resolved": "yes", "judges": tag})
    return f"{reverse('analysis:item-list', args=[project.slug])}?{query}"


@require_GET
@member(Can.SEE)
def cases(request: ProjectRequest) -> HttpResponse:
    """The items behind one count of a comparison of any two versions, the surest first."""
    project, known = request.project, versions.load(request.project)
    try:
        state = read_state(request.GET, known)
        outcome = PairOutcome(request.GET.get("outcome", "all"))
    except (versions.UnknownVersion, ValueError):
        raise Http404("There is no such comparison.") from None
    found = pairs.pair(project, state.version, state.against, at=timezone.now()) if state.against else None
    page, places = page_of(request), _most_confident_first(found, outcome) if found else []
    shown = places[(page - 1) * SHOWN : page * SHOWN]
    ids = [int(found.item_ids[place]) for place in shown] if found else []
    blind = blinding.blind_among(project, request.user, ids)
    seen = [place for place, item_id in zip(shown, ids, strict=True) if item_id not in blind]
    context = {
        "project": project,
        "state": state,
        "back": state.url(project),
        "version": SimpleNamespace(tag=state.version),
        "other": state.against,
        "outcome": outcome.value,
        "words": WORDS[outcome],
        "total": len(places),
        "tabs": [
            (one.value, words.capitalize(), state.url(project, "compare-any-cases", outcome=one.value))
            for one, words in WORDS.items()
        ],
        "cases": _rows(project, found, seen) if found else [],
        "left_out": len(blind),
        "query": urlencode({"version": state.version, "against": state.against, "outcome": outcome.value}),
        "page": page,
        "next": page + 1 if len(places) > page * SHOWN else None,
        "previous": page - 1,
    }
    return render(request, "retraining/pair_cases.html" + ("#cases" if asks_for_fragment(request) else ""), context)


def _most_confident_first(found: Pairs, outcome: PairOutcome) -> list[int]:
    confidence = _confidence(found.version)
    return sorted(found.of(outcome).tolist(), key=lambda place: -(confidence[found.rows[place]] or 0.0))


def _confidence(frame: EvaluationSample) -> list[float | None]:
    if frame.codes is None or frame.codes.probabilities is None:
        return [None] * len(frame)
    return [float(value) for value in frame.codes.probabilities.max(axis=1)]


def _rows(project: Project, found: Pairs, places: list[int]) -> list[tuple[Any, Any]]:
    """Each item with what both sides said, in the form that a case is drawn from."""
    items = Item.objects.in_bulk([int(found.item_ids[place]) for place in places])
    ours, theirs = found.version, found.against
    confidence, confidence_against = _confidence(ours), _confidence(theirs)
    rows = []
    for place in places:
        row, other = found.rows[place], found.rows_against[place]
        item = items[int(found.item_ids[place])]
        case = SimpleNamespace(
            item=item,
            truth=ours.truths[row],
            label=ours.answers[row],
            confidence=confidence[row],
            champion_label=theirs.answers[other],
            champion_confidence=confidence_against[other],
        )
        rows.append((case, display_item(project, item)))
    return rows
