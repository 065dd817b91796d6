"""How long do all performance measures, with intervals, and the full threshold curve take on a million labels?

    python -m benchmarks.performance_speed [--rows 1000000] [--classes 2 10] [--repeat 3]

JSON lines: seconds of the fastest of the repeats, as the clock and the processor saw them. `all` adds classification,
the whole threshold curve, the cheapest review band, calibration and risk–coverage.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from analysis.metrics.core.design import design
from analysis.metrics.performance.calibration import calibration
from analysis.metrics.performance.classification import classification
from analysis.metrics.performance.risk_coverage import risk_coverage
from analysis.metrics.performance.threshold_curve import Costs, threshold_curve
from analysis.metrics.performance.thresholds import cheapest_band

Floats = NDArray[np.float64]


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    for k in options.classes:
        steps = measures(*labels(options.rows, k))
        seconds = {name: fastest(step, options.repeat) for name, step in steps.items()}
        for name, (wall, cpu) in seconds.items():
            _print(options.rows, k, name, wall, cpu)
        wall, cpu = (sum(both[i] for both in seconds.values()) for i in (0, 1))
        _print(options.rows, k, "all", wall, cpu)


def labels(rows: int, k: int) -> tuple[NDArray[np.int64], Floats, Floats]:
    """truth (n,), probabilities (n, k) and inclusion probabilities (n,), a third of them chosen for certain."""
    rng = np.random.default_rng(0)
    scores = softmax(rng.normal(size=(rows, k)) * 2, axis=1)
    truth = (scores.cumsum(axis=1) > rng.random(rows)[:, None]).argmax(axis=1)
    return truth, scores, np.where(rng.random(rows) < 0.3, 1.0, 0.05)


def measures(truth: NDArray[np.int64], scores: Floats, inclusion: Floats) -> dict[str, Callable[[], Any]]:
    k = scores.shape[1]
    called, positive, score = scores.argmax(axis=1), truth == 1, np.ascontiguousarray(scores[:, 1])
    wrong, sure = (called != truth).astype(float), scores.max(axis=1)
    names, price = [str(c) for c in range(k)], np.ones((k, k)) - np.eye(k)
    found: dict[str, Callable[[], Any]] = {
        "classification": lambda: classification(
            truth, called, design(inclusion), classes=names, probabilities=scores, costs=price
        ),
        "threshold_curve": lambda: threshold_curve(positive, score, design(inclusion)),
        "cheapest_band": lambda: cheapest_band(positive, score, design(inclusion), costs=Costs(1, 5, 0.4)),
        "calibration": lambda: calibration(positive, score, design(inclusion)),
        "risk_coverage": lambda: risk_coverage(wrong, sure, design(inclusion)),
    }
    return found


def fastest(step: Callable[[], Any], repeat: int) -> tuple[float, float]:
    times = []
    for _ in range(repeat):
        wall, cpu = time.perf_counter(), time.process_time()
        step()
        times.append((time.perf_counter() - wall, time.process_time() - cpu))
    return min(wall for wall, _ in times), min(cpu for _, cpu in times)


def _print(rows: int, k: int, what: str, wall: float, cpu: float) -> None:
    figures = {"benchmark": "performance_speed", "rows": rows, "classes": k, "what": what}
    print(json.dumps({**figures, "seconds": round(wall, 3), "cpu_seconds": round(cpu, 3)}), flush=True)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--classes", type=int, nargs="*", default=[2, 10])
    parser.add_argument("--repeat", type=int, default=3)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
