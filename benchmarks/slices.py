"""Does the slice scan stay silent on noise, find what was planted, and finish on a million rows?

    python -m benchmarks.slices [--sets 300] [--rows 1000000] [--seed 0]

JSON lines. `noise`: share of sets with errors at random in which anything is reported, for sets of 300 to 10 000 rows
and 2 to 12 columns of numbers, categories and texts; also with errors weighted by inclusion probability. `planted`: a
slice of two conditions with 5 % of 10 000 rows and an error rate 15 points above the others' (3 to 40 %); `first`: the
first finding names its two columns and shares most of its rows. `speed`: ten columns, with the largest memory in use.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.metrics.slices.scan import Slice, members, scan

Columns = dict[str, NDArray[Any]]
WORDS = np.array([f"word{i}" for i in range(60)])
PLANTED_SHARE, PLANTED_RISE = 0.05, 0.15


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    # The million rows come first: the largest memory in use must be theirs alone.
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


def _text(rows: int, rng: np.random.Generator) -> NDArray[Any]:
    drawn = np.minimum(rng.zipf(1.4, (rows, 6)), WORDS.size) - 1
    return np.array([" ".join(line) for line in WORDS[drawn]], dtype=object)


def _noise_reports(rng: np.random.Generator, weighted: bool) -> bool:
    rows, count = int(np.exp(rng.uniform(np.log(300), np.log(10_000)))), int(rng.integers(2, 13))
    wrong = rng.random(rows) < rng.uniform(0.03, 0.5)
    inclusion = np.where(rng.random(rows) < rng.uniform(0.2, 0.6), 1.0, rng.uniform(0.02, 0.5)) if weighted else None
    return bool(scan(columns(rows, count, rng), wrong, inclusion_probability=inclusion, confirm=False).slices)


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
