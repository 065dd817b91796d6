"""Rollouts: begin a version in the shadow or as a canary, give it a larger share, and end it. Each act is one
transaction with its release row and audit event; what rolls back needs no worker."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
from django.db import transaction

from analysis.metrics.monitoring.guardrails import LIMITS, GuardrailRule
from annotation.models import Prediction, Source
from jobs.models import EventType
from projects.models import Project
from retraining import registry
from retraining.models import ModelVersion, Release, ReleaseKind, Rollout, RolloutLook, RolloutMode, RolloutState
from retraining.release_record import (
    CannotRelease,
    ReleaseAct,
    Stale,
    Target,
    lock_project,
    record_release,
    valid_reason,
)
from retraining.rollout_bodies import load_look

Act = Release.Act
STEPS = (0.01, 0.1, 0.5)
HALF = (0.5,)
LATENCIES = 1000  # newest answers of the champion that say which ones are slow
MOST_LOOKED_AT = 20_000  # newest ones among which they are looked for
LEAST_LATENCIES = 20
SLOWEST = 0.95


class CanaryRuns(CannotRelease):
    """Two releases at once would make neither readable; the message names the canary."""


def running(project: Project) -> Rollout | None:
    return Rollout.objects.filter(project=project, state=RolloutState.RUNNING).select_related("version").first()


def refuse_beside_canary(project: Project) -> None:
    """Raise CanaryRuns while a canary answers. Runs under the project's lock."""
    if project.canary_version:
        raise CanaryRuns(f"{project.canary_version} answers as a canary. Promote it or roll it back first.")


def begin(
    project: Project,
    tag: str,
    mode: RolloutMode,
    made: ReleaseAct,
    *,
    shares: Sequence[float] = (),
    limits: Mapping[GuardrailRule, float] = LIMITS,
) -> Rollout:
    """Put a version beside the one that serves. Raises CannotRelease, or ArtifactRefused where it cannot be loaded.

    shares: the steps of a canary, rising between 0 and 1; STEPS where none are given, half for an A/B test.
    """
    made = _valid(made)
    target, seen = _target(project, tag), _live_tag(Project.objects.get(pk=project.pk))
    if target.version:
        registry.load(target.version)
    steps = [] if mode == RolloutMode.SHADOW else _valid_shares(shares or (HALF if mode == RolloutMode.AB else STEPS))
    slow_ms = _slow_ms(project, seen) if steps else None  # before the lock, for it goes through many rows
    with transaction.atomic():
        project = lock_project(project.pk)
        live = _live_tag(project)
        if live != seen:
            raise Stale(f"{live or 'Nothing'} is live now, not {seen or 'nothing'}. Look again before you begin.")
        if before := running(project):
            raise CannotRelease(f"{before.tag} runs beside {before.against} already. End that first.")
        if not live or live == tag:
            raise CannotRelease(f"{tag} is live already." if live else "Nothing is live that it could run beside.")
        rollout = Rollout.objects.create(
            project=project,
            mode=mode,
            version=target.version,
            name="" if target.version else tag,
            against=live,
            salt=secrets.token_hex(16),
            shares=steps,
            begun=[made.at.isoformat()],
            limits={rule.value: limits[rule] for rule in GuardrailRule},
            slow_ms=slow_ms,
            started_at=made.at,
        )
        if steps:
            Project.objects.filter(pk=project.pk).update(canary_version=tag)
        act = Act.CANARY if steps else Act.SHADOW
        _record(rollout, act, now=target, before=_target(project, live), made=made)
        return rollout


def raise_share(rollout: Rollout, made: ReleaseAct, *, expected: float | None = None) -> Rollout:
    """Give the canary its next share; a second call from the same `expected` share changes nothing."""
    made = _valid(made)
    with transaction.atomic():
        lock_project(rollout.project_id)
        rollout = Rollout.objects.select_related("project", "version").get(pk=rollout.pk)
        _refuse_another(rollout)
        if expected is not None and rollout.share != expected:
            return rollout
        if rollout.state != RolloutState.RUNNING or rollout.next_share is None:
            raise CannotRelease(f"{rollout.tag} has no next share.")
        refuse_unplanned_arms(rollout)
        rollout.begun = [*rollout.begun, made.at.isoformat()]
        rollout.save(update_fields=["begun"])
        target, live = _target(rollout.project, rollout.tag), _target(rollout.project, rollout.against)
        _record(rollout, Act.RAISE, now=target, before=live, made=made)
        return rollout


