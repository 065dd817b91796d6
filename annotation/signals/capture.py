"""Record what came back: thumbs, corrections and the other signals, each once under the caller's id.

A signal that arrives before its prediction is kept and waits for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Any

from django.db import transaction
from msgspec import Meta, Struct

from annotation import kinds as task_kinds
from annotation.batches import (
    DATABASE_AWAY,
    BadRow,
    Captured,
    Refusal,
    body_hash,
    in_order,
    is_same_body,
    isolate_failures,
    parse_time,
    printable,
    refuse,
)
from annotation.kinds import InvalidLabel, Labels, TaskKind
from annotation.models import Item, Signal
from annotation.row_fields import A_TEXT, Key, Time
from annotation.signals import joining, kinds
from projects.archiving import check_open
from projects.bulk_insert import insert_new
from projects.chunks import chunks
from projects.json_body import Unreadable
from projects.models import Project
from validation.json_values import is_storable, quote
from validation.structs import to_struct

LARGEST_VALUE = 10_000


class SignalRow(Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What came back about one prediction."""

    id: Annotated[Key, Meta(description=f"your own id of the signal, {A_TEXT}")]
    key: Annotated[Key, Meta(description="the key of the prediction, which may come later")]
    kind: Annotated[
        str,
        Meta(
            description="the name of a signal kind, such as thumbs_down",
            extra_json_schema={"enum": kinds.names()},
        ),
    ]
    value: Annotated[
        Any,
        Meta(description=f"any JSON of at most {LARGEST_VALUE:,} characters; a label for corrections and overrides"),
    ] = None
    at: Time | None = None
    actor: Annotated[Key, Meta(description=f"who gave it, {A_TEXT}")] | None = None


@dataclass(frozen=True, slots=True)
class ValidSignal:
    """One signal that can be stored."""

    index: int
    key: str
    prediction_key: str
    kind: str
    value: Any
    actor: str
    at: datetime
    body_hash: str
    given: Any


class CapturedSignals(Captured, frozen=True, kw_only=True):
    """What became of a batch of signals; `waiting` counts the new ones whose prediction has not been captured.

    Each row counts once: a signal that waits is not among the created.
    """

    waiting: int


def capture_signals(project: Project, rows: Sequence[Any], *, at: datetime, look_up: bool = True) -> CapturedSignals:
    """Keep every good signal of the batch; the same one again is `existing`, another body under its id is refused.

    Without `look_up` nobody looks whether a prediction is there: each signal waits, and periodic work joins it.
    """
    check_open(project)
    valid, refused = validate_signals(project, rows, at=at)
    parts, unstorable = isolate_failures(valid, partial(_store, project, at=at, look_up=look_up))
    without_item = [row for part in parts for row in part.without_item] if look_up else []
    joining.join_after_commit(project, [row.prediction_key for row in without_item])
    waiting = joining.count_waiting_among(project, [row.key for row in without_item])
    return CapturedSignals(
        created=sum(part.created for part in parts) - waiting,
        waiting=waiting,
        existing=sum(part.existing for part in parts),
        refused=in_order(refused, unstorable, *(part.conflicts for part in parts)),
    )


def preview_signals(project: Project, rows: Sequence[Any], *, at: datetime) -> CapturedSignals:
    """What `capture_signals` would answer now; nothing is written."""
    valid, refused = validate_signals(project, rows, at=at)
    known = _find_hashes(project, valid)
    again = [row for row in valid if row.key in known]
    new = [row for row in valid if row.key not in known]
    conflicts = [_conflict(row) for row in again if not is_same_body(row.given, row.body_hash, known[row.key])]
    items = _find_items(project, new)
    created = sum(row.prediction_key in items for row in new)
    return CapturedSignals(
        created=created,
        waiting=len(new) - created,
        existing=len(again) - len(conflicts),
        refused=in_order(refused, conflicts),
    )


