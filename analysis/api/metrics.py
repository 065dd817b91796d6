"""HTTP for services: the live metrics of a model version."""

from datetime import datetime

from django.http import HttpResponse
from django.utils import timezone
from msgspec import Struct
from ninja import Router

from analysis import segment_metrics, windows
from analysis.class_performance import ClassesPart
from analysis.metrics.core.stored import Interval, interval
from analysis.metrics.performance.classification import OVERALL_METRICS, Performance
from analysis.reports.kinds import performance
from analysis.reports.stored import newest_or_request
from analysis.unlabelled_accuracy import UnlabelledAccuracy
from annotation import versions
from projects import openapi
from projects.api_auth import KeyRequest, keyed
from projects.json_body import json_response
from projects.models import Project, Scope
from projects.problems import problem
from validation import InvalidInput

router = Router(tags=["analysis"])
METHOD = "Confidence-based performance estimation (CBPE)"
SOURCE = "NannyML, https://nannyml.readthedocs.io/en/stable/how_it_works/performance_estimation.html"
ASSUMES = (
    "A score means what it meant on the labelled answers. Where the meaning of the inputs has changed (concept drift), "
    "only new labels show it."
)
AT = datetime.fromisoformat("2026-11-23T14:00:00+00:00")


class EstimateWithoutLabels(Struct):
    """Accuracy of `n` answers of the window from their scores, no label of which is read; null with a reason in `why`.

    The scores are calibrated on `calibrated_on` labelled answers, of a window of days those before it.
    """

    accuracy: Interval
    n: int
    calibrated_on: int
    method: str = METHOD
    source: str = SOURCE
    assumes: str = ASSUMES
    why: str | None = None


class LiveMetrics(Struct):
    """Metrics of one version, weighted by inclusion probability; `n` labels judge it.

    `scored_items`: of so many items the version's scores are used beside the labels (model-assisted estimates); null
    where the labels alone are used.

    `score` is the mean score of the task's kind, which of labels is the accuracy; the other ones are of labels only.
    """

    window: str
    model_version: str
    n: int
    audit_labels: int | None = None
    items: int | None = None
    scored_items: int | None = None
    computed_at: datetime | None = None
    segment: str | None = None
    score: Interval | None = None
    accuracy: Interval | None = None
    macro_f1: Interval | None = None
    log_loss: Interval | None = None
    brier: Interval | None = None
    roc_auc: Interval | None = None
    pr_auc: Interval | None = None
    estimate_without_labels: EstimateWithoutLabels | None = None


@router.get(
    "/projects/{slug}/metrics",
    summary="Show live metrics of a model version",
    openapi_extra=openapi.operation(
        query={
            "window": f"Days that are looked back on: {windows.listed(windows.WINDOWS)}.",
            "version": "A model version, trained here or captured; what serves where absent.",
            "segment": "name=value, such as channel=app: only items of this segment, computed now.",
        },
        answers=LiveMetrics(
            window="28",
            model_version="v3",
            n=412,
            audit_labels=412,
            items=9_000,
            scored_items=9_000,
            computed_at=AT,
            score=Interval(0.93, 0.905, 0.951),
            accuracy=Interval(0.93, 0.905, 0.951),
            estimate_without_labels=EstimateWithoutLabels(Interval(0.921, 0.893, 0.949), n=9_000, calibrated_on=412),
        ),
        errors={422: "There is no such window or version, or the segment is not name=value."},
    ),
)
@keyed(Scope.READ)
def metrics(request: KeyRequest, slug: str) -> HttpResponse:
    window, asked = request.GET.get("window", "") or windows.ALL, request.GET.get("version", "")
    segment = request.GET.get("segment", "")
    try:
        days = windows.window_days(window)
        version = versions.load(request.project).chosen(asked)
        answer = _of_segment(request.project, version, window, segment) if segment else None
    except (InvalidInput, versions.UnknownVersion) as why:
        return problem(422, str(why))
    return json_response(answer or _of_all(request.project, version, window, days))


def _of_segment(project: Project, version: str, window: str, segment: str) -> LiveMetrics:
    now = timezone.now()
    found = segment_metrics.segment_metrics(project, version, segment, days=windows.window_days(window), at=now)
    answer = LiveMetrics(window, version, found.n, found.audit, found.items, computed_at=now, segment=segment)
    if found.n:
        answer.score = interval(found.score)
    if found.measured:
        _set_class_metrics(answer, found.measured)
    return answer


def _of_all(project: Project, version: str, window: str, days: int) -> LiveMetrics:
    """The newest report; where there is none, one is asked for."""
    report = newest_or_request(project, performance.KIND, version=version, days=days, at=timezone.now())
    if report is None:
        return LiveMetrics(window, version, n=0)
    body = report.body
    answer = LiveMetrics(window, version, body.n, body.audit, body.population, body.traffic or None, report.computed_at)
    if body.unlabelled:
        answer.estimate_without_labels = _without_labels(body.unlabelled)
    if body.n:
        answer.score = interval(body.score)
    if body.classes:
        _set_class_metrics(answer, body.classes)
    return answer


def _without_labels(found: UnlabelledAccuracy) -> EstimateWithoutLabels:
    estimate = found.accuracy
    return EstimateWithoutLabels(interval(estimate), estimate.n, found.calibrated_on, why=found.why or None)


def _set_class_metrics(answer: LiveMetrics, measured: Performance | ClassesPart) -> None:
    for name in OVERALL_METRICS:
        setattr(answer, name, interval(getattr(measured, name)))
