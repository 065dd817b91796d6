"""The page of a request that failed: 503 where the database is away, else 500, with the id that the log names."""

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template import loader

RETRY_AFTER = "5"  # seconds


def server_error(request: HttpRequest) -> HttpResponse:
    """Called while the exception is handled. Asks the database for nothing: it may be what failed."""
    away = isinstance(sys.exc_info()[1], OperationalError | InterfaceError)
    template = loader.get_template("503.html" if away else "500.html")
    page = template.render({"request_id": getattr(request, "id", "")})
    response = HttpResponse(page, status=503 if away else 500)
    if away:
        response["Retry-After"] = RETRY_AFTER
    return response
