"""Import of a file of any exchange format: items, versions' answers, known labels and signals, each row by its key.

The same file again changes nothing. A row that cannot be kept costs no other.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path, PurePath
from typing import IO, Any

from django.db import transaction

from annotation import capture, media
from annotation.capture.rows import validate_rows
from annotation.exchange.registry import FORMATS
from annotation.exchange.rows import (
    ExchangeRow,
    RefusedRecord,
    UnusableFile,
)
from annotation.image_sources import ImageSources
from annotation.import_bodies import (
    Numbered,
    PreparedBatch,
    first_prediction,
    has_rest,
    prediction_body,
    present,
    rest_of,
    says_more,
    zoned,
)
from annotation.import_options import ImportOptions, project_shape
from annotation.item_keys import find_by_keys
from annotation.models import ImportedRecord
from annotation.signals.capture import capture_signals
from inputs.images import budget_of
from inputs.registry import INPUT_TYPES
from projects.bulk_insert import insert_new, many_batches
from projects.chunks import chunks
from projects.models import Project
from validation.json_values import is_storable

# Rows that are in memory at once, and of one transaction: each changes a page of every index that is ordered by
# something random, and the more of them come at once, the more share a page that is written. Whoever else writes waits
# for the transaction.
BATCH = 5_000
MOST_CHARACTERS = 8_000_000  # of the texts of one batch, which then has fewer rows
SIGNALS_AT_ONCE = 2000
IMAGES_AT_ONCE = 20  # rows, where each may hold an image of many megabytes
ENDINGS = {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet", ".pq": "parquet"}

UNSTORABLE = "It holds a NUL, half a surrogate pair or a number that is not finite, which no database stores."

Record = tuple[int, ExchangeRow | RefusedRecord]


@dataclass
class ImportResult:
    """What became of records of a file.

    known    of the new rows those with an agreed label
    refused  in the order of their records
    """

    created: int = 0
    existing: int = 0
    known: int = 0
    signals: int = 0
    refused: list[RefusedRecord] = field(default_factory=list)
    dry_run: bool = False

    def add(self, more: "ImportResult") -> None:
        """Count what became of the records that follow."""
        self.created += more.created
        self.existing += more.existing
        self.known += more.known
        self.signals += more.signals
        self.refused += more.refused


def format_of_name(name: str) -> str:
    """The format by the ending of a file's name. Raises UnusableFile."""
    if (found := ENDINGS.get(PurePath(name.lower().removesuffix(".gz")).suffix)) is None:
        raise UnusableFile(f"{name} does not say its format; name it, one of {', '.join(FORMATS.names())}.")
    return found


def find_format(given: str, name: str) -> str:
    """The format that is given, or that the file's name says. Raises UnusableFile where there is none of that name."""
    found = given or format_of_name(name)
    if found not in FORMATS:
        raise UnusableFile(f"There is no format {found}; there are {', '.join(FORMATS.names())}.")
    return found


def options_of_name(name: str, options: ImportOptions) -> ImportOptions:
    """The options, with what the ending of a file's name says of its dialect."""
    if PurePath(name.lower().removesuffix(".gz")).suffix != ".tsv" or options.dialect.separator:
        return options
    return replace(options, dialect=replace(options.dialect, separator="\t"))


def import_file(
    project: Project,
    stream: IO[bytes],
    format_name: str,
    *,
    options: ImportOptions | None = None,
    folder: Path | None = None,
    at: datetime,
    dry_run: bool = False,
) -> ImportResult:
    """Import the file in batches, each kept before the next is read. Raises UnusableFile.

    Where the file breaks off, what came before is kept: the whole file given again goes on from there. With `dry_run`
    nothing is written, and `created` says how many rows would be. `folder`: where paths of images begin; without it an
    image is its bytes in base 64.
    """
    result = ImportResult(dry_run=dry_run)
    keep = count_batch if dry_run else partial(keep_batch, format_name=format_name)
    images = image_sources(project, folder=folder, fetches=not dry_run)
    with many_batches():
        for batch in read_batches(project, stream, format_name, options or ImportOptions()):
            result.add(keep(project, prepare_batch(project, batch, images=images, at=at), at=at))
    return result


def read_batches(
    project: Project, stream: IO[bytes], format_name: str, options: ImportOptions, *, skip: int = 0
) -> Iterator[list[Record]]:
    """The file's records with their numbers, BATCH at a time, without the first `skip`. Raises UnusableFile.

    What is skipped is read all the same: the keys of later rows depend on it.
    """
    format_name = find_format(format_name, "")
    shape = project_shape(project, options)
    found = islice(enumerate(FORMATS[format_name].read_rows(stream, shape), 1), skip, None)
    size = min(BATCH, IMAGES_AT_ONCE) if image_inputs(project) else BATCH
    while batch := _next_batch(found, size):
        yield batch


def _next_batch(found: Iterator[Record], size: int) -> list[Record]:
    """At most `size` of the records that follow, fewer where their texts are long."""
    batch: list[Record] = []
    characters = 0
    for record in islice(found, size):
        batch.append(record)
        if isinstance(record[1], ExchangeRow):
            characters += sum([len(value) for value in record[1].inputs.values() if type(value) is str])
        if characters > MOST_CHARACTERS:
            break
    return batch


