"""The answer to a request for a project's items as a file."""

from typing import IO

from django.http import FileResponse, HttpResponse

from annotation.exchange.registry import FORMATS
from projects.models import Project


def file_answer(file: IO[bytes], project: Project, format_name: str) -> HttpResponse:
    """The file as a download with the name of the project; it is closed once it is sent."""
    made = FORMATS[format_name]
    answer = FileResponse(
        file, as_attachment=True, filename=f"{project.slug}.{made.ending}", content_type=made.media_type
    )
    return answer  # type: ignore[return-value]  # a response that streams is no HttpResponse to django-stubs
