"""Signals that contradict a prediction or a label: each is weighed once, and asked about unless that is settled.

An item is asked again although it was asked or labelled before, unless its label agrees with the signal or was given
after it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.db.models import CharField, DateTimeField, JSONField, OuterRef, QuerySet, Subquery

from annotation import kinds as task_kinds
from annotation import versions
from annotation.models import Prediction, Resolution, Signal
from annotation.routing.registry import Pick, Round
from annotation.score_order import ScoreOrder
from annotation.signals import kinds, maturity, reliability
from annotation.signals.claims import value_in_words
from annotation.signals.kinds import SignalKind
from projects.chunks import chunks
from projects.models import Project

MOST = 1000  # signals weighed in one round
UNKNOWN = 0.5  # how often a signal is taken to be right of whose kind nothing was audited


@dataclass(frozen=True)
class NegativeSignal:
    """A signal with what the item's label and the newest model say; None where there is no such thing."""

    kind: SignalKind
    value: Any
    at: datetime
    label: Any
    labelled_at: datetime | None
    predicted: Any

    @property
    def contradicts(self) -> bool:
        """Whether it objects to the prediction, whatever label the item has."""
        return self.kind.objection or (self.predicted is not None and self.value != self.predicted)

    @property
    def is_settled(self) -> bool:
        """Whether no person has to look: one has since, or the label says what the signal says."""
        if self.label is None or self.labelled_at is None:
            return not self.contradicts
        if self.labelled_at >= self.at:
            return True
        has_value = self.kind.label or self.kind.outcome
        return bool(self.label == self.value if has_value else self.label != self.predicted)

    def reason(self, describe: Callable[[Any], str]) -> str:
        """Why a person is asked; `describe` gives a value of the project's task as a person reads it."""
        parts = [self.kind.name.replace("_", " ")]
        if self.kind.label or self.kind.outcome:
            parts = [f"{parts[0]}: {describe(self.value)}"]
        if self.predicted not in (None, ""):
            parts.append(f"predicted {describe(self.predicted)}")
        if self.label is not None:
            parts.append(f"labelled {describe(self.label)} before")
        return ", ".join(parts)


def unweighed(project: Project, *, at: datetime) -> QuerySet[Signal]:
    """Signals that may object to something and wait for the next round; an outcome waits until it is mature."""
    waiting = Signal.objects.filter(project=project, weighed_at=None, item__isnull=False)
    asking = {*kinds.objections(), *kinds.outcomes()} - set(kinds.escalations())
    return waiting.filter(maturity.counts(project, at=at), kind__in=asking)


def pending(project: Project, names: Sequence[str], *, at: datetime) -> list[tuple[Signal, NegativeSignal]]:
    """Signals of these kinds that were not weighed yet, the oldest first."""
    resolution = Resolution.objects.current().filter(item=OuterRef("item"))
    newest = Prediction.objects.filter(versions.ANSWERED, item=OuterRef("item")).order_by("-at", "-pk")
    rows = (
        unweighed(project, at=at)
        .filter(kind__in=names)
        .annotate(
            label=Subquery(resolution.values("value")[:1], output_field=JSONField()),
            labelled_at=Subquery(resolution.values("resolved_at")[:1], output_field=DateTimeField()),
            predicted_label=Subquery(newest.values("label")[:1], output_field=CharField()),
            predicted_value=Subquery(newest.values("value")[:1], output_field=JSONField()),
        )
    )
    found = ((signal, kinds.kind_named(signal.kind)) for signal in rows.order_by("at", "pk")[:MOST])
    order = ScoreOrder(project)
    return [(signal, _negative_signal(signal, kind, order)) for signal, kind in found if kind]


def _negative_signal(signal: Any, kind: SignalKind, order: ScoreOrder) -> NegativeSignal:
    return NegativeSignal(
        kind=kind,
        value=order.counted(signal.value),
        at=signal.captured_at,
        label=signal.label,
        labelled_at=signal.labelled_at,
        predicted=order.counted(signal.predicted_label or signal.predicted_value),
    )


def propose_picks(round_: Round, names: Sequence[str]) -> Iterable[Pick]:
    """One pick for each item that something contradicts; all that was looked at is weighed when the round is kept."""
    found = _most_reliable_first(round_.project, pending(round_.project, names, at=round_.at))
    round_.when_kept.append(partial(_weighed, [signal.pk for signal, _ in found], round_.at))
    describe = partial(value_in_words, task_kinds.of_project(round_.project), round_.project.schema().labels)
    asked: dict[int, Pick] = {}
    for signal, negative in found:
        settled = negative.is_settled and not negative.contradicts
        if signal.item_id is None or settled or signal.item_id in asked:
            continue
        asked[signal.item_id] = Pick(
            item_id=signal.item_id,
            reason=negative.reason(describe),
            numbers={"signal": signal.kind, "value": signal.value},
            strategy="objection",
            stands=negative.contradicts,
            settled=negative.is_settled,
        )
    return asked.values()


def _most_reliable_first(
    project: Project, found: list[tuple[Signal, NegativeSignal]]
) -> list[tuple[Signal, NegativeSignal]]:
    """In the order in which people are asked: signals that are right more often first, of equal ones the oldest."""
    known = reliability.load(project)

    def right(signal: Signal) -> float:
        rate = known.rate_of(signal.kind, signal.actor)
        return UNKNOWN if rate is None or rate.value is None else rate.value

    return sorted(found, key=lambda pair: -right(pair[0]))


def _weighed(ids: list[int], at: datetime) -> None:
    for chunk in chunks(ids):
        Signal.objects.filter(pk__in=chunk).update(weighed_at=at)
