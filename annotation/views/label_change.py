"""The page on which labels are merged, split or given another stored value, and such a change is undone."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from annotation import label_changes
from annotation.label_changes import ChangeRequest
from annotation.models import LabelAct
from annotation.views.label_change_effects import effects_of
from annotation.views.label_schema import changed_labels
from projects.guards import ProjectRequest, asks_for_fragment, member
from projects.models import Can, ChangeRecord, Project, User
from projects.settings_versions import fingerprint
from projects.views.settings_page import SHOWN_VERSIONS, ChangeLine, Effect, SettingsPage

SHOWN = 20  # changes
OFFERED_ACTS = [(act.value, act.label) for act in LabelAct if act != LabelAct.UNDO]


class LabelChangeForm(forms.Form):
    """What is done to which labels; with `undo`, the version of the schema that an undone change made, nothing else."""

    undo = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)
    what = forms.ChoiceField(label="What happens?", choices=OFFERED_ACTS, required=False)
    sources = forms.MultipleChoiceField(
        label="Labels", required=False, widget=forms.CheckboxSelectMultiple, help_text="They are not offered any more."
    )
    targets = forms.CharField(
        label="What takes their place, one a line",
        required=False,
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="A label that is offered, or a new one. A merge and a new value take one, a split two or more.",
    )

    def __init__(self, project: Project, data: Any = None) -> None:
        super().__init__(data)
        schema = project.schema()
        offered = [(value, schema.title_of(value)) for value in schema.offered_values()]
        self.fields["sources"].choices = offered  # type: ignore[attr-defined]

    def asked(self) -> ChangeRequest:
        cleaned = self.cleaned_data
        if cleaned["undo"]:
            return ChangeRequest(LabelAct.UNDO, undoes=cleaned["undo"])
        lines = [line.strip() for line in cleaned["targets"].splitlines() if line.strip()]
        return ChangeRequest(cleaned["what"] or LabelAct.MERGE, tuple(cleaned["sources"]), tuple(dict.fromkeys(lines)))


class LabelChangePage(SettingsPage):
    """A change is one of the label schema, so it is based on the labels in force and saved as their next version."""

    template, url, noun = "annotation/label_change.html", "annotation:label-change", "Labels"

    def present(self, project: Project) -> Any:
        return project.schema().labels

    def form(self, project: Project, data: Any = None) -> LabelChangeForm:
        return LabelChangeForm(project, data)

    def proposed(self, project: Project, form: Any) -> dict[str, Any]:
        asked = form.asked()
        return {"asked": _as_json(asked), "labels": label_changes.labels_after(project, asked)}

    def validate(self, project: Project, proposed: Any) -> None:
        """Done where it is proposed."""

    def store(self, project: Project, proposed: Any, *, base: str, reason: str, by: User, at: datetime) -> Any:
        asked = _from_json(proposed["asked"])
        made = label_changes.start_change(project, asked, base=base, reason=reason, by=by, at=at)
        return project.label_schemas.get(version=made.schema_version)

    def versions(self, project: Project) -> Sequence[tuple[int, ChangeRecord, Any]]:
        rows = project.label_schemas.select_related("created_by").order_by("-version")[: SHOWN_VERSIONS + 1]
        return [(row.version, row, row.labels) for row in rows]

    def changes(self, project: Project, before: Any, after: Any) -> list[ChangeLine]:
        """`after` is a list of labels in the history, and what is proposed in a preview."""
        return changed_labels(before, after["labels"] if isinstance(after, dict) else after)

    def effects(self, project: Project, before: Any, after: Any) -> list[Effect]:
        return effects_of(project, _from_json(after["asked"]), timezone.now())

    def context(self, request: ProjectRequest) -> dict[str, Any]:
        return changes_context(request.project)


def _as_json(asked: ChangeRequest) -> dict[str, Any]:
    return {
        "act": str(asked.act),
        "sources": list(asked.sources),
        "targets": list(asked.targets),
        "undoes": asked.undoes,
    }


def _from_json(given: dict[str, Any]) -> ChangeRequest:
    return ChangeRequest(given["act"], tuple(given["sources"]), tuple(given["targets"]), given["undoes"])


def changes_context(project: Project) -> dict[str, Any]:
    """The newest changes, whether one is under way, and what the undoing of one is based on."""
    found = label_changes.changes_of(project, SHOWN)
    return {
        "label_changes": found,
        "why_not": label_changes.why_not(project),
        "under_way": any(one.is_open for one in found),
        "labels_base": fingerprint(project.schema().labels),
    }


PAGE = LabelChangePage()


@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.CHANGE)
def label_change(request: ProjectRequest) -> HttpResponse:
    """The page; a fragment while a change is under way."""
    if asks_for_fragment(request):
        context = {"project": request.project, **changes_context(request.project)}
        return render(request, "annotation/label_change.html#changes", context)
    if request.method == "POST" and _is_sent_twice(request):
        return redirect("annotation:label-change", request.project.slug)
    return PAGE.respond(request)


def _is_sent_twice(request: ProjectRequest) -> bool:
    """Whether this save has started its change already."""
    form = LabelChangeForm(Project.objects.get(pk=request.project.pk), request.POST)
    form.fields["sources"].choices = [(value, value) for value in request.project.schema().values()]  # type: ignore[attr-defined]
    if request.POST.get("act") != "save" or not form.is_valid():
        return False
    return label_changes.started(request.project, form.asked(), base=request.POST.get("base", "")) is not None
