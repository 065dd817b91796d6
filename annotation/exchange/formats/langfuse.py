"""Langfuse: traces or observations with their scores, as its export and its API give them."""

from collections.abc import Mapping
from typing import Any

from annotation.exchange.base import BadRecord, as_mapping, as_objects, optional_text, stable_key
from annotation.exchange.chat_messages import trace_turns
from annotation.exchange.trace_feedback import FeedbackSource, TraceFeedback
from annotation.exchange.traces import Trace, TraceFormat

JUDGES = ("EVAL",)  # the `source` of a score; the others are ANNOTATION and API


class Langfuse(TraceFormat):
    """A score of source EVAL is a judge's; of ANNOTATION or API a person's, as user feedback comes through the API."""

    name = "langfuse"

    def parse_trace(self, record: Mapping[str, Any]) -> Trace:
        if not isinstance(record.get("id"), str):
            raise BadRecord("The trace has no id.")
        facts = as_mapping(record.get("metadata"), "metadata") if not isinstance(record.get("metadata"), str) else {}
        named = {name: record.get(name) for name in ("name", "model", "userId", "sessionId", "environment", "release")}
        return Trace(
            key=stable_key(record, "id"),
            turns=trace_turns(record.get("input"), record.get("output")),
            judgements=[_judgement(score, record["id"]) for score in as_objects(record.get("scores"), "scores")],
            facts={**named, **facts},
            at=optional_text(record.get("timestamp", record.get("startTime"))),
        )


def _judgement(score: Mapping[str, Any], trace: str) -> TraceFeedback:
    """A categorical or boolean score says its value as a text beside a number."""
    kind, name = score.get("dataType"), str(score.get("name") or "score")
    text = optional_text(score.get("stringValue"))
    corrected = kind == "CORRECTION"
    return TraceFeedback(
        id=f"langfuse:{score.get('id') or f'{trace}:{name}'}",
        name=name,
        source=FeedbackSource.JUDGE if score.get("source") in JUDGES else FeedbackSource.PERSON,
        value=None if corrected else text,
        number=None if corrected else score.get("value"),
        correction=(text or score.get("value")) if corrected else None,
        comment=optional_text(score.get("comment")),
        actor=optional_text(score.get("authorUserId")),
        at=optional_text(score.get("timestamp", score.get("createdAt"))),
    )
