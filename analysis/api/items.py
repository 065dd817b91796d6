"""HTTP for services: the items of a view, and one item whole."""

from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from msgspec import Struct
from ninja import Router

from analysis import item_filters, items
from analysis.api.filter_words import FILTERS
from analysis.item_pages import PageStart, parse_order
from analysis.item_story import story
from annotation import kinds, side_answers
from annotation.blinding import viewer_of_key
from annotation.models import Item
from projects import openapi
from projects.api_auth import KeyRequest, keyed
from projects.json_body import json_response
from projects.models import Scope, User
from projects.paging import BadCursor
from projects.problems import problem

router = Router(tags=["analysis"])
PAGE = 100
AT = datetime.fromisoformat("2026-11-23T14:00:00+00:00")
ITEM, KEY, INPUTS, SEGMENT = (
    "item_01JD4K7Q2M8X3V5B6N7P8Q9R0S",
    "message-1",
    {"text": "Where is my card?"},
    {"channel": "app"},
)


class ItemInList(Struct):
    """An item with what was said of it last and what was agreed; nothing of that where it is `blind`.

    A version's answer is its `label`; of a task whose answers are not labels, its `value`. `also` is what was agreed of
    side questions.
    """

    id: str
    key: str
    at: datetime
    inputs: dict[str, Any]
    segment: dict[str, Any]
    label: str | None
    confidence: float | None
    model_version: str | None
    resolution: Any
    cause: str | None
    blind: bool = False
    value: Any = None
    also: dict[str, Any] = {}


class ItemPage(Struct):
    """A page of items, newest first; `next` leads to the following page and is null on the last, `previous` back."""

    items: list[ItemInList]
    next: str | None
    previous: str | None = None


class PredictionOfItem(Struct):
    """What one version said of the item; `scores` has the three highest. `value` is of tasks without labels."""

    model_version: str
    source: str
    label: str
    confidence: float | None
    margin: float | None
    scores: dict[str, float]
    at: datetime
    value: Any = None


class SignalOfItem(Struct):
    """What came back about the item."""

    id: str
    kind: str
    value: Any
    at: datetime


class RoutingOfItem(Struct):
    """Why the item was routed, with what numbers, and how probable that was."""

    cause: str
    reason: str
    numbers: dict[str, Any]
    state: str
    inclusion_probability: float


class LabelOfItem(Struct):
    """What one person said of the item."""

    by: str
    value: Any
    state: str
    at: datetime
    guideline_version: int
    comments: list[str]
    also: dict[str, Any] = {}


class ViolationOfItem(Struct):
    """A value that breaks the input contract, as it was given; where it is not `exact`, how it begins."""

    input: str
    rule: str
    given: Any
    exact: bool = True


class AgreedSideAnswer(Struct):
    """What votes agree on of a side question; `value` is null and `method` is unsettled where they differ."""

    value: Any
    method: str
    quality: float
    votes: int


class ItemStory(Struct):
    """One item with everything that is known of it; `signals` are the newest of `signals_in_all`.

    Of a `blind` item nothing that models or people said is shown, nor why it is asked: the key's person may label here,
    and an evaluation label of the item is wanted that they have not given.
    """

    id: str
    key: str
    at: datetime
    inputs: dict[str, Any]
    segment: dict[str, Any]
    predictions: list[PredictionOfItem]
    signals: list[SignalOfItem]
    signals_in_all: int
    routing: list[RoutingOfItem]
    labels: list[LabelOfItem]
    resolution: Any
    also: dict[str, AgreedSideAnswer] = {}
    blind: bool = False
    violations: list[ViolationOfItem] = []


