"""LangSmith: runs with their feedback, as its API and its bulk export give them."""

from collections.abc import Mapping
from typing import Any

from annotation.exchange.base import BadRecord, as_mapping, as_objects, optional_text, stable_key
from annotation.exchange.chat_messages import trace_turns
from annotation.exchange.trace_feedback import FeedbackSource, TraceFeedback
from annotation.exchange.traces import Trace, TraceFormat

JUDGES = ("model", "auto_eval")  # the type of a feedback's source; api and app are people


class LangSmith(TraceFormat):
    """One run a record; `feedback` is a list of what was said of it, beside LangSmith's own `feedback_stats`."""

    name = "langsmith"

    def parse_trace(self, record: Mapping[str, Any]) -> Trace:
        if not isinstance(record.get("id"), str):
            raise BadRecord("The run has no id.")
        asked, replied = (as_mapping(record.get(part), part) for part in ("inputs", "outputs"))
        extra = as_mapping(record.get("extra"), "extra")
        named = {name: record.get(name) for name in ("name", "run_type", "session_name")}
        return Trace(
            key=stable_key(record, "id"),
            turns=trace_turns(asked, replied),
            judgements=[_judgement(one, record["id"]) for one in as_objects(record.get("feedback"), "feedback")],
            facts={**named, **as_mapping(extra.get("metadata"), "metadata"), **asked, **replied},
            at=optional_text(record.get("start_time")),
        )


def _judgement(given: Mapping[str, Any], run: str) -> TraceFeedback:
    source = as_mapping(given.get("feedback_source"), "feedback_source")
    name = str(given.get("key") or "feedback")
    return TraceFeedback(
        id=f"langsmith:{given.get('id') or f'{run}:{name}'}",
        name=name,
        source=FeedbackSource.JUDGE if source.get("type") in JUDGES else FeedbackSource.PERSON,
        value=given.get("value"),
        number=given.get("score"),
        comment=optional_text(given.get("comment")),
        correction=given.get("correction"),
        actor=optional_text(source.get("user_name") or source.get("user_id")),
        at=optional_text(given.get("created_at")),
    )
