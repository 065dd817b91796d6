"""The page of a request that failed: 503 where the database is away or a disk full, else 500, with the log's id."""

import errno
import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template import loader

RETRY_AFTER = "5"  # seconds
FULL = (errno.ENOSPC, errno.EDQUOT)
DISK_FULL = "53100"  # SQLSTATE


def server_error(request: HttpRequest) -> HttpResponse:
    """Called while the exception is handled. Asks the database for nothing: it may be what failed."""
    error = sys.exc_info()[1]
    full = _is_full(error)
    away = full or isinstance(error, OperationalError | InterfaceError)
    request.disk_is_full = full  # type: ignore[attr-defined]  # for the sentence of an API call
    template = loader.get_template("503.html" if away else "500.html")
    page = template.render({"request_id": getattr(request, "id", ""), "full": full})
    response = HttpResponse(page, status=503 if away else 500)
    if away:
        response["Retry-After"] = RETRY_AFTER
    return response


def _is_full(error: BaseException | None) -> bool:
    """Whether nothing more could be written: a file, or the database's own files."""
    if isinstance(error, OSError):
        return error.errno in FULL
    if not isinstance(error, OperationalError):
        return False
    return getattr(error.__cause__, "sqlstate", None) == DISK_FULL or "disk is full" in str(error)
