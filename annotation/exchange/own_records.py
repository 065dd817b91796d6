"""An exchange row as one JSON object with everything that it holds, and back."""

from collections.abc import Collection, Mapping
from dataclasses import fields
from typing import Any

from annotation.exchange.base import (
    BadRecord,
    as_mapping,
    as_objects,
    optional_number,
    optional_text,
    stable_key,
    without,
)
from annotation.exchange.rows import ExchangeLabel, ExchangePrediction, ExchangeRow, ExchangeSignal
from validation.json_values import quote

PARTS = ("key", "inputs", "predictions", "labels", "signals", "known", "also", "at", "segment")
LISTS = ("predictions", "labels", "signals")
EMPTY = {
    kind: [(one.name, {} if one.name == "also" else one.default) for one in fields(kind) if one.name != "extra"]
    for kind in (ExchangePrediction, ExchangeLabel, ExchangeSignal)
}
NAMES_OF = {kind: tuple(kind.__dataclass_fields__) for kind in (ExchangePrediction, ExchangeLabel, ExchangeSignal)}


def to_row(record: Mapping[str, Any]) -> ExchangeRow:
    """The row of a record in this form. Raises BadRecord."""
    return ExchangeRow(
        key=stable_key(record, "key"),
        inputs=as_mapping(record.get("inputs"), "inputs"),
        predictions=tuple(_prediction(given) for given in as_objects(record.get("predictions"), "predictions")),
        labels=tuple(_label(given) for given in as_objects(record.get("labels"), "labels")),
        signals=tuple(_signal(given) for given in as_objects(record.get("signals"), "signals")),
        known=record.get("known"),
        also=as_mapping(record.get("also"), "also"),
        at=optional_text(record.get("at")),
        segment=as_mapping(record.get("segment"), "segment"),
        extra=without(record, *PARTS),
    )


def to_record(row: ExchangeRow, *, without: Collection[str] = ()) -> dict[str, Any]:
    """The row without what is empty, and without these parts; what no part of it names stands beside, as it came."""
    made = dict(row.extra)
    given = vars(row)
    for part in PARTS:
        value = given[part]
        if part in without or value is None or value == () or value == {}:
            continue
        made[part] = list(map(_plain, value)) if part in LISTS else value
    return made


def _plain(part: ExchangePrediction | ExchangeLabel | ExchangeSignal) -> dict[str, Any]:
    """The part without what is as in an empty one: None, or the empty text and the False of a field that begins so."""
    kept = dict(getattr(part, "extra", ()))
    for name, empty in EMPTY[type(part)]:
        value = getattr(part, name)
        if value is not None and not (value == empty and type(value) is type(empty)):
            kept[name] = dict(value) if name == "also" else value
    return kept


def _prediction(given: Mapping[str, Any]) -> ExchangePrediction:
    scores = as_mapping(given.get("scores"), "scores")
    return ExchangePrediction(
        value=given.get("value"),
        model_version=str(given.get("model_version") or ""),
        threshold_version=str(given.get("threshold_version") or ""),
        policy_version=str(given.get("policy_version") or ""),
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
        also=as_mapping(given.get("also"), "also"),
    )


def _signal(given: Mapping[str, Any]) -> ExchangeSignal:
    own, kind = given.get("id"), given.get("kind")
    if not isinstance(own, str) or not isinstance(kind, str):
        raise BadRecord(f"A signal is {quote(given)}; it needs an id and a kind.")
    return ExchangeSignal(
        own, kind, given.get("value"), optional_text(given.get("at")), optional_text(given.get("actor"))
    )
