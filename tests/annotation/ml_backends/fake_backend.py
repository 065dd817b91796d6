"""A backend of the Label Studio ML-backend protocol on this machine: three calls, and any way to fail."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[[dict[str, Any]], Any]


def choose_first(body: dict[str, Any]) -> Any:
    """The first label for each task, with a score."""
    value = {"choices": ["ham"]}
    result = {"from_name": "answer", "to_name": "text", "type": "choices", "value": value}
    return {"results": [{"result": [result], "score": 0.8} for _ in body["tasks"]], "model_version": "tiny-2"}


@dataclass
class FakeBackend:
    """`status` and `predicts` say how it answers; `raw` is sent instead of JSON; `slow`: seconds between two bytes."""

    url: str = ""
    status: int = 200
    predicts: Answer = choose_first
    version: Any = "tiny-1"
    raw: bytes | None = None
    slow: float = 0.0
    received: list[tuple[str, dict[str, Any], str]] = field(default_factory=list)

    def tasks(self) -> list[dict[str, Any]]:
        """Every task of every call, in order."""
        return [task for path, body, _ in self.received if path == "/predict" for task in body["tasks"]]

    def answer(self, path: str, body: dict[str, Any]) -> Any:
        return {"/setup": {"model_version": self.version}, "/health": {"status": "UP"}}.get(path) or self.predicts(body)


@contextmanager
def answering() -> Iterator[FakeBackend]:
    backend = FakeBackend()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.respond({})

        def do_POST(self) -> None:
            self.respond(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def respond(self, body: dict[str, Any]) -> None:
            backend.received.append((self.path, body, self.headers.get("Authorization", "")))
            bad = self.path == "/predict"
            said = (
                backend.raw if bad and backend.raw is not None else json.dumps(backend.answer(self.path, body)).encode()
            )
            self.send_response(backend.status if bad else 200)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            parts = [said[place : place + 1] for place in range(len(said))] if bad and backend.slow else [said]
            for part in parts:
                try:
                    self.wfile.write(part)
                except OSError:
                    return
                time.sleep(backend.slow if bad else 0)

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    backend.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield backend
    finally:
        server.shutdown()
        server.server_close()
