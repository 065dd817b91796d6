"""Argilla's records, nested as its API has them or flat as rows of a Hugging Face dataset."""

from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any

from annotation.exchange.base import (
    BadRecord,
    ExchangeFormat,
    as_list,
    as_mapping,
    as_objects,
    compact,
    stable_key,
    without,
)
from annotation.exchange.json_records import line_parts, read_objects
from annotation.exchange.rows import ExchangeLabel, ExchangePrediction, ExchangeRow, ProjectShape
from inputs.files.delimited import Dialect
from validation.json_values import quote

QUESTION = "label"  # the question's name where the file has none
SUBMITTED, DISCARDED = "submitted", "discarded"
NAMED = "argilla:question"  # in `extra`: the name of a question that has another
PARTS = ("suggestion", "suggestion.score", "suggestion.agent", "responses", "responses.users", "responses.status")
NESTED = ("fields", "metadata", "vectors", "suggestions", "responses")


class Argilla(ExchangeFormat):
    """Of several questions in a file, the one named `label` is the project's, or the first; the others are kept."""

    name = "argilla"

    def read_records(self, stream: IO[bytes], dialect: Dialect) -> Iterator[Mapping[str, Any]]:
        return read_objects(stream, dialect.encoding)

    def parse_record(self, record: Mapping[str, Any], project: ProjectShape) -> ExchangeRow:
        flat = _flattened(record) if isinstance(record.get("fields"), Mapping) else record
        question = _question(flat)
        inputs = {name: flat[name] for name in project.inputs if name in flat}
        if not inputs:
            raise BadRecord(f"The record has none of the project's inputs ({', '.join(project.inputs)}).")
        named = {} if question == QUESTION else {NAMED: question}
        kept = without(flat, question, *(f"{question}.{part}" for part in PARTS), *inputs, *_key_fields(flat))
        return ExchangeRow(
            key=stable_key(flat, "id", "external_id"),
            inputs=inputs,
            predictions=_suggestion(flat, question),
            labels=_responses(flat, question),
            known=flat.get(question),
            extra={**named, **kept},
        )

    def file_parts(self, rows: Iterable[ExchangeRow], project: ProjectShape) -> Iterator[bytes]:
        return line_parts(map(_record, rows))


def _key_fields(flat: Mapping[str, Any]) -> tuple[str, ...]:
    return ("id",) if isinstance(flat.get("id"), str) else ()


def _flattened(record: Mapping[str, Any]) -> dict[str, Any]:
    """A nested record as the flat row that Argilla itself makes of it."""
    flat = without(record, *NESTED)
    for part in ("fields", "metadata", "vectors"):
        flat |= as_mapping(record.get(part), part)
    for question, given in as_mapping(record.get("suggestions"), "suggestions").items():
        said = as_mapping(given, f"The suggestion of {question}")
        flat[f"{question}.suggestion"] = said.get("value")
        flat |= compact({f"{question}.suggestion.{part}": said.get(part) for part in ("score", "agent")})
    for question, given in as_mapping(record.get("responses"), "responses").items():
        answers = as_objects(given, f"the responses of {question}")
        flat[f"{question}.responses"] = [one.get("value") for one in answers]
        flat[f"{question}.responses.users"] = [one.get("user_id") for one in answers]
        flat[f"{question}.responses.status"] = [one.get("status", SUBMITTED) for one in answers]
    return flat


def _question(flat: Mapping[str, Any]) -> str:
    asked = [name.rsplit(".", 1)[0] for name in flat if name.endswith((".suggestion", ".responses", ".response"))]
    return asked[0] if asked and QUESTION not in asked else QUESTION


def _suggestion(flat: Mapping[str, Any], question: str) -> tuple[ExchangePrediction, ...]:
    value = flat.get(f"{question}.suggestion")
    if value is None:
        return ()
    agent = flat.get(f"{question}.suggestion.agent")
    return (ExchangePrediction(value, str(agent or ""), score=flat.get(f"{question}.suggestion.score")),)


def _responses(flat: Mapping[str, Any], question: str) -> tuple[ExchangeLabel, ...]:
    """Each response with its user; a discarded one is a skip, and a draft is no answer yet."""
    single = flat.get(f"{question}.response")
    values = as_list(flat.get(f"{question}.responses", None if single is None else [single]), "responses")
    users = _as_long(flat, f"{question}.responses.users", len(values))
    states = _as_long(flat, f"{question}.responses.status", len(values))
    return tuple(
        ExchangeLabel(
            value=value,
            annotator="" if user is None else str(user),
            skipped=state not in (None, SUBMITTED),
            extra={} if state in (None, SUBMITTED, DISCARDED) else {"status": state},
        )
        for value, user, state in zip(values, users, states, strict=True)
    )


def _as_long(flat: Mapping[str, Any], name: str, length: int) -> list[Any]:
    found = as_list(flat.get(name), name)
    if found and len(found) != length:
        raise BadRecord(f"{quote(name)} has {len(found)} entries for {length} responses.")
    return found or [None] * length


def _record(row: ExchangeRow) -> dict[str, Any]:
    """The flat row; of several versions the last one is the suggestion, as Argilla keeps one."""
    question = row.extra.get(NAMED, QUESTION)
    made: dict[str, Any] = {"id": row.key, **row.inputs, **without(row.extra, NAMED)}
    if row.known is not None:
        made[question] = row.known
    if row.predictions:
        said = row.predictions[-1]
        score = said.score if said.score is not None else (said.scores.get(said.value) if said.scores else None)
        given = {"": said.value, ".score": score, ".agent": said.model_version or None}
        made |= compact({f"{question}.suggestion{part}": value for part, value in given.items()})
    if row.labels:
        made[f"{question}.responses"] = [label.value for label in row.labels]
        made[f"{question}.responses.users"] = [label.annotator or None for label in row.labels]
        made[f"{question}.responses.status"] = [_status(label) for label in row.labels]
    return made


def _status(label: ExchangeLabel) -> str:
    return str(label.extra.get("status", DISCARDED if label.skipped else SUBMITTED))
