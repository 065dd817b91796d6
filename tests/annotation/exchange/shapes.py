"""Projects and files that the tests of formats share."""

import io
import json
from typing import Any

from annotation.exchange.registry import FORMATS
from annotation.exchange.rows import ExchangeRow, ProjectShape, RefusedRecord

INTENTS = [{"value": "refund"}, {"value": "billing"}]
TEXTS = ProjectShape("choice", INTENTS, {"text": "text", "channel": "category"}, positive="refund")
SPANS = ProjectShape("spans", [{"value": "DURATION"}], {"text": "text"})
CHATS = ProjectShape(
    "choice", [{"value": "good"}, {"value": "bad"}], {"chat": "conversation", "model": "category"}, "good"
)


def parse_bytes(name: str, data: bytes, project: ProjectShape) -> list[ExchangeRow | RefusedRecord]:
    return list(FORMATS[name].read_rows(io.BytesIO(data), project))


def parse_all(name: str, records: Any, project: ProjectShape = TEXTS) -> list[Any]:
    """The rows and refusals of records in a JSON array."""
    return parse_bytes(name, json.dumps(records).encode(), project)


def written(name: str, rows: list[ExchangeRow], project: ProjectShape = TEXTS) -> bytes:
    stream = io.BytesIO()
    assert FORMATS[name].write_rows(rows, stream, project) == len(rows)
    return stream.getvalue()


def records_of(data: bytes) -> list[Any]:
    """The records of written JSON, an array or lines."""
    if data.startswith(b"["):
        return list(json.loads(data))
    return [json.loads(line) for line in data.splitlines()]
