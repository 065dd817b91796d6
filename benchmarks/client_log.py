"""What `client.predictions.log` costs the thread that calls it, server up and server away, beside a `queue.put`.

    python -m benchmarks.client_log [--rows 20000] [--gap 0.0002]

One JSON line for each state of the server: microseconds (median, 99th percentile, largest) of logging a row of 12
inputs and 4 scores, and of putting the same row on a `queue.Queue` that a thread empties, in turn in one loop. `gap` is
the pause between rows in seconds; 0 logs as fast as it can. The server is a process of its own that takes each batch.
"""

import argparse
import json
import multiprocessing
import queue
import random
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "client" / "src"))

from plumbline_client import Client  # noqa: E402

LABELS = ("a", "b", "c", "d")


class CaptureHandler(BaseHTTPRequestHandler):
    """Takes every batch."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b'{"created": 0, "existing": 0, "refused": []}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


def serve(port: "queue.Queue[int]") -> None:
    server = HTTPServer(("127.0.0.1", 0), CaptureHandler)
    port.put(server.server_port)
    server.serve_forever()


def row(generator: random.Random) -> dict[str, Any]:
    """12 inputs: 8 numbers, 3 categories, a text of 20 words."""
    inputs: dict[str, Any] = {f"number_{n}": generator.random() for n in range(8)}
    inputs |= {f"category_{n}": f"value {generator.randrange(9)}" for n in range(3)}
    return {**inputs, "text": " ".join(f"word{generator.randrange(999)}" for _ in range(20))}


def measure(port: int, rows: int, gap: float) -> dict[str, Any]:
    generator = random.Random(0)
    samples = [row(generator) for _ in range(256)]
    scores = dict.fromkeys(LABELS, 0.25)
    plain: queue.Queue[Any] = queue.Queue()
    threading.Thread(target=lambda: [None for _ in iter(plain.get, None)], daemon=True).start()
    logged, put = [], []
    clock = time.perf_counter_ns
    with tempfile.TemporaryDirectory() as folder:
        client = Client(f"http://127.0.0.1:{port}", "benchmark", "key", spool=folder)
        for number in range(rows):
            inputs = samples[number % 256]
            begun = clock()
            client.predictions.log(inputs, scores=scores, model_version="v1")
            middle = clock()
            plain.put({"inputs": inputs, "scores": scores, "model_version": "v1"})
            ended = clock()
            logged.append(middle - begun)
            put.append(ended - middle)
            if gap:
                time.sleep(gap)
        dropped = client.counts().dropped
        client.close()
    plain.put(None)
    return {"log": quantiles(logged), "queue_put": quantiles(put), "dropped": dropped}


def quantiles(nanoseconds: list[int]) -> dict[str, float]:
    """In microseconds."""
    ordered = sorted(nanoseconds)
    at = {"p50": 0.5, "p99": 0.99, "largest": 1.0}
    return {name: round(ordered[min(int(q * len(ordered)), len(ordered) - 1)] / 1e3, 1) for name, q in at.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--gap", type=float, default=0.0002)
    given = parser.parse_args()
    ports: queue.Queue[int] = multiprocessing.get_context("spawn").Queue()  # type: ignore[assignment]
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(ports,), daemon=True)
    server.start()
    port = ports.get()
    for state in ("up", "away"):
        if state == "away":
            server.terminate()
            server.join()
        print(
            json.dumps({"server": state, "rows": given.rows, "gap": given.gap, **measure(port, given.rows, given.gap)})
        )


if __name__ == "__main__":
    main()
