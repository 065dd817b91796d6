"""ML backends of a project: added, switched off and on, removed, and asked now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from annotation.models import MLBackend, Queue
from jobs import queue as jobs
from jobs.models import Job
from projects import audit, outgoing
from projects.ids import new_id
from projects.members import lock
from projects.models import Project
from projects.secrets import derived_secret
from validation import InvalidInput

ASK = "annotation.ask_ml_backend"
MOST = 10  # backends of a project
USER_NAME = "plumbline"  # of HTTP basic authentication


class BadBackend(InvalidInput):
    """A backend that cannot be; the message says why, and `field` which part."""


@dataclass(frozen=True)
class BackendFields:
    """What a person says of a backend."""

    name: str
    url: str
    queue_slug: str = ""


@transaction.atomic
def add(project: Project, fields: BackendFields, *, once: str, by: audit.Actor, at: datetime) -> MLBackend:
    """Add a backend and have it asked. The same `once` again is the same backend."""
    lock(project)
    nonce = derived_secret("ml_backend_nonce", project.pk, once)
    if made := MLBackend.objects.filter(project=project, nonce=nonce).first():
        return made
    _refuse_unusable(project, fields)
    backend = MLBackend.objects.create(
        project=project,
        uid=new_id("backend"),
        name=fields.name,
        url=fields.url.rstrip("/"),
        queue_slug=fields.queue_slug,
        nonce=nonce,
        created_at=at,
    )
    details = {"url": backend.url, "queue": backend.queue_slug}
    audit.record("ml_backend.add", by=by, at=at, project=project, target=backend.uid, details=details)
    request_suggestions(backend, at=at)
    return backend


@transaction.atomic
def switch(backend: MLBackend, *, on: bool, by: audit.Actor, at: datetime) -> None:
    """Ask it from now on, or no more; its suggestions are shown only while it is on. Saying it twice is once."""
    if MLBackend.objects.filter(pk=backend.pk, enabled=not on).update(enabled=on, failed_at=None):
        act = "ml_backend.enable" if on else "ml_backend.disable"
        audit.record(act, by=by, at=at, project=backend.project, target=backend.uid)
        if on:
            request_suggestions(backend, at=at)


@transaction.atomic
def remove(backend: MLBackend, *, by: audit.Actor, at: datetime) -> None:
    """Forget the backend; what it said stays as predictions of its version."""
    details = {"url": backend.url}
    audit.record("ml_backend.remove", by=by, at=at, project=backend.project, target=backend.uid, details=details)
    backend.delete()


def request_suggestions(backend: MLBackend, *, at: datetime) -> Job:
    """Have one worker ask it for what waits; asking while one does is once."""
    payload = {"backend": backend.pk}
    return jobs.enqueue(ASK, key=_key(backend), project=backend.project, payload=payload, at=at)[0]


def is_asked(backends: Sequence[MLBackend]) -> list[bool]:
    """Whether a job waits to ask each of them, or does."""
    asked = set(Job.objects.open().filter(key__in=map(_key, backends)).values_list("key", flat=True))
    return [_key(backend) in asked for backend in backends]


def _key(backend: MLBackend) -> str:
    return f"ml_backend:{backend.pk}"


def password_of(backend: MLBackend) -> str:
    """What the backend takes beside USER_NAME where it asks for a password: derived from this installation's secret."""
    return derived_secret("ml_backend", backend.project_id, backend.nonce)[:40]


def _refuse_unusable(project: Project, fields: BackendFields) -> None:
    mine = MLBackend.objects.filter(project=project)
    if mine.count() >= MOST:
        raise BadBackend(f"A project has at most {MOST} backends.", field="url")
    if mine.filter(name=fields.name).exists():
        raise BadBackend(f"There is a backend {fields.name} already.", field="name")
    if fields.queue_slug and not Queue.objects.filter(project=project, slug=fields.queue_slug).exists():
        raise BadBackend(f"There is no queue {fields.queue_slug} in this project.", field="queue_slug")
    try:
        parts = outgoing.parse_url(fields.url)
        if parts.query:
            raise BadBackend("An address has no ?query: /health, /setup and /predict are put behind it.", field="url")
        outgoing.resolve(parts, parts.port or 443)
    except (outgoing.NotReached, outgoing.AddressRefused) as why:
        raise BadBackend(str(why), field="url") from None
