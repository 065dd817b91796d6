"""Delivery of events: at least once, with growing pauses, at most ATTEMPTS times; each try is kept."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from jobs.execution import Attempt
from jobs.models import DeliveryState, WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookEvent
from jobs.webhooks import endpoints, outbox
from jobs.webhooks.secrets import signatures
from projects import outgoing
from validation.json_values import shorten

# Seconds after the first try and each further one, as Standard Webhooks recommends: about 28 hours in all.
PAUSES = (5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 10 * 3600)
ATTEMPTS = len(PAUSES) + 1
LONGEST_RETRY_AFTER = 24 * 3600
FAILURES_IN_A_ROW = 3  # then an endpoint is left alone for this turn
AT_ONCE = 500
TURN = timedelta(minutes=5)  # then the job ends, and the next look begins another
KEPT = timedelta(days=30)
GONE = 410
LONGEST_ERROR = 300


@dataclass(frozen=True)
class TryOutcome:
    """What became of one try."""

    status: int | None
    error: str
    milliseconds: int
    retry_after: int = 0

    @property
    def delivered(self) -> bool:
        return not self.error


def deliver_due(attempt: Attempt, *, clock: Callable[[], datetime]) -> None:
    """Send what is due to the endpoint of this job, oldest first; HTTP never runs inside a transaction."""
    failures = sent = 0
    endpoint_id = attempt.payload["endpoint"]
    due = WebhookDelivery.objects.filter(
        endpoint=endpoint_id, endpoint__enabled=True, state=DeliveryState.WAITING, due_at__lte=clock()
    )
    until = clock() + TURN
    waiting = list(due.order_by("due_at", "pk").values_list("pk", flat=True)[:AT_ONCE])
    for number, delivery_id in enumerate(waiting):
        attempt.progress(number / len(waiting), f"{number:,} of {len(waiting):,} events sent")
        delivery = due.filter(pk=delivery_id).select_related("event", "endpoint").first()
        if delivery is None:  # disabled, or sent, meanwhile
            continue
        outcome = send(delivery, at=clock())
        record_outcome(delivery, outcome, at=clock())
        sent += outcome.delivered
        failures = 0 if outcome.delivered else failures + 1
        if failures == FAILURES_IN_A_ROW or clock() > until:
            break
    with attempt.commit(sent=sent):
        pass


def send(delivery: WebhookDelivery, *, at: datetime) -> TryOutcome:
    """One POST of the event to the endpoint."""
    event, begun = delivery.event, time.monotonic()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Plumbline",
        "webhook-id": event.uid,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signatures(delivery.endpoint, event.uid, event.body, at=at),
    }
    try:
        answer = outgoing.post(delivery.endpoint.url, body=event.body.encode(), headers=headers)
    except (outgoing.AddressRefused, outgoing.NotReached) as why:
        return TryOutcome(None, shorten(str(why), LONGEST_ERROR), _since(begun))
    error = "" if 200 <= answer.status < 300 else _refusal(answer.status)
    return TryOutcome(answer.status, error, _since(begun), _retry_after(answer.headers.get("retry-after", "")))


@transaction.atomic
def record_outcome(delivery: WebhookDelivery, outcome: TryOutcome, *, at: datetime) -> None:
    """Keep the try, and say whether and when the next one comes."""
    WebhookAttempt.objects.create(
        delivery=delivery, at=at, status=outcome.status, error=outcome.error, milliseconds=outcome.milliseconds
    )
    tries = delivery.tries + 1
    mine = WebhookDelivery.objects.filter(pk=delivery.pk)
    if outcome.delivered:
        mine.update(state=DeliveryState.DELIVERED, tries=tries, ended_at=at)
    elif tries >= ATTEMPTS or outcome.status == GONE:
        mine.update(state=DeliveryState.FAILED, tries=tries, ended_at=at)
    else:
        pause = max(PAUSES[tries - 1], outcome.retry_after)
        mine.update(tries=F("tries") + 1, due_at=at + timedelta(seconds=pause))
    if outcome.status == GONE:
        endpoints.disable(delivery.endpoint, by=None, at=at, because="It answered 410 Gone.")


def request_due(*, at: datetime) -> None:
    """Have everything sent that is due, where no worker does so already."""
    due = WebhookDelivery.objects.filter(state=DeliveryState.WAITING, due_at__lte=at)
    endpoints = WebhookEndpoint.objects.filter(enabled=True, project__archived_at=None, pk__in=due.values("endpoint"))
    for endpoint in endpoints:
        outbox.request_delivery(endpoint, at=at)


def forget_old(*, at: datetime) -> int:
    """Delete events of more than 30 days ago, with their log; what still waits stays."""
    old = WebhookEvent.objects.filter(at__lt=at - KEPT).exclude(deliveries__state=DeliveryState.WAITING)
    return WebhookEvent.objects.filter(pk__in=list(old.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])).delete()[
        0
    ]


def _refusal(status: int) -> str:
    return f"It answered {status}, and redirects are not followed." if 300 <= status < 400 else f"It answered {status}."


def _retry_after(given: str) -> int:
    """Seconds of the Retry-After header, 0 where it has none."""
    return min(int(given), LONGEST_RETRY_AFTER) if given.isascii() and given.isdigit() and len(given) < 10 else 0


def _since(begun: float) -> int:
    return round((time.monotonic() - begun) * 1000)
