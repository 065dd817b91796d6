"""Webhooks: endpoints of a project, events in the transaction of their fact, and what became of each delivery."""

from datetime import datetime

from django.db import models

from projects.models import Project

SECRET_LIVES_ON = 24  # hours in which the secret before a rotation still signs too


class EventType(models.TextChoices):
    ITEM_RESOLVED = "item.resolved"
    DRIFT_FOUND = "drift.found"
    RUN_FINISHED = "run.finished"
    VERSION_PROMOTED = "version.promoted"
    VERSION_ROLLED_BACK = "version.rolled_back"
    QUEUE_BREACHED = "queue.breached"


class WebhookEndpoint(models.Model):
    """An address that is sent a project's events. Its secret is derived from the nonce and never stored."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="webhook_endpoints")
    uid = models.CharField(max_length=40, unique=True)
    url = models.CharField(max_length=500)
    name = models.CharField(max_length=80)
    events = models.JSONField(help_text="A list of event types.")
    enabled = models.BooleanField(default=True)
    disabled_because = models.CharField(max_length=300, blank=True, default="")
    nonce = models.CharField(max_length=64)
    previous_nonce = models.CharField(max_length=64, blank=True, default="")
    previous_until = models.DateTimeField(null=True, blank=True, help_text="Until when the secret before signs too.")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "nonce"], name="webhook_endpoint_once")]

    def __str__(self) -> str:
        return self.name

    def nonces(self, at: datetime) -> list[str]:
        """The nonce in force, and the one before while it still signs."""
        before = self.previous_until is not None and at < self.previous_until
        return [self.nonce, self.previous_nonce] if before else [self.nonce]


class WebhookEvent(models.Model):
    """One fact that endpoints are sent, written in the transaction of the fact. `body` is sent byte for byte."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="webhook_events")
    uid = models.CharField(max_length=40, unique=True)
    type = models.CharField(max_length=30, choices=EventType)
    subject = models.CharField(max_length=120, help_text="What it is about; an event of one type and subject is one.")
    body = models.TextField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "type", "subject"], name="webhook_event_once")]

    def __str__(self) -> str:
        return f"{self.type} {self.subject}"


class DeliveryState(models.TextChoices):
    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


class WebhookDelivery(models.Model):
    """One event for one endpoint. `tries` counts those since it was made, or asked for again."""

    event = models.ForeignKey(WebhookEvent, models.CASCADE, related_name="deliveries")
    endpoint = models.ForeignKey(WebhookEndpoint, models.CASCADE, related_name="deliveries")
    state = models.CharField(max_length=10, choices=DeliveryState, default=DeliveryState.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event", "endpoint"], name="webhook_delivery_once")]
        indexes = [models.Index(fields=["endpoint", "state", "due_at"], name="webhook_delivery_due")]

    def __str__(self) -> str:
        return f"{self.event_id} to {self.endpoint_id} ({self.state})"


class WebhookAttempt(models.Model):
    """One try at a delivery: the status that the endpoint answered, or why there was none."""

    delivery = models.ForeignKey(WebhookDelivery, models.CASCADE, related_name="attempts")
    at = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    error = models.CharField(max_length=300, blank=True, default="")
    milliseconds = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.status or self.error}"
