"""Export of a project's items to a file of any exchange format, a thousand items in memory at a time."""

import base64
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from itertools import chain
from operator import attrgetter
from typing import IO, Any

from django.db.models import QuerySet

from annotation import blinding, media, side_answers
from annotation.capture import Decided
from annotation.capture.rows import VERSIONS
from annotation.capture.storage import unpack_scores
from annotation.exchange.registry import FORMATS
from annotation.exchange.rows import (
    ExchangeLabel,
    ExchangePrediction,
    ExchangeRow,
    ExchangeSignal,
    UnusableFile,
    said_by_all,
)
from annotation.import_options import project_shape
from annotation.item_display import is_image
from annotation.item_provenance import item_provenance
from annotation.models import ImportedRecord, Item, Label, LabelState, Prediction, Resolution, Signal, Source
from projects.chunks import chunks
from projects.models import Project, User

REPORTED = AT_ONCE = 1000  # items between two reports, and in memory at once
PART = 1 << 18  # bytes of an export that are sent at once
LABEL_FIELDS = frozenset(one.name for one in fields(ExchangeLabel))
FULL_FORMATS = ("jsonl", "csv", "parquet")
LABEL_LINEAGE = ("cause", "guideline_version", "inclusion_probability")
ITEM_FIELDS = ("pk", "key", "inputs", "segment", "at")
SAID_FIELDS = ("pk", "item_id", "scores", "label", "value", *VERSIONS, "schema_version", "at")
SAID = (Source.CAPTURED, Source.SERVED)  # what was said in the product, not what was computed again


def written_formats() -> list[str]:
    """The names of the formats that are written."""
    return [one.name for one in FORMATS if one.writes]


def check_export(project: Project, format_name: str, *, full: bool = False) -> None:
    """Raises UnusableFile where the format does not exist, or cannot carry what is asked for."""
    if format_name not in written_formats():
        raise UnusableFile(f"There is no format {format_name} to write; there are {', '.join(written_formats())}.")
    if full and format_name not in FULL_FORMATS:
        raise UnusableFile(f"Only {', '.join(FULL_FORMATS)} carry full rows; {format_name} does not.")


def export_file(
    project: Project,
    stream: IO[bytes],
    format_name: str,
    *,
    viewer: User | None = None,
    raw_cells: bool = False,
    full: bool = False,
    only: Sequence[int] | None = None,
    report: Callable[[int], object] = int,
) -> int:
    """Write every item, or these, and return how many. Raises UnusableFile where the format cannot carry what is asked
    for.

    `viewer`: of items that this person may not see the labels of yet, only the inputs are written. `full`: each row
    also says how its item was chosen and agreed, and each label why it was asked for and by which guideline. `report`
    is called with the number of items that have been read, again and again.
    """
    check_export(project, format_name, full=full)
    rows = _reported(exported_rows(project, viewer=viewer, full=full, only=only), report)
    return FORMATS[format_name].write_rows(rows, stream, project_shape(project, raw_cells=raw_cells))


def _reported(rows: Iterable[ExchangeRow], report: Callable[[int], object]) -> Iterator[ExchangeRow]:
    for number, row in enumerate(rows):
        if number % REPORTED == 0:
            report(number)
        yield row


def exported_parts(
    project: Project, format_name: str, *, viewer: User | None, raw_cells: bool = False, full: bool = False
) -> Iterator[bytes]:
    """The file of every item, in parts of about PART bytes as they are made.

    Raises UnusableFile, and whatever is raised before the first part, now and not when it is read.
    """
    check_export(project, format_name, full=full)
    rows = exported_rows(project, viewer=viewer, full=full)
    shape = project_shape(project, raw_cells=raw_cells)
    parts = _joined(FORMATS[format_name].file_parts(rows, shape))
    return chain([next(parts)], parts)


