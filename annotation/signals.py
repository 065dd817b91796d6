"""Record what came back: thumbs, corrections and the other signals, each once under the caller's id.

A signal that arrives before its prediction waits for it and is joined at capture.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from annotation.models import Item, Signal, SignalKind
from annotation.rows import (
    DATABASE_AWAY,
    BadRow,
    Captured,
    Refusal,
    body_hash,
    isolate_failures,
    name,
    parse_time,
    refuse,
)
from projects.models import Project
from validation.json_values import is_storable

FIELDS = {"id", "key", "kind", "value", "at", "actor"}
WITH_LABEL = {SignalKind.CORRECTION, SignalKind.OVERRIDE}
LARGEST_VALUE = 10_000


@dataclass(frozen=True)
class Row:
    """One checked signal on its way into the database."""

    index: int
    key: str
    prediction_key: str
    kind: str
    value: Any
    actor: str
    at: datetime
    body_hash: str


def capture_signals(project: Project, rows: Sequence[Any], *, at: datetime) -> Captured:
    """Keep every good signal of the batch; the same one again is `existing`, another body under its id is refused."""
    good, refused = _check_all(project, rows, at)

    def store(part: Sequence[Row]) -> Captured:
        with transaction.atomic():
            return _store(project, part, at)

    stored, unstorable = isolate_failures(good, store)
    return Captured.of(stored, [*refused, *unstorable])


def join_waiting(project: Project, items: Mapping[str, int]) -> int:
    """Give signals that came first the items that they waited for. `items` maps prediction keys to item ids."""
    waiting = Signal.objects.filter(project=project, item=None, prediction_key__in=list(items)[:10_000])
    joined = list(waiting)
    for signal in joined:
        signal.item_id = items[signal.prediction_key]
    Signal.objects.bulk_update(joined, ["item"], batch_size=500)
    return len(joined)


def _check_all(project: Project, rows: Sequence[Any], at: datetime) -> tuple[list[Row], list[Refusal]]:
    values = project.schema().values()
    good: dict[str, Row] = {}
    refused: list[Refusal] = []
    for index, given in enumerate(rows):
        try:
            row = _check(index, given, values, at)
            if good.setdefault(row.key, row).body_hash != row.body_hash:
                raise BadRow(f"Signal {row.key} stands in this batch twice with different bodies; the first is kept.")
        except DATABASE_AWAY:
            raise
        except Exception as why:
            refused.append(refuse(index, given.get("id") if isinstance(given, dict) else None, why))
    return list(good.values()), refused


def _check(index: int, given: Any, values: list[str], at: datetime) -> Row:
    if not isinstance(given, dict):
        raise BadRow("A row is one JSON object.")
    if unknown := sorted(set(given) - FIELDS):
        raise BadRow(f"Unknown field `{unknown[0]}`; a signal takes {', '.join(sorted(FIELDS))}.")
    kind = given.get("kind")
    if kind not in SignalKind.values:
        raise BadRow(f"`kind` is {kind!r}; it takes {', '.join(SignalKind.values)}.")
    value = given.get("value")
    if kind in WITH_LABEL and value not in values:
        raise BadRow(f"A {kind} needs `value`, one of the labels {', '.join(values[:10])}; it is {value!r}.")
    if len(str(value)) > LARGEST_VALUE or not is_storable(value):
        raise BadRow(f"`value` takes JSON of at most {LARGEST_VALUE:,} characters without NaN, infinity or NUL.")
    return Row(
        index=index,
        key=name(given, "id", longest=200, required=True),
        prediction_key=name(given, "key", longest=200, required=True),
        kind=kind,
        value=value,
        actor=name(given, "actor", longest=200),
        at=parse_time(given.get("at"), at),
        body_hash=body_hash(given),
    )


def _store(project: Project, rows: Sequence[Row], at: datetime) -> Captured:
    known = _known(project, rows)
    new = [row for row in rows if row.key not in known]
    items = _items(project, new)
    signals = [
        Signal(
            project=project,
            key=row.key,
            prediction_key=row.prediction_key,
            item_id=items.get(row.prediction_key),
            kind=row.kind,
            value=row.value,
            actor=row.actor,
            body_hash=row.body_hash,
            at=row.at,
            captured_at=at,
        )
        for row in new
    ]
    Signal.objects.bulk_create(signals, ignore_conflicts=True, batch_size=500)
    if new:
        known = _known(project, rows)  # another request may have written the same ids meanwhile
    conflicts = [
        Refusal(row.index, row.key, f"Signal {row.key} was captured before with another body; the first is kept.")
        for row in rows
        if known[row.key] != row.body_hash
    ]
    wrong = {refusal.key for refusal in conflicts}
    created = sum(row.key not in wrong for row in new)
    return Captured(created, len(rows) - len(conflicts) - created, tuple(conflicts))


def _known(project: Project, rows: Sequence[Row]) -> dict[str, str]:
    found: dict[str, str] = {}
    for start in range(0, len(rows), 500):
        keys = [row.key for row in rows[start : start + 500]]
        found |= dict(Signal.objects.filter(project=project, key__in=keys).values_list("key", "body_hash"))
    return found


def _items(project: Project, rows: Sequence[Row]) -> dict[str, int]:
    found: dict[str, int] = {}
    for start in range(0, len(rows), 500):
        keys = [row.prediction_key for row in rows[start : start + 500]]
        found |= dict(Item.objects.filter(project=project, key__in=keys).values_list("key", "pk"))
    return found
