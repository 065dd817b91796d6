"""The answer to a request for a project's items as a file."""

from collections.abc import Iterable
from typing import IO

from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.utils.http import content_disposition_header

from annotation.exchange.registry import FORMATS
from projects.models import Project


def file_answer(file: IO[bytes], project: Project, format_name: str) -> HttpResponse:
    """The file as a download with the name of the project; it is closed once it is sent."""
    made = FORMATS[format_name]
    answer = FileResponse(
        file, as_attachment=True, filename=f"{project.slug}.{made.ending}", content_type=made.media_type
    )
    return answer  # type: ignore[return-value]  # a response that streams is no HttpResponse to django-stubs


def streamed_answer(parts: Iterable[bytes], project: Project, format_name: str) -> HttpResponse:
    """The same of a file that is made while it is sent: where making it fails, the connection ends before the file."""
    made = FORMATS[format_name]
    name = content_disposition_header(True, f"{project.slug}.{made.ending}") or ""
    answer = StreamingHttpResponse(parts, content_type=made.media_type, headers={"Content-Disposition": name})
    return answer  # type: ignore[return-value]  # as above