def image_inputs(project: Project) -> list[str]:
    """The project's inputs that are images."""
    return [name for name, kind in project.contract().types().items() if INPUT_TYPES[kind].in_media]


def image_sources(project: Project, *, folder: Path | None, fetches: bool) -> ImageSources:
    """Where the images of one file's rows come from that the rows do not hold."""
    return ImageSources(image_inputs(project), folder=folder, fetches=fetches)


def prepare_batch(project: Project, batch: Sequence[Record], *, images: ImageSources, at: datetime) -> PreparedBatch:
    """The batch as it can be stored; nothing is written. Images are fetched here, so call it in no transaction."""
    refused = [given for _, given in batch if isinstance(given, RefusedRecord)]
    rows = []
    for number, given in batch:
        if isinstance(given, RefusedRecord):
            continue
        if not has_rest(given) or is_storable(rest_of(given)):
            rows.append((number, given))
        else:
            refused.append(RefusedRecord(number, UNSTORABLE))
    rows, without_image = images.fill(rows)
    refused += without_image
    bodies = [prediction_body(row, first_prediction(row)) for _, row in rows]
    valid, wrong, broken = validate_rows(project, bodies, at=at, budget=budget_of(len(bodies)))
    refused += [RefusedRecord(rows[refusal.index][0], refusal.error) for refusal in wrong]
    beside = {index: row for index, (_, row) in enumerate(rows) if says_more(row)}
    return PreparedBatch(len(batch), [number for number, _ in rows], valid, beside, refused, broken)


def count_batch(project: Project, batch: PreparedBatch, *, at: datetime) -> ImportResult:
    """What would become of the batch, without writing any."""
    known = find_by_keys(project, [row.key for row in batch.valid])
    return ImportResult(
        created=len(batch.valid) - len(known),
        existing=len(known),
        known=sum(row.known is not None and row.key not in known for row in batch.valid),
        refused=_in_order(batch.refused),
    )


def write_pictures(project: Project, batch: PreparedBatch) -> None:
    """Write the batch's images; in a caller's transaction they would keep its locks waiting."""
    media.write_files(project, [picture for row in batch.valid for picture in row.inputs.pictures])


@transaction.atomic
def keep_batch(project: Project, batch: PreparedBatch, *, format_name: str, at: datetime) -> ImportResult:
    """Keep the batch whole, in one transaction."""
    before = find_by_keys(project, [row.key for row in batch.valid if row.known is not None])
    kept = capture.store_rows(project, batch.valid, at=at)
    capture.count_refused(project, batch.broken, at=at)
    result = ImportResult(created=kept.created, existing=kept.existing, refused=list(batch.refused))
    result.refused += [RefusedRecord(batch.numbers[one.index], one.error) for one in kept.refused]
    wrong = {one.index for one in kept.refused}
    good = [row for row in batch.valid if row.index not in wrong]
    result.known += sum(row.known is not None and row.key not in before for row in good)
    more = [(batch.numbers[row.index], batch.beside[row.index]) for row in good if row.index in batch.beside]
    _add_versions(project, more, result, at=at)
    _keep_rest(project, [row for _, row in more if has_rest(row)], format_name, at=at)
    _keep_signals(project, more, result, at=at)
    result.refused = _in_order(result.refused)
    return result


def _in_order(refused: Sequence[RefusedRecord]) -> list[RefusedRecord]:
    return sorted(refused, key=lambda refusal: refusal.number)


def _add_versions(project: Project, rows: Sequence[Numbered], result: ImportResult, *, at: datetime) -> None:
    """What further versions said of the items, one version of each item at a time."""
    ids = find_by_keys(project, [row.key for _, row in rows if len(row.predictions) > 1])
    for place in range(1, max((len(row.predictions) for _, row in rows), default=0)):
        asked = [(number, row) for number, row in rows if len(row.predictions) > place]
        bodies = [prediction_body(row, row.predictions[place], known=False) for _, row in asked]
        valid, refused, _ = validate_rows(project, bodies, at=at)
        capture.store_rows(project, [replace(row, item_id=ids[row.key][0]) for row in valid], at=at)
        result.refused += [
            RefusedRecord(asked[one.index][0], f"The row is kept without its prediction {place + 1}: {one.error}")
            for one in refused
        ]


def _keep_rest(project: Project, rows: Sequence[ExchangeRow], format_name: str, *, at: datetime) -> None:
    ids = find_by_keys(project, [row.key for row in rows])
    columns: dict[str, list[Any]] = {
        "item_id": [ids[row.key][0] for row in rows],
        "record": [rest_of(row) for row in rows],
    }
    if rows:
        insert_new(ImportedRecord, columns, project_id=project.pk, format=format_name, imported_at=at)


def _keep_signals(project: Project, rows: Sequence[Numbered], result: ImportResult, *, at: datetime) -> None:
    given = [(number, row.key, signal) for number, row in rows for signal in row.signals]
    for part in chunks(given, SIGNALS_AT_ONCE):
        bodies = [present({**asdict(signal), "key": key, "at": zoned(signal.at)}) for _, key, signal in part]
        kept = capture_signals(project, bodies, at=at)
        result.signals += kept.created + kept.waiting
        result.refused += [
            RefusedRecord(part[one.index][0], f"The row is kept without a signal: {one.error}") for one in kept.refused
        ]
