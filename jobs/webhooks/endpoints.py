"""Endpoints of a project: made, changed, rotated, switched off and on, removed; deliveries asked for again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.crypto import salted_hmac

from jobs.models import DeliveryState, EventType, WebhookDelivery, WebhookEndpoint
from jobs.models.webhooks import SECRET_LIVES_ON
from jobs.webhooks import outbox
from jobs.webhooks.secrets import secret_of
from projects import audit, outgoing
from projects.ids import new_id
from projects.models import Project
from validation import InvalidInput

MOST = 20  # endpoints of a project


class BadEndpoint(InvalidInput):
    """An endpoint that cannot be; the message says why, and `field` which part."""


@dataclass(frozen=True)
class EndpointFields:
    """What a person says of an endpoint."""

    name: str
    url: str
    events: Sequence[str]


@transaction.atomic
def create(
    project: Project, fields: EndpointFields, *, once: str, by: audit.Actor, at: datetime
) -> tuple[WebhookEndpoint, str]:
    """Make an endpoint and return it with its secret. The same `once` again is the same endpoint."""
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    nonce = _nonce(once)
    if made := WebhookEndpoint.objects.filter(project=project, nonce=nonce).first():
        return made, secret_of(nonce, project.pk)
    _refuse_unusable(fields)
    if WebhookEndpoint.objects.filter(project=project).count() >= MOST:
        raise BadEndpoint(f"A project has at most {MOST} endpoints.", field="url")
    endpoint = WebhookEndpoint.objects.create(
        project=project,
        uid=new_id("endpoint"),
        name=fields.name,
        url=fields.url,
        events=sorted(set(fields.events)),
        nonce=nonce,
        created_at=at,
    )
    details = {"url": endpoint.url, "events": endpoint.events}
    audit.record("webhook.create", by=by, at=at, project=project, target=endpoint.uid, details=details)
    return endpoint, secret_of(nonce, project.pk)


@transaction.atomic
def change(endpoint: WebhookEndpoint, fields: EndpointFields, *, by: audit.Actor, at: datetime) -> None:
    """Change name, address and events; what waits goes to the new address."""
    _refuse_unusable(fields)
    endpoint.name, endpoint.url, endpoint.events = fields.name, fields.url, sorted(set(fields.events))
    endpoint.save(update_fields=["name", "url", "events"])
    details = {"url": endpoint.url, "events": endpoint.events}
    audit.record("webhook.change", by=by, at=at, project=endpoint.project, target=endpoint.uid, details=details)


@transaction.atomic
def rotate(endpoint: WebhookEndpoint, *, once: str, by: audit.Actor, at: datetime) -> str:
    """A new secret; the one before signs too for a day. The same `once` again is the same secret."""
    nonce = _nonce(once)
    changed = WebhookEndpoint.objects.filter(pk=endpoint.pk).exclude(nonce=nonce)
    until = at + timedelta(hours=SECRET_LIVES_ON)
    if changed.update(previous_nonce=endpoint.nonce, previous_until=until, nonce=nonce):
        audit.record("webhook.rotate", by=by, at=at, project=endpoint.project, target=endpoint.uid)
    endpoint.refresh_from_db()
    return secret_of(nonce, endpoint.project_id)


@transaction.atomic
def disable(endpoint: WebhookEndpoint, *, by: audit.Actor, at: datetime, because: str = "") -> None:
    """Send it nothing more; what waits stays, and events from now on are not kept for it."""
    if WebhookEndpoint.objects.filter(pk=endpoint.pk, enabled=True).update(enabled=False, disabled_because=because):
        audit.record(
            "webhook.disable",
            by=by,
            at=at,
            project=endpoint.project,
            target=endpoint.uid,
            details={"because": because} if because else {},
        )


@transaction.atomic
def enable(endpoint: WebhookEndpoint, *, by: audit.Actor, at: datetime) -> None:
    """Send it events again, first those that waited."""
    if WebhookEndpoint.objects.filter(pk=endpoint.pk, enabled=False).update(enabled=True, disabled_because=""):
        audit.record("webhook.enable", by=by, at=at, project=endpoint.project, target=endpoint.uid)
        outbox.request_delivery(endpoint, at=at)


@transaction.atomic
def remove(endpoint: WebhookEndpoint, *, by: audit.Actor, at: datetime) -> None:
    """Remove the endpoint with its log."""
    audit.record(
        "webhook.remove",
        by=by,
        at=at,
        project=endpoint.project,
        target=endpoint.uid,
        details={"url": endpoint.url},
    )
    endpoint.delete()


@transaction.atomic
def replay(delivery: WebhookDelivery, *, by: audit.Actor, at: datetime) -> None:
    """Send the event again, under its id, so that a receiver can tell. What still waits is sent now."""
    if not delivery.endpoint.enabled:
        raise BadEndpoint("This endpoint is switched off; switch it on first.")
    ended = WebhookDelivery.objects.filter(pk=delivery.pk)
    ended.update(state=DeliveryState.WAITING, tries=0, due_at=at, ended_at=None)
    audit.record("webhook.replay", by=by, at=at, project=delivery.endpoint.project, target=delivery.event.uid)
    outbox.request_delivery(delivery.endpoint, at=at)


def _refuse_unusable(fields: EndpointFields) -> None:
    """Refuse what can never be sent. Whether a name resolves to a private address is looked at for each delivery."""
    try:
        parts = outgoing.parse_url(fields.url)
        outgoing.resolve(parts, parts.port or 443)
    except outgoing.NotReached as why:
        raise BadEndpoint(str(why), field="url") from None
    except outgoing.AddressRefused as why:
        raise BadEndpoint(str(why), field="url") from None
    if not fields.events or set(fields.events) - set(EventType.values):
        raise BadEndpoint(f"Choose events out of {', '.join(EventType.values)}.", field="events")


def _nonce(once: str) -> str:
    """64 characters out of what a form carries, however long that is."""
    return salted_hmac("jobs.webhooks.nonce", once, algorithm="sha256").hexdigest()
