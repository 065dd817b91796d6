"""Rows for tests, as plain functions; each fills in what a test does not care about."""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from annotation.models import Item, Prediction
from jobs.models import EventType, WebhookDelivery, WebhookEndpoint, WebhookEvent
from projects.models import InputContract, LabelSchema, Membership, Project, Role, User

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
_numbers = itertools.count(1)
TEXT = {"text": {"type": "text"}}


def make_project(
    slug: str = "", *, labels: Sequence[str] = ("ham", "spam"), inputs: dict[str, Any] | None = None, **fields: Any
) -> Project:
    slug = slug or f"project-{next(_numbers)}"
    project = Project.objects.create(slug=slug, title=fields.pop("title", slug.title()), created_at=NOW, **fields)
    LabelSchema.objects.create(
        project=project, version=1, labels=[{"value": value} for value in labels], created_at=NOW
    )
    InputContract.objects.create(project=project, version=1, inputs=inputs or TEXT, created_at=NOW)
    return project


def make_user(name: str = "", project: Project | None = None, role: Role | str | None = None, **fields: Any) -> User:
    user = User.objects.create(username=name or f"person-{next(_numbers)}", **fields)
    user.set_unusable_password()
    user.save(update_fields=["password"])
    if project:
        Membership.objects.create(project=project, user=user, role=role or Role.ANNOTATOR, created_at=NOW)
    return user


def make_item(project: Project, key: str = "", *, inputs: dict[str, Any] | None = None, **fields: Any) -> Item:
    number = next(_numbers)
    return Item.objects.create(
        project=project,
        key=key or f"key-{number}",
        body_hash=f"{number:064x}",
        inputs=inputs or {"text": f"message {number}"},
        contract_version=1,
        at=fields.pop("at", NOW),
        captured_at=fields.pop("captured_at", NOW),
        **fields,
    )


def make_prediction(
    item: Item, scores: Sequence[float] | None = None, *, model_version: str = "v1", **fields: Any
) -> Prediction:
    """A prediction with its confidence, margin and entropy, as capture would store it."""
    values = item.project.schema().values()
    given: dict[str, Any] = {}
    if scores is not None:
        array = np.asarray(scores, dtype="<f4")
        top = np.sort(array)[::-1]
        with np.errstate(divide="ignore", invalid="ignore"):
            entropy = float(-np.nansum(array * np.log(array)))
        given = {
            "scores": array.tobytes(),
            "label": values[int(array.argmax())],
            "confidence": float(top[0]),
            "margin": float(top[0] - top[1]),
            "entropy": entropy,
        }
    return Prediction.objects.create(
        **{
            "project": item.project,
            "item": item,
            "model_version": model_version,
            "schema_version": 1,
            "at": item.at,
            **given,
            **fields,
        }
    )


def make_endpoint(project: Project, **fields: Any) -> WebhookEndpoint:
    number = next(_numbers)
    given = {"url": "https://example.com/hooks", "name": f"endpoint {number}", "events": EventType.values}
    return WebhookEndpoint.objects.create(
        project=project, uid=f"endpoint_{number}", nonce=f"nonce {number}", created_at=NOW, **{**given, **fields}
    )


def make_delivery(project: Project, **fields: Any) -> WebhookDelivery:
    """One that waits, of an event of its own and, where none is given, to an endpoint of its own."""
    number = next(_numbers)
    event = WebhookEvent.objects.create(
        project=project,
        uid=f"msg_{number}",
        type=EventType.RUN_FINISHED,
        subject=f"run {number}",
        body='{"type":"run.finished"}',
        at=NOW,
    )
    endpoint = fields.pop("endpoint", None) or make_endpoint(project)
    return WebhookDelivery.objects.create(event=event, endpoint=endpoint, due_at=NOW, **fields)
