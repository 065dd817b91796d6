"""How fast does a project with resolved items leave as a file, and how fast does a file come in?

    python -m benchmarks.exchange [--items 100000] [--formats parquet jsonl]

in a SQLite folder of its own: writes a Parquet file of ITEMS rows (2 inputs, 2 scores, a version, a known label),
imports it, imports it again, and exports every item in each format. One JSON line for each step: seconds on the clock,
seconds of the processor, rows a second, and the largest memory of the process so far, the first line before any step.
"""

import argparse
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

LABELS = ["ham", "spam"]
SPEC = {
    "title": "Exchange speed",
    "kind": "choice",
    "labels": LABELS,
    "inputs": {"text": {"type": "text"}, "amount": {"type": "number"}},
}
PART = 50_000  # rows that are made at once


def make_file(path: Path, count: int) -> None:
    """A Parquet file with this many rows."""
    rng, writer = np.random.default_rng(0), None
    for start in range(0, count, PART):
        size = min(PART, count - start)
        spam = rng.random(size).round(6)
        table = pa.table(
            {
                "key": [f"row-{start + place}" for place in range(size)],
                "text": [f"message {start + place} about a card that has not arrived" for place in range(size)],
                "amount": rng.normal(50, 20, size).round(2),
                "scores.ham": 1 - spam,
                "scores.spam": spam,
                "model_version": ["filter-7"] * size,
                "label": [LABELS[int(chance < share)] for chance, share in zip(rng.random(size), spam, strict=True)],
            }
        )
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer:
        writer.close()


def measured(what: str, count: int, step: Callable[[], Any]) -> dict[str, Any]:
    wall, cpu = time.perf_counter(), time.process_time()
    step()
    seconds = time.perf_counter() - wall
    return {
        "benchmark": "exchange",
        "what": what,
        "items": count,
        "seconds": round(seconds, 2),
        "cpu_seconds": round(time.process_time() - cpu, 2),
        "rows_a_second": round(count / seconds),
        "peak_mib": peak_mib(),
    }


def peak_mib() -> int:
    """The largest memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def measure(folder: Path, count: int, formats: list[str]) -> None:
    from django.utils import timezone

    from annotation.exporting import export_file
    from annotation.importing import import_file
    from projects import specs

    project = specs.create_project("exchange", SPEC, by=None, at=timezone.now())
    source = folder / "source.parquet"
    make_file(source, count)

    def bring_in(created: int) -> None:
        with source.open("rb") as stream:
            result = import_file(project, stream, "parquet", at=timezone.now())
        if (result.created, result.existing, result.refused) != (created, count - created, []):
            raise RuntimeError(f"The import is wrong: {result}")

    def take_out(name: str) -> None:
        with (folder / f"out.{name}").open("wb") as stream:
            if export_file(project, stream, name) != count:
                raise RuntimeError("The export is not whole.")

    print(json.dumps({"benchmark": "exchange", "what": "before", "peak_mib": peak_mib()}), flush=True)
    print(json.dumps(measured("import", count, lambda: bring_in(count))), flush=True)
    print(json.dumps(measured("import again", count, lambda: bring_in(0))), flush=True)
    for name in formats:
        print(json.dumps(measured(f"export {name}", count, partial(take_out, name))), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--formats", nargs="+", default=["parquet", "jsonl"])
    given = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    with tempfile.TemporaryDirectory(prefix="plumbline-exchange-") as home:
        os.environ["PLUMBLINE_HOME"] = home  # never the installation's own database
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        measure(Path(home), given.items, given.formats)


if __name__ == "__main__":
    main()
