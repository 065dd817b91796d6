"""Changes of a project's settings: each is a version with who, when and why, and an audit event.

An edit names what it was based on. Where that is no longer in force, it is refused and nothing is written; the same
edit sent twice is one change.
"""

import copy
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from projects import audit, members, side_questions, specs
from projects.locks import retry_conflicts
from projects.models import LONGEST_WHY, SETTINGS, ChangeRecord, Project, SettingsVersion, User
from projects.project_settings import BadSpec, check_labels_named, parse, whole_number
from validation import InvalidInput
from validation.json_values import is_storable_text


class StaleSettings(InvalidInput):
    """An edit of what is no longer in force; the message says who changed it since."""


@dataclass(frozen=True)
class SettingsArea:
    """Columns of a project's row that are changed together; `name` is what versions and audit events say."""

    name: str
    columns: tuple[str, ...]

    def value(self, project: Project) -> dict[str, Any]:
        """Column to what is in force."""
        return {column: getattr(project, column) for column in self.columns}


GENERAL = SettingsArea("general", ("title", "outcome_matures_after_days"))
COSTS = SettingsArea("costs", ("positive", "costs", "safe_default"))
ROUTING = SettingsArea("routing", ("overlap", "routing"))
RETRAINING = SettingsArea("retraining", ("retraining",))
SIDE_QUESTIONS = SettingsArea("side_questions", ("also_ask",))


def fingerprint(value: Any) -> str:
    """SHA-256 of a JSON value: what an edit names as its base."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def check_reason(reason: str) -> str:
    """Why something is changed, as it is stored. Raises BadSpec."""
    reason = " ".join(reason.split())
    if len(reason) > LONGEST_WHY or not is_storable_text(reason):
        raise BadSpec(f"A reason takes at most {LONGEST_WHY} characters on one line.")
    return reason


def check_base(present: Any, base: str, last: ChangeRecord | None, noun: str) -> None:
    """Raises StaleSettings where an edit is based on something else than what is in force."""
    if fingerprint(present) == base:
        return
    who = last.created_by.name() if last and last.created_by else "Somebody"
    when = f" on {last.created_at:%-d %b at %H:%M} UTC" if last and last.created_by else ""
    raise StaleSettings(f"{who} changed {noun}{when}, while you were editing.")


def versions_of(project: Project, area: str) -> QuerySet[SettingsVersion]:
    """Every version, newest first."""
    rows = SettingsVersion.objects.filter(project=project, area=area)
    return rows.select_related("created_by").order_by("-version")


def check_area(project: Project, proposed: Mapping[str, Any]) -> None:
    """Raises BadSpec where the project could not have these values."""
    changed = copy.copy(project)
    for column, value in proposed.items():
        setattr(changed, column, value)
    for name, kind in SETTINGS.items():
        parse(kind, name, getattr(changed, name))
    specs.check_title(changed.title)
    whole_number("overlap", changed.overlap, 1, specs.MOST_OVERLAP)
    whole_number("outcome_matures_after_days", changed.outcome_matures_after_days, 0, specs.LONGEST_MATURING)
    check_labels_named(changed, project.schema().offered_values(), project.contract().segments)
    if changed.also_ask != project.also_ask:
        side_questions.check_followers(project.also_ask, changed.also_ask)
        side_questions.parse_questions(changed.also_ask, decision_of(project))


def decision_of(project: Project) -> side_questions.MainQuestion:
    """What side questions of the project stand beside."""
    return side_questions.MainQuestion(project.kind, project.answer, project.schema().labels, project.contract().inputs)


@retry_conflicts
@transaction.atomic
def change(
    project: Project,
    area: SettingsArea,
    proposed: Mapping[str, Any],
    *,
    base: str,
    reason: str,
    by: User,
    at: datetime,
) -> SettingsVersion | None:
    """Put these values in force as the next version; None where they are in force already.

    Raises StaleSettings where something else than `base` is in force, and BadSpec for what a project cannot have.
    """
    reason = check_reason(reason)
    members.lock(project)
    now = Project.objects.get(pk=project.pk)
    before, after = area.value(now), dict(proposed)
    if before == after:
        return None
    check_base(before, base, versions_of(project, area.name).first(), f"the {area.name.replace('_', ' ')} settings")
    check_area(now, after)
    made = record_version(now, area.name, before, after, reason=reason, by=by, at=at)
    Project.objects.filter(pk=project.pk).update(**after)
    return made


def record_version(
    project: Project,
    area: str,
    before: dict[str, Any],
    after: dict[str, Any],
    *,
    reason: str,
    by: User,
    at: datetime,
) -> SettingsVersion:
    """The row of the new version and its audit event, after a row of what was there where no version says so.

    That is what the project was made with, or what the console changed since. The caller holds the project's lock.
    """
    last = versions_of(project, area).first()
    version, rows = last.version if last else 0, []
    if last is None or last.value != before:
        version += 1
        why = "Changed outside of this page" if last else "As it was made"
        rows.append(_row(project, area, version, before, reason=why, created_at=at if last else project.created_at))
    rows.append(_row(project, area, version + 1, after, reason=reason, created_by=by, created_at=at))
    made = SettingsVersion.objects.bulk_create(rows)[-1]
    changed = {name: after[name] for name in after if after[name] != before[name]}
    details = {"version": made.version, "reason": reason, **changed}
    audit.record(f"settings.{area}", by=by, at=at, project=project, target=f"version {made.version}", details=details)
    return made


def _row(project: Project, area: str, version: int, value: dict[str, Any], **fields: Any) -> SettingsVersion:
    return SettingsVersion(project=project, area=area, version=version, value=value, **fields)
