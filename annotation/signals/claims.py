"""What signals claim of an item: the value that each names, the newest of each kind and actor."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from annotation import kinds as task_kinds
from annotation import versions
from annotation.kinds import InvalidLabel, Labels, TaskKind
from annotation.models import Item, Prediction, Signal
from annotation.signals import kinds, maturity
from annotation.signals.kinds import SignalKind
from projects.chunks import chunks
from projects.models import Project


@dataclass(frozen=True)
class Claim:
    """One signal that names a value: its own, or by an approval what was predicted."""

    signal_id: int
    item_id: int
    kind: SignalKind
    actor: str
    value: Any
    at: datetime

    @property
    def source(self) -> str:
        """Who says so, in words."""
        return self.kind.title.lower() + (f" by {self.actor}" if self.actor else "")


def claims_about(project: Project, item_ids: Collection[int], *, at: datetime) -> dict[int, list[Claim]]:
    """Item id to the claims about it, oldest first. Outcomes that are not mature and values of no label are none."""
    found: dict[int, list[Claim]] = defaultdict(list)
    named = [kind.name for kind in map(kinds.kind_named, kinds.names()) if kind and kind.has_claim]
    for chunk in chunks(sorted(item_ids)):
        rows = Signal.objects.filter(maturity.counts(project, at=at), item__in=chunk, kind__in=named)
        for claim in _claims(project, rows.order_by("at", "pk"), answers_as_served(chunk)):
            found[claim.item_id].append(claim)
    return {item_id: _newest(claims) for item_id, claims in found.items()}


def differing(claims: Iterable[Claim]) -> tuple[Claim, Claim] | None:
    """Two claims about one item that name different values, the newest such pair; None where all agree."""
    newest_first = list(claims)[::-1]
    for place, later in enumerate(newest_first):
        for earlier in newest_first[place + 1 :]:
            if earlier.value != later.value:
                return earlier, later
    return None


def _claims(project: Project, rows: Iterable[Signal], predicted: Mapping[int, Any]) -> Iterable[Claim]:
    task, labels = task_kinds.of_project(project), project.schema().labels
    rows = list(rows)
    inputs = _inputs(rows) if task.is_about_an_input else {}
    for row in rows:
        kind = kinds.kind_named(row.kind)
        if kind is None or row.item_id is None:
            continue
        try:
            value = task.counted(predicted.get(row.item_id) if kind.approval else row.value, labels)
        except InvalidLabel:
            continue
        if task.misfit(value, inputs.get(row.item_id, {})):
            continue
        yield Claim(row.pk, row.item_id, kind, row.actor, value, row.at)


def _inputs(rows: Iterable[Signal]) -> dict[int, Any]:
    items = Item.objects.filter(pk__in={row.item_id for row in rows if row.item_id is not None})
    return dict(items.values_list("pk", "inputs"))


def _newest(claims: list[Claim]) -> list[Claim]:
    """Who says something else later takes back what was said; signals without a name are of anybody."""
    last = {(claim.kind.name, claim.actor or claim.signal_id): claim for claim in claims}
    return sorted(last.values(), key=lambda claim: (claim.at, claim.signal_id))


def answers_as_served(item_ids: Collection[int]) -> dict[int, Any]:
    """What was answered of each item when it was asked, the newest answer."""
    rows = Prediction.objects.of_items(list(item_ids)).filter(versions.AS_SERVED).order_by("at", "pk")
    return {row.item_id: row.predicted_value for row in rows.only("item_id", "label", "value")}


def value_in_words(task: TaskKind, labels: Labels, value: Any) -> str:
    """A value as its kind describes it; one that is no answer of the task, as an outcome may be, as it was sent."""
    try:
        return task.describe(task.validate(value, labels), labels)
    except InvalidLabel:
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
