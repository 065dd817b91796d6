"""Record what came back: thumbs, corrections and the other signals, each once under the caller's id.

A signal that arrives before its prediction is kept and waits for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction

from annotation.models import Item, Signal
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
from annotation.signals import joining, kinds
from projects.chunks import CHUNK, chunks
from projects.models import Project
from validation.json_values import is_storable, quote, shorten

FIELDS = {"id", "key", "kind", "value", "at", "actor"}
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
    """Keep every good signal of the batch; the same one again is `existing`, another body under its id is refused.

    A new signal counts as `waiting` where its prediction has not been captured, else as `created`.
    """
    good, refused = _check_all(project, rows, at)

    def store(part: Sequence[Row]) -> tuple[Captured, list[Row]]:
        with transaction.atomic():
            return _store(project, part, at)

    stored, unstorable = isolate_failures(good, store)
    captured = Captured.of([part for part, _ in stored], [*refused, *unstorable])
    without_item = [row for _, rows in stored for row in rows]
    joining.join_keys(project, [row.prediction_key for row in without_item])
    waiting = joining.count_waiting_among(project, [row.key for row in without_item])
    return replace(captured, created=captured.created - waiting, waiting=waiting)


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
        raise BadRow(f"Unknown field `{shorten(unknown[0], 60)}`; a signal takes {', '.join(sorted(FIELDS))}.")
    kind = kinds.find(given.get("kind"))
    if kind is None:
        raise BadRow(f"`kind` is {quote(given.get('kind'))}; it takes {', '.join(kinds.names())}.")
    value = given.get("value")
    if kind.label and value not in values:
        raise BadRow(f"A {kind.name} needs `value`, one of the labels {', '.join(values[:10])}; it is {quote(value)}.")
    if len(str(value)) > LARGEST_VALUE or not is_storable(value):
        raise BadRow(f"`value` takes JSON of at most {LARGEST_VALUE:,} characters without NaN, infinity or NUL.")
    return Row(
        index=index,
        key=name(given, "id", longest=200, required=True),
        prediction_key=name(given, "key", longest=200, required=True),
        kind=kind.name,
        value=value,
        actor=name(given, "actor", longest=200),
        at=parse_time(given.get("at"), at),
        body_hash=body_hash(given),
    )


def _store(project: Project, rows: Sequence[Row], at: datetime) -> tuple[Captured, list[Row]]:
    """Insert what is new; the rows returned have no item yet. Runs in the caller's transaction."""
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
    Signal.objects.bulk_create(signals, ignore_conflicts=True, batch_size=CHUNK)
    if new:
        known = _known(project, rows)  # another request may have written the same ids meanwhile
    conflicts = [
        Refusal(row.index, row.key, f"Signal {row.key} was captured before with another body; the first is kept.")
        for row in rows
        if known[row.key] != row.body_hash
    ]
    wrong = {refusal.key for refusal in conflicts}
    kept = [row for row in new if row.key not in wrong]
    captured = Captured(len(kept), len(rows) - len(conflicts) - len(kept), tuple(conflicts))
    return captured, [row for row in kept if row.prediction_key not in items]


def _known(project: Project, rows: Sequence[Row]) -> dict[str, str]:
    found: dict[str, str] = {}
    for chunk in chunks([row.key for row in rows]):
        found |= dict(Signal.objects.filter(project=project, key__in=chunk).values_list("key", "body_hash"))
    return found


def _items(project: Project, rows: Sequence[Row]) -> dict[str, int]:
    found: dict[str, int] = {}
    for chunk in chunks([row.prediction_key for row in rows]):
        found |= dict(Item.objects.filter(project=project, key__in=chunk).values_list("key", "pk"))
    return found
