"""How often signals are right, by kind and actor, as the newest stored version has it, and what they may do for it.

`analysis` estimates it from audit items alone; routing reads it. A version that a label was made by stays.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import msgspec
from msgspec import Struct

from annotation.models import Resolution, SignalReliability
from annotation.signals.kinds import SignalKind
from projects.models import Project
from projects.project_settings import RoutingSettings

LEAST_ITEMS = 5  # audited items of an actor; with fewer its signals make no label, whatever others are like
KEPT = 50  # versions


class SignalRate(Struct, frozen=True):
    """The share of right signals of one kind and actor, "" for those without a name; n audited items say so."""

    kind: str
    actor: str
    value: float | None
    low: float | None
    high: float | None
    n: int


class ReliabilityBody(Struct, frozen=True, tag_field="version", tag=1):
    """What a version stores. kinds: of all signals of each kind; unseen: of an actor of whom nothing was audited."""

    kinds: list[SignalRate] = []
    actors: list[SignalRate] = []
    unseen: list[SignalRate] = []


class SignalEffect(StrEnum):
    """What a signal does."""

    LABELS = "labels"
    ASKS = "asks"
    REVIEW = "review"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Reliability:
    """The rates of one version, 0 where none was stored yet."""

    version: int = 0
    kinds: Mapping[str, SignalRate] = field(default_factory=dict)
    actors: Mapping[tuple[str, str], SignalRate] = field(default_factory=dict)
    unseen: tuple[SignalRate, ...] = ()

    def rate_of(self, kind: str, actor: str) -> SignalRate | None:
        """That of the actor, else that of the kind: the default of who was never audited."""
        return self.actors.get((kind, actor)) or self.kinds.get(kind)

    def labels(self, kind: SignalKind, actor: str, settings: RoutingSettings) -> bool:
        """Whether a signal of this actor may become a label."""
        own, of_kind = self.actors.get((kind.name, actor)), self.kinds.get(kind.name)
        if not kind.has_claim or own is None or of_kind is None or own.low is None:
            return False
        enough = of_kind.n >= settings.label_signals_after and own.n >= LEAST_ITEMS
        return enough and own.low > settings.label_signals_above

    def effect(self, kind: SignalKind, actor: str, settings: RoutingSettings) -> SignalEffect:
        """What a signal of this actor does where nothing contradicts it."""
        if kind.escalates or kind.remark:
            return SignalEffect.REVIEW
        if self.labels(kind, actor, settings):
            return SignalEffect.LABELS
        return SignalEffect.ASKS if kind.objection or kind.outcome else SignalEffect.NOTHING


def load(project: Project) -> Reliability:
    """The newest stored version; nothing is known where there is none or only one of another format."""
    row = newest(project)
    if row is None:
        return Reliability()
    try:
        body = msgspec.convert(row.body, ReliabilityBody)
    except msgspec.ValidationError:
        return Reliability()
    of_kinds, of_actors = {one.kind: one for one in body.kinds}, {(one.kind, one.actor): one for one in body.actors}
    return Reliability(row.version, of_kinds, of_actors, tuple(body.unseen))


def newest(project: Project) -> SignalReliability | None:
    return SignalReliability.objects.filter(project=project).order_by("-version").first()


def store(project: Project, body: ReliabilityBody, *, at: datetime) -> SignalReliability:
    """Keep a further version; older ones go that made no label. Runs in the caller's transaction."""
    before = newest(project)
    made = SignalReliability.objects.create(
        project=project,
        version=before.version + 1 if before else 1,
        body=msgspec.to_builtins(body),
        labelling=before.labelling if before else [],
        computed_at=at,
    )
    used = Resolution.objects.filter(project=project, reliability_version__isnull=False)
    old = SignalReliability.objects.filter(project=project, version__lte=made.version - KEPT)
    old.exclude(version__in=used.values("reliability_version")).delete()
    return made
