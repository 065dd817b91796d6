"""The project's own JSON lines: an item a line with all that is known of it; plain rows of columns are read as well."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import IO, Any

from annotation.exchange.base import (
    BadRecord,
    ExchangeFormat,
    as_mapping,
    as_objects,
    optional_number,
    optional_text,
    stable_key,
    without,
)
from annotation.exchange.columns import parse_flat
from annotation.exchange.json_records import read_objects, write_lines
from annotation.exchange.rows import ExchangeLabel, ExchangePrediction, ExchangeRow, ExchangeSignal, ProjectShape
from validation.json_values import quote

PARTS = ("key", "inputs", "predictions", "labels", "signals", "known", "at", "segment")
NAMES_OF = {kind: tuple(kind.__dataclass_fields__) for kind in (ExchangePrediction, ExchangeLabel, ExchangeSignal)}


class JsonLines(ExchangeFormat):
    """Carries everything that an exchange row holds."""

    name = "jsonl"

    def read_records(self, stream: IO[bytes]) -> Iterator[Mapping[str, Any]]:
        return read_objects(stream)

    def parse_record(self, record: Mapping[str, Any], project: ProjectShape) -> ExchangeRow:
        if not isinstance(record.get("inputs"), Mapping) or "inputs" in project.inputs:
            return parse_flat(record, project)
        return ExchangeRow(
            key=stable_key(record, "key"),
            inputs=record["inputs"],
            predictions=tuple(_prediction(given) for given in as_objects(record.get("predictions"), "predictions")),
            labels=tuple(_label(given) for given in as_objects(record.get("labels"), "labels")),
            signals=tuple(_signal(given) for given in as_objects(record.get("signals"), "signals")),
            known=record.get("known"),
            at=optional_text(record.get("at")),
            segment=as_mapping(record.get("segment"), "segment"),
            extra=without(record, *PARTS),
        )

    def write_rows(self, rows: Iterable[ExchangeRow], stream: IO[bytes], project: ProjectShape) -> int:
        return write_lines(map(_record, rows), stream)


def _record(row: ExchangeRow) -> dict[str, Any]:
    """The row without what is empty; what no part of it names stands beside, as it came."""
    made = {name: value for name, value in asdict(row).items() if name != "extra" and value not in (None, (), {})}
    for part in ("predictions", "labels", "signals"):
        if part in made:
            made[part] = [_plain(given) for given in made[part]]
    return {**row.extra, **made}


def _plain(part: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in part.items() if name != "extra" and value not in (None, "", False, {})}
    return {**part.get("extra", {}), **kept}


def _prediction(given: Mapping[str, Any]) -> ExchangePrediction:
    scores = as_mapping(given.get("scores"), "scores")
    return ExchangePrediction(
        value=given.get("value"),
        model_version=str(given.get("model_version") or ""),
        scores=scores or None,
        score=given.get("score"),
        at=optional_text(given.get("at")),
        extra=without(given, *NAMES_OF[ExchangePrediction]),
    )


def _label(given: Mapping[str, Any]) -> ExchangeLabel:
    return ExchangeLabel(
        value=given.get("value"),
        annotator=str(given.get("annotator") or ""),
        skipped=given.get("skipped") is True,
        gold=given.get("gold") is True,
        seconds=optional_number(given.get("seconds")),
        comment=str(given.get("comment") or ""),
        at=optional_text(given.get("at")),
        extra=without(given, *NAMES_OF[ExchangeLabel]),
    )


def _signal(given: Mapping[str, Any]) -> ExchangeSignal:
    own, kind = given.get("id"), given.get("kind")
    if not isinstance(own, str) or not isinstance(kind, str):
        raise BadRecord(f"A signal is {quote(given)}; it needs an id and a kind.")
    return ExchangeSignal(
        own, kind, given.get("value"), optional_text(given.get("at")), optional_text(given.get("actor"))
    )
