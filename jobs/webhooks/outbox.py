"""The outbox: an event is written in the transaction of the fact that it tells of, or not at all."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from django.db import transaction

from jobs import queue
from jobs.models import EventType, Job, JobState, WebhookDelivery, WebhookEndpoint, WebhookEvent
from projects.ids import new_id
from projects.models import Project

DELIVER = "jobs.deliver_webhooks"


def add_event(
    type_: EventType,
    *,
    project: Project,
    subject: str,
    data: Mapping[str, Any] | Callable[[], Mapping[str, Any]],
    at: datetime,
) -> WebhookEvent | None:
    """Write the event for every endpoint that wants it, and have it sent; None where none does.

    `subject` names the fact: the same type and subject again is the same event, which is not sent twice. `data` that
    takes a look at the database is given as a function, which is called only where somebody wants the event.
    """
    endpoints = [one for one in WebhookEndpoint.objects.filter(project=project, enabled=True) if type_ in one.events]
    if not endpoints:
        return None
    said = data() if callable(data) else data
    body = to_body(type_, {"project": project.slug, **said}, at=at)
    return _write(type_, endpoints, project=project, subject=subject, body=body, at=at)


@transaction.atomic
def _write(
    type_: EventType, endpoints: Sequence[WebhookEndpoint], *, project: Project, subject: str, body: str, at: datetime
) -> WebhookEvent | None:
    event, is_new = WebhookEvent.objects.get_or_create(
        project=project, type=type_, subject=subject, defaults={"uid": new_id("msg"), "body": body, "at": at}
    )
    if not is_new:
        return None
    WebhookDelivery.objects.bulk_create(
        [WebhookDelivery(event=event, endpoint=endpoint, due_at=at) for endpoint in endpoints]
    )
    for endpoint in endpoints:
        # After the commit: two facts at once must not wait for one another's job. What dies in between is due all the
        # same, and the periodic look finds it.
        transaction.on_commit(partial(request_delivery, endpoint, at=at), robust=True)
    return event


def to_body(type_: str, data: Mapping[str, Any], *, at: datetime) -> str:
    """The message as Standard Webhooks has it."""
    said = {"type": type_, "timestamp": at.astimezone(UTC).isoformat(), "data": data}
    return json.dumps(said, separators=(",", ":"), ensure_ascii=False)


def request_delivery(endpoint: WebhookEndpoint, *, at: datetime) -> None:
    """Have one worker send what is due to this endpoint; asking while one does is once."""
    key = f"webhooks:{endpoint.pk}"
    if Job.objects.filter(key=key, state=JobState.QUEUED).exists():
        return
    queue.enqueue(
        DELIVER,
        key=key,
        project=endpoint.project,
        payload={"endpoint": endpoint.pk},
        at=at,
    )