def refuse_unplanned_arms(rollout: Rollout) -> None:
    """Raise CannotRelease where the newest look found that entities do not come into the arms as planned."""
    newest = RolloutLook.objects.filter(rollout=rollout).order_by("-at", "-pk").first()
    if newest and load_look(newest.body).ratio.held:
        raise CannotRelease(
            f"Entities do not come into the arms of {rollout.tag} and {rollout.against} as planned, so nothing can be "
            f"read of how they compare. Roll {rollout.tag} back, and look at how services ask which version answers."
        )


def end(rollout: Rollout, made: ReleaseAct, *, rule: str = "") -> Release:
    """Take it back: what served before answers everyone from the next request on. Ending twice is once.

    `rule` names the guardrail that did it. Raises CannotRelease where it was promoted, Stale where another one runs.
    """
    made = _valid(made)
    with transaction.atomic():
        project = lock_project(rollout.project_id)
        rollout = Rollout.objects.select_related("project", "version").get(pk=rollout.pk)
        if rollout.state != RolloutState.RUNNING:
            return _already_ended(rollout)
        close(rollout, RolloutState.ROLLED_BACK, at=made.at, rule=rule)
        act = Act.ROLL_BACK if rollout.answers else Act.END
        live, target = _target(project, rollout.against), _target(project, rollout.tag)
        if act == Act.END:
            return _record(rollout, act, now=target, before=live, made=made)
        return _record(rollout, act, now=live, before=target, made=made, event=EventType.VERSION_ROLLED_BACK)


def _already_ended(rollout: Rollout) -> Release:
    """The release that ended it before."""
    if rollout.state == RolloutState.PROMOTED:
        raise CannotRelease(f"{rollout.tag} was promoted, so it is no rollout any more. Roll back the release instead.")
    _refuse_another(rollout)
    assert rollout.ended_at is not None  # as the database demands of one that does not run
    ends = Release.objects.filter(project=rollout.project_id, act__in=[Act.ROLL_BACK, Act.END], at=rollout.ended_at)
    if found := ends.order_by("-pk").first():
        return found
    raise CannotRelease(f"{rollout.tag} does not run any more.")


def _refuse_another(rollout: Rollout) -> None:
    """Raise Stale where another rollout runs than this one that was seen."""
    now = running(rollout.project)
    if now and now.pk != rollout.pk:
        raise Stale(f"{now.tag} runs beside {now.against} now; {rollout.tag} ended before. Look again first.")


def close(rollout: Rollout, state: RolloutState, *, at: datetime, rule: str = "") -> None:
    """Write down its end. Runs in the transaction of the release that ends it."""
    Rollout.objects.filter(pk=rollout.pk, state=RolloutState.RUNNING).update(state=state, ended_at=at, stopped_by=rule)
    if rollout.answers:
        Project.objects.filter(pk=rollout.project_id).update(canary_version="")


def _record(
    rollout: Rollout,
    act: Release.Act,
    *,
    now: Target,
    before: Target,
    made: ReleaseAct,
    event: EventType | None = None,
) -> Release:
    more = {"rollout": rollout.pk, "mode": rollout.mode, "share": rollout.share}
    return record_release(
        rollout.project, ReleaseKind.MODEL, act, now=now, before=before, made=made, event=event, more=more
    )


def _valid(made: ReleaseAct) -> ReleaseAct:
    return ReleaseAct(made.by, valid_reason(made.reason), made.at, made.automatic, made.verdict)


def _valid_shares(shares: Sequence[float]) -> list[float]:
    if not all(0 < one < 1 for one in shares) or not all(a < b for a, b in zip(shares, shares[1:], strict=False)):
        raise CannotRelease("The shares of a canary lie between 0 and 1 and rise.")
    return [float(one) for one in shares]


def _target(project: Project, tag: str) -> Target:
    """The version of this tag, trained here or captured. Raises CannotRelease."""
    number = registry.number_of(tag) or 0
    version = ModelVersion.objects.filter(project=project, number=number).select_related("project").first()
    if version:
        return Target(version)
    if not Prediction.objects.filter(project=project, model_version=tag).exists():
        raise CannotRelease(f"There is no version {tag} in {project.title}, trained here or captured.")
    return Target(name=tag)


def _live_tag(project: Project) -> str:
    version = registry.champion(project)
    return version.tag if version else registry.captured_release(project)


def _slow_ms(project: Project, tag: str) -> float | None:
    """The time that one in twenty answers of the champion took at least; None where too few say how long they took."""
    rows = Prediction.objects.filter(project=project, model_version=tag).order_by("-at", "-pk")
    newest = rows.values_list("latency_ms", "source")[:MOST_LOOKED_AT]
    served = (Source.SERVED, Source.CAPTURED)
    known = np.array([ms for ms, source in newest if ms is not None and source in served][:LATENCIES], dtype=float)
    return float(np.quantile(known, SLOWEST)) if len(known) >= LEAST_LATENCIES else None
