"""Versions of a project's label schema: labels added, named, described, ordered and retired.

A value is never taken out of a schema: labels that were given, stored scores and models that still say it keep their
meaning. A retired label is not offered any more, and no model is trained on it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from annotation import kinds
from projects import audit, label_lists, members, task_kinds
from projects.locks import retry_conflicts
from projects.models import LabelSchema, Project, User
from projects.project_settings import BadSpec, check_labels_named
from projects.settings_versions import check_base, check_reason

Schema = Sequence[dict[str, Any]]


def check_schema(project: Project, labels: Schema) -> None:
    """Raises BadSpec where these labels cannot follow those in force."""
    offered, fewest = [label["value"] for label in kinds.offered(labels)], task_kinds.fewest_labels(project.kind)
    if len(offered) < fewest:
        raise BadSpec(f"At least {'one label' if fewest == 1 else 'two labels'} must be offered.")
    _check_marks(labels, fewest)
    values = {label["value"] for label in labels}
    if gone := [value for value in project.schema().values() if value not in values]:
        raise BadSpec(f"Label {gone[0]!r} is missing; a label that was once in use can be retired, not taken out.")
    for name in ("positive", "safe_default"):
        if (value := getattr(project, name)) and value not in offered:
            raise BadSpec(f"Label {value!r} is the {NAMED[name]}; choose another one under Costs before it is retired.")
    check_labels_named(project, offered, project.contract().segments)


NAMED = {"positive": "positive label", "safe_default": "safe default"}


def _check_marks(labels: Schema, fewest: int) -> None:
    """Merged labels are not read by anybody any more, so one may look like the label that took its place."""
    shown = [label for label in labels if not label.get("merged_into")]
    label_lists.check_labels(shown, also=("retired", "split_into"), fewest=fewest)
    values = [label["value"] for label in labels]
    if twice := next((value for value in values if values.count(value) > 1), None):
        raise BadSpec(f"Label {twice!r} stands in the list twice.")
    for label in labels:
        if (label.get("merged_into") or label.get("split_into")) and not label.get("retired"):
            raise BadSpec(f"Label {label['value']!r} was merged or split; it is offered again by undoing that.")


@retry_conflicts
@transaction.atomic
def publish(project: Project, labels: Schema, *, base: str, reason: str, by: User, at: datetime) -> LabelSchema | None:
    """Put the next version in force; None where these labels are in force already.

    Raises StaleSettings where something else than `base` is in force, and BadSpec.
    """
    reason = check_reason(reason)
    members.lock(project)
    now = Project.objects.get(pk=project.pk)
    last, after = now.schema(), list(labels)
    if last.labels == after:
        return None
    check_base(last.labels, base, last, "the labels")
    summary = _summary(last.labels, after)
    return put_in_force(now, after, action="labels.change", details=summary, reason=reason, by=by, at=at)


def put_in_force(
    project: Project,
    labels: Schema,
    *,
    action: str,
    details: Mapping[str, Any],
    reason: str,
    by: User,
    at: datetime,
) -> LabelSchema:
    """The next version and its audit event. The caller holds the project's lock. Raises BadSpec."""
    check_schema(project, labels)
    version = project.schema().version + 1
    made = LabelSchema.objects.create(
        project=project, version=version, labels=list(labels), reason=reason, created_by=by, created_at=at
    )
    said = {"version": version, "reason": reason, **details}
    audit.record(action, by=by, at=at, project=project, target=f"version {version}", details=said)
    return made


def _summary(before: Schema, after: Schema) -> dict[str, list[str]]:
    """Values by what became of them, those that changed only."""
    old = {label["value"]: label for label in before}
    added = [label["value"] for label in after if label["value"] not in old]
    both = [(old[label["value"]], label) for label in after if label["value"] in old]
    retired = [label["value"] for was, label in both if label.get("retired") and not was.get("retired")]
    offered = [label["value"] for was, label in both if was.get("retired") and not label.get("retired")]
    renamed = [label["value"] for was, label in both if was.get("title", "") != label.get("title", "")]
    found = {"added": added, "retired": retired, "offered again": offered, "renamed": renamed}
    return {name: values for name, values in found.items() if values}
