"""Begin, grow and end a version beside the one that serves, and put what its shadow says otherwise into a queue."""

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from annotation import blinding
from projects.formatting import plural
from projects.guards import ProjectRequest, member
from projects.models import Can
from retraining import artifacts, label_requests, release, rollout, rollout_looks
from retraining.forms import EndForm, GrowForm, PromoteForm, RolloutForm
from retraining.models import Rollout, RolloutMode
from retraining.release_record import CannotRelease, ReleaseAct
from retraining.views.releases import releases_page
from validation.numbers import whole_number

SHOWN = 100


@require_POST
@member(Can.CHANGE)
def begin(request: ProjectRequest) -> HttpResponse:
    form = RolloutForm(request.POST)
    if not form.is_valid():
        return releases_page(request, rollout_form=form, status=422)
    sent = form.cleaned_data
    made = ReleaseAct(request.user, sent["reason"], timezone.now())
    return _done(request, lambda: rollout.begin(request.project, sent["version"], RolloutMode(sent["mode"]), made))


@require_POST
@member(Can.CHANGE)
def grow(request: ProjectRequest) -> HttpResponse:
    form = GrowForm(request.POST)
    if not form.is_valid():
        return _refused(request, form)
    made = ReleaseAct(request.user, form.cleaned_data["reason"], timezone.now())
    found = _shown(request, form.cleaned_data["rollout"])
    return _done(request, lambda: rollout.raise_share(found, made, expected=form.cleaned_data["share"]))


@require_POST
@member(Can.CHANGE)
def end(request: ProjectRequest) -> HttpResponse:
    form = EndForm(request.POST)
    if not form.is_valid():
        return _refused(request, form)
    found = _shown(request, form.cleaned_data["rollout"])
    made = ReleaseAct(request.user, form.cleaned_data["reason"], timezone.now())
    return _done(request, lambda: rollout.end(found, made), f"{found.against} answers everyone from now on.")


@require_POST
@member(Can.CHANGE)
def promote(request: ProjectRequest) -> HttpResponse:
    """Release a canary that runs elsewhere; one that was trained here has its own page."""
    found = _shown(request, whole_number(request.POST.get("rollout", "")))
    form = PromoteForm(request.POST, tag=found.tag)
    if not form.is_valid():
        return _refused(request, form)
    made = ReleaseAct(request.user, form.cleaned_data["reason"], timezone.now())
    return _done(request, lambda: release.promote_canary(found, made), f"{found.tag} answers everyone from now on.")


@require_GET
@member(Can.SEE)
def shadow_items(request: ProjectRequest) -> HttpResponse:
    return _shadow_page(request, _running(request))


def _shadow_page(request: ProjectRequest, found: Rollout, *, error: str = "", status: int = 200) -> HttpResponse:
    """What the shadow answers otherwise than the version that serves."""
    rows = list(rollout_looks.disagreements(found).order_by("-captured_at", "-pk")[:SHOWN])
    blind = blinding.blind_among(request.project, request.user, [row.pk for row in rows])
    context = {
        "project": request.project,
        "rollout": found,
        "items": [row for row in rows if row.pk not in blind],
        "total": rollout_looks.disagreements(found).count(),
        "may_change": request.role.can(Can.CHANGE),
        "error": error,
    }
    return render(request, "retraining/shadow.html", context, status=status)


@require_POST
@member(Can.CHANGE)
def shadow_queue(request: ProjectRequest) -> HttpResponse:
    found = _running(request)
    ids = list(rollout_looks.disagreements(found).order_by("pk").values_list("pk", flat=True))
    try:
        made = label_requests.request_shadow_labels(found, item_ids=ids, by=request.user, at=timezone.now())
    except (label_requests.NothingToDraw, label_requests.queues.QueueProblem) as why:
        return _shadow_page(request, found, error=str(why), status=409)
    messages.success(request, f"{plural(made.put.created, 'item,items')} added to {made.queue.title}.")
    return redirect("annotation:queue", slug=request.project.slug, queue=made.queue.slug)


def _running(request: ProjectRequest) -> Rollout:
    found = rollout.running(request.project)
    if found is None:
        raise Http404("No version runs beside the one that serves.")
    return found


def _shown(request: ProjectRequest, pk: int | None) -> Rollout:
    """The rollout that the page showed."""
    return get_object_or_404(Rollout.objects.select_related("project", "version"), project=request.project, pk=pk)


def _refused(request: ProjectRequest, form: EndForm | PromoteForm) -> HttpResponse:
    return releases_page(request, error=str(next(iter(form.errors.values()))[0]), status=422)


def _done(
    request: ProjectRequest, do: Callable[[], object], words: str = "Done. It holds from the next request on."
) -> HttpResponse:
    try:
        do()
    except (CannotRelease, artifacts.ArtifactRefused) as why:
        return releases_page(request, error=str(why), status=409)
    messages.success(request, words)
    return redirect("retraining:release-list", slug=request.project.slug)
