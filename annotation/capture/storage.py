"""Store validated rows as items and predictions, in one transaction for the batch."""

import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np
from django.db import transaction
from msgspec import structs
from numpy.typing import NDArray

from annotation import media, search
from annotation.batches import Captured, Refusal, in_order, is_same_body, isolate_failures
from annotation.capture import violations
from annotation.capture.decided import decided_columns
from annotation.capture.rows import VERSIONS, ValidPrediction, validate_rows
from annotation.capture.score_numbers import NUMBERS, uncertainty_numbers
from annotation.item_keys import find_by_keys
from annotation.models import Item, Prediction, Resolution, Source
from annotation.models.capture import ITEM
from annotation.routing import audit_draw
from annotation.signals import joining
from projects.archiving import check_open
from projects.bulk_insert import insert_new
from projects.ids import new_ids
from projects.models import Project
from validation.arrays import Floats, Ints


class CapturedPredictions(Captured, frozen=True, omit_defaults=True):
    """What became of a batch of predictions.

    Of the new rows `renormalised` had their scores divided by their sum, and `violating` were kept although a value of
    theirs breaks the input contract.
    """

    renormalised: int = 0
    violating: int = 0


def capture_rows(
    project: Project, rows: Sequence[Any], *, at: datetime, source: str = Source.CAPTURED, degraded: bool = False
) -> CapturedPredictions:
    """Keep every good row of the batch, each with confidence, margin and entropy of its scores.

    Rows that were refused because of the input contract are counted.
    """
    valid, refused, broken = validate_rows(project, rows, at=at)
    kept = store_rows(project, valid, at=at, source=source, degraded=degraded)
    violations.count_refused(project, broken, at=at)
    return structs.replace(kept, refused=in_order(refused, kept.refused))


def preview_rows(project: Project, rows: Sequence[Any], *, at: datetime) -> CapturedPredictions:
    """What `capture_rows` would answer now; nothing is written."""
    valid, refused, _ = validate_rows(project, rows, at=at)
    known = {key: hash_ for key, (_, hash_) in find_by_keys(project, [row.key for row in valid]).items()}
    again = [row for row in valid if row.key in known]
    conflicts = [_conflict(row) for row in again if not is_same_body(row.given, row.body_hash, known[row.key])]
    return _captured(
        [row for row in valid if row.key not in known],
        existing=len(again) - len(conflicts),
        refused=in_order(refused, conflicts),
    )


def store_rows(
    project: Project,
    rows: Sequence[ValidPrediction],
    *,
    at: datetime,
    source: str = Source.CAPTURED,
    degraded: bool = False,
) -> CapturedPredictions:
    """Store rows that are valid, whole or in the parts that the database takes; then join the signals about them.

    A row of an item that was captured before (`item_id`) adds what this version says of it.
    """
    check_open(project)
    media.write_files(project, [picture for row in rows if row.item_id is None for picture in row.inputs.pictures])
    store = partial(_store, project, source=source, degraded=degraded, at=at)
    parts, unstorable = isolate_failures(rows, store)
    joining.join_after_commit(project, [row.key for row in rows])
    return CapturedPredictions(
        created=sum(part.created for part in parts),
        existing=sum(part.existing for part in parts),
        refused=in_order(unstorable, *(part.refused for part in parts)),
        renormalised=sum(part.renormalised for part in parts),
        violating=sum(part.violating for part in parts),
    )


@transaction.atomic
def _store(
    project: Project, rows: Sequence[ValidPrediction], *, source: str, degraded: bool, at: datetime
) -> CapturedPredictions:
    """Insert what is new, and compare what is not."""
    again = [row for row in rows if row.item_id is not None]
    rows = [row for row in rows if row.item_id is None]
    known = {key: hash_ for key, (_, hash_) in find_by_keys(project, [row.key for row in rows]).items()}
    new = sorted((row for row in rows if row.key not in known), key=lambda row: row.key)  # as item_locks orders inserts
    if new:
        media.record(project, [picture for row in new for picture in row.inputs.pictures], at=at)
        _insert_items(project, new, at)
    stored = find_by_keys(project, [row.key for row in new])  # another request may have made some of them meanwhile
    ids = {key: pk for key, (pk, _) in stored.items()} | {row.key: row.item_id for row in again if row.item_id}
    _insert_predictions(project, sorted((*new, *again), key=lambda row: ids[row.key]), ids, source, degraded)
    search.store(project, [(ids[row.key], row.key, row.inputs.stored) for row in new])
    _resolve_known(project, [(row, ids[row.key]) for row in new if row.known is not None], at)
    known |= {key: hash_ for key, (_, hash_) in stored.items()}
    conflicts = [_conflict(row) for row in rows if not is_same_body(row.given, row.body_hash, known[row.key])]
    wrong = {refusal.key for refusal in conflicts}
    created = [row for row in new if row.key not in wrong]
    violations.store_violations(project, [(row, ids[row.key]) for row in created if row.violations])
    return _captured(created, existing=len(rows) + len(again) - len(conflicts) - len(created), refused=tuple(conflicts))


