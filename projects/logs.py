"""Log lines name the request that they belong to, as its answer does in X-Request-Id."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_request_id: ContextVar[str] = ContextVar("request_id", default="-")


@contextmanager
def request(id_: str) -> Iterator[None]:
    """What this thread logs meanwhile belongs to the request with this id."""
    token = _request_id.set(id_)
    try:
        yield
    finally:
        _request_id.reset(token)


class RequestIds(logging.Filter):
    """Gives each record its `request_id`, "-" outside of any request."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)  # Django's own lines of an answer come after the middleware
        record.request_id = getattr(request, "id", None) or _request_id.get()
        return True
