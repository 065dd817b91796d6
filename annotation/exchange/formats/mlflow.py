"""MLflow: traces with their assessments, as `Trace.to_json` writes them."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from annotation.exchange.base import BadRecord, as_mapping, as_objects, optional_text, stable_key
from annotation.exchange.chat_messages import trace_turns
from annotation.exchange.trace_feedback import FeedbackSource, TraceFeedback
from annotation.exchange.traces import Trace, TraceFormat

ASKED, REPLIED = "mlflow.spanInputs", "mlflow.spanOutputs"  # attributes of a span, as JSON text


class MLflow(TraceFormat):
    """`info` with the assessments and `data` with the spans; the span without a parent holds input and output."""

    name = "mlflow"

    def parse_trace(self, record: Mapping[str, Any]) -> Trace:
        info = as_mapping(record.get("info"), "info") if "info" in record else record
        if not isinstance(info.get("trace_id", info.get("request_id")), str):
            raise BadRecord("The trace has no trace_id.")
        key = stable_key(info, "trace_id", "request_id")
        asked, replied = _ends(record, info)
        tags, kept = (as_mapping(info.get(part), part) for part in ("tags", "trace_metadata"))
        given = as_objects(info.get("assessments", record.get("assessments")), "assessments")
        return Trace(
            key=key,
            turns=trace_turns(asked, replied),
            judgements=[_judgement(one, key) for one in given if one.get("valid", True)],
            facts={**kept, **tags},
            at=_moment(info.get("request_time", info.get("timestamp_ms"))),
        )


def _ends(record: Mapping[str, Any], info: Mapping[str, Any]) -> tuple[Any, Any]:
    """What the root span was asked and replied, else what stands in the previews."""
    data = as_mapping(record.get("data"), "data")
    spans = as_objects(data.get("spans"), "spans")
    root = next((span for span in spans if not span.get("parent_span_id") and not span.get("parent_id")), None)
    if root is not None:
        attributes = as_mapping(root.get("attributes"), "attributes")
        asked = _decoded(attributes.get(ASKED, root.get("inputs")))
        return asked, _decoded(attributes.get(REPLIED, root.get("outputs")))
    asked = data.get("request", record.get("request", info.get("request_preview")))
    return _decoded(asked), _decoded(data.get("response", record.get("response", info.get("response_preview"))))


def _judgement(given: Mapping[str, Any], trace: str) -> TraceFeedback:
    """A feedback says how good the answer was; an expectation what it should have been."""
    name = str(given.get("assessment_name") or given.get("name") or "assessment")
    source = as_mapping(given.get("source"), "source")
    feedback, expected = (as_mapping(given.get(part), part) for part in ("feedback", "expectation"))
    wanted = expected.get("value", as_mapping(expected.get("serialized_value"), "serialized_value").get("value"))
    judge = str(source.get("source_type", "")).upper() in ("LLM_JUDGE", "CODE", "AI_JUDGE")
    return TraceFeedback(
        id=f"mlflow:{given.get('assessment_id') or f'{trace}:{name}'}",
        name=name,
        source=FeedbackSource.JUDGE if judge else FeedbackSource.PERSON,
        value=feedback.get("value"),
        comment=optional_text(given.get("rationale")),
        correction=_decoded(wanted),
        actor=optional_text(source.get("source_id")),
        at=_moment(given.get("create_time")),
    )


def _decoded(value: Any) -> Any:
    """A value that is written as JSON text, as attributes of spans are."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _moment(value: Any) -> str | None:
    """A time in milliseconds since 1970 or in words, as RFC 3339."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e14:
        return datetime.fromtimestamp(value / 1000, UTC).isoformat()
    return optional_text(value)
