"""The images of items, as data: never as a page of their own."""

import re

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_GET

from annotation import media
from annotation.models import Media
from projects.guards import ProjectRequest, member
from projects.models import Can

SHA256 = re.compile(r"[0-9a-f]{64}")
A_YEAR = 365 * 24 * 3600


@require_GET
@member(Can.LABEL)
def image(request: ProjectRequest, sha256: str) -> HttpResponse:
    """Bytes under their hash never change, so the browser may keep them; only members get them."""
    row = Media.objects.filter(project=request.project, sha256=sha256).first() if SHA256.fullmatch(sha256) else None
    if row is None:
        raise Http404("There is no such image in this project.")
    try:
        data, content_type = media.shown(request.project, row)
    except OSError:
        raise Http404("The file of this image is missing from the media folder, or cannot be read.") from None
    answer = HttpResponse(data, content_type=content_type)
    answer["Cache-Control"] = f"private, max-age={A_YEAR}, immutable"
    answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer["Content-Disposition"] = "inline"
    return answer
