"""POST predictions and signals: bodies into rows, one domain call, an answer for each row."""

from collections.abc import Callable
from typing import Any

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router

from annotation import capture, rows
from annotation.signals.capture import capture_signals
from projects.api_auth import KeyRequest, keyed
from projects.models import Project, Scope
from projects.problems import problem

router = Router(tags=["capture"])

TIME = {"type": "string", "format": "date-time"}
PREDICTION = {
    "type": "object",
    "required": ["key", "inputs"],
    "additionalProperties": False,
    "properties": {
        "key": {"type": "string", "minLength": 1, "maxLength": 200},
        "inputs": {"type": "object"},
        "scores": {"type": "object", "additionalProperties": {"type": "number", "minimum": 0, "maximum": 1}},
        "label": {"type": "string"},
        "model_version": {"type": "string", "maxLength": 80},
        "threshold_version": {"type": "string", "maxLength": 80},
        "policy_version": {"type": "string", "maxLength": 80},
        "at": TIME,
        "segment": {"type": "object"},
        "label_known": {},
    },
}
SIGNAL = {
    "type": "object",
    "required": ["id", "key", "kind"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string", "minLength": 1, "maxLength": 200},
        "key": {"type": "string", "minLength": 1, "maxLength": 200},
        "kind": {"type": "string"},
        "value": {},
        "at": TIME,
        "actor": {"type": "string"},
    },
}


def batch(row: dict[str, Any]) -> dict[str, Any]:
    """The OpenAPI of a body that msgspec, not pydantic, reads."""
    return {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"type": "array", "items": row, "maxItems": settings.ROW_LIMIT}},
                "application/x-ndjson": {"schema": {"type": "string"}},
            },
        },
        "responses": {
            200: {"description": "What became of each row; good rows are kept when others are refused."},
            400: {"description": "The body is no batch."},
            401: {"description": "No valid key."},
            403: {"description": "The key lacks the scope."},
            404: {"description": "No such project for this key."},
            413: {"description": "Too large or too many rows."},
        },
    }


def answer(
    request: HttpRequest, project: Project, keep: Callable[..., rows.Captured]
) -> HttpResponse:  # the one path of both calls
    try:
        batch_rows = rows.decode(
            request.body,
            content_type=request.headers.get("Content-Type", ""),
            encoding=request.headers.get("Content-Encoding", ""),
            most_bytes=settings.BODY_LIMIT,
            most_rows=settings.ROW_LIMIT,
        )
    except rows.BadBody as why:
        return problem(why.status, str(why))
    kept = keep(project, batch_rows, at=timezone.now())
    return HttpResponse(msgspec.json.encode(kept.as_json()), content_type="application/json")


@router.post("/projects/{slug}/predictions", openapi_extra=batch(PREDICTION), summary="Capture predictions")
@keyed(Scope.INGEST)
def predictions(request: KeyRequest, slug: str) -> HttpResponse:
    return answer(request, request.project, capture.capture_rows)


@router.post("/projects/{slug}/signals", openapi_extra=batch(SIGNAL), summary="Capture signals")
@keyed(Scope.INGEST)
def signals_in(request: KeyRequest, slug: str) -> HttpResponse:
    return answer(request, request.project, capture_signals)
