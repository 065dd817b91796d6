"""Rules that fill queues: the list of them, and the page on which one is tried, saved, filled up and followed."""

from dataclasses import asdict
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from analysis import queue_rule_jobs, queue_rule_log, queue_rules, saved_views
from analysis.models import QueueRule
from analysis.queue_rules import BadRule, RuleSettings
from annotation import blinding
from annotation.item_display import display_item
from annotation.models import Item, Order, cause_title
from projects.guards import ProjectRequest, member
from projects.models import Can
from projects.specs import MOST_OVERLAP
from validation import InvalidInput

SHOWN_ACTIONS = 20
BACKFILL_DAYS = 7


class QueueRuleForm(forms.Form):
    """What a rule asks for."""

    title = forms.CharField(max_length=120, label="Title", error_messages={"required": "Enter a title."})
    cause = forms.ChoiceField(
        label="Cause",
        choices=[(cause, cause_title(cause)) for cause in queue_rules.CAUSES],
        help_text="What people and reports read as the reason.",
    )
    query = forms.CharField(
        max_length=saved_views.LONGEST_QUERY,
        label="Filters",
        help_text="As in the address of a view of Items, such as signal=thumbs_down&confidence=..0.7",
        error_messages={"required": "Enter at least one filter."},
    )
    rate = forms.FloatField(
        min_value=0.001,
        max_value=100,
        label="Of what matches, per cent",
        help_text="Drawn at random, the same items whenever the rule looks.",
    )
    budget = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=1_000_000,
        label="Items a day at most",
        help_text="In 24 hours, the newest first. Empty: no limit.",
    )
    overlap = forms.IntegerField(
        min_value=1, max_value=MOST_OVERLAP, label="People per item", help_text="So many different people answer each."
    )
    sla_hours = forms.FloatField(
        required=False,
        min_value=0.01,
        max_value=8760,
        label="Hours an item may wait",
        help_text="What waits longer is late. Empty: no limit.",
    )
    order = forms.ChoiceField(label="What is asked first", choices=Order.choices)

    def settings(self) -> RuleSettings:
        """The rule that a valid form describes."""
        return RuleSettings(**{**self.cleaned_data, "rate": self.cleaned_data["rate"] / 100})


@require_GET
@member(Can.SEE)
def rules(request: ProjectRequest) -> HttpResponse:
    """Every rule with what it did last."""
    rows = queue_rule_log.rules_with_last(request.project)
    context = {"project": request.project, "rows": rows, "may_change": request.role.can(Can.CHANGE)}
    return render(request, "analysis/queue_rules.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.CHANGE)
def new_rule(request: ProjectRequest) -> HttpResponse:
    """A rule that is not made yet; `query` in the address fills in the filters."""
    first = RuleSettings("", queue_rules.Cause.SLICE, request.GET.get("query", "")[: saved_views.LONGEST_QUERY])
    return _page(request, None, first)


@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.CHANGE)
def edit_rule(request: ProjectRequest, queue: str) -> HttpResponse:
    """A rule that fills a queue, with the log of what it did."""
    rules_here = QueueRule.objects.filter(project=request.project).select_related("queue", "project")
    rule = get_object_or_404(rules_here, queue__slug=queue)
    return _page(request, rule, queue_rules.settings_of(rule))


def _page(request: ProjectRequest, rule: QueueRule | None, present: RuleSettings) -> HttpResponse:
    initial = {**asdict(present), "rate": round(100 * present.rate, 6)}
    if request.method != "POST":
        return _render(request, rule, QueueRuleForm(initial=initial))
    act = request.POST.get("act", "try")
    try:
        if act == "backfill" and rule is not None:
            return _backfill(request, rule)
        form = QueueRuleForm(request.POST, initial=initial)
        if not form.is_valid():
            return _render(request, rule, form, status=422)
        if act == "save":
            return _save(request, rule, form.settings())
        tried = queue_rules.dry_run(request.project, form.settings(), at=timezone.now())
        return _render(request, rule, form, tried=tried)
    except InvalidInput as why:
        form = QueueRuleForm(request.POST if act != "backfill" else None, initial=initial)
        return _render(request, rule, form, error=str(why), status=422)


def _backfill(request: ProjectRequest, rule: QueueRule) -> HttpResponse:
    days = request.POST.get("days", "")
    if not (days.isascii() and days.isdigit() and len(days) < 6):
        raise BadRule("Enter for how many days back, as a whole number.")
    job = queue_rule_jobs.request_backfill(rule, int(days), by=request.user, at=timezone.now())
    under_way = job.payload["days"]
    if under_way == int(days):
        messages.info(request, f"A job looks {under_way} days back; the log says what it put.")
    else:
        words = f"A job that looks {under_way} days back is under way already; ask for {int(days)} days after it."
        messages.info(request, words)
    return redirect("analysis:queue-rule", slug=request.project.slug, queue=rule.queue.slug)


def _save(request: ProjectRequest, rule: QueueRule | None, wanted: RuleSettings) -> HttpResponse:
    now = timezone.now()
    if rule is None:
        rule = queue_rules.create_rule(request.project, wanted, by=request.user, at=now)
        messages.success(request, f"{wanted.title} asks about what comes from now on.")
    elif queue_rules.change_rule(rule, wanted, by=request.user, at=now):
        messages.success(request, f"{wanted.title} changed.")
    return redirect("analysis:queue-rule", slug=request.project.slug, queue=rule.queue.slug)


def _shown(request: ProjectRequest, items: list[Item]) -> dict[str, Any]:
    """The items that this person may see beside what is said of them, and how many are left out."""
    blind = blinding.blind_among(request.project, request.user, [item.pk for item in items])
    seen = [item for item in items if item.pk not in blind]
    return {
        "shown": [(item, display_item(request.project, item)) for item in seen],
        "hidden": len(items) - len(seen),
    }


def _render(
    request: ProjectRequest,
    rule: QueueRule | None,
    form: QueueRuleForm,
    *,
    tried: queue_rules.RuleTrial | None = None,
    error: str = "",
    status: int = 200,
) -> HttpResponse:
    project = request.project
    context: dict[str, Any] = {
        "project": project,
        "rule": rule,
        "form": form,
        "error": error,
        "tried": tried,
        **_shown(request, tried.items if tried else []),
        "views": saved_views.seen_by(project, request.user) if rule is None else [],
        "actions": rule.actions.order_by("-pk")[:SHOWN_ACTIONS] if rule else [],
        "days": BACKFILL_DAYS,
        "most": queue_rules.MOST,
    }
    return render(request, "analysis/queue_rule.html", context, status=status)
