"""Releases of a threshold or a policy beside the model: immutable versions, one act at a time, each undone by one."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Max, Q
from msgspec import to_builtins

from projects import audit
from projects.models import ApiKey, Project
from retraining import datasets, rollout
from retraining.learning.decision_rules import PolicyBody, ThresholdBody, chosen_labels
from retraining.models import DecisionRule, Release, ReleaseKind, RuleKind
from retraining.release_record import (
    CannotRelease,
    ReleaseAct,
    Stale,
    Target,
    lock_project,
    record_release,
    valid_reason,
)
from validation.arrays import Floats, Ints
from validation.numbers import whole_number

Act = Release.Act
WITHOUT_SCORES = "Answers of this task are not classes, so they have no scores that a threshold or a policy applies to."
COLUMNS = {RuleKind.THRESHOLD: "threshold_version", RuleKind.POLICY: "policy_version"}


def applies_to(project: Project) -> bool:
    """Whether answers have the scores that thresholds and policies apply to: the project's kind has classes."""
    return datasets.is_trainable(project)


def release_rule(
    project: Project,
    body: ThresholdBody | PolicyBody,
    *,
    by: audit.Actor,
    reason: str,
    at: datetime,
    expected: str | None = None,
) -> Release:
    """Put a threshold or a policy in force. One with the same content keeps its version, whenever it was made; the one
    that is in force already gives back its release. Raises CannotRelease where the project's answers have no scores.

    `expected` is the tag that was in force when the person decided ("" for none); another one now raises Stale.
    """
    if not applies_to(project):
        raise CannotRelease(WITHOUT_SCORES)
    kind = RuleKind.THRESHOLD if isinstance(body, ThresholdBody) else RuleKind.POLICY
    reason = valid_reason(reason)
    with transaction.atomic():
        project = lock_project(project.pk)
        before = in_force(project, kind)
        rule = _stored(project, kind, to_builtins(body), by=by, at=at)
        if rule.tag == before:
            return _newest(project, kind)
        _expect(before, expected, kind)
        return _put_in_force(project, kind, rule.tag, before, Act.PROMOTE, ReleaseAct(by, reason, at))


def roll_back_rule(
    project: Project, kind: RuleKind, *, by: audit.Actor, reason: str, at: datetime, expected: str | None = None
) -> Release:
    """Bring back what was in force before the threshold or policy was released; that may be none.

    Rolling back twice from the same `expected` one is once, as for a model.
    """
    reason = valid_reason(reason)
    with transaction.atomic():
        project = lock_project(project.pk)
        now = in_force(project, kind)
        if expected is not None and expected != now:
            newest = _acts(project, kind).first()
            if newest and newest.act == Act.ROLL_BACK and newest.previous_name == expected:
                return newest
            _expect(now, expected, kind)
        promoted = _acts(project, kind).filter(act=Act.PROMOTE, name=now).first() if now else None
        if promoted is None:
            raise CannotRelease(f"No {kind} is in force that could be rolled back.")
        return _put_in_force(project, kind, promoted.previous_name, now, Act.ROLL_BACK, ReleaseAct(by, reason, at))


def in_force(project: Project, kind: RuleKind) -> str:
    """Tag of the threshold or policy in force; "" for none."""
    return str(getattr(project, COLUMNS[kind]))


def rules_in_force(project: Project) -> tuple[ThresholdBody | None, PolicyBody | None]:
    """The threshold and the policy that answers follow. No query where the project has released neither."""
    if not (project.threshold_version or project.policy_version):
        return None, None
    named = Q(pk=None)
    for kind in RuleKind:
        if number := _number(kind, in_force(project, kind)):
            named |= Q(kind=kind, number=number)
    found = {rule.kind: rule for rule in DecisionRule.objects.filter(named, project=project)}
    threshold, policy = found.get(RuleKind.THRESHOLD), found.get(RuleKind.POLICY)
    return threshold.load_thresholds() if threshold else None, policy.load_policy() if policy else None


def choice_in_force(project: Project) -> Callable[[Floats, Sequence[str]], Ints]:
    """How scores (n, k) lead to the codes (n,) of labels by the threshold in force, as answers are chosen."""
    threshold, _ = rules_in_force(project)
    return partial(chosen_labels, rule=threshold)


def _number(kind: RuleKind, tag: str) -> int:
    """The number in a tag of this kind; 0 for another text."""
    return whole_number(tag[1:]) or 0 if tag[:1] == kind[0] else 0


def _stored(project: Project, kind: RuleKind, body: dict[str, Any], *, by: audit.Actor, at: datetime) -> DecisionRule:
    """The version with this content, made where there is none."""
    rules = DecisionRule.objects.filter(project=project, kind=kind)
    same = next((rule for rule in rules.order_by("-number") if rule.body == body), None)
    if same:
        return same
    number = (rules.aggregate(newest=Max("number"))["newest"] or 0) + 1
    person = by.user if isinstance(by, ApiKey) else by
    return DecisionRule.objects.create(project=project, kind=kind, number=number, body=body, by=person, at=at)


def _put_in_force(
    project: Project, kind: RuleKind, tag: str, before: str, act: Release.Act, made: ReleaseAct
) -> Release:
    rollout.refuse_beside_canary(project)
    Project.objects.filter(pk=project.pk).update(**{COLUMNS[kind]: tag})
    return record_release(project, ReleaseKind(kind), act, now=Target(name=tag), before=Target(name=before), made=made)


def _expect(now: str, expected: str | None, kind: RuleKind) -> None:
    if expected is not None and expected != now:
        raise Stale(f"{now or f'No {kind}'} is in force now, not {expected or 'none'}. Look again before you release.")


def _acts(project: Project, kind: RuleKind) -> Any:
    return Release.objects.filter(project=project, kind=kind).order_by("-at", "-pk")


def _newest(project: Project, kind: RuleKind) -> Release:
    newest: Release = _acts(project, kind)[0]
    return newest
