"""Does the slice scan stay silent on noise, find what was planted, and finish on a million rows?

    python -m benchmarks.slices [--sets 300] [--rows 1000000] [--seed 0]

JSON lines. `noise`: share of sets with errors at random in which anything is reported, for sets of 300 to 10 000 rows
and 2 to 12 columns of numbers, categories and texts; also with errors weighted by inclusion probability. `planted`: a
slice of two conditions with 5 % of 10 000 rows and an error rate 15 points above the others' (3 to 40 %); `first`: the
first finding names its two columns and shares most of its rows. `speed`: ten columns of a million rows. `memory`: the
peak resident memory of a process that makes the columns and scans them, at 200 and 1,000 rows of many numbers or
categories and at a million rows of ten columns of every kind, texts and times too; weighted counts where it says so.
`file`: the same of `analyse slices` on these rows as CSV.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.metrics.slices.scan import ScanSettings, Slice, members, scan

Columns = dict[str, NDArray[Any]]
WORDS = np.array([f"word{i}" for i in range(60)])
PLANTED_SHARE, PLANTED_RISE = 0.05, 0.15
UNCONFIRMED = ScanSettings(confirm=False)


class TableSize(NamedTuple):
    """A table whose scan is measured. kind: number, category, or mixed (every kind in turn)."""

    rows: int
    columns: int
    kind: str
    weighted: bool = False


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    wide = [TableSize(200, 100, "number"), TableSize(1_000, 500, "number"), TableSize(1_000, 500, "category", True)]
    for table in [*wide, TableSize(options.rows, 10, "mixed")]:
        _print(**in_new_process(table, options.seed))
    for table in (TableSize(1_000, 500, "number"), TableSize(options.rows, 10, "mixed")):
        _print(**of_a_file(table, options.seed))
    _print(**speed(options.rows, options.seed))
    for weighted in (False, True):
        _print(**noise(options.sets, options.seed, weighted=weighted))
    _print(**planted(options.sets, options.seed))


def noise(sets: int, seed: int, *, weighted: bool = False) -> dict[str, Any]:
    reported = [_noise_reports(np.random.default_rng([seed, 1, i]), weighted) for i in range(sets)]
    what = "noise, weighted" if weighted else "noise"
    return {"benchmark": "slices", "what": what, "sets": sets, "reports_anything": round(float(np.mean(reported)), 4)}


def planted(sets: int, seed: int, rows: int = 10_000) -> dict[str, Any]:
    found = np.array([_plant_found(np.random.default_rng([seed, 2, i]), rows) for i in range(sets)])
    first, confirmed, lift_held = found.mean(axis=0)
    return {
        "benchmark": "slices",
        "what": "planted",
        "sets": sets,
        "rows": rows,
        "first": round(float(first), 4),
        "confirmed": round(float(confirmed), 4),
        "lift_interval_holds_truth": round(float(lift_held), 4),
    }


def speed(rows: int, seed: int) -> dict[str, Any]:
    rng = np.random.default_rng([seed, 3])
    data = columns(rows, 10, rng, texts=False)
    met = _plant(data, rng)
    wrong = rng.random(rows) < np.where(met, 0.25, 0.1)
    before, started, cpu = _peak(), time.perf_counter(), time.process_time()
    found = scan(data, wrong)
    return {
        "benchmark": "slices",
        "what": "speed",
        "rows": rows,
        "columns": len(data),
        "tested": found.tested,
        "found": [s.rule for s in found.slices],
        "seconds": round(time.perf_counter() - started, 2),
        "cpu_seconds": round(time.process_time() - cpu, 2),
        "peak_mib": round(_peak()),
        "peak_before_mib": round(before),
    }


def in_new_process(table: TableSize, seed: int) -> dict[str, Any]:
    """The memory of one scan, apart from whatever this process holds."""
    with ProcessPoolExecutor(1, _fresh()) as pool:
        return pool.submit(memory, table, seed).result()


def _fresh() -> multiprocessing.context.SpawnContext:
    return multiprocessing.get_context("spawn")


def memory(table: TableSize, seed: int) -> dict[str, Any]:
    rng = np.random.default_rng([seed, 4])
    data = _table(table, rng)
    wrong = rng.random(table.rows) < 0.2
    inclusion = rng.uniform(0.1, 1.0, table.rows) if table.weighted else None
    before, cpu = _peak(), time.process_time()
    found = scan(data, wrong, inclusion_probability=inclusion)
    return {
        "benchmark": "slices",
        "what": "memory",
        **table._asdict(),
        "tested": found.tested,
        "found": len(found.slices),
        "cpu_seconds": round(time.process_time() - cpu, 2),
        "peak_mib": round(_peak()),
        "peak_before_mib": round(before),
    }


def of_a_file(table: TableSize, seed: int) -> dict[str, Any]:
    """The memory of `analyse slices` on a CSV of the rows, from its start to its end."""
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(1, _fresh()) as pool:
        path = Path(folder, "rows.csv")
        size = pool.submit(_write, table, seed, path).result()
        found = pool.submit(_analyse, path).result()
    return {"benchmark": "slices", "what": "file", **table._asdict(), "mb": round(size / 1e6), **found}


def _write(table: TableSize, seed: int, path: Path) -> int:
    rng = np.random.default_rng([seed, 4])
    frame = pd.DataFrame(_table(table, rng) | {"wrong": (rng.random(table.rows) < 0.2).astype(int)})
    frame.to_csv(path, index=False)
    return path.stat().st_size


def _analyse(path: Path) -> dict[str, Any]:
    command = [sys.executable, "manage.py", "analyse", "slices", str(path), "--error", "wrong", "--json", "-"]
    answer = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = round(used.ru_utime + used.ru_stime, 1)
    return {"tested": answer["tested"], "cpu_seconds": seconds, "peak_mib": round(used.ru_maxrss / 1024)}


def _table(table: TableSize, rng: np.random.Generator) -> Columns:
    if table.kind == "mixed":
        return columns(table.rows, table.columns - 1, rng) | {"moment": _moment(table.rows, rng)}
    maker = _normal if table.kind == "number" else _many
    return {f"{table.kind}{i}": maker(table.rows, rng) for i in range(table.columns)}


def columns(rows: int, count: int, rng: np.random.Generator, *, texts: bool = True) -> Columns:
    makers = [_normal, _skewed, _whole, _few, _category, _long_tail, *([_text] if texts else [])]
    kinds = [makers[i % len(makers)] for i in range(count)]
    return {f"{kind.__name__[1:]}{i}": kind(rows, rng) for i, kind in enumerate(kinds)}


def _normal(rows: int, rng: np.random.Generator) -> NDArray[Any]:
    return rng.normal(size=rows)


def _skewed(rows: int, rng: np.random.Generator) -> NDArray[Any]:
    """Amounts: many zeros, a long tail, some missing."""
    values = np.where(rng.random(rows) < 0.3, 0.0, rng.lognormal(4, 1.5, rows).round(2))
    return np.where(rng.random(rows) < 0.05, np.nan, values)


def _whole(rows: int, rng: np.random.Generator) -> NDArray[Any]:
    return rng.integers(18, 95, rows)


def _few(rows: int, rng: np.random.Generator) -> NDArray[Any]:
    return rng.poisson(1.5, rows)


def _category(rows: int, rng: np.random.Generator) -> NDArray[Any]:
    return np.array(["north", "east", "south", "west", "abroad"], dtype=object)[rng.integers(0, 5, rows)]


def _long_tail(rows: int, rng: np.random.Generator) -> NDArray[Any]:
    return np.minimum(rng.zipf(1.6, rows), 500).astype(str).astype(object)


def _many(rows: int, rng: np.random.Generator) -> NDArray[Any]:
    """As many values as a scan takes from one column of this length."""
    return np.arange(max(2, rows // 40)).astype(str).astype(object)[rng.integers(0, max(2, rows // 40), rows)]


def _moment(rows: int, rng: np.random.Generator) -> NDArray[Any]:
    return np.datetime64("2025-01-01", "s") + rng.integers(0, 500 * 86_400, rows).astype("timedelta64[s]")


def _text(rows: int, rng: np.random.Generator) -> NDArray[Any]:
    drawn = np.minimum(rng.zipf(1.4, (rows, 6)), WORDS.size) - 1
    return np.array([" ".join(line) for line in WORDS[drawn]], dtype=object)


def _noise_reports(rng: np.random.Generator, weighted: bool) -> bool:
    rows, count = int(np.exp(rng.uniform(np.log(300), np.log(10_000)))), int(rng.integers(2, 13))
    wrong = rng.random(rows) < rng.uniform(0.03, 0.5)
    inclusion = np.where(rng.random(rows) < rng.uniform(0.2, 0.6), 1.0, rng.uniform(0.02, 0.5)) if weighted else None
    return bool(scan(columns(rows, count, rng), wrong, inclusion_probability=inclusion, settings=UNCONFIRMED).slices)


def _plant_found(rng: np.random.Generator, rows: int) -> tuple[bool, bool, bool]:
    data = columns(rows, 10, rng, texts=False)
    met = _plant(data, rng)
    rate = np.where(met, PLANTED_RISE, 0.0) + rng.uniform(0.03, 0.4)
    wrong = rng.random(rows) < rate
    found = scan(data, wrong).slices
    if not found or not _same(found[0], data, met):
        return False, False, False
    first, truth = found[0], rate[members(data, found[0].conditions)].mean() / rate.mean()
    assert first.lift.low is not None and first.lift.high is not None
    return True, bool(first.confirmed), bool(first.lift.low <= truth <= first.lift.high)


def _plant(data: Columns, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Rows of a slice of about 5 %: a category, and the numbers above a cut or between two."""
    category = next(name for name in data if name.startswith("category"))
    number = rng.choice([name for name in data if name.startswith(("normal", "skewed", "whole"))])
    of_category = data[category] == rng.choice(["north", "east", "south", "west", "abroad"])
    values = data[number]
    share = PLANTED_SHARE / of_category.mean()
    begin = rng.choice([rng.uniform(0, 1 - share), 1 - share])
    low, high = np.nanquantile(values, [begin, min(begin + share, 1)])
    return np.asarray(of_category & (values >= low) & (values <= high))


def _same(found: Slice, data: Columns, met: NDArray[np.bool_]) -> bool:
    mine = members(data, found.conditions)
    return len(found.conditions) == 2 and (mine & met).sum() > 0.5 * (mine | met).sum()


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _print(**figures: Any) -> None:
    print(json.dumps(figures), flush=True)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=int, default=300)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
