"""Settings → Feedback keys: which pages may send signals of a product's own users."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape
from django.views.decorators.http import require_GET, require_POST

from annotation import feedback_keys
from annotation.feedback_keys import BadFeedbackKey, FeedbackKeyFields
from annotation.models import FeedbackKey
from annotation.signals import kinds
from annotation.views.feedback import COMPONENT_VERSION
from projects.guards import ProjectRequest, member
from projects.models import Can, Project
from projects.secrets import new_secret

MOST_OPTIONS = 12  # labels that the example spells out


class FeedbackKeyForm(forms.Form):
    """A publishable key; `once` is random, so that a form sent twice makes one key."""

    once = forms.CharField(max_length=100, required=False)
    name = forms.CharField(max_length=80, error_messages={"required": "Say which pages use the key."})
    origins = forms.CharField(
        max_length=4_000, error_messages={"required": "Name at least one origin, such as https://shop.example."}
    )
    kinds = forms.MultipleChoiceField(error_messages={"required": "Choose at least one kind of signal."})
    most_a_minute = forms.IntegerField(min_value=1, max_value=feedback_keys.MOST_RATE, initial=600)
    most_by_address = forms.IntegerField(min_value=1, max_value=feedback_keys.MOST_RATE, initial=20)

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, initial={"once": new_secret(), "kinds": kinds.public()})
        choices = [(name, name.replace("_", " ").capitalize()) for name in kinds.public()]
        self.fields["kinds"].choices = choices  # type: ignore[attr-defined]

    def to_fields(self) -> FeedbackKeyFields:
        given = dict(self.cleaned_data)
        given.pop("once")
        return FeedbackKeyFields(**{**given, "origins": given["origins"].split()})


@member(Can.CHANGE)
@require_GET
def key_list(request: ProjectRequest) -> HttpResponse:
    return keys_page(request, FeedbackKeyForm())


def keys_page(request: ProjectRequest, form: FeedbackKeyForm, *, status: int = 200) -> HttpResponse:
    rows = FeedbackKey.objects.filter(project=request.project).order_by("-created_at", "-pk")
    live = next((key for key in rows if key.revoked_at is None), None)
    site = f"{request.scheme}://{request.get_host()}"
    context = {
        "keys": rows,
        "form": form,
        "live": live,
        "example": example(request.project, live, site) if live else "",
        "now": timezone.now(),
    }
    return render(request, "annotation/feedback_keys.html", context, status=status)


@member(Can.CHANGE)
@require_POST
def create_key(request: ProjectRequest) -> HttpResponse:
    form = FeedbackKeyForm(request.POST)
    if not form.is_valid():
        return keys_page(request, form, status=422)
    once = form.cleaned_data["once"] or new_secret()
    try:
        key = feedback_keys.create(request.project, form.to_fields(), once=once, by=request.user, at=timezone.now())
    except BadFeedbackKey as why:
        form.add_error(why.field, str(why))
        return keys_page(request, form, status=422)
    messages.success(request, f"Key {key.name} made.")
    return redirect("annotation:feedback-key-list", request.project.slug)


@member(Can.CHANGE)
@require_POST
def revoke_key(request: ProjectRequest, feedback_key_id: int) -> HttpResponse:
    key = get_object_or_404(FeedbackKey, project=request.project, pk=feedback_key_id)
    feedback_keys.revoke(key, by=request.user, at=timezone.now())
    messages.success(request, f"Key {key.name} revoked. Signals with it are refused from now on.")
    return redirect("annotation:feedback-key-list", request.project.slug)


def example(project: Project, key: FeedbackKey, site: str) -> str:
    """The HTML that a page includes."""
    source = site + reverse("feedback-component", args=[COMPONENT_VERSION])
    labels = project.schema().values() if "correction" in key.kinds else []
    options = "".join(
        f'\n  <option value="{escape(label)}">{escape(label)}</option>' for label in labels[:MOST_OPTIONS]
    )
    return (
        f'<script type="module" src="{source}"></script>\n'
        f'<plumbline-feedback key="{key.token}" prediction="KEY OF THE PREDICTION">{options}\n</plumbline-feedback>'
    )
