"""POST predictions and signals: bodies into rows, one domain call, an answer for each row."""

from datetime import datetime
from typing import Any, Protocol

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router

from annotation import capture
from annotation.batches import Captured, Refusal
from annotation.capture import PredictionRow
from annotation.signals.capture import CapturedSignals, SignalRow, capture_signals, preview_signals
from projects import json_body, openapi
from projects.api_auth import DRY_RUN, KeyRequest, keyed
from projects.models import Project, Scope
from projects.problems import problem

router = Router(tags=["capture"])

BATCH_ERRORS = {
    400: "The body is no batch, or dry_run is neither 1 nor 0.",
    413: "Too large or too many rows.",
    415: "The Content-Encoding is not known.",
}


class Keep(Protocol):
    def __call__(self, project: Project, rows: list[Any], *, at: datetime) -> Captured: ...


def keep_batch(request: HttpRequest, project: Project, keep: Keep) -> HttpResponse:
    """Keep the rows of the body and say what became of each."""
    try:
        rows = json_body.read_batch(request)
    except json_body.BadBody as why:
        return problem(why.status, str(why))
    kept = keep(project, rows, at=timezone.now())
    return json_body.json_response(kept)


@router.post(
    "/projects/{slug}/predictions",
    summary="Capture predictions",
    openapi_extra=openapi.operation(
        takes=[
            PredictionRow(
                key="message-1",
                inputs={"text": "Where is my card?"},
                scores={"card_arrival": 0.91, "exchange_rate": 0.09},
                model_version="router-7",
                at="2026-11-23T14:00:00Z",
                segment={"channel": "app"},
            ),
            PredictionRow(key="message-2", inputs={"text": "What is a euro in yen?"}, label="exchange_rate"),
        ],
        most_rows=settings.ROW_LIMIT,
        answers=capture.CapturedPredictions(
            created=1,
            existing=0,
            refused=(
                Refusal(1, "message-2", "`label` is 'rate'; the labels are card_arrival, exchange_rate.", "label"),
            ),
            renormalised=1,
        ),
        description=(
            "Good rows are kept when others are refused. The same row under its key again is existing; another one "
            "under that key is refused. Scores that were rounded are divided by their sum."
        ),
        query={"dry_run": DRY_RUN},
        errors=BATCH_ERRORS,
    ),
)
@keyed(Scope.INGEST, takes_dry_run=True)
def predictions(request: KeyRequest, slug: str) -> HttpResponse:
    keep = capture.preview_rows if request.dry_run else capture.capture_rows
    return keep_batch(request, request.project, keep)


@router.post(
    "/projects/{slug}/signals",
    summary="Capture signals",
    openapi_extra=openapi.operation(
        takes=[
            SignalRow(id="signal-1", key="message-1", kind="correction", value="exchange_rate", actor="customer 4711"),
            SignalRow(id="signal-2", key="message-3", kind="thumbs_down"),
        ],
        most_rows=settings.ROW_LIMIT,
        answers=CapturedSignals(created=1, waiting=1, existing=0, refused=()),
        description=(
            "A signal that arrives before its prediction is kept and waits for it. Each row counts once: as created, "
            "waiting, existing or refused."
        ),
        query={"dry_run": DRY_RUN},
        errors=BATCH_ERRORS,
    ),
)
@keyed(Scope.INGEST, takes_dry_run=True)
def signals(request: KeyRequest, slug: str) -> HttpResponse:
    return keep_batch(request, request.project, preview_signals if request.dry_run else capture_signals)
