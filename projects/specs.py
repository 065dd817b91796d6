"""Make a project from its spec, and say in one sentence what a spec has wrong."""

import re
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from projects import audit
from projects.models import InputContract, Kind, LabelSchema, Membership, Project, Role, User

INPUT_TYPES = ("text", "number", "category", "image")
SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
KNOWN = {
    "title",
    "kind",
    "labels",
    "inputs",
    "segments",
    "overlap",
    "costs",
    "positive",
    "outcome_matures_after_days",
    "retraining",
    "routing",
    "guideline",
    "safe_default",
}
RETRAINING = {"after_labels": 50, "cooldown_minutes": 5, "promote": "ask"}


class BadSpec(ValueError):
    """The spec cannot be used; the message names the field and what it takes."""


@transaction.atomic
def create_project(slug: str, spec: Any, *, by: User | None, at: datetime) -> Project:
    """Make the project with version 1 of its label schema and input contract; `by` becomes its admin."""
    if not SLUG.fullmatch(slug) or len(slug) > 60:
        raise BadSpec(f"The slug {slug!r} takes lower-case letters, digits and single hyphens, at most 60.")
    if Project.objects.filter(slug=slug).exists():
        raise BadSpec(f"There is a project {slug} already.")
    checked = check(spec)
    try:
        with transaction.atomic():
            project = Project.objects.create(slug=slug, created_at=at, **checked["project"])
    except IntegrityError:  # of two that take one slug at once, the second meets the constraint
        raise BadSpec(f"There is a project {slug} already.") from None
    LabelSchema.objects.create(project=project, version=1, labels=checked["labels"], created_at=at)
    InputContract.objects.create(
        project=project, version=1, inputs=checked["inputs"], segments=checked["segments"], created_at=at
    )
    if by:
        Membership.objects.create(project=project, user=by, role=Role.ADMIN, created_at=at)
    audit.record("project.create", by=by, at=at, project=project, target=slug)
    return project


def check(spec: Any) -> dict[str, Any]:
    """The spec's parts, ready to store. Raises BadSpec at the first thing wrong."""
    if not isinstance(spec, dict):
        raise BadSpec("A spec is one JSON object.")
    if holds_nul(spec):
        raise BadSpec("A spec holds no NUL character; some text of this one does.")
    if unknown := sorted(set(spec) - KNOWN):
        raise BadSpec(f"Unknown field {unknown[0]}; a spec takes {', '.join(sorted(KNOWN))}.")
    title = spec.get("title")
    if not isinstance(title, str) or not 1 <= len(title.strip()) <= 120:
        raise BadSpec("title takes 1 to 120 characters.")
    if spec.get("kind") not in Kind.values:
        raise BadSpec(f"kind is {spec.get('kind')!r}; this version takes {', '.join(Kind.values)}.")
    labels = _labels(spec.get("labels"))
    values = [label["value"] for label in labels]
    for field in ("positive", "safe_default"):
        if spec.get(field) and spec[field] not in values:
            raise BadSpec(f"{field} is {spec[field]!r}, which is not one of the labels.")
    if not isinstance(spec.get("guideline", ""), str):
        raise BadSpec("guideline takes Markdown text.")
    inputs = _inputs(spec.get("inputs"))
    return {
        "labels": labels,
        "inputs": inputs,
        "segments": _segments(spec.get("segments", [])),
        "project": {
            "title": title.strip(),
            "kind": spec["kind"],
            "overlap": _whole("overlap", spec.get("overlap", 1), 1, 20),
            "costs": _costs(spec.get("costs", {})),
            "positive": spec.get("positive") or "",
            "safe_default": spec.get("safe_default") or "",
            "outcome_matures_after_days": _whole(
                "outcome_matures_after_days", spec.get("outcome_matures_after_days", 0), 0, 3650
            ),
            "retraining": _retraining(spec.get("retraining", {})),
            "routing": _routing(spec.get("routing", {})),
        },
    }


