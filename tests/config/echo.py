"""A WSGI application that says what it was sent; a body of unstated or too great a length it leaves unread."""

import hashlib
import os
from collections.abc import Callable, Iterable
from typing import Any


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    refused = "HTTP_TRANSFER_ENCODING" in environ or length > 16 * 2**20
    body = b"" if refused else environ["wsgi.input"].read(length)
    answer = f"{environ['PATH_INFO']} {len(body)} {hashlib.sha256(body).hexdigest()} {os.getpid()}".encode()
    start_response("413 Too Large" if refused else "200 OK", [("Content-Length", str(len(answer)))])
    return [answer]
