"""Which arm an entity is in, and what came of the decisions of both arms, by each share that the canary had."""

import hashlib
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from analysis.metrics.monitoring.arms import ArmCounts
from analysis.metrics.monitoring.guardrails import GuardrailRule
from annotation.models import Prediction, Resolution, Signal, Source
from retraining.models import Rollout

CHAMPION, CANARY = "champion", "canary"
MOST_UNITS = 200_000
SCALE = 2**64


def in_canary(rollout: Rollout, entity: str) -> bool:
    """Whether this entity is answered by the canary: the same one always, and no one leaves it as the share grows."""
    digest = hashlib.sha256(f"{rollout.salt}:{entity}".encode()).digest()
    return int.from_bytes(digest[:8]) < rollout.share * SCALE


class Unit(NamedTuple):
    """The first decision about an entity since the canary began."""

    step: int
    canary: bool
    item: int
    label: str
    latency_ms: float | None
    degraded: bool


@dataclass(frozen=True)
class Outcomes:
    """What people said of items since: those overridden, and the labels of those that the audit drew."""

    overridden: set[int]
    audited: Mapping[int, str]


def units(rollout: Rollout) -> list[Unit]:
    """The first decision about each entity, in the order of capture; at most MOST_UNITS.

    Later decisions about the same entity are in the same arm, so they tell less than they seem to.
    """
    begins = [at for _, at in rollout.steps]
    rows = Prediction.objects.filter(
        project=rollout.project_id,
        at__gte=rollout.started_at,
        source__in=[Source.SERVED, Source.CAPTURED],
        stage__in=[CHAMPION, CANARY],
    ).order_by("at", "pk")
    if rollout.ended_at:
        rows = rows.filter(at__lte=rollout.ended_at)
    fields = rows.values_list("at", "stage", "item_id", "label", "latency_ms", "degraded", "entity")
    seen: set[str | int] = set()
    found: list[Unit] = []
    for at, stage, item, label, latency, degraded, entity in fields.iterator(chunk_size=5000):
        if (entity or item) in seen:
            continue
        seen.add(entity or item)
        found.append(Unit(max(bisect_right(begins, at) - 1, 0), stage == CANARY, item, label, latency, degraded))
        if len(found) == MOST_UNITS:
            break
    return found


def outcomes(rollout: Rollout) -> Outcomes:
    overrides = Signal.objects.filter(
        project=rollout.project_id, kind="override", at__gte=rollout.started_at, item__isnull=False
    )
    audited = Resolution.objects.current().filter(
        project=rollout.project_id, evaluation=True, resolved_at__gte=rollout.started_at
    )
    return Outcomes(set(overrides.values_list("item_id", flat=True)), dict(audited.values_list("item_id", "value")))


def counts(rollout: Rollout, found: list[Unit], known: Outcomes) -> dict[GuardrailRule, list[ArmCounts]]:
    """Units and events of each rule by step; a rule that has no unit yet, or is not watched, has none."""
    events = {rule: [[0, 0, 0, 0] for _ in rollout.steps] for rule in GuardrailRule}
    for unit in found:
        for rule, event in _events(unit, known, rollout.slow_ms):
            cell, arm = events[rule][unit.step], 0 if unit.canary else 1
            cell[arm] += 1
            cell[2 + arm] += event
    return {
        rule: [ArmCounts(share, *cell) for (share, _), cell in zip(rollout.steps, cells, strict=True) if sum(cell)]
        for rule, cells in events.items()
    }


def _events(unit: Unit, known: Outcomes, slow_ms: float | None) -> Iterator[tuple[GuardrailRule, bool]]:
    """The rules that this unit counts for, and whether the event happened."""
    yield GuardrailRule.OVERRIDES, unit.item in known.overridden
    yield GuardrailRule.EXCEPTIONS, unit.degraded
    if unit.item in known.audited:
        yield GuardrailRule.ERRORS, known.audited[unit.item] != unit.label
    if slow_ms is not None and unit.latency_ms is not None:
        yield GuardrailRule.SLOW, unit.latency_ms > slow_ms
