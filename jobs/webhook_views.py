"""Pages of webhooks: endpoints of a project, and the deliveries of one."""

from typing import Any

from django.contrib import messages
from django.db.models import Count, Prefetch, Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from jobs.forms import EndpointForm, RotateForm
from jobs.models import DeliveryState, EventType, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from jobs.webhooks import endpoints
from jobs.webhooks.endpoints import EndpointFields
from projects.guards import ProjectRequest, member
from projects.models import Can
from projects.paging import BadCursor, keyset_page
from projects.secrets import new_secret

PAGE = 50
MEANINGS = {
    EventType.ITEM_RESOLVED: "An item got its agreed value",
    EventType.DRIFT_FOUND: "The error or the cost of what serves rose above that of its first labels",
    EventType.RUN_FINISHED: "A training run ended",
    EventType.VERSION_PROMOTED: "A version became the champion",
    EventType.VERSION_ROLLED_BACK: "The version before serves again",
    EventType.QUEUE_BREACHED: "Something waits longer in a queue than it may",
}


@member(Can.ADMINISTER)
@require_GET
def webhook_list(request: ProjectRequest) -> HttpResponse:
    return webhooks_page(request)


def webhooks_page(request: ProjectRequest, *, status: int = 200, **more: Any) -> HttpResponse:
    counts = {state.value: Count("deliveries", filter=Q(deliveries__state=state)) for state in DeliveryState}
    rows = WebhookEndpoint.objects.filter(project=request.project).annotate(**counts).order_by("name", "pk")
    context = {"endpoints": rows, "form": EndpointForm(), "meanings": meanings(), **more}
    return render(request, "jobs/webhook_list.html", context, status=status)


def meanings() -> list[tuple[str, str]]:
    return [(event.value, MEANINGS[event]) for event in EventType]


@member(Can.ADMINISTER)
@never_cache
@require_POST
def create_webhook(request: ProjectRequest) -> HttpResponse:
    """The answer to this POST shows the secret, once; sent again, it shows the same endpoint."""
    form = EndpointForm(request.POST)
    if not form.is_valid():
        return webhooks_page(request, status=422, form=form)
    try:
        endpoint, secret = endpoints.create(
            request.project, form.fields_given(), once=form.once_given(), by=request.user, at=timezone.now()
        )
    except endpoints.BadEndpoint as why:
        form.add_error(why.field, str(why))
        return webhooks_page(request, status=422, form=form)
    return webhooks_page(request, created=endpoint, secret=secret)


@member(Can.ADMINISTER)
@require_GET
def webhook(request: ProjectRequest, endpoint_uid: str) -> HttpResponse:
    return webhook_page(request, find(request, endpoint_uid))


def find(request: ProjectRequest, uid: str) -> WebhookEndpoint:
    return get_object_or_404(WebhookEndpoint.objects.select_related("project"), project=request.project, uid=uid)


def webhook_page(request: ProjectRequest, endpoint: WebhookEndpoint, *, status: int = 200, **more: Any) -> HttpResponse:
    """The endpoint and its deliveries, newest first."""
    attempts = Prefetch("attempts", WebhookAttempt.objects.order_by("-pk"))
    found = WebhookDelivery.objects.filter(endpoint=endpoint).select_related("event").prefetch_related(attempts)
    try:
        page = keyset_page(found, by=["pk"], after=request.GET.get("before", ""), size=PAGE)
    except BadCursor as why:
        raise Http404(str(why)) from None
    known = EndpointFields(endpoint.name, endpoint.url, endpoint.events)
    context = {
        "endpoint": endpoint,
        "deliveries": page.rows,
        "older": page.next,
        "form": EndpointForm(initial=known),
        "once": new_secret(),
        "meanings": meanings(),
        "now": timezone.now(),
        **more,
    }
    return render(request, "jobs/webhook.html", context, status=status)


@member(Can.ADMINISTER)
@require_POST
def change_webhook(request: ProjectRequest, endpoint_uid: str) -> HttpResponse:
    endpoint, form = find(request, endpoint_uid), EndpointForm(request.POST)
    if not form.is_valid():
        return webhook_page(request, endpoint, status=422, form=form)
    try:
        endpoints.change(endpoint, form.fields_given(), by=request.user, at=timezone.now())
    except endpoints.BadEndpoint as why:
        form.add_error(why.field, str(why))
        return webhook_page(request, endpoint, status=422, form=form)
    messages.success(request, "Saved. Events that wait go to this address.")
    return redirect("jobs:webhook", request.project.slug, endpoint.uid)


@member(Can.ADMINISTER)
@never_cache
@require_POST
def rotate_webhook(request: ProjectRequest, endpoint_uid: str) -> HttpResponse:
    """The answer to this POST shows the new secret, once; sent again, it shows the same."""
    endpoint, form = find(request, endpoint_uid), RotateForm(request.POST)
    if not form.is_valid():
        raise Http404("This form was not made here.")
    once = form.cleaned_data["once"] or new_secret()
    secret = endpoints.rotate(endpoint, once=once, by=request.user, at=timezone.now())
    return webhook_page(request, endpoint, secret=secret)


@member(Can.ADMINISTER)
@require_POST
def switch_webhook(request: ProjectRequest, endpoint_uid: str) -> HttpResponse:
    """On or off, as the field `enabled` says; saying it twice is once."""
    endpoint = find(request, endpoint_uid)
    act = endpoints.enable if request.POST.get("enabled") == "1" else endpoints.disable
    act(endpoint, by=request.user, at=timezone.now())
    return redirect("jobs:webhook", request.project.slug, endpoint.uid)


@member(Can.ADMINISTER)
@require_POST
def remove_webhook(request: ProjectRequest, endpoint_uid: str) -> HttpResponse:
    endpoint = find(request, endpoint_uid)
    endpoints.remove(endpoint, by=request.user, at=timezone.now())
    messages.success(request, f"Webhook {endpoint.name} removed, with its log.")
    return redirect("jobs:webhook-list", request.project.slug)


@member(Can.ADMINISTER)
@require_POST
def replay_delivery(request: ProjectRequest, endpoint_uid: str, delivery_id: int) -> HttpResponse:
    endpoint = find(request, endpoint_uid)
    delivery = get_object_or_404(WebhookDelivery.objects.select_related("event"), endpoint=endpoint, pk=delivery_id)
    delivery.endpoint = endpoint
    try:
        endpoints.replay(delivery, by=request.user, at=timezone.now())
    except endpoints.BadEndpoint as why:
        messages.error(request, str(why))
    else:
        messages.success(request, f"Event {delivery.event.uid} is sent again, under the same id.")
    return redirect("jobs:webhook", request.project.slug, endpoint.uid)
