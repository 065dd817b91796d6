"""Is what `auto` makes of people's votes as right as the best single method, for annotators of any kind?

    python -m benchmarks.votes [--seeds 5] [--seed 0] [--only public simulated speed] [--shapes spammers ...]

One JSON line for each set and method: accuracy against the truth over `n` items (means over `--seeds` draws of a
simulated set), what quality was stated and how far that is off, and seconds of CPU; `auto` adds the best single method
and how far it is ahead of it. No method sees the truth or any setting of the set. A line of means closes each part.
`public` are sets of benchmarks.data, whole and with a few votes of each item, drawn `--seeds` times; left out where
they are absent. `simulated` are those of benchmarks.simulated_votes, none of which is exactly a model that is fitted;
`speed` is CROWDLAB and `auto` on 50 000 items with three votes each, with a model's probabilities.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.metrics.votes.consensus import METHODS, Votes, resolve
from benchmarks.data import Absent, rows_of
from benchmarks.simulated_votes import SHAPES, Floats, VotesWithTruth, draw_votes, even_errors

PARTS = ["public", "simulated", "speed"]
PUBLIC = ("crowd_weather_amt", "crowd_zencrowd_us", "crowd_bluebirds")
# The best figure measured elsewhere (crowd-kit 1.4.2 and cleanlab 2.9.0), among the methods offered here and MACE.
ELSEWHERE = {"crowd_weather_amt": 0.8633, "crowd_zencrowd_us": 0.9005, "crowd_bluebirds": 0.8889}

FEW = (2, 3, 5, 8)  # votes an item


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    if "public" in options.only:
        there = {name: votes for name in PUBLIC if (votes := _public(name))}
        _say_means("public", [_measure(name, [votes]) for name, votes in there.items()])
        few = [(name, n) for name in there for n in FEW]
        draws = range(options.seeds)
        found = [_measure(f"{name}, {n} votes an item", [_few(there[name], n, at) for at in draws]) for name, n in few]
        _say_means("public, few votes", found)
    if "simulated" in options.only:
        seeds = range(options.seed, options.seed + options.seeds)
        _say_means("simulated", [_measure(name, [_simulated(name, seed) for seed in seeds]) for name in options.shapes])
    if "speed" in options.only:
        for method in ("crowdlab", "auto"):
            _print(**speed(method, options.seed))


def _measure(name: str, sets: Sequence[VotesWithTruth]) -> dict[str, float]:
    """Accuracy of each method on one set, `auto` last."""
    found: dict[str, float] = {}
    for method in (*METHODS[1:], "auto"):
        started = time.process_time()
        resolved = [_resolved(method, *votes_with_truth) for votes_with_truth in sets]
        accuracy = [float(right.mean()) for right, _ in resolved]
        seconds = (time.process_time() - started) / len(sets)
        more: dict[str, Any] = _stated(resolved)
        if method == "auto":
            best = max(found, key=lambda one: found[one])
            more |= {"best_single": best, "ahead_of_best": round(float(np.mean(accuracy)) - found[best], 4)}
            if name in ELSEWHERE:
                more["ahead_of_best_elsewhere"] = round(float(np.mean(accuracy)) - ELSEWHERE[name], 4)
        found[method] = float(np.mean(accuracy))
        n = len(sets[0][1])
        _print(set=name, method=method, accuracy=round(found[method], 4), n=n, seconds=round(seconds, 2), **more)
    return found


def _resolved(method: str, votes: Votes, truth: Mapping[Any, Any]) -> tuple[Floats, Floats]:
    """Whether each item with a truth is resolved rightly, and its stated quality."""
    found = resolve(votes, method=method)
    known = [at for at, item in enumerate(found.items.tolist()) if item in truth]
    right = [found.label[at] == truth[found.items[at]] for at in known]
    return np.array(right, dtype=np.float64), found.quality[known]


def _stated(resolved: Sequence[tuple[Floats, Floats]]) -> dict[str, float]:
    """Mean stated quality, how far it is above the accuracy, and the Brier score of the one for the other."""
    stated = [float(quality.mean()) for _, quality in resolved]
    over = [float((quality - right).mean()) for right, quality in resolved]
    brier = [float(((quality - right) ** 2).mean()) for right, quality in resolved]
    names = ("stated_quality", "overstated_by", "quality_brier")
    return {name: round(float(np.mean(values)), 4) for name, values in zip(names, (stated, over, brier), strict=True)}


def _few(every: VotesWithTruth, votes_per_item: int, draw: int) -> VotesWithTruth:
    """So many votes of each item of a set, drawn."""
    votes, truth = every
    table = pd.DataFrame({field: np.asarray(column) for field, column in votes._asdict().items()})
    table = table.sample(frac=1, random_state=1000 * draw + votes_per_item)
    kept = table[table.groupby("items").cumcount() < votes_per_item]
    return Votes(*(kept[field] for field in Votes._fields)), truth


def _say_means(part: str, found: Sequence[Mapping[str, float]]) -> None:
    if not found:
        _print(part=part, absent="nothing to measure on this machine")
        return
    table = pd.DataFrame(found)
    behind = (table.drop(columns="auto").max(axis=1) - table["auto"]).max()
    means = {method: round(float(value), 4) for method, value in table.mean().items()}
    _print(part=part, sets=len(table), mean_accuracy=means, auto_furthest_behind_best=round(float(behind), 4))


def speed(method: str, seed: int, items: int = 50_000, k: int = 10) -> dict[str, Any]:
    rng = np.random.default_rng([seed, 99])
    truth = rng.integers(0, k, items)
    people = rng.uniform(0.4, 0.9, 200)
    votes_with_truth = draw_votes(rng, truth, np.stack([even_errors(right, k) for right in people]), per_item=3)
    model = rng.dirichlet(np.ones(k), items) + 0.2 * np.eye(k)[truth]
    model /= model.sum(axis=1, keepdims=True)
    started, cpu = time.perf_counter(), time.process_time()
    found = resolve(votes_with_truth[0], method=method, probabilities=model, seed=seed)
    return {
        "set": "speed: 50 000 items x 3 votes, 200 annotators, 10 classes, with a model",
        "method": method,
        "accuracy": round(float((found.label == truth).mean()), 4),
        "n": items,
        "seconds": round(time.perf_counter() - started, 2),
        "cpu_seconds": round(time.process_time() - cpu, 2),
    }


def _public(name: str) -> VotesWithTruth | None:
    try:
        votes, truth = (rows_of(name, f"{part}.csv.gz") for part in ("annotations", "truth"))
    except Absent as absent:
        _print(set=name, absent=str(absent))
        return None
    return Votes(votes["item_id"], votes["annotator_id"], votes["label"]), truth.set_index("item_id")["label"].to_dict()


def _simulated(name: str, seed: int) -> VotesWithTruth:
    return SHAPES[name](np.random.default_rng([seed, *name.encode()]))


def _print(**figures: Any) -> None:
    print(json.dumps({"benchmark": "votes", **figures}), flush=True)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.votes", description="What votes are resolved to.")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--shapes", nargs="+", choices=sorted(SHAPES), default=list(SHAPES))
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
