"""The audit trail: each event carries a keyed hash over itself and the one before it, so that any change shows."""

import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils.encoding import force_bytes

from projects.models import ApiKey, AuditEvent, Project, User
from validation import InvalidInput

GENESIS = "0" * 64
PURPOSE = b"plumbline: hash chain of the audit trail, 1"
CHAIN_LOCK = 0x706C756D  # "plum": one advisory lock serialises writers on PostgreSQL; SQLite has one writer anyway

Actor = User | ApiKey | None


def actor_name(by: Actor) -> str:
    """user:NAME, key:PREFIX, or system where nobody acted."""
    if isinstance(by, ApiKey):
        return f"key:{by.prefix}"
    return f"user:{by.username}" if by is not None else "system"


@dataclass(frozen=True)
class Head:
    """The newest event of the chain at one time. Kept elsewhere, it shows when the end of the chain was cut off."""

    sequence: int
    hash: str


class BadHead(InvalidInput):
    """A file that holds no head of an audit trail; the message says what is expected."""


def digest(event: AuditEvent, secret: str | bytes | None = None) -> str:
    """HMAC-SHA256 over the event's content and the hash before it.

    Its key comes from SECRET_KEY, which is not in the database: who can write rows, but has not the key, cannot write a
    chain that fits.
    """
    key = hmac.digest(force_bytes(settings.SECRET_KEY if secret is None else secret), PURPOSE, "sha256")
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
    if event.project_pk is not None:  # events from before it was recorded keep their hash
        content.append(event.project_pk)
    return hmac.digest(key, json.dumps(content, sort_keys=True, separators=(",", ":")).encode(), "sha256").hex()


def is_as_written(event: AuditEvent) -> bool:
    """Whether the event is as it was written, under the key in force or one that was in force before."""
    secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return any(hmac.compare_digest(event.hash, digest(event, secret)) for secret in secrets)


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
    return record_as(action, actor=actor_name(by), at=at, project=project, target=target, details=details)


@transaction.atomic
def record_as(
    action: str,
    *,
    actor: str,
    at: datetime,
    project: Project | None = None,
    target: str = "",
    details: dict[str, Any] | None = None,
) -> AuditEvent:
    """Append an event with an actor that is known by name only, as one from the trail of another installation."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CHAIN_LOCK])
    last = AuditEvent.objects.order_by("-sequence").first()
    event = AuditEvent(
        sequence=last.sequence + 1 if last else 1,
        at=at,
        actor=actor,
        project=project.slug if project else "",
        project_pk=project.pk if project else None,
        action=action,
        target=target,
        details=details or {},
        previous_hash=last.hash if last else GENESIS,
    )
    event.hash = digest(event)
    event.save(force_insert=True)
    return event


def head() -> Head | None:
    """The newest event, to be exported; None where there is none."""
    last = AuditEvent.objects.order_by("-sequence").first()
    return Head(last.sequence, last.hash) if last else None


def parse_head(text: str) -> Head:
    """A head as `verify_audit --export-head` writes it. Raises BadHead."""
    try:
        given = json.loads(text)
        found = Head(given["sequence"], given["hash"])
    except (ValueError, TypeError, KeyError, RecursionError):
        found = None
    if found is None or type(found.sequence) is not int or not isinstance(found.hash, str):
        raise BadHead('The head of an audit trail is an object such as {"sequence": 412, "hash": "9f…"}.')
    return found


def first_break(exported: Head | None = None) -> tuple[int, str] | None:
    """The sequence number and reason of the first event that does not fit the chain, or None where all fit.

    With a head that was exported before, neither does a chain that ends before it or holds another event in its place.
    """
    previous, expected = GENESIS, 1
    for event in AuditEvent.objects.order_by("sequence").iterator(chunk_size=2000):
        if event.sequence != expected:
            return expected, f"event {expected} is missing"
        if event.previous_hash != previous:
            return event.sequence, f"event {event.sequence} does not follow event {event.sequence - 1}"
        if not is_as_written(event):
            return event.sequence, f"event {event.sequence} was changed after it was written"
        if exported and event.sequence == exported.sequence and event.hash != exported.hash:
            return event.sequence, f"event {event.sequence} is not the one that was exported"
        previous, expected = event.hash, expected + 1
    if exported and exported.sequence >= expected:
        return expected, f"the chain ends before event {exported.sequence}, which was exported"
    return None
