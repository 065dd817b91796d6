"""RFC 9457 problem bodies: one status, one clear sentence."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse

from validation.json_values import shorten

LONGEST_DETAIL = 1_000
MOST_ERRORS = 100


def problem(status: int, detail: str, *, errors: Sequence[Mapping[str, Any]] = (), **more: Any) -> HttpResponse:
    """An application/problem+json answer; `detail` is the sentence that the caller reads.

    What the caller sent is never repeated at length: sentences are cut, and of many errors the first are named.
    """
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    body |= {name: value for name, value in more.items() if value is not None}
    body["detail"] = shorten(detail, LONGEST_DETAIL)
    if errors:
        body["errors"] = [_short(error) for error in errors[:MOST_ERRORS]]
    if len(errors) > MOST_ERRORS:
        body["errors_in_all"] = len(errors)
    return HttpResponse(json.dumps(body), status=status, content_type="application/problem+json")


def _short(error: Mapping[str, Any]) -> dict[str, Any]:
    return {name: shorten(part, LONGEST_DETAIL) if isinstance(part, str) else part for name, part in error.items()}