def validate_signals(project: Project, rows: Sequence[Any], *, at: datetime) -> tuple[list[ValidSignal], list[Refusal]]:
    """The signals that can be stored, each id once, and the refusal of every other row."""
    task, labels = task_kinds.of_project(project), project.schema().labels
    valid: dict[str, ValidSignal] = {}
    refused: list[Refusal] = []
    for index, given in enumerate(rows):
        try:
            row = _validate(index, given, task, labels, at)
            if valid.setdefault(row.key, row).body_hash != row.body_hash:
                raise BadRow(f"Signal {row.key} stands in this batch twice with different bodies; the first is kept.")
        except DATABASE_AWAY:
            raise
        except Exception as why:
            refused.append(refuse(index, given.get("id") if isinstance(given, dict) else None, why))
    return list(valid.values()), refused


def _validate(index: int, given: Any, task: TaskKind, labels: Labels, at: datetime) -> ValidSignal:
    if isinstance(given, Unreadable):
        raise BadRow(given.error)
    row = to_struct(given, SignalRow, noun="signal")
    kind = kinds.kind_named(row.kind)
    if kind is None:
        raise BadRow(f"`kind` is {quote(row.kind)}; it takes {', '.join(kinds.names())}.", field="kind")
    value = _task_value(kind.name, row.value, task, labels) if kind.label else row.value
    if len(str(row.value)) > LARGEST_VALUE or not is_storable(row.value):
        raise BadRow(
            f"`value` takes JSON of at most {LARGEST_VALUE:,} characters without NaN, infinity or NUL.", field="value"
        )
    return ValidSignal(
        index=index,
        key=printable("id", row.id),
        prediction_key=printable("key", row.key),
        kind=kind.name,
        value=value,
        actor=printable("actor", row.actor),
        at=parse_time(row.at, at),
        body_hash=body_hash(given),
        given=given,
    )


def _task_value(signal: str, value: Any, task: TaskKind, labels: Labels) -> Any:
    """The value of a correction, as a label of the project's kind is stored."""
    try:
        return task.validate(value, labels)
    except InvalidLabel as why:
        raise BadRow(f"A {signal} needs `value`: {why}", field="value") from None


@dataclass(frozen=True)
class _Stored:
    """What became of a part of the batch."""

    created: int
    existing: int
    conflicts: list[Refusal]
    without_item: list[ValidSignal]  # of the created


@transaction.atomic
def _store(project: Project, rows: Sequence[ValidSignal], *, at: datetime, look_up: bool) -> _Stored:
    """Insert what is new, and compare what is not."""
    known = _find_hashes(project, rows)
    new = sorted((row for row in rows if row.key not in known), key=lambda row: row.key)  # as item_locks orders inserts
    items = _find_items(project, new) if look_up else {}
    columns: dict[str, list[Any]] = {name: [getattr(row, name) for row in new] for name in STORED}
    columns["item_id"] = [items.get(row.prediction_key) for row in new]
    insert_new(Signal, columns, project_id=project.pk, captured_at=at)
    if new:
        known = _find_hashes(project, rows)  # another request may have written the same ids meanwhile
    conflicts = [_conflict(row) for row in rows if not is_same_body(row.given, row.body_hash, known[row.key])]
    wrong = {refusal.key for refusal in conflicts}
    created = [row for row in new if row.key not in wrong]
    return _Stored(
        created=len(created),
        existing=len(rows) - len(conflicts) - len(created),
        conflicts=conflicts,
        without_item=[row for row in created if row.prediction_key not in items],
    )


STORED = ("key", "prediction_key", "kind", "value", "actor", "at", "body_hash")


def _conflict(row: ValidSignal) -> Refusal:
    return Refusal(
        row.index, row.key, f"Signal {row.key} was captured before with another body; the first is kept.", "id"
    )


def _find_hashes(project: Project, rows: Sequence[ValidSignal]) -> dict[str, str]:
    """Body hashes of the signals that are captured under these ids."""
    found: dict[str, str] = {}
    for chunk in chunks([row.key for row in rows]):
        found |= dict(Signal.objects.filter(project=project, key__in=chunk).values_list("key", "body_hash"))
    return found


def _find_items(project: Project, rows: Sequence[ValidSignal]) -> dict[str, int]:
    """Ids of the items that these signals are about, where they are captured."""
    found: dict[str, int] = {}
    for chunk in chunks([row.prediction_key for row in rows]):
        found |= dict(Item.objects.filter(project=project, key__in=chunk).values_list("key", "pk"))
    return found
