"""Which arm an entity is in, and what came of the decisions of both arms, in each step of the canary."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from analysis.metrics.monitoring.arms import ArmCounts
from analysis.metrics.monitoring.guardrails import GuardrailRule
from annotation.models import Prediction, Resolution, Signal, Source
from retraining.models import Rollout

CHAMPION, CANARY = "champion", "canary"
MOST_DECISIONS = 200_000  # of one step, that a look goes through
SCALE = 2**64


def in_canary(rollout: Rollout, entity: str) -> bool:
    """Whether this entity is answered by the canary: the same one always, and no one leaves it as the share grows."""
    digest = hashlib.sha256(f"{rollout.salt}:{entity}".encode()).digest()
    return int.from_bytes(digest[:8]) < rollout.share * SCALE


@dataclass
class Unit:
    """An entity in one step, with all of its decisions in that step. chance: of its arm being the canary's, given in
    which arm it was before. latency_ms: of its first answer that says it."""

    step: int
    chance: float
    canary: bool
    latency_ms: float | None = None
    degraded: bool = False
    answers: dict[int, str] = field(default_factory=dict)  # label by item


@dataclass(frozen=True)
class Outcomes:
    """What people said of items since: those overridden, and the labels of those that the audit drew."""

    overridden: set[int]
    audited: Mapping[int, str]


def units(rollout: Rollout) -> list[Unit]:
    """The entities of each step whose arm was drawn in it, in the order of their first decisions there.

    An entity counts once in a step, with whatever happened in any of its decisions, so that one that the canary begins
    to fail is seen. It counts again in a later step as long as it was in the champion's arm: it then moves to the
    canary by a chance that is independent of all before. One that was in the canary stays there, so no later step
    compares it. Of a step with more decisions than MOST_DECISIONS the newest count.
    """
    left: dict[str | int, float] = {}  # the share of the step in which the champion last answered; 1 after the canary
    found: list[Unit] = []
    for step, (share, _) in enumerate(rollout.steps):
        here: dict[str | int, Unit] = {}
        for stage, item, label, latency, degraded, entity in _decisions(rollout, step):
            key = entity or item
            before = left.get(key, 0.0)
            if before >= 1:
                continue
            unit = here.get(key) or Unit(step, (share - before) / (1 - before), stage == CANARY)
            here[key] = unit
            unit.answers[item] = label
            unit.degraded = unit.degraded or degraded
            unit.latency_ms = latency if unit.latency_ms is None else unit.latency_ms
        left |= {key: 1.0 if unit.canary else share for key, unit in here.items()}
        found += here.values()
    return found


def _decisions(rollout: Rollout, step: int) -> Iterator[tuple[str, int, str, float | None, bool, str]]:
    """The newest decisions of one step, at most MOST_DECISIONS, in the order of time."""
    begins = [at for _, at in rollout.steps]
    ends = begins[step + 1] if step + 1 < len(begins) else None
    rows = Prediction.objects.filter(
        project=rollout.project_id,
        at__gte=begins[step],
        source__in=[Source.SERVED, Source.CAPTURED],
        stage__in=[CHAMPION, CANARY],
    )
    if ends:
        rows = rows.filter(at__lt=ends)
    if rollout.ended_at:
        rows = rows.filter(at__lte=rollout.ended_at)
    since = list(rows.order_by("-at", "-pk").values_list("at", flat=True)[MOST_DECISIONS - 1 : MOST_DECISIONS])
    if since:
        rows = rows.filter(at__gte=since[0])
    fields = ("stage", "item_id", "label", "latency_ms", "degraded", "entity")
    return rows.order_by("at", "pk").values_list(*fields).iterator(chunk_size=5000)


def outcomes(rollout: Rollout) -> Outcomes:
    overrides = Signal.objects.filter(
        project=rollout.project_id, kind="override", at__gte=rollout.started_at, item__isnull=False
    )
    audited = Resolution.objects.current().filter(
        project=rollout.project_id, evaluation=True, resolved_at__gte=rollout.started_at
    )
    return Outcomes(set(overrides.values_list("item_id", flat=True)), dict(audited.values_list("item_id", "value")))


def counts(rollout: Rollout, found: list[Unit], known: Outcomes) -> dict[GuardrailRule, list[ArmCounts]]:
    """Units and events of each rule by step and chance; a rule that has no unit yet, or is not watched, has none."""
    events: dict[GuardrailRule, dict[tuple[int, float], list[int]]] = {rule: {} for rule in GuardrailRule}
    for unit in found:
        for rule, event in _events(unit, known, rollout.slow_ms):
            cell, arm = events[rule].setdefault((unit.step, unit.chance), [0, 0, 0, 0]), 0 if unit.canary else 1
            cell[arm] += 1
            cell[2 + arm] += event
    return {
        rule: [ArmCounts(chance, *cells[step, chance]) for step, chance in sorted(cells)]
        for rule, cells in events.items()
    }


def _events(unit: Unit, known: Outcomes, slow_ms: float | None) -> Iterator[tuple[GuardrailRule, bool]]:
    """The rules that this unit counts for, and whether the event ever happened."""
    yield GuardrailRule.OVERRIDES, not known.overridden.isdisjoint(unit.answers)
    yield GuardrailRule.EXCEPTIONS, unit.degraded
    audited = [known.audited[item] != label for item, label in unit.answers.items() if item in known.audited]
    if audited:
        yield GuardrailRule.ERRORS, any(audited)
    if slow_ms is not None and unit.latency_ms is not None:
        yield GuardrailRule.SLOW, unit.latency_ms > slow_ms
