"""How quickly stored scores load into one array: ROWS predictions of ten labels in a SQLite file made for it.

`bytes` is the way of this project: one packed float32 column, joined and read with one `frombuffer`. `json` is the same
scores as JSON text, which is what a JSONField would hold. ROWS=1000000 by default.
"""

import json
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

LABELS = 10
CHUNK = 50_000


def rows(count: int, *, seed: int) -> Iterator[tuple[bytes, str]]:
    generator = np.random.default_rng(seed)
    for start in range(0, count, CHUNK):
        scores = generator.dirichlet(np.ones(LABELS), min(CHUNK, count - start)).astype("<f4")
        yield from ((row.tobytes(), json.dumps(row.tolist())) for row in scores)


def load_bytes(connection: sqlite3.Connection) -> NDArray[np.float32]:
    found = connection.execute("SELECT scores FROM prediction ORDER BY id")
    return np.frombuffer(b"".join(row[0] for row in found), dtype="<f4").reshape(-1, LABELS)


def load_json(connection: sqlite3.Connection) -> NDArray[np.float32]:
    found = connection.execute("SELECT written FROM prediction_json ORDER BY id")
    return np.array([json.loads(row[0]) for row in found], dtype="<f4")


def timed(load: Callable[[sqlite3.Connection], NDArray[np.float32]], file: Path) -> tuple[NDArray[np.float32], float]:
    connection = sqlite3.connect(file)
    began = time.perf_counter()
    array = load(connection)
    seconds = time.perf_counter() - began
    connection.close()
    return array, seconds


def main() -> None:
    count = int(os.environ.get("ROWS", "1000000"))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "scores.sqlite3"
        connection = sqlite3.connect(file)
        connection.execute("CREATE TABLE prediction (id INTEGER PRIMARY KEY, scores BLOB)")
        connection.execute("CREATE TABLE prediction_json (id INTEGER PRIMARY KEY, written TEXT)")
        for scores, written in rows(count, seed=1):
            connection.execute("INSERT INTO prediction (scores) VALUES (?)", (scores,))
            connection.execute("INSERT INTO prediction_json (written) VALUES (?)", (written,))
        connection.commit()
        connection.close()
        array, seconds = timed(load_bytes, file)
        other, slower = timed(load_json, file)
    assert array.shape == (count, LABELS) and np.array_equal(array, other)
    result = {
        "benchmark": "score_loading",
        "rows": count,
        "labels": LABELS,
        "bytes_seconds": round(seconds, 3),
        "json_seconds": round(slower, 3),
        "ratio": round(slower / seconds, 1),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
