"""Record what a model said: one batch in, one answer per row, good rows kept whatever the others are.

Idempotent on the caller's key: the same row again is `existing`, another body under the same key is refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from annotation import media
from annotation.models import Item, Prediction, Resolution, Source
from annotation.rows import DATABASE_AWAY, BadRow, Captured, Refusal, body_hash, isolate_failures, parse_time, refuse
from annotation.rows import name as row_name
from annotation.sampling.uncertainty import confidence, entropy, margin
from annotation.signals import joining
from inputs.contract import check_inputs
from inputs.images import PixelBudget
from inputs.types.image import CheckedImage
from projects.chunks import CHUNK, chunks
from projects.models import Project
from validation.json_values import is_finite_number, is_storable, quote, shorten
from validation.probabilities import is_off, normalise_scores

VERSIONS = ("model_version", "threshold_version", "policy_version")
FIELDS = {
    "key",
    "inputs",
    "scores",
    "label",
    "model_version",
    "threshold_version",
    "policy_version",
    "at",
    "segment",
    "label_known",
}


@dataclass
class Row:
    """One checked row on its way into the database."""

    index: int
    key: str
    body_hash: str
    inputs: dict[str, Any]
    pictures: list[CheckedImage]
    scores: list[float] | None
    renormalised: bool
    label: str
    versions: dict[str, str]
    at: datetime
    segment: dict[str, Any]
    known: str | None
    numbers: dict[str, float] = field(default_factory=dict)


def capture_rows(
    project: Project, rows: Sequence[Any], *, at: datetime, source: str = Source.CAPTURED, degraded: bool = False
) -> Captured:
    """Keep every good row of the batch, each with confidence, margin and entropy of its scores."""
    good, refused = _check_all(project, rows, at)
    refused += isolate_failures(good, _measure)[1]
    wrong = {refusal.index for refusal in refused}
    good = [row for row in good if row.index not in wrong]
    media.store(project, [picture for row in good for picture in row.pictures], at=at)

    def store(part: Sequence[Row]) -> Captured:
        with transaction.atomic():
            return _store(project, part, source=source, degraded=degraded, at=at)

    stored, unstorable = isolate_failures(good, store)
    joining.join_keys(project, [row.key for row in good])
    return Captured.of(stored, [*refused, *unstorable])


def _check_all(project: Project, rows: Sequence[Any], at: datetime) -> tuple[list[Row], list[Refusal]]:
    contract, values = project.contract().inputs, project.schema().values()
    budget = PixelBudget()
    good: dict[str, Row] = {}
    refused: list[Refusal] = []
    for index, given in enumerate(rows):
        key = given.get("key") if isinstance(given, dict) else None
        try:
            row = _check(index, given, contract, values, at, budget)
            first = good.setdefault(row.key, row)
            if first is not row and first.body_hash != row.body_hash:
                raise BadRow(f"Key {row.key} stands in this batch twice with different bodies; the first is kept.")
        except DATABASE_AWAY:
            raise
        except Exception as why:
            refused.append(refuse(index, key, why))
    return list(good.values()), refused


def _check(
    index: int,
    given: Any,
    contract: Mapping[str, Any],
    values: list[str],
    at: datetime,
    budget: PixelBudget,
) -> Row:
    if not isinstance(given, dict):
        raise BadRow("A row is one JSON object.")
    if unknown := sorted(set(given) - FIELDS):
        raise BadRow(f"Unknown field `{shorten(unknown[0], 60)}`; a row takes {', '.join(sorted(FIELDS))}.")
    key = row_name(given, "key", longest=200, required=True)
    stored, pictures = check_inputs(given.get("inputs"), contract, budget)
    scores, total = _scores(given.get("scores"), values)
    label = given.get("label")
    if label is None and scores is not None:
        label = values[int(np.argmax(scores))]
    for name, value in (("label", label), ("label_known", given.get("label_known"))):
        if value is not None and value not in values:
            raise BadRow(f"`{name}` is {quote(value)}; the labels are {_list(values)}.")
    return Row(
        index=index,
        key=key,
        body_hash=body_hash(given),
        inputs=stored,
        pictures=pictures,
        scores=scores,
        renormalised=is_off(total),
        label=label or "",
        versions={name: row_name(given, name, longest=80) for name in VERSIONS},
        at=parse_time(given.get("at"), at),
        segment=_segment(given.get("segment")),
        known=given.get("label_known"),
    )


def _scores(given: Any, values: list[str]) -> tuple[list[float] | None, float]:
    """One probability per label, in the schema's order, and the sum that they had."""
    if given is None:
        return None, 1.0
    if not isinstance(given, dict):
        raise BadRow("`scores` is not an object of labels with probabilities.")
    if unknown := [label for label in given if label not in values]:
        raise BadRow(f"`scores` has {quote(unknown[0])}; the labels are {_list(values)}.")
    scores = [given.get(label, 0.0) for label in values]
    for label, score in zip(values, scores, strict=True):
        if not is_finite_number(score):
            raise BadRow(f"The score of {label!r} is {quote(score)}; a finite number from 0 to 1 is expected.")
        if not 0 <= score <= 1:
            raise BadRow(f"The score of {label!r} is {score}; a number from 0 to 1 is expected.")
    return normalise_scores(scores)


