"""Settings → ML backends: models that suggest labels over the Label Studio ML-backend protocol."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from annotation import blinding
from annotation.exchange.label_config import CONTROLS
from annotation.exchange.label_studio_values import SHAPES
from annotation.ml_backends import registration
from annotation.ml_backends.registration import BackendFields, BadBackend
from annotation.models import MLBackend, Queue
from projects.guards import ProjectRequest, member
from projects.models import Can, Project
from projects.outgoing import LONGEST_URL
from projects.secrets import new_secret


class BackendForm(forms.Form):
    """A backend; `once` is random, so that a form sent twice adds one."""

    once = forms.CharField(max_length=100, required=False)
    name = forms.CharField(max_length=60, error_messages={"required": "Say what the model is called."})
    url = forms.CharField(
        max_length=LONGEST_URL, error_messages={"required": "Enter an address such as https://models.example:9090."}
    )
    queue_slug = forms.ChoiceField(required=False)

    def __init__(self, project: Project, data: Any = None) -> None:
        super().__init__(data, initial={"once": new_secret()})
        queues = Queue.objects.filter(project=project).order_by("title").values_list("slug", "title")
        self.fields["queue_slug"].choices = [("", "Every queue"), *queues]  # type: ignore[attr-defined]

    def to_fields(self) -> BackendFields:
        given = self.cleaned_data
        return BackendFields(given["name"], given["url"].strip(), given["queue_slug"])


@member(Can.CHANGE)
@never_cache
@require_GET
def backend_list(request: ProjectRequest) -> HttpResponse:
    return backends_page(request, BackendForm(request.project))


def backends_page(request: ProjectRequest, form: BackendForm, *, status: int = 200) -> HttpResponse:
    project = request.project
    rows = list(MLBackend.objects.filter(project=project).order_by("name"))
    for backend in rows:
        backend.project = project
    context = {
        "backends": [
            (backend, registration.password_of(backend), _items_address(backend), is_asked)
            for backend, is_asked in zip(rows, registration.is_asked(rows), strict=True)
        ],
        "user_name": registration.USER_NAME,
        "form": form,
        "can_ask": project.kind in CONTROLS and project.kind in SHAPES,
        "hidden": not blinding.shows_reasons(project),
        "now": timezone.now(),
    }
    return render(request, "annotation/ml_backends.html", context, status=status)


@member(Can.CHANGE)
@never_cache
@require_POST
def add_backend(request: ProjectRequest) -> HttpResponse:
    form = BackendForm(request.project, request.POST)
    if not form.is_valid():
        return backends_page(request, form, status=422)
    once = form.cleaned_data["once"] or new_secret()
    try:
        backend = registration.add(request.project, form.to_fields(), once=once, by=request.user, at=timezone.now())
    except BadBackend as why:
        form.add_error(why.field, str(why))
        return backends_page(request, form, status=422)
    messages.success(request, f"{backend.name} added. It is asked about what waits for people.")
    return _to_list(request)


@member(Can.CHANGE)
@require_POST
def ask_now(request: ProjectRequest, backend_uid: str) -> HttpResponse:
    """Ask again, whatever failed before."""
    backend = _find(request, backend_uid)
    if backend.enabled:
        registration.request_suggestions(backend, at=timezone.now())
        messages.success(request, f"{backend.name} is asked about what waits.")
    return _to_list(request)


@member(Can.CHANGE)
@require_POST
def switch_backend(request: ProjectRequest, backend_uid: str) -> HttpResponse:
    """On or off, as the field `enabled` says; saying it twice is once."""
    on = request.POST.get("enabled") == "1"
    registration.switch(_find(request, backend_uid), on=on, by=request.user, at=timezone.now())
    return _to_list(request)


@member(Can.CHANGE)
@require_POST
def remove_backend(request: ProjectRequest, backend_uid: str) -> HttpResponse:
    backend = _find(request, backend_uid)
    registration.remove(backend, by=request.user, at=timezone.now())
    messages.success(request, f"{backend.name} removed. What it said stays as predictions.")
    return _to_list(request)


def _items_address(backend: MLBackend) -> str:
    """The items of which its version said something."""
    items = reverse("analysis:item-list", args=[backend.project.slug])
    return f"{items}?{urlencode({'version': backend.model_version})}"


def _find(request: ProjectRequest, uid: str) -> MLBackend:
    return get_object_or_404(MLBackend.objects.select_related("project"), project=request.project, uid=uid)


def _to_list(request: ProjectRequest) -> HttpResponse:
    return redirect("annotation:ml-backend-list", request.project.slug)
