"""doccano's JSON lines: a text with its labels, or with its spans."""

from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any

from annotation.exchange.base import BadRecord, ExchangeFormat, stable_key, without
from annotation.exchange.json_records import line_parts, read_objects
from annotation.exchange.rows import ExchangeRow, ProjectShape, UnusableFile
from inputs.files.delimited import Dialect
from validation.json_values import quote

LABELS = ("label", "labels", "entities")  # the name has changed over its versions; the first one is written
KINDS = ("choice", "choices", "spans", "text")


class Doccano(ExchangeFormat):
    """One example a line; what doccano calls `text` is the project's first text, its other inputs stand beside it."""

    name = "doccano"

    def read_records(self, stream: IO[bytes], dialect: Dialect) -> Iterator[Mapping[str, Any]]:
        return read_objects(stream, dialect.encoding)

    def parse_record(self, record: Mapping[str, Any], project: ProjectShape) -> ExchangeRow:
        shown = text_input(project)
        text = record.get("text", record.get("data"))
        if not isinstance(text, str):
            raise BadRecord(f"`text` is {quote(text)}; a text is expected.")
        inputs = {name: record[name] for name in project.inputs if name in record} | {shown: text}
        name = next((name for name in LABELS if record.get(name) is not None), LABELS[0])
        given = _spans(record[name]) if name == "entities" else record.get(name)
        return ExchangeRow(
            key=stable_key(record, "key", "id"),
            inputs=inputs,
            known=_value(given, project),
            extra=without(record, "text" if "text" in record else "data", "key", name, *inputs),
        )

    def file_parts(self, rows: Iterable[ExchangeRow], project: ProjectShape) -> Iterator[bytes]:
        shown = text_input(project)
        return line_parts(_example(row, project, shown) for row in rows)


def text_input(project: ProjectShape) -> str:
    """The input that doccano shows. Raises UnusableFile where there is none, or a kind that its lines cannot hold."""
    if project.kind not in KINDS:
        raise UnusableFile(f"doccano's lines cannot carry values of kind {project.kind}.")
    if (name := project.shown or project.first_input("text")) is None:
        raise UnusableFile("doccano shows a text, and this project has no input of type text.")
    return name


def _spans(given: Any) -> list[list[Any]]:
    """Entities as the spans of the shorter form."""
    try:
        return [[part["start_offset"], part["end_offset"], part["label"]] for part in given]
    except (KeyError, TypeError):
        raise BadRecord("An entry of entities lacks start_offset, end_offset or label.") from None


def _value(given: Any, project: ProjectShape) -> Any:
    labels = given if isinstance(given, list) else [] if given is None else [given]
    if not labels:
        return None
    if project.kind == "spans":
        return [_span(part) for part in labels]
    if not all(isinstance(part, str) for part in labels):
        raise BadRecord(f"`label` is {quote(given)}; texts are expected.")
    if project.kind == "choices":
        return labels
    if len(labels) > 1:
        raise BadRecord(f"`label` has {len(labels)} labels; this project takes one.")
    return labels[0]


def _span(part: Any) -> dict[str, Any]:
    if not isinstance(part, list) or len(part) != 3 or not all(isinstance(end, int) for end in part[:2]):
        raise BadRecord(f"A span is {quote(part)}; [start, end, label] is expected.")
    return {"start": part[0], "end": part[1], "label": part[2]}


def _example(row: ExchangeRow, project: ProjectShape, shown: str) -> dict[str, Any]:
    rest = {name: value for name, value in row.inputs.items() if name != shown}
    made = {**rest, **row.extra, "text": row.inputs.get(shown), "label": _labels(row.agreed, project)}
    return made if stable_key(made, "id") == row.key and "id" in made else {"key": row.key, **made}


def _labels(value: Any, project: ProjectShape) -> list[Any]:
    if value is None:
        return []
    if project.kind == "spans":
        return [[span["start"], span["end"], span["label"]] for span in value]
    return list(value) if project.kind == "choices" else [value]
