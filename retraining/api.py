"""POST predict: bodies into inputs, one domain call, an answer that says who gave it."""

from typing import Any

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router

from annotation import rows
from projects.api_auth import KeyRequest, keyed
from projects.models import Scope
from projects.problems import problem
from retraining import serving

router = Router(tags=["serving"])

MOST_INPUTS = 1_000
RETRY_AFTER = "30"  # seconds: a version that failed to load is tried again then
BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["inputs"],
                    "additionalProperties": False,
                    "properties": {
                        "inputs": {
                            "type": "array",
                            "minItems": 1,
                            "maxItems": MOST_INPUTS,
                            "items": {"type": "object", "description": "By the project's input contract."},
                        },
                        "keys": {"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 200}},
                    },
                }
            }
        },
    },
    "responses": {
        200: {
            "description": "An answer for each input, in order; the same keys with the same inputs get it again.",
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "properties": {
                            "model_version": {"type": "string"},
                            "stage": {"type": "string", "enum": ["champion", "canary"]},
                            "degraded": {"type": "boolean"},
                            "predictions": {
                                "type": "array",
                                "items": {
                                    "type": "object",
                                    "properties": {
                                        "key": {"type": "string"},
                                        "label": {"type": "string"},
                                        "scores": {"type": "object", "additionalProperties": {"type": "number"}},
                                        "decision": {"type": "string", "enum": ["approve", "review"]},
                                    },
                                },
                            },
                        },
                    }
                }
            },
        },
        400: {"description": "The body is not JSON."},
        401: {"description": "No valid key."},
        403: {"description": "The key lacks the scope."},
        404: {"description": "No such project for this key."},
        409: {"description": "A key was captured before with other inputs."},
        413: {"description": "Too large or too many inputs."},
        422: {"description": "Inputs that do not fit the contract, each named."},
        503: {"description": "No version can answer and there is no safe default."},
    },
}


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a call."""

    inputs: list[Any]
    keys: list[str] | None = None


@router.post("/projects/{slug}/predict", openapi_extra=BODY, summary="Answer with the live version")
@keyed(Scope.INGEST)
def predict(request: KeyRequest, slug: str) -> HttpResponse:
    try:
        asked = decode(request)
        answered = serving.predict(request.project, inputs=asked.inputs, keys=asked.keys, at=timezone.now())
    except rows.BadBody as why:
        return problem(why.status, str(why))
    except serving.BadRequest as why:
        return problem(422, str(why), errors=why.errors)
    except serving.KeyTaken as why:
        return problem(409, str(why))
    except serving.NothingToServe as why:
        refused = problem(503, str(why))
        refused["Retry-After"] = RETRY_AFTER
        return refused
    return HttpResponse(msgspec.json.encode(as_json(answered)), content_type="application/json")


def decode(request: HttpRequest) -> Asked:
    """The body's inputs and keys. Raises BadBody."""
    encoding = request.headers.get("Content-Encoding", "")
    data = rows.unpack(request.body, encoding=encoding, most_bytes=settings.BODY_LIMIT)
    try:
        asked = msgspec.json.decode(data, type=Asked)
    except msgspec.ValidationError as why:
        raise rows.BadBody(f"The body does not fit: {why}.", 422) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as why:
        raise rows.BadBody(f"The body is not JSON: {why}.") from None
    if not asked.inputs:
        raise rows.BadBody("`inputs` is empty; it takes one object for each prediction.", 422)
    if len(asked.inputs) > MOST_INPUTS:
        raise rows.BadBody(
            f"There are {len(asked.inputs):,} inputs; at most {MOST_INPUTS:,} are answered at once.", 413
        )
    return asked


def as_json(answered: serving.Answered) -> dict[str, Any]:
    return {
        "model_version": answered.model_version,
        "stage": "champion",
        "degraded": answered.degraded,
        "predictions": [
            {"key": one.key, "label": one.label, "scores": one.scores, "decision": one.decision}
            for one in answered.answers
        ],
    }
