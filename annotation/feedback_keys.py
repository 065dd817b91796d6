"""Publishable keys of a project: made and revoked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from django.db import transaction

from annotation.models import FeedbackKey
from annotation.signals import kinds
from projects import audit
from projects.members import lock
from projects.models import Project, User
from projects.secrets import derived_secret
from validation import InvalidInput
from validation.json_values import quote

PREFIX = "plumb_pub_"
MOST_ORIGINS = 20
MOST_RATE = 100_000


class BadFeedbackKey(InvalidInput):
    """A publishable key that cannot be; the message says why, and `field` which part."""


@dataclass(frozen=True)
class FeedbackKeyFields:
    """What a person says of a publishable key."""

    name: str
    origins: Sequence[str]
    kinds: Sequence[str]
    most_a_minute: int
    most_by_address: int


@transaction.atomic
def create(project: Project, fields: FeedbackKeyFields, *, once: str, by: User, at: datetime) -> FeedbackKey:
    """Make a key. The same `once` of the same person again is the same key."""
    lock(project)
    token = PREFIX + derived_secret("feedback", by.pk, project.pk, once)[:32]
    if made := FeedbackKey.objects.filter(token=token).first():
        return made
    origins = sorted({parse_origin(one) for one in fields.origins})
    if not 1 <= len(origins) <= MOST_ORIGINS:
        raise BadFeedbackKey(f"A key has 1 to {MOST_ORIGINS} origins, since no other page may use it.", field="origins")
    if not fields.kinds or not set(fields.kinds) <= set(kinds.public()):
        raise BadFeedbackKey(f"Choose some of {', '.join(kinds.public())}.", field="kinds")
    if not 1 <= fields.most_by_address <= fields.most_a_minute <= MOST_RATE:
        raise BadFeedbackKey("One address may send at most as much as all together.", field="most_by_address")
    key = FeedbackKey.objects.create(
        project=project,
        token=token,
        name=fields.name,
        origins=origins,
        kinds=sorted(set(fields.kinds)),
        most_a_minute=fields.most_a_minute,
        most_by_address=fields.most_by_address,
        created_by=by,
        created_at=at,
    )
    details = {"origins": key.origins, "kinds": key.kinds}
    audit.record("feedback_key.create", by=by, at=at, project=project, target=key.name, details=details)
    return key


@transaction.atomic
def revoke(key: FeedbackKey, *, by: audit.Actor, at: datetime) -> None:
    """End a key at once; ending it twice is no error."""
    if FeedbackKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=at):
        audit.record("feedback_key.revoke", by=by, at=at, project=key.project, target=key.name)


def parse_origin(text: str) -> str:
    """The origin as browsers write it: scheme, host and, where it is not the usual one, port. Raises BadFeedbackKey."""
    refused = BadFeedbackKey(f"{quote(text, 80)} is no origin such as https://shop.example.", field="origins")
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError:
        raise refused from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not parts.hostname.isascii():
        raise refused
    if parts.path not in {"", "/"} or parts.query or parts.fragment or parts.username is not None or "*" in text:
        raise refused
    usual = {"http": 80, "https": 443}[parts.scheme]
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in {None, usual} else "")