def _labels(given: Any) -> list[dict[str, Any]]:
    """`["a", "b"]`, or objects with value, title, hint."""
    if not isinstance(given, list) or not 2 <= len(given) <= 1000:
        raise BadSpec("labels takes a list of 2 to 1,000 labels.")
    labels = [{"value": label} if isinstance(label, str) else label for label in given]
    for label in labels:
        value = label.get("value") if isinstance(label, dict) else None
        if not isinstance(value, str) or not 1 <= len(value) <= 200:
            raise BadSpec("Each label is a text of 1 to 200 characters, or an object with such a value.")
        if set(label) - {"value", "title", "hint"}:
            raise BadSpec(f"Label {value!r} takes value, title and hint only.")
        if not all(isinstance(text, str) for text in label.values()):
            raise BadSpec(f"Title and hint of label {value!r} are texts.")
    values = [label["value"] for label in labels]
    if len(set(values)) < len(values):
        twice = next(value for value in values if values.count(value) > 1)
        raise BadSpec(f"Label {twice!r} stands in the list twice.")
    return labels


def _inputs(given: Any) -> dict[str, Any]:
    if not isinstance(given, dict) or not 1 <= len(given) <= 500:
        raise BadSpec("inputs takes an object of 1 to 500 named inputs.")
    for name, rule in given.items():
        if not isinstance(rule, dict) or rule.get("type") not in INPUT_TYPES:
            raise BadSpec(f"Input {name!r} needs a type: one of {', '.join(INPUT_TYPES)}.")
        for end in ("min", "max"):
            if end in rule and (rule["type"] != "number" or not _is_number(rule[end])):
                raise BadSpec(f"Input {name!r}: {end} is for inputs of type number and takes a number.")
        if set(rule) - {"type", "min", "max", "values", "required"}:
            raise BadSpec(f"Input {name!r} takes type, min, max, values and required only.")
        _rule(name, rule)
    return given


def _rule(name: str, rule: dict[str, Any]) -> None:
    if "min" in rule and "max" in rule and rule["min"] > rule["max"]:
        raise BadSpec(f"Input {name!r}: min is {rule['min']}, more than max, which is {rule['max']}.")
    values = rule.get("values", [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise BadSpec(f"Input {name!r}: values takes a list of texts.")
    if not isinstance(rule.get("required", True), bool):
        raise BadSpec(f"Input {name!r}: required takes true or false.")


def _segments(given: Any) -> list[str]:
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        raise BadSpec("segments takes a list of names.")
    return given


def _costs(given: Any) -> dict[str, float]:
    if not isinstance(given, dict) or not all(_is_number(cost) and cost >= 0 for cost in given.values()):
        raise BadSpec("costs takes names with numbers of 0 or more.")
    return given


def _retraining(given: Any) -> dict[str, Any]:
    if not isinstance(given, dict) or set(given) - set(RETRAINING):
        raise BadSpec(f"retraining takes {', '.join(RETRAINING)}.")
    merged = {**RETRAINING, **given}
    _whole("retraining.after_labels", merged["after_labels"], 1, 10_000_000)
    if not _is_number(merged["cooldown_minutes"]) or merged["cooldown_minutes"] < 0:
        raise BadSpec("retraining.cooldown_minutes takes a number of 0 or more.")
    if merged["promote"] not in ("ask", "by_gate"):
        raise BadSpec(f"retraining.promote is {merged['promote']!r}; it takes ask or by_gate.")
    return merged


def _routing(given: Any) -> dict[str, Any]:
    if not isinstance(given, dict) or set(given) - {"batch", "audit_share", "waiting"}:
        raise BadSpec("routing takes batch, waiting and audit_share.")
    share = given.get("audit_share", 0.2)
    if not _is_number(share) or not 0 < share <= 1:
        raise BadSpec(f"routing.audit_share is {share!r}; it takes more than 0 and at most 1, for it is never zero.")
    _whole("routing.batch", given.get("batch", 100), 1, 100_000)
    _whole("routing.waiting", given.get("waiting", 100), 1, 1_000_000)
    return given


def _whole(name: str, value: Any, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise BadSpec(f"{name} is {value!r}; it takes a whole number from {least:,} to {most:,}.")
    return value


def holds_nul(value: Any) -> bool:
    """Whether a text anywhere in a JSON value holds NUL, which PostgreSQL does not store."""
    if isinstance(value, dict):
        return any(holds_nul(name) or holds_nul(part) for name, part in value.items())
    if isinstance(value, list):
        return any(holds_nul(part) for part in value)
    return isinstance(value, str) and "\x00" in value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value and abs(value) < 1e300
