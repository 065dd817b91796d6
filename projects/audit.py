"""The audit trail: each event carries the hash of the one before it, so that a change to any of them shows."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction

from projects.models import ApiKey, AuditEvent, Project, User

GENESIS = "0" * 64
CHAIN_LOCK = 0x706C756D  # "plum": one advisory lock serialises writers on PostgreSQL; SQLite has one writer anyway

Actor = User | ApiKey | None


def actor_name(by: Actor) -> str:
    """user:NAME, key:PREFIX, or system where nobody acted."""
    if isinstance(by, ApiKey):
        return f"key:{by.prefix}"
    return f"user:{by.username}" if by is not None else "system"


def digest(event: AuditEvent) -> str:
    """SHA-256 over the event's content and the hash before it."""
    content = [
        event.sequence,
        event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        event.actor,
        event.project,
        event.action,
        event.target,
        event.details,
        event.previous_hash,
    ]
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@transaction.atomic
def record(
    action: str,
    *,
    by: Actor,
    at: datetime,
    project: Project | None = None,
    target: str = "",
    details: dict[str, Any] | None = None,
) -> AuditEvent:
    """Append one event to the chain, in the transaction of the act that it tells of."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CHAIN_LOCK])
    last = AuditEvent.objects.order_by("-sequence").first()
    event = AuditEvent(
        sequence=last.sequence + 1 if last else 1,
        at=at,
        actor=actor_name(by),
        project=project.slug if project else "",
        action=action,
        target=target,
        details=details or {},
        previous_hash=last.hash if last else GENESIS,
    )
    event.hash = digest(event)
    event.save(force_insert=True)
    return event


def first_break() -> tuple[int, str] | None:
    """The sequence number and reason of the first event that does not fit the chain, or None where all fit."""
    previous, expected = GENESIS, 1
    for event in AuditEvent.objects.order_by("sequence").iterator(chunk_size=2000):
        if event.sequence != expected:
            return expected, f"event {expected} is missing"
        if event.previous_hash != previous:
            return event.sequence, f"event {event.sequence} does not follow event {event.sequence - 1}"
        if digest(event) != event.hash:
            return event.sequence, f"event {event.sequence} was changed after it was written"
        previous, expected = event.hash, expected + 1
    return None
