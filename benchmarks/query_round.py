"""What one query round costs over a large pool, through `select`: CPU seconds and extra memory.

    python -m benchmarks.query_round [--rows 100000] [--peer-seconds 60]

JSON lines, each round measured in a process of its own: `cold` has no label and no model (typical items), `few` 100
labels and no model, `warm` 500 labels and a model (herding by uncertainty with the rare-class quota). The pool has
100-d float32 vectors of 20 classes. CPU seconds are of the fastest of three rounds, on one thread; `extra_mb` is the
rise of the process's peak memory over what stood before the first round, `allocated_mb` the peak of what Python
allocated in one more round. scikit-activeml's TypiClust is timed on the same warm pool, and given up after `--peer-
seconds`.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from annotation.sampling import Pool, select

DIMENSIONS, CLASSES, LABELS, FEW, BATCH, AUDIT_SHARE = 100, 20, 500, 100, 50, 0.05
REACH = {"cpu_seconds": 0.3, "extra_mb": 200}


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    seconds = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in ("cold", "few", "warm"):
            _store(make_pool(name, options.rows), Path(folder))
            figures = _apart(_ours, folder, limit=600)
            seconds[name] = figures["cpu_seconds"]
            _print(round=name, rows=options.rows, batch=BATCH, **figures, reach=REACH)
        peer = _apart(_typiclust, folder, limit=options.peer_seconds)
    times = round(peer["cpu_seconds"] / seconds["warm"], 1) if "cpu_seconds" in peer else None
    _print(round="skactiveml.TypiClust", rows=options.rows, batch=BATCH, **peer, times_of_warm=times)


def make_pool(name: str, rows: int) -> Pool:
    """Overlapping Gaussian classes of uneven size, so that something is uncertain and something rare."""
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.ones(CLASSES))
    centres = rng.normal(size=(CLASSES, DIMENSIONS))
    target = rng.choice(CLASSES, size=rows + LABELS, p=shares)
    vectors = (centres[target] + 2 * rng.normal(size=(rows + LABELS, DIMENSIONS))).astype(np.float32)
    scores = softmax(vectors[:rows] @ centres.T.astype(np.float32) / 8, axis=1).astype(np.float64)
    names = tuple(f"class {code}" for code in range(CLASSES))
    labels = {"cold": 0, "few": FEW, "warm": LABELS}[name]
    return Pool(
        vectors=vectors[:rows],
        probabilities=scores if name == "warm" else None,
        classes=names,
        labelled_vectors=vectors[rows : rows + labels],
        labelled_targets=target[rows : rows + labels],
    )


def _store(pool: Pool, folder: Path) -> None:
    """To files, so that the process that is measured holds the pool and nothing of its making."""
    for one in fields(pool):
        if isinstance(getattr(pool, one.name), np.ndarray):
            np.save(folder / f"{one.name}.npy", getattr(pool, one.name))


def _load(folder: Path) -> Pool:
    arrays = {path.stem: np.load(path) for path in folder.glob("*.npy")}
    return Pool(**{"probabilities": None, **arrays}, classes=tuple(f"class {code}" for code in range(CLASSES)))


def _ours(folder: str) -> dict[str, Any]:
    pool = _load(Path(folder))
    before = _peak()
    chosen, seconds = _fastest(lambda: select(pool, size=BATCH, seed=1))
    extra = _peak() - before
    tracemalloc.start()
    select(pool, size=BATCH, seed=1)
    allocated = tracemalloc.get_traced_memory()[1] / 2**20
    return {
        "strategy": chosen.strategy,
        "arms": {arm: int((chosen.arm == arm).sum()) for arm in sorted(set(chosen.arm.tolist()))},
        "cpu_seconds": round(seconds, 3),
        "extra_mb": round(extra, 1),
        "allocated_mb": round(allocated, 1),
    }


def _typiclust(folder: str) -> dict[str, Any]:
    from skactiveml.pool import TypiClust

    pool = _load(Path(folder))
    assert pool.labelled_vectors is not None
    vectors: NDArray[Any] = np.vstack([pool.vectors, pool.labelled_vectors])
    known = np.concatenate([np.full(len(pool), np.nan), np.zeros(len(pool.labelled_vectors))])
    before, started = _peak(), time.process_time()
    TypiClust(random_state=0).query(X=vectors, y=known, batch_size=BATCH)
    return {"cpu_seconds": round(time.process_time() - started, 3), "extra_mb": round(_peak() - before, 1)}


def _fastest(step: Callable[[], Any]) -> tuple[Any, float]:
    times = []
    for _ in range(3):
        started = time.process_time()
        answer = step()
        times.append(time.process_time() - started)
    return answer, min(times)


def _peak() -> float:
    """The most memory this process has held, in MB. Not `getrusage`, whose figure a parent hands down to its child."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def _apart(step: Callable[..., dict[str, Any]], *arguments: Any, limit: float) -> dict[str, Any]:
    """The step's figures from a fresh process, or that it was given up."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(theirs, step, arguments))
    process.start()
    answer = ours.recv() if ours.poll(limit) else {"given_up_after_seconds": limit}
    process.kill()
    process.join()
    return dict(answer)


def _send(pipe: Any, step: Callable[..., dict[str, Any]], arguments: tuple[Any, ...]) -> None:
    pipe.send(step(*arguments))


def _print(**figures: Any) -> None:
    print(json.dumps({"benchmark": "query_round", **figures}), flush=True)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="CPU and memory of one query round.")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--peer-seconds", type=float, default=60.0, help="wait at most so long for the peer")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
