"""What all pages of settings do: show what is in force, say what an edit would change, then put it in force.

The form is sent twice: to be looked at, and, with a reason, to be saved. What is saved is what was shown; an edit of
what is no longer in force is shown again with everything in its form, and nothing is written.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from projects.guards import ProjectRequest
from projects.models import ChangeRecord, Project, User
from projects.settings_versions import StaleSettings, check_base, check_reason, fingerprint
from validation import InvalidInput

SHOWN_VERSIONS = 20


@dataclass(frozen=True)
class ChangeLine:
    """One thing that an edit changes: its name, and what it was and will be in words ("" = nothing)."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Effect:
    """What else happens, in a sentence; `url` leads to the items that it counts. `warns` where something is lost."""

    words: str
    url: str = ""
    warns: bool = False


@dataclass(frozen=True)
class ShownVersion:
    """One row of the history, with what it changed of the version before it."""

    number: int
    made: ChangeRecord
    lines: Sequence[ChangeLine]


class SettingsPage(ABC):
    """One page of settings. A subclass says what is in force, what its form proposes, and what that would change."""

    template: str
    url: str
    """Name of the page's address."""
    noun: str
    """As in "Costs saved as version 4"."""

    @abstractmethod
    def present(self, project: Project) -> Any:
        """What is in force, as JSON."""

    @abstractmethod
    def form(self, project: Project, data: Any = None) -> forms.Form:
        """The form, filled with what is in force or with what was sent."""

    @abstractmethod
    def proposed(self, project: Project, form: Any) -> Any:
        """What a valid form would put in force. Raises InvalidInput."""

    @abstractmethod
    def changes(self, project: Project, before: Any, after: Any) -> list[ChangeLine]:
        """What differs between two values, in words."""

    @abstractmethod
    def store(self, project: Project, proposed: Any, *, base: str, reason: str, by: User, at: datetime) -> Any:
        """Put it in force: the new version, or None where it is in force. Raises StaleSettings and InvalidInput."""

    @abstractmethod
    def versions(self, project: Project) -> Sequence[tuple[int, ChangeRecord, Any]]:
        """The newest versions, one more than is shown: number, row and value."""

    def effects(self, project: Project, before: Any, after: Any) -> list[Effect]:
        """What else an edit does, with counts."""
        return []

    def preview_context(self, project: Project, before: Any, after: Any) -> dict[str, Any]:
        """What else the page shows of an edit."""
        return {}

    def context(self, request: ProjectRequest) -> dict[str, Any]:
        """What else the page shows."""
        return {}

    def respond(self, request: ProjectRequest) -> HttpResponse:
        if request.method != "POST":
            return self.show(request, self.form(request.project))
        form = self.form(request.project, request.POST)
        if not form.is_valid():
            return self.show(request, form, status=422, base=request.POST.get("base", ""))
        try:
            return self._take(request, form, self.proposed(request.project, form))
        except InvalidInput as why:
            return self.show(request, form, status=422, base=request.POST.get("base", ""), problem=str(why))

    def _take(self, request: ProjectRequest, form: forms.Form, proposed: Any) -> HttpResponse:
        """Save what was shown before, else show it."""
        present, saves = self.present(request.project), request.POST.get("act") == "save"
        if proposed == present:
            return self._unchanged(request, form, saves)
        if saves and request.POST.get("previewed") == fingerprint(proposed):
            try:
                return self._save(request, proposed)
            except StaleSettings as why:
                return self._refuse(request, form, proposed, str(why))
        check_reason(request.POST.get("reason", ""))
        self.validate(request.project, proposed)
        last = next(iter(self.versions(request.project)), None)
        try:
            check_base(present, request.POST.get("base", ""), last[1] if last else None, f"the {self.noun.lower()}")
        except StaleSettings as why:
            return self._refuse(request, form, proposed, str(why))
        note = "The form was changed since it was looked at; look again, then save." if saves else ""
        return self._preview(request, form, proposed, note=note)

    @abstractmethod
    def validate(self, project: Project, proposed: Any) -> None:
        """Refuse what could not be saved before it is shown as if it could. Raises InvalidInput."""

    def _save(self, request: ProjectRequest, proposed: Any) -> HttpResponse:
        base, reason = request.POST.get("base", ""), request.POST.get("reason", "")
        made = self.store(request.project, proposed, base=base, reason=reason, by=request.user, at=timezone.now())
        version = f" as version {made.version}" if made else ""
        messages.success(request, f"{self.noun} saved{version}.")
        return redirect(self.url, *self.url_arguments(request.project))

    def url_arguments(self, project: Project) -> Sequence[str]:
        return [project.slug]

    def _unchanged(self, request: ProjectRequest, form: forms.Form, saves: bool) -> HttpResponse:
        """The same form sent twice is one change, and says so as the first did."""
        if not saves:
            return self.show(request, form, note="Nothing would change: this is what is in force.")
        messages.success(request, f"{self.noun} saved.")
        return redirect(self.url, *self.url_arguments(request.project))

    def _refuse(self, request: ProjectRequest, form: forms.Form, proposed: Any, why: str) -> HttpResponse:
        """Nothing is written; the form keeps what was entered, and what it would change of what is in force now."""
        request.project = Project.objects.get(pk=request.project.pk)
        note = f"Not saved. {why} Your entries are still here: look at what they would change now."
        return self._preview(request, form, proposed, note=note, status=409)

    def _preview(
        self, request: ProjectRequest, form: forms.Form, proposed: Any, *, note: str, status: int = 200
    ) -> HttpResponse:
        project = request.project
        present = self.present(project)
        preview = {
            "lines": self.changes(project, present, proposed),
            "effects": self.effects(project, present, proposed),
            "fingerprint": fingerprint(proposed),
            "reason": request.POST.get("reason", ""),
            **self.preview_context(project, present, proposed),
        }
        return self.show(request, form, status=status, preview=preview, note=note)

    def show(
        self, request: ProjectRequest, form: forms.Form, *, status: int = 200, base: str = "", **more: Any
    ) -> HttpResponse:
        """The page; `base` is what the form was based on, what is in force where it is not given."""
        project = request.project
        found = list(self.versions(project))
        context: Mapping[str, Any] = {
            "project": project,
            "form": form,
            "base": base or fingerprint(self.present(project)),
            "history": self.history(project, found),
            "version": found[0][0] if found else 1,
            **self.context(request),
            **more,
        }
        return render(request, self.template, context, status=status)

    def history(self, project: Project, found: Sequence[tuple[int, ChangeRecord, Any]]) -> list[ShownVersion]:
        """Each version with what it changed of the one before it."""
        before = [*(row[2] for row in found[1:]), None][: len(found)]
        return [
            ShownVersion(number, made, self.changes(project, old, value) if old is not None else [])
            for (number, made, value), old in zip(found, before, strict=True)
        ][:SHOWN_VERSIONS]