@router.get(
    "/projects/{slug}/items",
    summary="List items, newest first unless sorted",
    openapi_extra=openapi.operation(
        query=FILTERS,
        answers=ItemPage(
            [ItemInList(ITEM, KEY, AT, INPUTS, SEGMENT, "card_arrival", 0.91, "v3", "card_arrival", "audit")],
            next="2026-11-23T14:00:00Z~4711",
        ),
        description=f"Filters as in the address of the Items page; {PAGE} items a page. also.NAME=answer finds what "
        "was agreed of the side question NAME: an answer or a label of it, any, or unsettled where votes differ.",
        errors={422: "A filter takes no such value, or no page gave this cursor."},
    ),
)
@keyed(Scope.READ)
def item_list(request: KeyRequest, slug: str) -> HttpResponse:
    try:
        filters = item_filters.parse_filters(request.GET, request.project)
        order = parse_order(request.GET.get("sort", ""), request.project)
        viewer = viewer_of_key(request.key, request.role)
        selection = items.ItemSelection(request.project, filters, timezone.now(), viewer)
        place = PageStart(request.GET.get("next", ""), request.GET.get("previous", ""))
        page = items.find_page(selection, order, place, size=PAGE)
    except (item_filters.BadFilter, BadCursor) as why:
        return problem(422, str(why))
    labelled = bool(kinds.class_names(request.project))
    rows = [_in_list(row, labelled) for row in page.rows]
    return json_response(ItemPage(rows, page.next or None, page.previous or None))


def _in_list(row: Any, labelled: bool) -> ItemInList:
    """`labelled`: the answers of the project's task are labels."""
    return ItemInList(
        id=row.uid,
        key=row.key,
        at=row.at,
        inputs=row.inputs,
        segment=row.segment,
        label=row.says if labelled else None,
        confidence=row.score,
        model_version=row.by_version,
        resolution=row.truth,
        cause=row.cause,
        blind=row.blind,
        value=None if labelled else row.says,
        also=side_answers.values(row.also),
    )


@router.get(
    "/projects/{slug}/items/{uid}",
    summary="Show one item with all that is known of it",
    openapi_extra=openapi.operation(
        answers=ItemStory(
            id=ITEM,
            key=KEY,
            at=AT,
            inputs=INPUTS,
            segment=SEGMENT,
            predictions=[
                PredictionOfItem("v3", "served", "card_arrival", 0.91, 0.82, {"card_arrival": 0.91}, AT),
            ],
            signals=[SignalOfItem("signal-1", "correction", "exchange_rate", AT)],
            signals_in_all=1,
            routing=[RoutingOfItem("audit", "drawn uniformly, probability 0.200", {}, "done", 0.2)],
            labels=[LabelOfItem("ana", "card_arrival", "given", AT, 1, ["Two labels fit"], {"severity": 4})],
            resolution="card_arrival",
            also={"severity": AgreedSideAnswer(4, "single", 1.0, 1)},
        ),
        errors={404: "No such project for this key, or no such item in it."},
    ),
)
@keyed(Scope.READ)
def item(request: KeyRequest, slug: str, uid: str) -> HttpResponse:
    found = Item.objects.filter(project=request.project, uid=uid).first()
    if found is None:
        return problem(404, "There is no such item in this project.")
    return json_response(_story(found, viewer_of_key(request.key, request.role)))


def _story(item: Item, viewer: User | None) -> ItemStory:
    known = story(item, viewer=viewer)
    agreed = next((row for row in known["resolutions"] if row.superseded_at is None), None)
    return ItemStory(
        id=item.uid,
        key=item.key,
        at=item.at,
        inputs=item.inputs,
        segment=item.segment,
        predictions=[
            PredictionOfItem(
                row.model_version, row.source, row.label, row.confidence, row.margin, dict(top), row.at, row.value
            )
            for row, top in known["predictions"]
        ],
        signals=[SignalOfItem(row.key, row.kind, row.value, row.at) for row in known["signals"]],
        signals_in_all=known["signals_in_all"],
        routing=[
            RoutingOfItem(row.cause, row.reason, row.numbers, row.state, row.inclusion_probability)
            for row in known["routings"]
        ],
        labels=[
            LabelOfItem(
                row.user.username,
                row.value,
                row.state,
                row.updated_at,
                row.guideline_version,
                known["comments"][row.pk],
                row.also or {},
            )
            for row in known["labels"]
        ],
        resolution=agreed.value if agreed else None,
        also={name: AgreedSideAnswer(**one) for name, one in ((agreed and agreed.also) or {}).items()},
        blind=known["blind"],
        violations=[ViolationOfItem(row.input, row.rule, row.given, row.exact) for row in known["violations"]],
    )
