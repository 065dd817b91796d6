"""The body of a request in parts, for files that are too large to be held in memory."""

import re
from collections.abc import Iterator

from django.conf import settings
from django.http import HttpRequest, UnreadablePostError

from validation import InvalidInput

PART = 1 << 20  # bytes
FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")  # read before a guard has let their sender in


class BrokenBody(InvalidInput):
    """A body that ended before its stated length, or is packed in a way that is not taken."""


def takes_file(request: HttpRequest) -> bool:
    """Whether the body may be as large as UPLOAD_LIMIT: that of a call that streams it, once its sender is known."""
    return request.content_type not in FORMS and re.fullmatch(settings.UPLOAD_PATHS, request.path) is not None


def body_parts(request: HttpRequest) -> Iterator[bytes]:
    """The body as it comes. Raises BrokenBody."""
    if "Content-Encoding" in request.headers:
        raise BrokenBody("A file is sent as it is, without Content-Encoding; a packed one is named .gz.")
    left = int(request.META.get("CONTENT_LENGTH") or 0)
    while left > 0:
        try:
            part = request.read(min(PART, left))
        except (UnreadablePostError, OSError):
            part = b""
        if not part:
            raise BrokenBody("The file broke off on its way; send it again.")
        left -= len(part)
        yield part
