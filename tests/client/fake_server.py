"""A server of the tests, behind httpx.MockTransport: keeps rows by key as the real one does, and fails on demand."""

import gzip
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from plumbline_client import Client, DeliveryOptions

QUICK = DeliveryOptions(write_every=0.005, send_every=0.01, first_wait=0.01, longest_wait=0.05)


class FakeServer:
    """Answers captures; `failing` is asked first and may return another answer, or raise."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.requests: list[httpx.Request] = []
        self.refuses: Callable[[dict[str, Any]], str | None] = lambda row: None
        self.failing: Callable[[httpx.Request], httpx.Response | None] = lambda request: None
        self._lock = threading.Lock()

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self.handle)

    def handle(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            self.requests.append(request)
            other = self.failing(request)
            return other if other is not None else self._capture(sent_rows(request))

    def _capture(self, rows: list[dict[str, Any]]) -> httpx.Response:
        answer: dict[str, Any] = {"created": 0, "existing": 0, "refused": []}
        for index, row in enumerate(rows):
            name = row.get("id", row["key"])
            if error := self.refuses(row):
                answer["refused"].append({"index": index, "key": row["key"], "error": error, "field": "label"})
            else:
                answer["existing" if name in self.rows else "created"] += 1
                self.rows.setdefault(name, row)
        return httpx.Response(200, json=answer)

    def client(self, spool: Path | None = None, **more: Any) -> Client:
        return Client(
            "http://server", "banking", "plumb_key", spool=spool, options=QUICK, transport=self.transport, **more
        )


def sent_rows(request: httpx.Request) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gzip.decompress(request.content).splitlines()]


def away(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)
