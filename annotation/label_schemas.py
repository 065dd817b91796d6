"""Versions of a project's label schema: labels added, named, described, ordered and retired.

A value is never taken out of a schema: labels that were given, stored scores and models that still say it keep their
meaning. A retired label is not offered any more, and no model is trained on it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from annotation import kinds
from projects import audit, members, specs
from projects.locks import retry_conflicts
from projects.models import LabelSchema, Project, User
from projects.project_settings import BadSpec, check_labels_named
from projects.settings_versions import check_base, check_reason

Schema = Sequence[dict[str, Any]]
FEWEST = 2


def check_schema(project: Project, labels: Schema) -> None:
    """Raises BadSpec where these labels cannot follow those in force."""
    specs.check_labels(list(labels), also=("retired",))
    offered = [label["value"] for label in kinds.offered(labels)]
    if len(offered) < FEWEST:
        raise BadSpec("At least two labels must be offered.")
    values = {label["value"] for label in labels}
    if gone := [value for value in project.schema().values() if value not in values]:
        raise BadSpec(f"Label {gone[0]!r} is missing; a label that was once in use can be retired, not taken out.")
    for name in ("positive", "safe_default"):
        if (value := getattr(project, name)) and value not in offered:
            raise BadSpec(f"Label {value!r} is the {NAMED[name]}; choose another one under Costs before it is retired.")
    check_labels_named(project, offered, project.contract().segments)


NAMED = {"positive": "positive label", "safe_default": "safe default"}


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
    check_schema(now, after)
    made = LabelSchema.objects.create(
        project=now, version=last.version + 1, labels=after, reason=reason, created_by=by, created_at=at
    )
    details = {"version": made.version, "reason": reason, **_summary(last.labels, after)}
    audit.record("labels.change", by=by, at=at, project=now, target=f"version {made.version}", details=details)
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
