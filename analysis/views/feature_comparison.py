"""Input contract: a file of features is uploaded, and a job compares it with what was served."""

from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from analysis import skew_jobs
from analysis.skew_reports import FeatureColumns
from analysis.views.input_contract import contract_page
from annotation import uploads
from annotation.exchange.rows import UnusableFile
from projects.guards import ProjectRequest, member
from projects.models import Can
from projects.streamed_body import FORMS, BrokenBody, body_parts


@require_POST
@member(Can.CHANGE)
def compare_features(request: ProjectRequest) -> HttpResponse:
    """Keep the file and have it compared: as a form without scripts, else as the body itself, read as it comes."""
    as_form = request.content_type in FORMS
    given = request.POST if as_form else request.GET
    file = request.FILES.get("file") if as_form else None
    name = str(file.name) if file else request.GET.get("name", "")
    columns = FeatureColumns(*(given.get(part, "").strip() for part in ("key", "time", "entity")))
    try:
        skew_jobs.check_request(columns, name)
        parts = (file.chunks() if file else ()) if as_form else body_parts(request)
        upload = uploads.store_upload(parts, name=name, owner=request.user, at=timezone.now())
    except (UnusableFile, BrokenBody, uploads.UploadRefused) as why:
        status = 413 if isinstance(why, uploads.UploadTooLarge) else 422
        if as_form:
            return contract_page(request, problem=str(why), status=status)
        return JsonResponse({"detail": str(why)}, status=status)
    skew_jobs.request_comparison(request.project, upload, columns, by=request.user, at=timezone.now())
    address = reverse("analysis:input-contract", args=[request.project.slug]) + "#skew-title"
    return redirect(address) if as_form else JsonResponse({"address": address})
