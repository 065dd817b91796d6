"""HTTP for services: the items of a view as a file."""

from django.http import HttpResponse
from django.utils import timezone
from ninja import Router

from analysis import item_filters
from analysis.api.filter_words import FILTERS
from analysis.selection_exports import start_selection_export
from annotation.api.transfers import AN_EXPORT, EXPORT_OPTIONS, export_answer
from annotation.blinding import viewer_of_key
from annotation.exchange.rows import UnusableFile
from projects import openapi
from projects.api_auth import KeyRequest, keyed
from projects.json_body import json_response
from projects.models import Scope
from projects.problems import problem

router = Router(tags=["analysis"])


@router.post(
    "/projects/{slug}/items/export",
    summary="Export the items of a view to a file",
    openapi_extra=openapi.operation(
        query={name: words for name, words in FILTERS.items() if name in item_filters.NAMES} | EXPORT_OPTIONS,
        answers=AN_EXPORT,
        description="A job writes the items that match when it begins; GET …/exports/{id} says how far it is.",
        errors={422: "A filter takes no such value, or the format cannot carry this project."},
    ),
)
@keyed(Scope.READ)
def export_items(request: KeyRequest, slug: str) -> HttpResponse:
    given = request.GET
    try:
        made = start_selection_export(
            request.project,
            item_filters.parse_filters(given, request.project),
            given.get("format", "jsonl"),
            viewer=viewer_of_key(request.key, request.role),
            by=request.key,
            at=timezone.now(),
            raw_cells=given.get("raw") == "yes",
            full=given.get("full") == "yes",
        )
    except (item_filters.BadFilter, UnusableFile) as why:
        return problem(422, str(why))
    return json_response(export_answer(made))
