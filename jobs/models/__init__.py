"""Models of jobs: work in rows, and the events that are sent to endpoints."""

from jobs.models.records import WorkState, work_state
from jobs.models.webhooks import (
    DeliveryState,
    EventType,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from jobs.models.work import OPEN, Beat, Job, JobQuerySet, JobState, PeriodicTurn

__all__ = [
    "Beat",
    "DeliveryState",
    "EventType",
    "Job",
    "JobQuerySet",
    "JobState",
    "OPEN",
    "PeriodicTurn",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookEvent",
    "WorkState",
    "work_state",
]
