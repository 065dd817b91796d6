"""Archiving a project and restoring it."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from projects import archiving
from projects.guards import ProjectRequest, member
from projects.models import Can
from projects.project_settings import BadSpec


@require_POST
@member(Can.ADMINISTER)
def archive(request: ProjectRequest) -> HttpResponse:
    try:
        archiving.archive(request.project, reason=request.POST.get("reason", ""), by=request.user, at=timezone.now())
    except BadSpec as why:
        messages.error(request, str(why))
        return redirect("projects:general", request.project.slug)
    messages.success(request, f"{request.project.title} is archived.")
    return redirect("projects:general", request.project.slug)


@require_POST
@member(Can.ADMINISTER, archived=True)
def restore(request: ProjectRequest) -> HttpResponse:
    archiving.restore(request.project, by=request.user, at=timezone.now())
    messages.success(request, f"{request.project.title} can be changed again.")
    return redirect("projects:general", request.project.slug)
