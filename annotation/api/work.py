"""Leases out, labels in, for services that bring their own screen: the same domain calls as the desk."""

from typing import Any

import msgspec
from django.http import HttpResponse
from django.utils import timezone
from ninja import Router

from annotation import body, labels, leases
from annotation.models import EVALUATION_CAUSES, Cause, Lease, Queue
from annotation.rows import BadBody
from projects.api_auth import KeyRequest, keyed
from projects.models import Scope
from projects.problems import problem
from validation.json_values import is_storable_text, shorten

router = Router(tags=["work"])

MOST_LABELS = 1000
LONGEST_TOKEN = 40
FIELDS = {"lease", "value", "seconds", "comment", "skip", "flagged"}
ROW = {
    "type": "object",
    "required": ["lease"],
    "additionalProperties": False,
    "properties": {
        "lease": {"type": "string"},
        "value": {"description": "As the project's kind takes it; absent with skip."},
        "seconds": {"type": "number", "minimum": 0, "maximum": labels.MOST_SECONDS},
        "comment": {"type": "string", "maxLength": labels.LONGEST_COMMENT},
        "skip": {"type": "boolean"},
        "flagged": {"type": "boolean"},
    },
}
LEASE = {
    "type": "object",
    "properties": {
        "lease": {"type": "string"},
        "item": {"type": "string"},
        "inputs": {"type": "object"},
        "cause": {"enum": Cause.values},
        "reason": {"type": "string"},
        "guideline_version": {"type": "integer"},
        "suggestion": {"type": ["object", "null"]},
        "expires_at": {"type": "string", "format": "date-time"},
    },
}
RESULT = {
    "type": "object",
    "properties": {
        "lease": {"type": ["string", "null"]},
        "status": {"enum": ["created", "existing", "extra", "refused"]},
        "error": {"type": "string"},
    },
}


def described(takes: dict[str, Any] | None, answer: dict[str, Any], **errors: str) -> dict[str, Any]:
    """The OpenAPI of a call whose body is checked here, so that each refusal is one clear sentence."""
    refusals = {"401": "No valid key.", "403": "The key lacks the scope.", "404": "Not found.", **errors}
    made: dict[str, Any] = {
        "responses": {
            200: {"description": "Done.", "content": {"application/json": {"schema": answer}}},
            **{int(status): {"description": words} for status, words in refusals.items()},
        }
    }
    if takes:
        made["requestBody"] = {"required": True, "content": {"application/json": {"schema": takes}}}
    return made


def listing(name: str, row: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "object", "required": [name], "properties": {name: {"type": "array", "items": row, **more}}}


ASK = {
    "type": "object",
    "required": ["count"],
    "additionalProperties": False,
    "properties": {
        "count": {"type": "integer", "minimum": 1, "maximum": leases.MOST},
        "queue": {"type": "string", "description": "The slug of one queue; all of the project where absent."},
    },
}


@router.post(
    "/projects/{slug}/leases",
    summary="Lease items",
    openapi_extra=described(ASK, listing("leases", LEASE), **{"400": "Not JSON.", "422": "A field does not fit."}),
)
@keyed(Scope.ANNOTATE)
def claim(request: KeyRequest, slug: str) -> HttpResponse:
    try:
        count, queue = _asked(request)
    except BadBody as why:
        return problem(why.status, str(why))
    given = leases.claim(request.project, by=request.key.user, count=count, queue=queue, at=timezone.now())
    said = leases.suggestions(request.project, given) if given else {}
    return _json({"leases": [_lease(lease, said.get(lease.item_id)) for lease in given]})


@router.post(
    "/projects/{slug}/labels",
    summary="Submit labels",
    openapi_extra=described(
        {**listing("labels", ROW, maxItems=MOST_LABELS), "additionalProperties": False},
        listing("results", RESULT),
        **{"400": "Not JSON.", "413": "Too many labels.", "422": "A field does not fit."},
    ),
)
@keyed(Scope.ANNOTATE)
def submit(request: KeyRequest, slug: str) -> HttpResponse:
    try:
        rows = _rows(request)
    except BadBody as why:
        return problem(why.status, str(why))
    return _json({"results": [_submit(request, row) for row in rows]})


@router.delete(
    "/projects/{slug}/labels/{lease}",
    summary="Undo a label",
    openapi_extra=described(None, LEASE, **{"409": "There is nothing to undo, or the item has moved on."}),
)
@keyed(Scope.ANNOTATE)
def undo(request: KeyRequest, slug: str, lease: str) -> HttpResponse:
    try:
        back = labels.undo(request.project, lease, by=request.key.user, at=timezone.now())
    except labels.Refused as why:
        return problem(why.status, str(why))
    return _json({"lease": back.token, "status": "undone", "expires_at": back.slot.lease_until})


def _asked(request: KeyRequest) -> tuple[int, Queue | None]:
    given = body.read(request.body, fields={"count", "queue"})
    count, slug = given.get("count"), given.get("queue")
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= leases.MOST:
        raise BadBody(f"`count` takes a whole number from 1 to {leases.MOST}.", 422)
    if slug is None:
        return count, None
    found = request.project.queues.filter(slug=slug).first() if isinstance(slug, str) and "\x00" not in slug else None
    if found is None:
        raise BadBody("There is no such queue in this project.", 404)
    return count, found


def _rows(request: KeyRequest) -> list[Any]:
    rows = body.read(request.body, fields={"labels"}).get("labels")
    if not isinstance(rows, list):
        raise BadBody("`labels` takes a list of labels, each with its lease.", 422)
    if len(rows) > MOST_LABELS:
        raise BadBody(f"The batch has {len(rows):,} labels; at most {MOST_LABELS:,} are taken at once.", 413)
    return rows


def _submit(request: KeyRequest, row: Any) -> dict[str, Any]:
    """One row's result; a row that cannot be read is refused alone."""
    token = row.get("lease") if isinstance(row, dict) else None
    if not isinstance(token, str) or len(token) > LONGEST_TOKEN or not is_storable_text(token):
        return {"lease": None, "status": "refused", "error": "Each label takes an object with the `lease` it answers."}
    if unknown := sorted(set(row) - FIELDS):
        error = f"`{shorten(unknown[0], 60)}` is not a field of a label, which takes {', '.join(sorted(FIELDS))}."
        return {"lease": token, "status": "refused", "error": error}
    given = {name: row[name] for name in FIELDS - {"lease"} if row.get(name) is not None}
    done = labels.submit(request.project, token, by=request.key.user, at=timezone.now(), **given)
    return {"lease": token, "status": done.status, **({"error": done.error} if done.error else {})}


def _lease(lease: Lease, suggestion: dict[str, Any] | None) -> dict[str, Any]:
    """A lease as it is sent. An evaluation item is called an audit item, whichever it is, with no reason given."""
    routed = lease.slot.routed
    blind = routed.evaluation or routed.cause in EVALUATION_CAUSES
    return {
        "lease": lease.token,
        "item": lease.item.uid,
        "inputs": lease.item.inputs,
        "cause": Cause.AUDIT if blind else routed.cause,
        "reason": "" if blind else routed.reason,
        "guideline_version": lease.guideline_version,
        "suggestion": None if blind else suggestion,
        "expires_at": lease.slot.lease_until,
    }


def _json(answer: dict[str, Any]) -> HttpResponse:
    return HttpResponse(msgspec.json.encode(answer), content_type="application/json")