def _captured(
    created: Sequence[ValidPrediction], *, existing: int, refused: tuple[Refusal, ...]
) -> CapturedPredictions:
    return CapturedPredictions(
        created=len(created),
        existing=existing,
        refused=refused,
        renormalised=sum(row.renormalised for row in created),
        violating=sum(bool(row.violations) for row in created),
    )


def _conflict(row: ValidPrediction) -> Refusal:
    return Refusal(
        row.index, row.key, f"Key {row.key} was captured before with another body; the first is kept.", "key"
    )


def _insert_items(project: Project, rows: Sequence[ValidPrediction], at: datetime) -> None:
    """The items of new rows, with the audit draw that what was said of them gives."""
    keys = [row.key for row in rows]
    drawn = audit_draw.draw_columns(
        project,
        keys,
        confidence=[row.numbers.get("confidence") for row in rows],
        versions=[row.versions.get("model_version", "") for row in rows],
        known={row.key for row in rows if row.known is not None},
        at=at,
    )
    columns: dict[str, list[Any]] = {
        "uid": new_ids(ITEM, len(rows)),
        "key": keys,
        "body_hash": [row.body_hash for row in rows],
        "inputs": [row.inputs.stored for row in rows],
        "segment": [row.segment for row in rows],
        "at": [row.at for row in rows],
    }
    contract = project.contract().version
    insert_new(Item, columns | drawn, project_id=project.pk, contract_version=contract, captured_at=at)


def _insert_predictions(
    project: Project, rows: Sequence[ValidPrediction], ids: Mapping[str, int], source: str, degraded: bool
) -> None:
    columns: dict[str, list[Any]] = {
        "item_id": [ids[row.key] for row in rows],
        "scores": [None if row.scores is None else pack_scores(row.scores) for row in rows],
        "label": [row.label for row in rows],
        "value": [row.value for row in rows],
        "at": [row.at for row in rows],
        "out_of_sample": [row.out_of_sample for row in rows],
    }
    columns |= {name: [row.versions.get(name, "") for row in rows] for name in VERSIONS}
    columns |= {name: [row.numbers.get(name) for row in rows] for name in NUMBERS}
    columns |= decided_columns([row.decided for row in rows])
    schema = project.schema().version
    constants = {"project_id": project.pk, "schema_version": schema, "source": source, "degraded": degraded}
    insert_new(Prediction, columns, **constants)


def pack_scores(scores: Sequence[float]) -> bytes:
    """Scores as they are stored: float32, little-endian."""
    return struct.pack(f"<{len(scores)}f", *scores)


def unpack_scores(stored: bytes | memoryview) -> tuple[float, ...]:
    """Scores as they were stored."""
    return struct.unpack(f"<{len(stored) // 4}f", stored)


def _resolve_known(project: Project, pairs: list[tuple[ValidPrediction, int]], at: datetime) -> None:
    """A label that came with the row is a resolution of its own method."""
    if not pairs:
        return
    columns: dict[str, list[Any]] = {
        "item_id": [item_id for _, item_id in pairs],
        "value": [row.known for row, _ in pairs],
        "also": [row.known_beside for row, _ in pairs],
    }
    known = {"method": Resolution.Method.KNOWN, "quality": 1.0, "votes": 0, "resolved_at": at}
    insert_new(Resolution, columns, project_id=project.pk, **known)


def record_scores(
    project: Project,
    *,
    item_ids: Sequence[int],
    probabilities: NDArray[np.floating],
    model_version: str,
    schema_version: int,
    source: str,
    out_of_sample: NDArray[np.bool_],
    at: datetime,
    choose: Callable[[Floats, Sequence[str]], Ints] | None = None,
) -> int:
    """Store what one version says of items captured before; a second call replaces nothing and adds nothing.

    `probabilities` is (n, k) in the order of the schema version; `out_of_sample` (n,) is False where the version was
    trained on the item. `choose` gives the codes (n,) of the labels that they lead to; the largest ones without it.
    Returns how many rows were given.
    """
    values = project.label_schemas.get(version=schema_version).values()
    exact = np.asarray(probabilities, dtype=float)
    stored, winners = exact.astype("<f4"), choose(exact, values) if choose else exact.argmax(axis=1)
    order = sorted(range(len(item_ids)), key=item_ids.__getitem__)
    measured = uncertainty_numbers(exact)
    columns: dict[str, list[Any]] = {
        "item_id": [item_ids[i] for i in order],
        "scores": [stored[i].tobytes() for i in order],
        "label": [values[winners[i]] for i in order],
        "out_of_sample": [bool(out_of_sample[i]) for i in order],
    }
    columns |= {name: [numbers[i] for i in order] for name, numbers in measured.items()}
    insert_new(
        Prediction,
        columns,
        project_id=project.pk,
        source=source,
        model_version=model_version,
        at=at,
        schema_version=schema_version,
    )
    return len(order)
