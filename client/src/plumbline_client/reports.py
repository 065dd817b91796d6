"""What became of logged rows: counts, rows that were refused, and who is called for them."""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

log = logging.getLogger("plumbline_client")


@dataclass(frozen=True)
class RefusedRow:
    """A logged row that will not be sent again: the server, or the encoder here, said why in `error`.

    `kind` is predictions or signals. `row` is what was logged; its parts that JSON cannot hold are named by their type.
    """

    kind: str
    row: dict[str, Any]
    error: str
    field: str | None = None


@dataclass
class Delivered:
    """Counts since the client was made, in rows. `torn` were cut by a process that ended while it wrote them."""

    logged: int = 0
    created: int = 0
    existing: int = 0
    waiting: int = 0
    refused: int = 0
    dropped: int = 0
    torn: int = 0
    last_failure: str = field(default="", compare=False)


OnRefused = Callable[[RefusedRow], None]
OnDropped = Callable[[int, str], None]


class Reporter:
    """Counts, logs, and calls the caller's functions; what these raise is logged and goes no further."""

    def __init__(self, on_refused: OnRefused | None = None, on_dropped: OnDropped | None = None) -> None:
        self.counts = Delivered()
        self._on_refused, self._on_dropped = on_refused, on_dropped

    def refuse(self, kind: str, row: dict[str, Any], error: str, field: str | None = None) -> None:
        self.counts.refused += 1
        log.warning("A row of %s was refused: %s", kind, error)
        self._call(self._on_refused, RefusedRow(kind, row, error, field))

    def refuse_line(self, kind: str, line: bytes, error: str, field: str | None = None) -> None:
        self.refuse(kind, json.loads(line), error, field)

    def drop(self, number: int, why: str) -> None:
        if number:
            self.counts.dropped += number
            log.error("%d rows were dropped: %s", number, why)
            self._call(self._on_dropped, number, why)

    def fail(self, why: str, wait: float) -> None:
        """Note that the server cannot be reached, once for each reason."""
        if why != self.counts.last_failure:
            log.warning("Rows wait, and are sent again in %.1f s: %s", wait, why)
        self.counts.last_failure = why

    def add_answer(self, answer: dict[str, Any]) -> None:
        self.counts.last_failure = ""
        for name in ("created", "existing", "waiting"):
            setattr(self.counts, name, getattr(self.counts, name) + int(answer.get(name, 0)))

    def _call(self, function: Callable[..., None] | None, *arguments: Any) -> None:
        if function is None:
            return
        try:
            function(*arguments)
        except Exception:
            log.exception("The function that is called for rows raised.")
