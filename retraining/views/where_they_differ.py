"""Acts on the disagreements of two versions: find them, and put more of them before people."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from projects.formatting import plural
from projects.guards import ProjectRequest, member
from projects.models import Can
from retraining import disagreements, registry
from retraining.forms import AskForm
from retraining.views import version_of
from retraining.views.compare import compare_page


@require_POST
@member(Can.CHANGE)
def find(request: ProjectRequest, number: int) -> HttpResponse:
    """Have a worker find where the version and what serves differ, and ask about the first of these items."""
    version = version_of(request.project, number)
    try:
        disagreements.request(version, by=request.user, at=timezone.now())
    except disagreements.NoDisagreement as why:
        return compare_page(request, version, error=str(why), status=409)
    messages.info(request, f"{version.tag} is answering recent traffic.")
    return redirect("retraining:compare", slug=request.project.slug, number=number)


@require_POST
@member(Can.CHANGE)
def request_more(request: ProjectRequest, number: int) -> HttpResponse:
    """Put more of the drawn disagreements before people."""
    version = version_of(request.project, number)
    form = AskForm(request.POST)
    if not form.is_valid():
        return compare_page(request, version, error=" ".join(map(str, form.errors["count"])), status=422)
    sample = disagreements.sample_of(version, registry.incumbent(request.project))
    if sample is None:
        return compare_page(request, version, error=f"Find first where {version.tag} differs.", status=409)
    try:
        put = disagreements.request_more(sample, count=form.cleaned_data["count"], by=request.user, at=timezone.now())
    except disagreements.NoDisagreement as why:
        return compare_page(request, version, error=str(why), status=409)
    messages.success(request, f"{plural(put, 'item,items')} put before people.")
    return redirect("retraining:compare", slug=request.project.slug, number=number)
