"""HTTP for services: the items of a view, one item whole, and the live metrics."""

from typing import Any

import msgspec
from django.http import HttpResponse
from django.utils import timezone
from ninja import Router

from analysis import items, reports
from analysis.models import ReportKind
from annotation.models import Item
from projects.api_auth import KeyRequest, keyed
from projects.models import Scope
from projects.problems import problem

router = Router(tags=["analysis"])
WINDOWS = {"all": 0, "28": 28, "7": 7}


def answer(body: Any) -> HttpResponse:
    return HttpResponse(msgspec.json.encode(body), content_type="application/json")


@router.get("/projects/{slug}/items", summary="Items of a view, newest first; filters as in the page's address")
@keyed(Scope.READ)
def item_list(request: KeyRequest, slug: str) -> HttpResponse:
    try:
        filters = items.read(request.GET, request.project)
        found = items.select(request.project, filters, at=timezone.now())
        rows, following = items.page(found, after=request.GET.get("next", ""), size=100)
    except items.BadFilter as why:
        return problem(422, str(why))
    return answer({"items": [brief(row) for row in rows], "next": following or None})


def brief(row: Any) -> dict[str, Any]:
    return {
        "id": row.uid,
        "key": row.key,
        "at": row.at,
        "inputs": row.inputs,
        "segment": row.segment,
        "label": row.says,
        "confidence": row.score,
        "model_version": row.by_version,
        "resolution": row.truth,
        "cause": row.cause,
    }


@router.get("/projects/{slug}/items/{uid}", summary="One item with all that is known of it")
@keyed(Scope.READ)
def item(request: KeyRequest, slug: str, uid: str) -> HttpResponse:
    found = Item.objects.filter(project=request.project, uid=uid).first()
    if found is None:
        return problem(404, "There is no such item in this project.")
    told = items.story(found)
    return answer(
        {
            "id": found.uid,
            "key": found.key,
            "at": found.at,
            "inputs": found.inputs,
            "segment": found.segment,
            "predictions": [
                {
                    "model_version": row.model_version,
                    "source": row.source,
                    "label": row.label,
                    "confidence": row.confidence,
                    "margin": row.margin,
                    "scores": dict(top),
                    "at": row.at,
                }
                for row, top in told["predictions"]
            ],
            "signals": [{"id": s.key, "kind": s.kind, "value": s.value, "at": s.at} for s in told["signals"]],
            "signals_in_all": told["signals_in_all"],
            "routing": [
                {
                    "cause": row.cause,
                    "reason": row.reason,
                    "numbers": row.numbers,
                    "state": row.state,
                    "inclusion_probability": row.inclusion_probability,
                }
                for row in told["routings"]
            ],
            "labels": [
                {
                    "by": row.user.username,
                    "value": row.value,
                    "state": row.state,
                    "at": row.updated_at,
                    "guideline_version": row.guideline_version,
                }
                for row in told["labels"]
            ],
            "resolution": next((row.value for row in told["resolutions"] if row.superseded_at is None), None),
        }
    )


@router.get("/projects/{slug}/metrics", summary="Live metrics of the serving version, weighted, with intervals")
@keyed(Scope.READ)
def metrics(request: KeyRequest, slug: str) -> HttpResponse:
    window = request.GET.get("window", "all")
    if window not in WINDOWS:
        return problem(422, f"window is {window[:20]!r}; it takes {', '.join(WINDOWS)}.")
    project = request.project
    report = reports.newest(project, ReportKind.PERFORMANCE, version=project.champion_version, days=WINDOWS[window])
    body: dict[str, Any] = report.body if report else {"n": 0}
    told: dict[str, Any] = {"window": window, "model_version": project.champion_version, "n": body["n"]}
    if report:
        told |= {"audit_labels": body["audit"], "items": body["population"], "computed_at": report.computed_at}
    for name in reports.MEASURES:
        estimate = body.get(name)
        told[name] = {key: estimate[key] for key in ("value", "low", "high")} if estimate else None
    return answer(told)
