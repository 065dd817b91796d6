"""Leases out, labels in, for services that bring their own screen: the same domain calls as the desk."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from django.http import HttpResponse
from django.utils import timezone
from msgspec import Meta, Struct
from ninja import Router

from annotation import answers, blinding, kinds, labels, leases, side_answers
from annotation.models import Lease, Queue
from projects import json_body, openapi
from projects.api_auth import KeyRequest, keyed
from projects.json_body import BadBody
from projects.models import Project, Scope
from projects.problems import problem
from validation import InvalidInput
from validation.json_values import is_storable_text
from validation.structs import to_struct

router = Router(tags=["work"])

MOST_LABELS = 1000
NOT_FITTING = {400: "The body is not JSON.", 422: "A field does not fit."}


class LeaseRequest(Struct, forbid_unknown_fields=True):
    """How many items to lease, and from where."""

    count: Annotated[int, Meta(ge=1, le=leases.MOST, description=f"a whole number from 1 to {leases.MOST}")]
    queue: Annotated[str, Meta(description="the slug of one queue; every queue where it is absent")] | None = None


class Suggestion(Struct):
    """What a version says of the item."""

    value: Any
    confidence: float | None
    model_version: str


class LeasedItem(Struct):
    """The right to label one item until `expires_at`, which each look at the same item moves on.

    `cause` and `reason` are empty and `suggestion` is null, unless the project's routing has `show_reasons`: otherwise
    evaluation items, which have no suggestion, could be recognised.
    """

    lease: str
    item: str
    inputs: dict[str, Any]
    cause: str
    reason: str
    guideline_version: int
    suggestion: Suggestion | None
    expires_at: datetime | None


class AskedQuestion(Struct):
    """A side question. `when` names the answers beside which it is asked, and may be answered; none is all of them."""

    name: str
    kind: str
    title: str
    labels: list[dict[str, Any]]
    answer: dict[str, Any]
    required: bool
    when: list[Any]


class LeasedItems(Struct):
    """What was leased: fewer than asked for where fewer wait, none where nothing does.

    `also_ask` are the side questions of the project, whose answers a label takes under `also`.
    """

    leases: list[LeasedItem]
    also_ask: list[AskedQuestion] = []


class LabelRow(Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """One person's value for one leased item."""

    lease: Annotated[str, Meta(min_length=1, max_length=100, description="the `lease` of the item it answers, a text")]
    value: Annotated[Any, Meta(description="a value as the project's kind takes it; absent with skip")] = None
    also: Annotated[dict[str, Any], Meta(description="an object: each side question with its answer")] | None = None
    seconds: (
        Annotated[
            float,
            Meta(
                ge=0, le=answers.MOST_SECONDS, description=f"a number of seconds from 0 to {answers.MOST_SECONDS:,.0f}"
            ),
        ]
        | None
    ) = None
    comment: (
        Annotated[
            str,
            Meta(
                max_length=answers.LONGEST_COMMENT,
                description=f"a text of at most {answers.LONGEST_COMMENT:,} characters",
            ),
        ]
        | None
    ) = None
    skip: Annotated[bool, Meta(description="true or false")] | None = None
    flagged: Annotated[bool, Meta(description="true or false: whether a reviewer is to look at it")] | None = None


class LabelsBody(Struct, forbid_unknown_fields=True):
    """A batch of labels."""

    labels: Annotated[
        list[Any],
        Meta(
            description="a list of labels, each with its lease",
            extra_json_schema={"items": {"$ref": "#/components/schemas/LabelRow"}, "maxItems": MOST_LABELS},
        ),
    ]


class LabelResult(Struct, omit_defaults=True):
    """What became of one label."""

    lease: str | None
    status: labels.Status
    error: str | None = None
    field: str | None = None


class LabelResults(Struct):
    """One result for each label, in their order."""

    results: list[LabelResult]


class Undone(Struct):
    """The lease that came back."""

    lease: str
    status: str
    expires_at: datetime | None


LEASE_EXAMPLE = "lease_01JD4K7Q2M8X3V5B6N7P8Q9R0S"
EXPIRES = datetime.fromisoformat("2026-11-23T14:10:00+00:00")


