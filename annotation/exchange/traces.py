"""Traces of an LLM product as rows: the conversation as input, people's feedback as signals, judges as versions."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any, ClassVar

from annotation.exchange.base import BadRecord, ExchangeFormat
from annotation.exchange.chat_messages import Turns
from annotation.exchange.json_records import read_objects
from annotation.exchange.rows import ExchangeRow, ProjectShape
from annotation.exchange.trace_feedback import TraceFeedback, judge_predictions, person_signals, unread_judgements
from inputs.files.delimited import Dialect


@dataclass(frozen=True)
class Trace:
    """One trace, whatever tool recorded it. `facts`: what other inputs of the project may be named after."""

    key: str
    turns: Turns
    judgements: Sequence[TraceFeedback] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    at: str | None = None


class TraceFormat(ExchangeFormat):
    """Base of the trace exports, which are only read: JSON lines or an array, one trace or span a record."""

    writes: ClassVar[bool] = False

    def read_records(self, stream: IO[bytes], dialect: Dialect) -> Iterator[Mapping[str, Any]]:
        return read_objects(stream, dialect.encoding)

    def parse_record(self, record: Mapping[str, Any], project: ProjectShape) -> ExchangeRow:
        trace = self.parse_trace(record)
        unread = unread_judgements(trace.judgements, project)
        return ExchangeRow(
            key=trace.key,
            inputs=_inputs(trace, project),
            predictions=judge_predictions(trace.judgements, project),
            signals=person_signals(trace.key, trace.judgements, project),
            at=trace.at,
            extra={"unread": unread} if unread else {},
        )

    @abstractmethod
    def parse_trace(self, record: Mapping[str, Any]) -> Trace:
        """One record as a trace. Raises BadRecord."""


def _inputs(trace: Trace, project: ProjectShape) -> dict[str, Any]:
    """The conversation, and facts of the trace for the inputs that are named like them. Raises BadRecord."""
    chat = project.first_input("conversation")
    found = {name: trace.facts[name] for name in project.inputs if name != chat and trace.facts.get(name) is not None}
    if chat is None and not found:
        raise BadRecord("A trace is a conversation, and this project has no input of type conversation.")
    if chat is not None and not trace.turns:
        raise BadRecord("The trace has neither input nor output.")
    return found if chat is None else {chat: trace.turns, **found}
