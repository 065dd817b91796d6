"""`predictions.log` and `signals.log`: rows handed to the background, the same for both clients."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Unpack

from plumbline_client.answers import PredictionFields, SignalFields
from plumbline_client.background import Background

PREDICTIONS, SIGNALS = "predictions", "signals"


class RowLog:
    """Rows of one kind, handed to the background."""

    def __init__(self, background: Background) -> None:
        self._background = background

    def _add(self, kind: str, row: dict[str, Any], fields: Mapping[str, Any], named: str) -> str:
        for name, value in fields.items():
            if value is not None:
                row[name] = value
        if "at" not in row:
            row["at"] = datetime.now(UTC).isoformat()
        self._background.log(kind, row)
        return str(row[named])


class PredictionLog(RowLog):
    """What a model said."""

    def log(self, inputs: Mapping[str, Any], **fields: Unpack[PredictionFields]) -> str:
        """Log a prediction and return its key, which signals about it take. Returns at once and never raises.

        Without a key one is made. `at` is now: a row that waits must not count as of later. Whoever logs one key twice
        gives `at` too, because the same key with another time is refused.
        """
        key = fields.get("key")
        row: dict[str, Any] = {"key": _new_id() if key is None else key, "inputs": inputs}
        return self._add(PREDICTIONS, row, fields, "key")


class SignalLog(RowLog):
    """What people or the world said back."""

    def log(self, key: str, kind: str, **fields: Unpack[SignalFields]) -> str:
        """Log a signal about the prediction with this key, which may come later. Returns the signal's id, at once."""
        signal = fields.get("id")
        row: dict[str, Any] = {"id": _new_id() if signal is None else signal, "key": key, "kind": kind}
        return self._add(SIGNALS, row, fields, "id")


def _new_id() -> str:
    """122 random bits and more, in a third of the time that a UUID takes."""
    return os.urandom(16).hex()
