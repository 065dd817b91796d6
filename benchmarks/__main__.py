"""`make bench`: every benchmark in turn, JSON lines on standard output. `python -m benchmarks.NAME` runs one.

    python -m benchmarks [--quick]

`--quick` starts each with the smallest setting that still measures something, to see that it runs: minutes instead of
hours, and no figure to go by. A last line of each says how it ended and how long it took.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

QUICK: Mapping[str, str] = {
    "assisted": "--projects 10",
    "backtest": "--sets digits --seeds 1 --budget 40",
    "canary": "--times 10",
    "capture_speed": "--rows 500 --batches 2",
    "certificate": "--projects 4 --splits 1",
    "client_log": "--rows 500",
    "cut_batches": "--events 200",
    "data": "",
    "desk_supply": "--annotators 2 --seconds 3 --items 500",
    "desk_throughput": "--annotators 2 --seconds 3 --items 500",
    "disagreement": "--times 60 --rows 2000",
    "drift": "--times 2 --only stable dependent",
    "drift_halves": "--times 2 --only levels",
    "drift_texts": "--times 2 --rows 100",
    "estimate": "--times 1 --only label_shift",
    "exchange": "--items 200",
    "fitting": "--sets digits --sizes 60 --seeds 1 --budget 5",
    "gate": "--times 50 --n 200",
    "import_job": "--rows 4000",
    "intervals": "--projects 4 --scenarios rare",
    "items_page": "--items 2000 --requests 2 --batches 1",
    "label_change": "--labels 1000",
    "label_coverage": "--sets iris --rates 0.1",
    "label_efficiency": "--sets wine --strategies random --seeds 1",
    "label_errors": "--seeds 1 --only injected --sets wine --budget 5",
    "label_shares": "--times 1 --only strong",
    "label_value": "--seeds 1 --sets digits --audited 100",
    "leases": "--annotators 2 --items 20",
    "malformed_bodies": "--bodies 200 --by-schema 40",
    "monitor": "--streams 40 --references 2",
    "monitor_exact": "--rows 0 --levels 0.05",
    "monitor_growing": "--streams 10 --levels 0.02 --cost-streams 1",
    "performance_speed": "--rows 2000 --classes 2 --repeat 1",
    "query_round": "--rows 1000 --peer-seconds 5",
    "routing_scale": "--items 500",
    "score_loading": "",
    "slices": "--sets 2 --rows 2000",
    "text_encoder": "--texts 20",
    "thresholds": "--projects 2",
    "votes": "--seeds 1 --only simulated --shapes spammers",
}
"""The smallest setting of each benchmark; one that has none here is run as it is."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Every benchmark in turn.")
    parser.add_argument("--quick", action="store_true", help="with the smallest setting of each")
    options = parser.parse_args(arguments)
    return max(_run(name, QUICK.get(name, "").split() if options.quick else []) for name in startable())


def startable() -> list[str]:
    """Modules that are benchmarks; the others are parts of them."""
    paths = sorted(Path(__file__).parent.glob("[a-z]*.py"))
    return [path.stem for path in paths if '__name__ == "__main__"' in path.read_text()]


def _run(name: str, arguments: Sequence[str]) -> int:
    started = time.perf_counter()
    ended = subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *arguments]).returncode
    line = {"benchmark": name, "exit": ended, "seconds": round(time.perf_counter() - started, 1)}
    print(json.dumps(line), flush=True)
    return ended


if __name__ == "__main__":
    sys.exit(main())