def _joined(parts: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes in parts of at least PART, but for the last."""
    waiting: list[bytes] = []
    size = 0
    for part in parts:
        waiting.append(part)
        size += len(part)
        if size >= PART:
            yield b"".join(waiting)
            waiting, size = [], 0
    yield b"".join(waiting)


def exported_rows(
    project: Project, *, viewer: User | None = None, full: bool = False, only: Sequence[int] | None = None
) -> Iterator[ExchangeRow]:
    """Every item, or those of these ids, with what is known of it, in the order in which they were captured."""
    schemas = {schema.version: schema.values() for schema in project.label_schemas.all()}
    for part, among in _item_chunks(Item.objects.filter(project=project).order_by("pk"), only, full=full):
        blind = blinding.blind_among(project, viewer, [item.pk for item in part])
        for item, row in zip(part, _rows(project, part, among, schemas, full=full), strict=True):
            yield _inputs_alone(row) if item.pk in blind else row


def _item_chunks(
    items: "QuerySet[Item]", only: Sequence[int] | None, *, full: bool
) -> Iterator[tuple[list[Item], "QuerySet[Item]"]]:
    """The items, AT_ONCE at a time, and as a query that finds the same."""
    if only is not None:
        for ids in chunks(sorted(only), AT_ONCE):
            among = items.filter(pk__in=ids)
            yield list(_plain_items(among, full=full)), among
        return
    last = 0
    while part := list(_plain_items(items.filter(pk__gt=last), full=full)[:AT_ONCE]):
        yield part, items.filter(pk__gt=last, pk__lte=part[-1].pk)
        last = part[-1].pk


def _plain_items(items: "QuerySet[Item]", *, full: bool) -> Any:
    """The items; where nothing is asked of them but what a row holds, as tuples, which cost a third."""
    return items if full else items.values_list(*ITEM_FIELDS, named=True)


def _inputs_alone(row: ExchangeRow) -> ExchangeRow:
    """The row without what models and people said of it."""
    return ExchangeRow(row.key, row.inputs, at=row.at, segment=row.segment)


def _rows(
    project: Project, items: Sequence[Any], among: "QuerySet[Item]", schemas: Mapping[int, list[str]], *, full: bool
) -> Iterator[ExchangeRow]:
    """The row of each of the items, which are those of the query."""
    ids = among.order_by().values("pk")
    rest = dict(ImportedRecord.objects.filter(item__in=ids).values_list("item", "record"))
    agreed_now = Resolution.objects.current().filter(item__in=ids).values_list("item", "value", "also")
    known = {item: (value, also) for item, value, also in agreed_now}
    fields = (*SAID_FIELDS, *Decided._fields) if full else SAID_FIELDS
    said = _by_item(Prediction.objects.filter(item__in=ids, source__in=SAID).values_list(*fields, named=True))
    labels = Label.objects.filter(item__in=ids, state__in=[LabelState.GIVEN, LabelState.SKIPPED])
    given = _by_item(labels.select_related("user").prefetch_related("revisions"))
    signals = _by_item(Signal.objects.filter(item__in=ids))
    provenance = item_provenance(items) if full else {}
    for item in items:
        record = rest.get(item.pk, {})
        everyone = (
            *map(_imported_label, record.get("labels", [])),
            *(_label(one, full=full) for one in given[item.pk]),
        )
        agreed, beside = known.get(item.pk, (None, None))
        yield ExchangeRow(
            key=item.key,
            inputs={name: _input(project, value) for name, value in item.inputs.items() if value is not None},
            predictions=_predictions(said[item.pk], record.get("predictions", []), schemas),
            labels=everyone,
            signals=tuple(map(_signal, signals[item.pk])),
            at=record.get("at") if record else item.at.isoformat(),
            segment=item.segment,
            extra=record.get("extra", {}) | provenance.get(item.pk, {}),
            known=None if agreed == said_by_all(everyone) else agreed,
            also=side_answers.values(beside),
        )


def _by_item(rows: Any) -> dict[int, list[Any]]:
    """The rows of each item in the order of their ids. The database sorts none: SQLite would go through all it has."""
    found: dict[int, list[Any]] = defaultdict(list)
    for row in sorted(rows, key=attrgetter("pk")):
        found[row.item_id].append(row)
    return found


def _input(project: Project, value: Any) -> Any:
    """The value as it can be imported again: of an image its bytes."""
    if not is_image(value):
        return value
    return base64.b64encode(media.read_image(project, value["media"])).decode()


def _predictions(
    rows: Sequence[Any], before: Sequence[Mapping[str, Any]], schemas: Mapping[int, list[str]]
) -> tuple[ExchangePrediction, ...]:
    """What each version said; with what its imported record said beside it. A row that says nothing is none."""
    beside = {one["model_version"]: one for one in before}
    return tuple(
        _prediction(row, beside.get(row.model_version), schemas.get(row.schema_version, []))
        for row in rows
        if row.scores is not None or row.label or row.value is not None or row.model_version
    )


def _prediction(row: Any, beside: Mapping[str, Any] | None, values: Sequence[str]) -> ExchangePrediction:
    return ExchangePrediction(
        value=row.label or row.value,
        model_version=row.model_version,
        threshold_version=row.threshold_version,
        policy_version=row.policy_version,
        scores=None if row.scores is None else dict(zip(values, unpack_scores(row.scores), strict=False)),
        score=beside["score"] if beside else None,
        at=beside["at"] if beside else row.at.isoformat(),
        extra=(beside["extra"] if beside else {}) | _decided(row),
    )


def _decided(row: Any) -> dict[str, Any]:
    """What its service said of the decision, as far as it did and it is asked for."""
    given = {name: getattr(row, name, None) for name in Decided._fields}
    return {name: value for name, value in given.items() if value not in ("", None)}


def _imported_label(given: Mapping[str, Any]) -> ExchangeLabel:
    """A label as an import stored it, also one of a former version."""
    return ExchangeLabel(**{name: value for name, value in given.items() if name in LABEL_FIELDS})


def _label(row: Label, *, full: bool) -> ExchangeLabel:
    comments = [revision.comment for revision in row.revisions.all() if revision.comment]
    return ExchangeLabel(
        value=row.value,
        annotator=row.user.get_username(),
        skipped=row.state == LabelState.SKIPPED,
        seconds=row.seconds,
        comment=comments[-1] if comments else "",
        at=row.created_at.isoformat(),
        extra={name: getattr(row, name) for name in LABEL_LINEAGE} if full else {},
        also=row.also or {},
    )


def _signal(row: Signal) -> ExchangeSignal:
    return ExchangeSignal(row.key, row.kind, row.value, row.at.isoformat(), row.actor or None)
