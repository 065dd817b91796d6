"""The settings page of the label schema."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from annotation import kinds, label_schemas
from annotation.kinds.choice.shortcuts import cap, keys_of
from annotation.label_form import LabelsForm
from annotation.models import Label, LabelState, Prediction, Resolution, RoutedState, Slot, SlotState
from projects.formatting import plural
from projects.guards import ProjectRequest, member
from projects.label_lists import COLOURS
from projects.models import Can, ChangeRecord, Project, User
from projects.views.settings_page import SHOWN_VERSIONS, ChangeLine, Effect, SettingsPage

RECENT = timedelta(days=7)
LISTED = 12
FIELDS = (("title", "Name"), ("hint", "Description"), ("colour", "Colour"))


class LabelsPage(SettingsPage):
    """The labels in their order, with what a change does to labels given, to predictions and to the desk."""

    template, url, noun = "annotation/label_schema.html", "annotation:label-schema", "Labels"

    def present(self, project: Project) -> Any:
        return project.schema().labels

    def form(self, project: Project, data: Any = None) -> LabelsForm:
        return LabelsForm(project, data)

    def proposed(self, project: Project, form: Any) -> Any:
        return form.labels()

    def validate(self, project: Project, proposed: Any) -> None:
        label_schemas.check_schema(project, proposed)

    def store(self, project: Project, proposed: Any, *, base: str, reason: str, by: User, at: datetime) -> Any:
        return label_schemas.publish(project, proposed, base=base, reason=reason, by=by, at=at)

    def versions(self, project: Project) -> Sequence[tuple[int, ChangeRecord, Any]]:
        rows = project.label_schemas.select_related("created_by").order_by("-version")[: SHOWN_VERSIONS + 1]
        return [(row.version, row, row.labels) for row in rows]

    def changes(self, project: Project, before: Any, after: Any) -> list[ChangeLine]:
        return changed_labels(before, after)

    def effects(self, project: Project, before: Any, after: Any) -> list[Effect]:
        now = timezone.now()
        was = {label["value"] for label in kinds.offered(before)}
        found = [
            effect
            for label in after
            if label.get("retired") and label["value"] in was
            for effect in retired_effects(project, label["value"], now)
        ]
        if added := [label for label in after if label["value"] not in {one["value"] for one in before}]:
            words = "A version that is trained already never says a new label; routing cannot look for it either."
            found.append(Effect(f"{words} {plural(len(added), 'label,labels')} to find examples of."))
        held = Slot.objects.filter(project=project, state=SlotState.LEASED, lease_until__gt=now)
        people = held.values("leased_to").distinct().count()
        if people and desk_keys(before) != desk_keys(after):
            words = plural(people, "person labels,people label")
            found.append(Effect(f"{words} now. Their keys change when they load the desk again.", warns=True))
        return found

    def context(self, request: ProjectRequest) -> dict[str, Any]:
        labels = request.project.schema().labels
        return {"offered": len(kinds.offered(labels)), "retired": len(labels) - len(kinds.offered(labels))}


def desk_keys(labels: Any) -> dict[str, str]:
    """Value to the key that answers with it."""
    return dict(zip([label["value"] for label in labels], keys_of(labels), strict=True))


def changed_labels(before: Any, after: Any) -> list[ChangeLine]:
    """One line for each label and field that differs, and one for the order."""
    old, new = ({label["value"]: label for label in labels} for labels in (before, after))
    keys = desk_keys(before), desk_keys(after)
    lines = [ChangeLine(value, "", _standing(new[value], keys[1])) for value in new if value not in old]
    for value in [value for value in new if value in old]:
        was, now = old[value], new[value]
        if bool(was.get("retired")) != bool(now.get("retired")):
            lines.append(ChangeLine(value, _standing(was, keys[0]), _standing(now, keys[1])))
        elif keys[0][value] != keys[1][value]:
            lines.append(ChangeLine(f"Key of {value}", cap(keys[0][value]), cap(keys[1][value])))
        lines += [
            ChangeLine(f"{title} of {value}", _field(was, name), _field(now, name))
            for name, title in FIELDS
            if was.get(name, "") != now.get(name, "")
        ]
    both = [value for value in old if value in new]
    if both != [value for value in new if value in old]:
        lines.append(ChangeLine("Order", _listed(list(old)), _listed(list(new))))
    return lines


def _field(label: dict[str, Any], name: str) -> str:
    value = str(label.get(name, ""))
    return COLOURS.get(value, value) if name == "colour" else value


def _standing(label: dict[str, Any], keys: dict[str, str]) -> str:
    if merged := label.get("merged_into"):
        return f"counts as {merged}"
    if label.get("retired"):
        return "retired"
    key = cap(keys[label["value"]])
    return f"offered, key {key}" if key else "offered"


def _listed(values: list[str]) -> str:
    more = len(values) - LISTED
    return ", ".join(values[:LISTED]) + (f" and {more} more" if more > 0 else "")


def retired_effects(project: Project, value: str, now: datetime) -> list[Effect]:
    """What happens to labels that were given, and to what models say, when a label is retired."""
    agreed = Resolution.objects.current().filter(project=project, value=value).count()
    open_ = Label.objects.filter(
        project=project, value=value, state=LabelState.GIVEN, slot__routed__state=RoutedState.OPEN
    ).count()
    said = Prediction.objects.filter(project=project, label=value, at__gt=now - RECENT)
    versions = Counter(said.order_by().values_list("model_version", flat=True))
    items = reverse("analysis:item-list", args=[project.slug]) + f"?{urlencode({'truth': value})}"
    found = []
    if agreed:
        words = f"{plural(agreed, 'item,items')} agreed as {value} keep it, and are left out of training and measuring"
        found.append(Effect(f"{words} from the next run on.", items, warns=True))
    if open_:
        found.append(
            Effect(f"{plural(open_, 'label,labels')} {value} of items that wait for more people keep counting.")
        )
    if versions:
        named = ", ".join(sorted(tag or "unnamed" for tag in versions))
        found.append(
            Effect(
                f"{plural(versions.total(), 'prediction,predictions')} of the last 7 days, by {named}, said {value}. "
                "A version that says it goes on answering until one that was trained without it is promoted.",
                warns=True,
            )
        )
    return found


PAGE = LabelsPage()


@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.CHANGE)
def label_schema(request: ProjectRequest) -> HttpResponse:
    if not kinds.of_project(request.project).needs_labels:
        raise Http404("Answers of this project name no labels.")
    return PAGE.respond(request)
