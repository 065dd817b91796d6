"""Pages of settings that stand in columns of the project's row, and those of costs and of the project in general."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from projects.forms import CostsForm, GeneralForm
from projects.guards import ProjectRequest, member
from projects.models import Can, ChangeRecord, Project, User
from projects.project_settings import Settings
from projects.settings_fields import in_words, setting_fields
from projects.settings_versions import COSTS, GENERAL, SettingsArea, change, check_area, versions_of
from projects.views.settings_page import SHOWN_VERSIONS, ChangeLine, Effect, SettingsPage


class AreaPage(SettingsPage):
    """A page of one area: `titles` names its plain columns, `objects` its columns that hold a settings object."""

    area: SettingsArea
    form_class: type[Any]
    titles: dict[str, str]
    objects: dict[str, type[Settings]]

    def present(self, project: Project) -> dict[str, Any]:
        return self.area.value(project)

    def form(self, project: Project, data: Any = None) -> forms.Form:
        return self.form_class(project, data)

    def proposed(self, project: Project, form: Any) -> dict[str, Any]:
        return form.columns()

    def validate(self, project: Project, proposed: dict[str, Any]) -> None:
        check_area(project, proposed)

    def store(self, project: Project, proposed: Any, *, base: str, reason: str, by: User, at: datetime) -> Any:
        return change(project, self.area, proposed, base=base, reason=reason, by=by, at=at)

    def versions(self, project: Project) -> Sequence[tuple[int, ChangeRecord, Any]]:
        return [(row.version, row, row.value) for row in versions_of(project, self.area.name)[: SHOWN_VERSIONS + 1]]

    def changes(self, project: Project, before: dict[str, Any], after: dict[str, Any]) -> list[ChangeLine]:
        """Values are compared as they are stored: a default that is written out is another one than no entry."""
        lines = [
            ChangeLine(title, self.in_words(name, before.get(name)), self.in_words(name, after.get(name)))
            for name, title in self.titles.items()
            if before.get(name) != after.get(name)
        ]
        for column, kind in self.objects.items():
            lines += self._object_lines(kind, before.get(column, {}), after.get(column, {}))
        return lines

    def in_words(self, name: str, value: Any) -> str:
        """The value of a plain column as a sentence shows it."""
        return f"{value:,}" if isinstance(value, int) else str(value or "none")

    def _object_lines(self, kind: type[Settings], old: dict[str, Any], new: dict[str, Any]) -> list[ChangeLine]:
        return [
            ChangeLine(field.title, in_words(field, old.get(field.name)), in_words(field, new.get(field.name)))
            for field in setting_fields(kind)
            if old.get(field.name) != new.get(field.name)
        ]


class CostsPage(AreaPage):
    """What each mistake about the positive label costs."""

    template, url, noun = "projects/costs.html", "projects:costs", "Costs"
    area, form_class = COSTS, CostsForm
    titles = {"positive": "Positive label", "safe_default": "Safe default"}
    objects = {"costs": CostsForm.kind}

    def effects(self, project: Project, before: Any, after: Any) -> list[Effect]:
        found = []
        if (before["positive"], before["costs"]) != (after["positive"], after["costs"]):
            found.append(
                Effect(
                    "Performance computes the cheapest threshold and review band anew, for past windows too."
                    if after["costs"]
                    else "Performance shows no costs any more."
                )
            )
            found.append(Effect("Comparisons of versions by disagreement weigh mistakes by the new costs."))
        if before["safe_default"] != after["safe_default"]:
            label = after["safe_default"]
            found.append(
                Effect(f"When no version can be loaded, requests are answered with {label}, marked as degraded.")
                if label
                else Effect("When no version can be loaded, requests are refused with 503.", warns=True)
            )
        return found


class GeneralPage(AreaPage):
    """The title, and when silence counts as an outcome."""

    template, url, noun = "projects/general.html", "projects:general", "General settings"
    area, form_class = GENERAL, GeneralForm
    titles = {"title": "Title", "outcome_matures_after_days": "Days until an outcome is mature"}
    objects: dict[str, type[Settings]] = {}

    def effects(self, project: Project, before: Any, after: Any) -> list[Effect]:
        if before["outcome_matures_after_days"] == after["outcome_matures_after_days"]:
            return []
        days = after["outcome_matures_after_days"]
        words = (
            f"Outcomes count {days:,} days after their prediction" if days else "Outcomes count as soon as they come"
        )
        return [Effect(f"{words}, those that are here already too.")]

    def context(self, request: ProjectRequest) -> dict[str, Any]:
        return {"may_archive": request.role.can(Can.ADMINISTER)}


COSTS_PAGE, GENERAL_PAGE = CostsPage(), GeneralPage()


@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.CHANGE)
def costs(request: ProjectRequest) -> HttpResponse:
    return COSTS_PAGE.respond(request)


@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.CHANGE)
def general(request: ProjectRequest) -> HttpResponse:
    return GENERAL_PAGE.respond(request)
