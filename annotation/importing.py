"""Import of a file of any exchange format: items, versions' answers, known labels and signals, each row by its key.

The same file again changes nothing. A row that cannot be kept costs no other.
"""

import base64
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path, PurePath
from typing import IO, Any

from annotation import capture
from annotation.capture.rows import validate_rows
from annotation.exchange.registry import FORMATS
from annotation.exchange.rows import (
    ColumnNames,
    ExchangePrediction,
    ExchangeRow,
    ProjectShape,
    RefusedRecord,
    UnusableFile,
)
from annotation.models import ImportedRecord, Item
from annotation.signals.capture import capture_signals
from inputs.registry import INPUT_TYPES
from projects.chunks import CHUNK, chunks
from projects.models import Project
from validation.json_values import is_storable

BATCH = 1000  # rows that are in memory at once
LONGEST_PATH = 1000  # characters; what is longer is an image itself
ENDINGS = {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet", ".pq": "parquet"}
LARGEST_PICTURE = 32 << 20

Numbered = tuple[int, ExchangeRow]


@dataclass
class ImportResult:
    """What became of a file's records.

    known    of the new rows those with an agreed label
    refused  in the order of their records
    """

    created: int = 0
    existing: int = 0
    known: int = 0
    signals: int = 0
    refused: list[RefusedRecord] = field(default_factory=list)
    dry_run: bool = False


def format_of_name(name: str) -> str:
    """The format by the ending of a file's name. Raises UnusableFile."""
    if (found := ENDINGS.get(PurePath(name).suffix.lower())) is None:
        raise UnusableFile(f"{name} does not say its format; name it, one of {', '.join(FORMATS.names())}.")
    return found


def project_shape(project: Project, *, columns: ColumnNames | None = None, raw_cells: bool = False) -> ProjectShape:
    """What formats know of the project."""
    return ProjectShape(
        kind=project.kind,
        labels=project.schema().labels,
        inputs=project.contract().types(),
        positive=project.positive,
        columns=columns or ColumnNames(),
        raw_cells=raw_cells,
    )


def import_file(
    project: Project,
    stream: IO[bytes],
    format_name: str,
    *,
    columns: ColumnNames | None = None,
    folder: Path | None = None,
    at: datetime,
    dry_run: bool = False,
) -> ImportResult:
    """Import the file in batches, each kept before the next is read. Raises UnusableFile.

    Where the file breaks off, what came before is kept: the whole file given again goes on from there. With `dry_run`
    nothing is written, and `created` says how many rows would be. `folder`: where paths of images begin; without it an
    image is its bytes in base 64.
    """
    if format_name not in FORMATS:
        raise UnusableFile(f"There is no format {format_name}; there are {', '.join(FORMATS.names())}.")
    result = ImportResult(dry_run=dry_run)
    found = enumerate(FORMATS[format_name].read_rows(stream, project_shape(project, columns=columns)), 1)
    while batch := list(islice(found, BATCH)):
        result.refused += [given for _, given in batch if isinstance(given, RefusedRecord)]
        rows = [(number, with_pictures(row, project, folder)) for number, row in _storable(batch, result)]
        if dry_run:
            _count(project, rows, result, at=at)
        else:
            _keep_rows(project, rows, format_name, result, at=at)
    result.refused.sort(key=lambda refusal: refusal.number)
    return result


def with_pictures(row: ExchangeRow, project: Project, folder: Path | None) -> ExchangeRow:
    """The row with the bytes of each image that it names by its path below the folder; other values stay."""
    images = [name for name, kind in project.contract().types().items() if INPUT_TYPES[kind].in_media]
    if folder is None or not images:
        return row
    found = {name: _picture(row.inputs[name], folder) for name in images if name in row.inputs}
    return replace(row, inputs={**row.inputs, **found})


def _picture(value: Any, folder: Path) -> Any:
    """The bytes in base 64 of the file that the value names. What names none is left for capture to refuse."""
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_PATH or "\0" in value:
        return value
    path = (folder / value).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file() or path.stat().st_size > LARGEST_PICTURE:
        return value
    return base64.b64encode(path.read_bytes()).decode()


def _storable(batch: Iterable[tuple[int, ExchangeRow | RefusedRecord]], result: ImportResult) -> Iterator[Numbered]:
    """The rows whose every part a database takes; the others are refused."""
    for number, row in batch:
        if isinstance(row, RefusedRecord):
            continue
        if is_storable(_rest(row)):
            yield number, row
        else:
            why = "It holds a NUL, half a surrogate pair or a number that is not finite, which no database stores."
            result.refused.append(RefusedRecord(number, why))


def _count(project: Project, rows: Sequence[Numbered], result: ImportResult, *, at: datetime) -> None:
    """What would become of the rows, without writing any."""
    bodies = [_body(row, _first(row)) for _, row in rows]
    valid, refused = validate_rows(project, bodies, at=at)
    known = _item_ids(project, [row.key for row in valid])
    result.existing += len(known)
    result.created += len(valid) - len(known)
    result.known += sum(row.known is not None and row.key not in known for row in valid)
    result.refused += [RefusedRecord(rows[refusal.index][0], refusal.error) for refusal in refused]


def _keep_rows(
    project: Project, rows: Sequence[Numbered], format_name: str, result: ImportResult, *, at: datetime
) -> None:
    before = _item_ids(project, [row.key for _, row in rows])
    kept = capture.capture_rows(project, [_body(row, _first(row)) for _, row in rows], at=at)
    result.created += kept.created
    result.existing += kept.existing
    result.refused += [RefusedRecord(rows[refusal.index][0], refusal.error) for refusal in kept.refused]
    wrong = {refusal.index for refusal in kept.refused}
    good = [numbered for place, numbered in enumerate(rows) if place not in wrong]
    ids = _item_ids(project, [row.key for _, row in good])
    result.known += sum(row.agreed is not None and row.key not in before for _, row in good)
    _add_versions(project, good, ids, result, at=at)
    _keep_rest(project, [row for _, row in good], ids, format_name, at=at)
    _keep_signals(project, good, result, at=at)


def _add_versions(
    project: Project, rows: Sequence[Numbered], ids: dict[str, int], result: ImportResult, *, at: datetime
) -> None:
    """What further versions said of the items, one version of each item at a time."""
    for place in range(1, max((len(row.predictions) for _, row in rows), default=0)):
        asked = [(number, row) for number, row in rows if len(row.predictions) > place]
        bodies = [_body(row, row.predictions[place], known=False) for _, row in asked]
        valid, refused = validate_rows(project, bodies, at=at)
        capture.store_rows(project, [replace(row, item_id=ids[row.key]) for row in valid], at=at)
        result.refused += [
            RefusedRecord(asked[one.index][0], f"The row is kept without its prediction {place + 1}: {one.error}")
            for one in refused
        ]


def _keep_rest(
    project: Project, rows: Sequence[ExchangeRow], ids: dict[str, int], format_name: str, *, at: datetime
) -> None:
    records = [
        ImportedRecord(item_id=ids[row.key], project=project, format=format_name, record=_rest(row), imported_at=at)
        for row in rows
        if row.labels or row.extra or any(given.extra or given.score is not None for given in row.predictions)
    ]
    ImportedRecord.objects.bulk_create(records, ignore_conflicts=True, batch_size=CHUNK)


def _keep_signals(project: Project, rows: Sequence[Numbered], result: ImportResult, *, at: datetime) -> None:
    given = [(number, row.key, signal) for number, row in rows for signal in row.signals]
    for part in chunks(given, BATCH):
        bodies = [_present({**asdict(signal), "key": key, "at": _zoned(signal.at)}) for _, key, signal in part]
        kept = capture_signals(project, bodies, at=at)
        result.signals += kept.created + kept.waiting
        result.refused += [
            RefusedRecord(part[one.index][0], f"The row is kept without a signal: {one.error}") for one in kept.refused
        ]


def _first(row: ExchangeRow) -> ExchangePrediction:
    return row.predictions[0] if row.predictions else ExchangePrediction()


def _body(row: ExchangeRow, said: ExchangePrediction, *, known: bool = True) -> dict[str, Any]:
    """The row as capture takes it."""
    return _present(
        {
            "key": row.key,
            "inputs": dict(row.inputs),
            "scores": None if said.scores is None else dict(said.scores),
            "value": said.value,
            "model_version": said.model_version or None,
            "threshold_version": said.threshold_version or None,
            "policy_version": said.policy_version or None,
            "at": _zoned(row.at if known else said.at or row.at),
            "segment": dict(row.segment) or None,
            "label_known": row.agreed if known else None,
        }
    )


def _present(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value is not None}


def _rest(row: ExchangeRow) -> dict[str, Any]:
    """What the row says beyond inputs, versions' answers and the agreed value."""
    said = [
        {"model_version": one.model_version, "score": one.score, "at": one.at, "extra": dict(one.extra)}
        for one in row.predictions
    ]
    return {
        "at": row.at,
        "labels": [asdict(label) for label in row.labels],
        "predictions": said,
        "extra": dict(row.extra),
    }


def _zoned(text: str | None) -> str | None:
    """A time without a zone is UTC, as tracing tools mean it; what is no time stays for capture to refuse."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return text if moment.tzinfo else moment.replace(tzinfo=UTC).isoformat()


def _item_ids(project: Project, keys: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for chunk in chunks(keys):
        found |= dict(Item.objects.filter(project=project, key__in=chunk).values_list("key", "pk"))
    return found
