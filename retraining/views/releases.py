"""What is live, and can I go back?"""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from jobs import health
from projects.guards import ProjectRequest, member
from projects.models import Can
from retraining import artifacts, judging, registry, release, rule_release
from retraining.forms import RollBackForm, RolloutForm, RuleForm
from retraining.models import ModelVersion, Release
from retraining.views.rollout_panel import rollout_panel
from retraining.views.rule_panels import rule_panels

SHOWN = 50


@require_GET
@member(Can.SEE)
def release_list(request: ProjectRequest) -> HttpResponse:
    return releases_page(request)


def releases_page(
    request: ProjectRequest,
    *,
    error: str = "",
    form: RollBackForm | None = None,
    rule_form: RuleForm | None = None,
    rollout_form: RolloutForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page; with a form that was sent and refused, or the sentence why an act was."""
    standing = release.release_status(request.project)
    releases = Release.objects.filter(project=request.project).select_related("version", "previous", "by")
    candidates = ModelVersion.objects.filter(project=request.project, stage=ModelVersion.Stage.CANDIDATE)
    newest = candidates.select_related("judgement", "project").defer("parameters").order_by("-number")[:5]
    champion, verdicts = standing.champion, judging.gate_verdicts(list(newest))
    incumbent = registry.Incumbent(champion.tag, champion) if champion else registry.incumbent(request.project)
    context = {
        "project": request.project,
        "now": timezone.now(),
        "standing": standing,
        "since": release.live_since(request.project),
        "captured": incumbent.tag if not incumbent.version else "",
        "releases": list(releases.defer("version__parameters", "verdict").order_by("-at", "-pk")[:SHOWN]),
        "example_label": request.project.schema().offered_values()[0] if request.project.schema().labels else "",
        "beside": rollout_panel(request.project),
        "rollout_form": rollout_form or RolloutForm(),
        "panels": rule_panels(request.project, rule_form),
        "has_scores": rule_release.applies_to(request.project),
        "problems": health.problems([request.project]),
        "candidates": [(one, judging.state_of(one, incumbent), verdicts.get(one.pk)) for one in newest],
        "form": form or RollBackForm(initial={"expected": standing.live}),
        "may_change": request.role.can(Can.CHANGE),
        "error": error,
    }
    return render(request, "retraining/releases.html", context, status=status)


@require_POST
@member(Can.CHANGE)
def roll_back(request: ProjectRequest) -> HttpResponse:
    form = RollBackForm(request.POST)
    if not form.is_valid():
        return releases_page(request, form=form, status=422)
    try:
        made = release.roll_back(
            request.project,
            by=request.user,
            reason=form.cleaned_data["reason"],
            at=timezone.now(),
            expected=form.cleaned_data["expected"],
        )
    except (release.CannotRelease, artifacts.ArtifactRefused) as why:
        return releases_page(request, error=str(why), status=409)
    messages.success(request, f"Rolled back to {made.tag}. It answers from the next request on.")
    return redirect("retraining:release-list", slug=request.project.slug)
