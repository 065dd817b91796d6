"""RFC 9457 problem bodies: one status, one clear sentence."""

import json
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse


def problem(status: int, detail: str, **more: Any) -> HttpResponse:
    """An application/problem+json answer; `detail` is the sentence that the caller reads."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}
    return HttpResponse(json.dumps(body), status=status, content_type="application/problem+json")
