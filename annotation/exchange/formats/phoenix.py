"""Phoenix: spans of OpenInference with their annotations, as its client and its export give them."""

from collections.abc import Mapping
from typing import Any

from annotation.exchange.base import BadRecord, as_mapping, as_objects, optional_text, stable_key
from annotation.exchange.chat_messages import trace_turns
from annotation.exchange.trace_feedback import FeedbackSource, TraceFeedback
from annotation.exchange.traces import Trace, TraceFormat

JUDGES = ("LLM", "CODE")


class Phoenix(TraceFormat):
    """One span a record; attributes may be nested, or flat with dots in their names."""

    name = "phoenix"

    def parse_trace(self, record: Mapping[str, Any]) -> Trace:
        context = as_mapping(record.get("context"), "context")
        span = record.get("span_id") or record.get("context.span_id") or context.get("span_id") or record.get("id")
        if not isinstance(span, str):
            raise BadRecord("The span has no span_id.")
        attributes = _nested({**_prefixed(record), **as_mapping(record.get("attributes"), "attributes")})
        model = as_mapping(attributes.get("llm"), "llm")
        given = record.get("annotations", record.get("span_annotations"))
        return Trace(
            key=stable_key({"span": span}, "span"),
            turns=_span_turns(attributes, model),
            judgements=[_judgement(one, span) for one in as_objects(given, "annotations")],
            facts={"name": record.get("name"), "model": model.get("model_name"), **_facts(attributes)},
            at=optional_text(record.get("start_time")),
        )


def _span_turns(attributes: Mapping[str, Any], model: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The messages of a model's span, else the plain input and output that every span has."""
    messages = [_numbered(model.get(part)) for part in ("input_messages", "output_messages")]
    if any(messages):
        return trace_turns(messages[0], messages[1])
    asked, replied = (attributes.get(part) for part in ("input", "output"))
    return trace_turns(_value(asked), _value(replied))


def _value(part: Any) -> Any:
    return part.get("value") if isinstance(part, Mapping) else part


def _facts(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    found = attributes.get("metadata")
    return found if isinstance(found, Mapping) else {}


def _prefixed(record: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes that stand beside the span's own fields, as a data frame has them."""
    start = "attributes."
    return {name.removeprefix(start): value for name, value in record.items() if name.startswith(start)}


def _nested(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Names with dots as objects in objects."""
    made: dict[str, Any] = {}
    for name, value in attributes.items():
        *path, last = name.split(".")
        place = made
        for part in path:
            inner = place.setdefault(part, {})
            if not isinstance(inner, dict):
                inner = place[part] = {}
            place = inner
        known = place.get(last)
        place[last] = {**known, **value} if isinstance(known, dict) and isinstance(value, Mapping) else value
    return made


def _numbered(messages: Any) -> list[Any]:
    """Messages as a list, also where flat names had their numbers: {"0": {"message": …}, …}."""
    if isinstance(messages, Mapping):
        numbers = sorted((name for name in messages if name.isdecimal()), key=int)
        return [_listed(messages[name]) for name in numbers]
    return messages if isinstance(messages, list) else []


def _listed(value: Any) -> Any:
    """The same with every object whose names are all numbers as a list."""
    if not isinstance(value, Mapping):
        return value
    if value and all(name.isdecimal() for name in value):
        return [_listed(value[name]) for name in sorted(value, key=int)]
    return {name: _listed(part) for name, part in value.items()}


def _judgement(given: Mapping[str, Any], span: str) -> TraceFeedback:
    result = as_mapping(given.get("result"), "result") if "result" in given else given
    name = str(given.get("name") or "annotation")
    label = optional_text(result.get("label"))
    own = given.get("id") or f"{span}:{name}:{given.get('identifier') or ''}"
    return TraceFeedback(
        id=f"phoenix:{own}",
        name=name,
        source=FeedbackSource.JUDGE if given.get("annotator_kind") in JUDGES else FeedbackSource.PERSON,
        value=label,
        number=result.get("score"),
        comment=optional_text(result.get("explanation")),
        actor=optional_text(given.get("user_id") or given.get("identifier")),
        at=optional_text(given.get("created_at")),
    )
