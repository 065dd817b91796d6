"""Rows of an exchange file as capture takes them, and what is kept beside."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from annotation.capture.rows import ValidPrediction
from annotation.exchange.rows import ExchangePrediction, ExchangeRow, RefusedRecord
from inputs.types.base import BrokenRule

Numbered = tuple[int, ExchangeRow]


@dataclass(frozen=True)
class PreparedBatch:
    """Some of a file's records.

    read     how many they are
    numbers  of those that are rows
    valid    those of the rows that capture takes, by their index in `numbers`
    beside   the rows, by that index, that say more than capture takes
    """

    read: int
    numbers: Sequence[int]
    valid: Sequence[ValidPrediction]
    beside: Mapping[int, ExchangeRow]
    refused: Sequence[RefusedRecord]
    broken: Counter[tuple[str, BrokenRule]]


def first_prediction(row: ExchangeRow) -> ExchangePrediction:
    return row.predictions[0] if row.predictions else ExchangePrediction()


def prediction_body(row: ExchangeRow, said: ExchangePrediction, *, known: bool = True) -> dict[str, Any]:
    """The row as capture takes it."""
    return present(
        {
            "key": row.key,
            "inputs": dict(row.inputs),
            "scores": None if said.scores is None else dict(said.scores),
            "value": said.value,
            "model_version": said.model_version or None,
            "threshold_version": said.threshold_version or None,
            "policy_version": said.policy_version or None,
            "at": zoned(row.at if known else said.at or row.at),
            "segment": dict(row.segment) or None,
            "label_known": row.agreed if known else None,
            "also_known": dict(row.agreed_beside) or None if known and row.agreed is not None else None,
        }
    )


def present(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value is not None}


def has_rest(row: ExchangeRow) -> bool:
    """Whether the row says more than capture takes, which is kept beside its item."""
    return bool(row.labels or row.extra or any(one.extra or one.score is not None for one in row.predictions))


def says_more(row: ExchangeRow) -> bool:
    """Whether the row says more than capture takes in one body: also further versions' answers, or signals."""
    return len(row.predictions) > 1 or bool(row.signals) or has_rest(row)


def rest_of(row: ExchangeRow) -> dict[str, Any]:
    """What the row says beyond inputs, versions' answers and the agreed value."""
    said = [
        {"model_version": one.model_version, "score": one.score, "at": one.at, "extra": dict(one.extra)}
        for one in row.predictions
    ]
    return {
        "at": row.at,
        "labels": [asdict(label) for label in row.labels],
        "predictions": said,
        "extra": dict(row.extra),
    }


def zoned(text: str | None) -> str | None:
    """A time without a zone is UTC, as tracing tools mean it; what is no time stays for capture to refuse."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return text if moment.tzinfo else moment.replace(tzinfo=UTC).isoformat()
