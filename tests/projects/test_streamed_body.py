"""The body of a request in parts."""

import io
from typing import Any

import pytest
from django.http import UnreadablePostError
from django.test import RequestFactory

from projects.streamed_body import BrokenBody, body_parts, takes_file

UPLOAD = "/api/v1/projects/mail/imports"


def request(data: Any, length: int) -> Any:
    made = RequestFactory().generic("POST", UPLOAD, b"", content_type="application/octet-stream")
    made.META["CONTENT_LENGTH"] = str(length)
    made._stream = data
    return made


def test_a_body_comes_in_its_order_and_no_further_than_its_length() -> None:
    assert b"".join(body_parts(request(io.BytesIO(b"abcdef"), 4))) == b"abcd"
    assert list(body_parts(request(io.BytesIO(b""), 0))) == []


def test_a_body_that_ends_too_soon_or_cannot_be_read_is_broken() -> None:
    class Gone:
        def read(self, size: int) -> bytes:
            raise UnreadablePostError

    for stream in (io.BytesIO(b"abc"), Gone()):
        with pytest.raises(BrokenBody, match="broke off"):
            list(body_parts(request(stream, 4)))


@pytest.mark.parametrize(
    ("path", "kind", "taken"),
    [
        (UPLOAD, "application/octet-stream", True),
        ("/p/mail/exchange/upload", "text/csv", True),
        ("/p/mail/exchange/upload", "multipart/form-data; boundary=x", False),
        (UPLOAD, "application/x-www-form-urlencoded", False),
        ("/api/v1/projects/mail/imports/import_1", "text/csv", False),
        ("/api/v1/projects/mail/predictions", "application/json", False),
    ],
)
def test_only_calls_that_stream_take_a_file_and_never_as_a_form(path: str, kind: str, taken: bool) -> None:
    assert takes_file(RequestFactory().generic("POST", path, b"x", content_type=kind)) is taken
