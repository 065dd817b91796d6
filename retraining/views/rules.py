"""Release a threshold or a policy, and take it back."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from projects.guards import ProjectRequest, member
from projects.models import Can
from retraining import rule_release
from retraining.forms import PolicyForm, RollBackForm, RuleForm, ThresholdForm
from retraining.models import RuleKind
from retraining.views.releases import releases_page
from validation import InvalidInput

FORMS: dict[str, type[RuleForm]] = {RuleKind.THRESHOLD: ThresholdForm, RuleKind.POLICY: PolicyForm}


@require_POST
@member(Can.CHANGE)
def release_rule(request: ProjectRequest, kind: str) -> HttpResponse:
    if not rule_release.applies_to(request.project):
        return releases_page(request, error=rule_release.WITHOUT_SCORES, status=409)
    form = FORMS[kind](request.POST)
    if not form.is_valid():
        return releases_page(request, rule_form=form, status=422)
    try:
        body = form.body(request.project.schema().offered_values())  # type: ignore[attr-defined]
    except InvalidInput as why:
        form.add_error("lines", str(why))
        return releases_page(request, rule_form=form, status=422)
    sent = form.cleaned_data
    try:
        made = rule_release.release_rule(
            request.project,
            body,
            by=request.user,
            reason=sent["reason"],
            at=timezone.now(),
            expected=sent["expected"],
        )
    except rule_release.CannotRelease as why:
        return releases_page(request, rule_form=form, error=str(why), status=409)
    messages.success(request, f"Released {kind} {made.tag}. It holds from the next request on.")
    return redirect("retraining:release-list", slug=request.project.slug)


@require_POST
@member(Can.CHANGE)
def roll_back_rule(request: ProjectRequest, kind: str) -> HttpResponse:
    form = RollBackForm(request.POST)
    if not form.is_valid():
        return releases_page(request, error=str(next(iter(form.errors.values()))[0]), status=422)
    sent = form.cleaned_data
    try:
        made = rule_release.roll_back_rule(
            request.project,
            RuleKind(kind),
            by=request.user,
            reason=sent["reason"],
            at=timezone.now(),
            expected=sent["expected"],
        )
    except rule_release.CannotRelease as why:
        return releases_page(request, error=str(why), status=409)
    messages.success(request, f"Rolled back. {f'{made.tag} is' if made.tag else f'No {kind} is'} in force.")
    return redirect("retraining:release-list", slug=request.project.slug)
