"""The settings page of retraining and release: when a run begins by itself, and who promotes what it makes."""

import copy
from typing import Any

from django import forms
from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from projects.guards import ProjectRequest, member
from projects.models import Can, Project
from projects.project_settings import RetrainingSettings, Settings
from projects.settings_form import SettingsForm
from projects.settings_versions import RETRAINING
from projects.views.area_page import AreaPage
from projects.views.settings_page import Effect
from retraining.triggers import checks, history, registry


class RetrainingForm(SettingsForm):
    """Every setting of `retraining`, those of trigger rules and trainers included."""

    column, kind = "retraining", RetrainingSettings

    def columns(self) -> dict[str, Any]:
        return {"retraining": self.settings()}


class RetrainingPage(AreaPage):
    """When a run begins by itself, and who promotes."""

    template, url, noun = "retraining/policy.html", "retraining:policy", "Retraining settings"
    area, form_class = RETRAINING, RetrainingForm
    titles: dict[str, str] = {}
    objects: dict[str, type[Settings]] = {"retraining": RetrainingSettings}

    def form(self, project: Project, data: Any = None) -> forms.Form:
        return RetrainingForm(project, data)

    def effects(self, project: Project, before: Any, after: Any) -> list[Effect]:
        changed = copy.copy(project)
        changed.retraining = after["retraining"]
        found = [Effect(f"{title}: {words}") for title, words in trigger_words(changed)]
        if changed.retraining_settings().by_gate and not project.retraining_settings().by_gate:
            words = "From the next run on, a version that passes the gate serves without a person's decision."
            found.append(Effect(words, warns=True))
        if changed.retraining_settings().gate != project.retraining_settings().gate:
            found.append(Effect("Verdicts that stand stay; the next one is opened by the other test.", warns=True))
        return found

    def context(self, request: ProjectRequest) -> dict[str, Any]:
        return {"triggers": trigger_words(request.project)}


def trigger_words(project: Project) -> list[tuple[str, str]]:
    """Each trigger rule with what it says now under the project's settings."""
    runs, settings, now = history.load_history(project), project.retraining_settings(), timezone.now()
    return [
        (rule.title, checks.decide_trigger(checks.find(project, rule, runs), runs, settings, at=now).words)
        for rule in registry.rules()
    ]


PAGE = RetrainingPage()


@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.CHANGE)
def policy(request: ProjectRequest) -> HttpResponse:
    return PAGE.respond(request)