@router.post(
    "/projects/{slug}/leases",
    summary="Lease items",
    openapi_extra=openapi.operation(
        takes=LeaseRequest(count=5),
        answers=LeasedItems(
            [
                LeasedItem(
                    lease=LEASE_EXAMPLE,
                    item="item_01JD4K7Q2M8X3V5B6N7P8Q9R0S",
                    inputs={"text": "Where is my card?"},
                    cause="uncertain",
                    reason="margin 0.03: card_arrival .51, exchange_rate .48",
                    guideline_version=1,
                    suggestion=Suggestion("card_arrival", 0.51, "v3"),
                    expires_at=EXPIRES,
                )
            ],
            [AskedQuestion("reason", "text", "Why?", [], {"longest": 500}, False, ["exchange_rate"])],
        ),
        errors=NOT_FITTING,
    ),
)
@keyed(Scope.ANNOTATE)
def claim(request: KeyRequest, slug: str) -> HttpResponse:
    try:
        asked = json_body.read_struct(request, LeaseRequest)
        queue = _queue(request, asked.queue)
    except BadBody as why:
        return problem(why.status, str(why), field=why.field)
    given = leases.claim(request.project, by=request.key.user, count=asked.count, queue=queue, at=timezone.now())
    said = leases.suggestions(request.project, given) if given else {}
    return json_body.json_response(
        LeasedItems(
            [_lease(request.project, lease, said.get(lease.item_id)) for lease in given],
            [_question(one) for one in side_answers.asked_by(request.project)],
        )
    )


@router.post(
    "/projects/{slug}/labels",
    summary="Submit labels",
    openapi_extra=openapi.operation(
        rows=LabelRow,
        takes=LabelsBody(
            [LabelRow(lease=LEASE_EXAMPLE, value="exchange_rate", also={"reason": "It asks for a rate"}, seconds=3.5)]
        ),
        answers=LabelResults([LabelResult(LEASE_EXAMPLE, "created")]),
        description="The lease is the idempotency key: the same label again is existing.",
        errors={**NOT_FITTING, 413: "Too many labels."},
    ),
)
@keyed(Scope.ANNOTATE)
def submit(request: KeyRequest, slug: str) -> HttpResponse:
    try:
        rows = json_body.read_struct(request, LabelsBody).labels
        if len(rows) > MOST_LABELS:
            raise BadBody(f"The batch has {len(rows):,} labels; at most {MOST_LABELS:,} are taken at once.", 413)
    except BadBody as why:
        return problem(why.status, str(why), field=why.field)
    return json_body.json_response(LabelResults([_submit(request, row) for row in rows]))


@router.delete(
    "/projects/{slug}/labels/{lease}",
    summary="Undo a label",
    openapi_extra=openapi.operation(
        answers=Undone(LEASE_EXAMPLE, "undone", EXPIRES),
        description="A revision: the label is kept as undone, and its lease comes back.",
        errors={409: "There is nothing to undo, or the item has moved on."},
    ),
)
@keyed(Scope.ANNOTATE)
def undo(request: KeyRequest, slug: str, lease: str) -> HttpResponse:
    try:
        back = labels.undo(request.project, lease, by=request.key.user, at=timezone.now())
    except answers.AnswerRefused as why:
        return problem(why.status, str(why))
    return json_body.json_response(Undone(back.token, "undone", back.slot.lease_until))


def _queue(request: KeyRequest, slug: str | None) -> Queue | None:
    if slug is None:
        return None
    found = request.project.queues.filter(slug=slug).first() if is_storable_text(slug) else None
    if found is None or not blinding.may_choose(found, request.role):
        raise BadBody("There is no such queue in this project.", 404, "queue")
    return found


def _submit(request: KeyRequest, given: Any) -> LabelResult:
    """One row's result; a row that does not fit is refused alone."""
    try:
        row = to_struct(given, LabelRow, noun="label")
    except InvalidInput as why:
        token = given.get("lease") if isinstance(given, dict) else None
        shown = token if isinstance(token, str) and len(token) <= 100 and token.isprintable() else None
        return LabelResult(shown, "refused", str(why), why.field)
    if not row.lease.isprintable():
        return LabelResult(None, "refused", "`lease` takes printable characters only.", "lease")
    fields = {name: value for name, value in msgspec.structs.asdict(row).items() if value is not None}
    token = fields.pop("lease")
    done = labels.submit(request.project, token, by=request.key.user, at=timezone.now(), **fields)
    return LabelResult(token, done.status, done.error)


def _question(one: side_answers.SideQuestion) -> AskedQuestion:
    labels, options = list(kinds.offered(one.labels)), msgspec.to_builtins(one.kind.options)
    return AskedQuestion(one.name, one.kind.name, one.words, labels, options, one.required, list(one.when))


def _lease(project: Project, lease: Lease, suggestion: dict[str, Any] | None) -> LeasedItem:
    """A lease as it is sent: all alike, or where the project shows reasons, each with one."""
    reason = blinding.shown_reason(project, lease.slot.routed)
    return LeasedItem(
        lease=lease.token,
        item=lease.item.uid,
        inputs=lease.item.inputs,
        cause=reason.cause if reason else "",
        reason=reason.words if reason else "",
        guideline_version=lease.guideline_version,
        suggestion=Suggestion(**suggestion) if suggestion else None,
        expires_at=lease.slot.lease_until,
    )
