"""The settings pages of routing: of the project, with the list of its queues, and of one queue."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from annotation import queue_counts, queue_settings
from annotation.models import Cause, Order, Queue, RoutedItem, RoutedState
from annotation.routing import audit_settings, daily_rates
from annotation.sampling import STRATEGIES
from projects.formatting import percent, plural
from projects.guards import ProjectRequest, member
from projects.models import Can, ChangeRecord, Project, User
from projects.project_settings import RoutingSettings, parse
from projects.settings_form import SettingsForm
from projects.settings_versions import ROUTING, versions_of
from projects.specs import MOST_OVERLAP
from projects.views.area_page import AreaPage
from projects.views.settings_page import SHOWN_VERSIONS, ChangeLine, Effect, SettingsPage

OVERLAP_HELP = "1 to 20 different people answer each item. More find mistakes, and cost as many answers."


class RoutingForm(SettingsForm):
    """The settings of routing, and by how many people an item is labelled in queues that are made from now on."""

    column, kind = "routing", RoutingSettings
    overlap = forms.IntegerField(
        min_value=1,
        max_value=MOST_OVERLAP,
        label="People per item",
        help_text=f"In queues that are made from now on. {OVERLAP_HELP}",
        error_messages={"required": "Enter a whole number from 1 to 20."},
    )

    def stored(self, project: Project) -> dict[str, Any]:
        return super().stored(project) | {"overlap": project.overlap}

    def columns(self) -> dict[str, Any]:
        return {"overlap": self.cleaned_data["overlap"], "routing": self.settings()}


class RoutingPage(AreaPage):
    """How many items wait, how many are drawn at random, and the queues with their own settings."""

    template, url, noun = "annotation/routing.html", "annotation:routing", "Routing"
    area, form_class = ROUTING, RoutingForm
    titles = {"overlap": "People per item"}
    objects = {"routing": RoutingSettings}

    def effects(self, project: Project, before: Any, after: Any) -> list[Effect]:
        old, new = (parse(RoutingSettings, "routing", value["routing"]) for value in (before, after))
        found = []
        if new.audit_share != old.audit_share:
            labels = daily_rates.labels_a_day(project, at=timezone.now())
            found.append(
                Effect(
                    f"Of about {labels:,.0f} labels a day, {labels * new.audit_share:,.0f} would be of items drawn at "
                    f"random; now it is {labels * old.audit_share:,.0f}. The rate of the draw follows within the hour."
                )
            )
        if not new.waiting and old.waiting:
            found.append(Effect("Routing stops: nothing is put into queues any more but by people.", warns=True))
        if after["overlap"] != before["overlap"]:
            found.append(Effect("Queues that stand keep theirs; each has its own settings below."))
        return found

    def context(self, request: ProjectRequest) -> dict[str, Any]:
        now, audit = timezone.now(), audit_settings.in_force(request.project)
        return {
            "queues": queue_counts.count_queues(request.project, at=now),
            "by_rule": set(request.project.queues.filter(rule__isnull=False).values_list("pk", flat=True)),
            "audit_rate": percent(audit.rate) if audit else "",
        }


class QueueForm(forms.Form):
    """The settings of a queue that have an effect on it."""

    title = forms.CharField(max_length=120, label="Title", error_messages={"required": "Enter a title."})
    strategy = forms.ChoiceField(label="How items are chosen")
    order = forms.ChoiceField(label="What is asked first", choices=Order.choices)
    daily_budget = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=1_000_000,
        label="Items a day at most",
        help_text="That routing puts into it in 24 hours. Empty: no limit.",
    )
    overlap = forms.IntegerField(min_value=1, max_value=MOST_OVERLAP, label="People per item", help_text=OVERLAP_HELP)
    weight = forms.FloatField(
        min_value=0, max_value=1000, label="Weight", help_text="Between queues, a higher one is asked sooner."
    )
    sla_hours = forms.FloatField(
        required=False,
        min_value=0.01,
        max_value=8760,
        label="Hours an item may wait",
        help_text="What waits longer is shown as late. Empty: no limit.",
    )

    def __init__(self, queue: Queue, data: Any = None) -> None:
        super().__init__(data, initial=queue_settings.settings_of(queue))
        names = [name for name in STRATEGIES if name != "committee"] if queue.cause == Cause.UNCERTAIN else ["auto"]
        choices = [(name, name.replace("_", " ").capitalize()) for name in names]
        self.fields["strategy"].choices = choices  # type: ignore[attr-defined]


class QueueSettingsPage(SettingsPage):
    """The settings of one queue."""

    template, url, noun = "annotation/queue_settings.html", "annotation:queue-settings", "Queue settings"

    def __init__(self, queue: Queue) -> None:
        self.queue = queue

    def present(self, project: Project) -> dict[str, Any]:
        self.queue.refresh_from_db()
        return queue_settings.settings_of(self.queue)

    def form(self, project: Project, data: Any = None) -> forms.Form:
        return QueueForm(self.queue, data)

    def proposed(self, project: Project, form: Any) -> dict[str, Any]:
        return dict(form.cleaned_data)

    def validate(self, project: Project, proposed: Any) -> None:
        queue_settings.check_settings(self.queue, proposed)

    def changes(self, project: Project, before: Any, after: Any) -> list[ChangeLine]:
        titles = {name: str(field.label) for name, field in QueueForm.base_fields.items()}
        return [
            ChangeLine(titles[name], _in_words(name, before.get(name)), _in_words(name, after.get(name)))
            for name in queue_settings.COLUMNS
            if before.get(name) != after.get(name)
        ]

    def effects(self, project: Project, before: Any, after: Any) -> list[Effect]:
        waiting = RoutedItem.objects.filter(queue=self.queue, state=RoutedState.OPEN).count()
        at_put = [name for name in ("order", "overlap", "weight", "strategy") if before[name] != after[name]]
        if not waiting or not at_put:
            return []
        words = plural(waiting, "item that waits keeps its place,items that wait keep their place")
        return [Effect(f"{words} and number of people.")]

    def store(self, project: Project, proposed: Any, *, base: str, reason: str, by: User, at: datetime) -> Any:
        return queue_settings.change_settings(self.queue, proposed, base=base, reason=reason, by=by, at=at)

    def versions(self, project: Project) -> Sequence[tuple[int, ChangeRecord, Any]]:
        found = versions_of(project, queue_settings.area_of(self.queue))[: SHOWN_VERSIONS + 1]
        return [(row.version, row, row.value) for row in found]

    def url_arguments(self, project: Project) -> Sequence[str]:
        return [project.slug, self.queue.slug]

    def context(self, request: ProjectRequest) -> dict[str, Any]:
        return {"queue": self.queue}


def _in_words(name: str, value: Any) -> str:
    if value is None:
        return "no limit"
    if name == "order":
        return str(Order(value).label)
    return f"{value:,}".removesuffix(".0") if isinstance(value, int | float) else str(value)


ROUTING_PAGE = RoutingPage()


@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.CHANGE)
def routing(request: ProjectRequest) -> HttpResponse:
    return ROUTING_PAGE.respond(request)


@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.CHANGE)
def queue_form(request: ProjectRequest, queue: str) -> HttpResponse:
    found = get_object_or_404(Queue, project=request.project, slug=queue)
    return QueueSettingsPage(found).respond(request)
