"""HTTP for services: the export of a project as a file."""

from typing import Any

from django.http import HttpResponse
from msgspec import Struct
from ninja import Router

from annotation.blinding import viewer_of_key
from annotation.exchange.registry import FORMATS
from annotation.exchange.rows import UnusableFile
from annotation.exporting import exported_parts, written_formats
from annotation.file_answers import streamed_answer
from projects import openapi
from projects.api_auth import KeyRequest, keyed
from projects.models import Scope
from projects.problems import problem

router = Router(tags=["exchange"])


class ExportedItem(Struct, omit_defaults=True):
    """An item as JSON lines have it; what is empty is left out. `known` is its agreed label."""

    key: str
    inputs: dict[str, Any]
    predictions: list[dict[str, Any]] = []
    labels: list[dict[str, Any]] = []
    signals: list[dict[str, Any]] = []
    known: Any = None
    at: str | None = None
    segment: dict[str, Any] = {}


EXAMPLE = ExportedItem(
    key="message-1",
    inputs={"text": "Where is my card?"},
    predictions=[{"value": "card_arrival", "model_version": "v3", "scores": {"card_arrival": 0.91}}],
    labels=[{"value": "card_arrival", "annotator": "ana", "seconds": 3.8}],
    known="card_arrival",
    at="2026-11-23T14:00:00+00:00",
)


@router.get(
    "/projects/{slug}/export",
    summary="Export every item with what is known of it",
    openapi_extra=openapi.file_operation(
        media_types=sorted({one.media_type for one in FORMATS if one.writes}),
        example=[EXAMPLE],
        query={
            "format": f"One of {', '.join(written_formats())}; jsonl where absent.",
            "raw": "yes: texts of CSV as they are, also what a spreadsheet would run as a formula.",
            "full": "yes: each row also says how its item was chosen and agreed (jsonl, csv, parquet).",
        },
        description="The file is sent while it is written. Where that fails, the connection ends before the answer "
        "does, which a client reports as an error.",
        errors={422: "There is no such format, or it cannot carry this project."},
    ),
)
@keyed(Scope.READ)
def export(request: KeyRequest, slug: str) -> HttpResponse:
    name = request.GET.get("format", "jsonl")
    viewer = viewer_of_key(request.key, request.role)
    try:
        parts = exported_parts(
            request.project,
            name,
            viewer=viewer,
            raw_cells=request.GET.get("raw") == "yes",
            full=request.GET.get("full") == "yes",
        )
    except UnusableFile as why:
        return problem(422, str(why))
    return streamed_answer(parts, request.project, name)