def _segment(given: Any) -> dict[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, dict) or len(given) > 50:
        raise BadRow("`segment` takes an object of at most 50 names with texts.")
    for name, value in given.items():
        plain = isinstance(value, str | int | float) and is_storable([name, value])
        if not plain or len(str(value)) > 200:
            raise BadRow(f"`segment.{shorten(name, 60)}` takes a text or number of at most 200 characters.")
    return given


def _list(values: list[str]) -> str:
    return ", ".join(values[:10]) + (f" and {len(values) - 10} more" if len(values) > 10 else "")


def _measure(rows: Sequence[Row]) -> None:
    """Confidence, margin and entropy of all scored rows in three array operations."""
    scored = [row for row in rows if row.scores is not None]
    if not scored:
        return
    probabilities = np.array([row.scores for row in scored])
    for row, numbers in zip(scored, _numbers(probabilities), strict=True):
        row.numbers = numbers


def _numbers(probabilities: NDArray[np.floating]) -> list[dict[str, float]]:
    """The three stored numbers of each row of (n, k) probabilities."""
    measured = zip(confidence(probabilities), margin(probabilities), entropy(probabilities), strict=True)
    return [{"confidence": float(c), "margin": float(m), "entropy": float(e)} for c, m, e in measured]


def _store(project: Project, rows: Sequence[Row], *, source: str, degraded: bool, at: datetime) -> Captured:
    """Insert what is new, and compare what is not. Runs in the caller's transaction."""
    known = _hashes(project, [row.key for row in rows])
    new = [row for row in rows if row.key not in known]
    if new:
        Item.objects.bulk_create([_item(project, row, at) for row in new], ignore_conflicts=True, batch_size=CHUNK)
        stored = dict(_ids(project, [row.key for row in new]))
        raced = {key: hash_ for key, (_, hash_) in stored.items()}
        Prediction.objects.bulk_create(
            [_prediction(project, row, stored[row.key][0], source, degraded) for row in new],
            ignore_conflicts=True,
            batch_size=CHUNK,
        )
        _resolve_known(project, [(row, stored[row.key][0]) for row in new if row.known is not None], at)
        known |= raced
    conflicts = [
        Refusal(row.index, row.key, f"Key {row.key} was captured before with another body; the first is kept.")
        for row in rows
        if known[row.key] != row.body_hash
    ]
    wrong = {refusal.key for refusal in conflicts}
    created = [row for row in new if row.key not in wrong]
    renormalised = sum(row.renormalised for row in created)
    return Captured(len(created), len(rows) - len(conflicts) - len(created), tuple(conflicts), renormalised)


def _hashes(project: Project, keys: list[str]) -> dict[str, str]:
    return {key: hash_ for key, (_, hash_) in _ids(project, keys)}


def _ids(project: Project, keys: list[str]) -> list[tuple[str, tuple[int, str]]]:
    found: list[tuple[str, tuple[int, str]]] = []
    for chunk in chunks(keys):
        rows = Item.objects.filter(project=project, key__in=chunk)
        found += [(key, (pk, hash_)) for key, pk, hash_ in rows.values_list("key", "pk", "body_hash")]
    return found


def _item(project: Project, row: Row, at: datetime) -> Item:
    return Item(
        project=project,
        key=row.key,
        body_hash=row.body_hash,
        inputs=row.inputs,
        segment=row.segment,
        contract_version=project.contract().version,
        at=row.at,
        captured_at=at,
    )


def _prediction(project: Project, row: Row, item_id: int, source: str, degraded: bool) -> Prediction:
    scores = None if row.scores is None else np.asarray(row.scores, dtype="<f4").tobytes()
    return Prediction(
        project=project,
        item_id=item_id,
        source=source,
        schema_version=project.schema().version,
        scores=scores,
        label=row.label,
        at=row.at,
        degraded=degraded,
        **row.versions,
        **row.numbers,
    )


def _resolve_known(project: Project, pairs: list[tuple[Row, int]], at: datetime) -> None:
    """A label that came with the row is a resolution of its own method."""
    Resolution.objects.bulk_create(
        [
            Resolution(
                project=project,
                item_id=item_id,
                value=row.known,
                method=Resolution.Method.KNOWN,
                quality=1.0,
                votes=0,
                resolved_at=at,
            )
            for row, item_id in pairs
        ],
        ignore_conflicts=True,
        batch_size=CHUNK,
    )


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
) -> int:
    """Store what one version says of items captured before; a second call replaces nothing and adds nothing.

    `probabilities` is (n, k) in the order of the schema version; `out_of_sample` (n,) is False where the version was
    trained on the item. Returns how many rows were given.
    """
    values = project.label_schemas.get(version=schema_version).values()
    exact = np.asarray(probabilities, dtype=float)
    stored, winners = exact.astype("<f4"), exact.argmax(axis=1)
    rows = [
        Prediction(
            project=project,
            item_id=item_id,
            source=source,
            model_version=model_version,
            at=at,
            schema_version=schema_version,
            scores=stored[i].tobytes(),
            label=values[winners[i]],
            out_of_sample=bool(out_of_sample[i]),
            **numbers,
        )
        for i, (item_id, numbers) in enumerate(zip(item_ids, _numbers(exact), strict=True))
    ]
    Prediction.objects.bulk_create(rows, ignore_conflicts=True, batch_size=CHUNK)
    return len(rows)
