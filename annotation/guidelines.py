"""Guidelines: versions of one Markdown text. Every lease and label carries the version it was given under."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from annotation.guideline_examples import check_examples
from annotation.models import Guideline
from projects import audit, members, specs
from projects.models import Project, User
from projects.settings_versions import check_base, check_reason
from validation import InvalidInput
from validation.json_values import is_storable_text

LONGEST = 100_000


class GuidelineProblem(InvalidInput):
    """A guideline that cannot be published; the message is for a user."""


def current(project: Project) -> Guideline | None:
    """The version in force, or None where the project has none yet."""
    return project.guidelines.order_by("-version").first()


def text_of(guideline: Guideline | None) -> str:
    """The text in force, empty where there is none yet."""
    return guideline.text if guideline else ""


def version(project: Project) -> int:
    """The number of the version in force, 0 where there is none."""
    found = project.guidelines.order_by("-version").values_list("version", flat=True).first()
    return found or 0


@transaction.atomic
def create_project(slug: str, spec: Any, *, by: User | None, at: datetime, admin: str = "") -> Project:
    """Make the project and put the guideline of its spec in force.

    Raises GuidelineProblem, and what specs.create_project raises.
    """
    project = specs.create_project(slug, spec, by=by, at=at, admin=admin)
    if text := (spec.get("guideline") or "").strip():
        publish(project, text=text, by=by, at=at)
    return project


@transaction.atomic
def publish(
    project: Project, *, text: str, by: User | None, at: datetime, reason: str = "", base: str | None = None
) -> Guideline:
    """Put the next version in force. The same text again changes nothing.

    `base` is the fingerprint of the text that was edited. Raises StaleSettings where another one is in force now,
    GuidelineProblem and UnusableExample.
    """
    reason = check_reason(reason)
    members.lock(project)
    if len(text) > LONGEST or not is_storable_text(text):
        raise GuidelineProblem(f"A guideline takes at most {LONGEST:,} characters and no NUL; this has {len(text):,}.")
    last = current(project)
    if last and last.text == text:
        return last
    if base is not None:
        check_base(text_of(last), base, last, "the guideline")
    check_examples(project, text)
    number = last.version + 1 if last else 1
    try:
        with transaction.atomic():
            made = Guideline.objects.create(
                project=project, version=number, text=text, reason=reason, created_by=by, created_at=at
            )
    except IntegrityError:
        raise GuidelineProblem(f"Somebody published version {number} just now; load the page and look at it.") from None
    details = {"reason": reason} if reason else {}
    audit.record("guideline.publish", by=by, at=at, project=project, target=f"version {number}", details=details)
    return made
