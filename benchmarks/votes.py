"""Is what `auto` makes of people's votes as right as the best single method, for annotators of any kind?

    python -m benchmarks.votes [--seeds 5] [--seed 0] [--only public simulated speed] [--shapes spammers ...]

One JSON line for each set and method: accuracy against the truth over `n` items (means over `--seeds` draws of a
simulated set), what quality was stated and how far that is off, and seconds of CPU; `auto` adds the best single method
and how far it is ahead of it. No method sees the truth or any setting of the set. A line of means closes each part.
`public` are sets of benchmarks.data, left out where they are absent; `simulated` are the sets below, each drawn from
its own law, none of which is exactly a model that is fitted; `speed` is CROWDLAB and `auto` on 50 000 items with three
votes each, with a model's probabilities.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.metrics.votes.consensus import METHODS, Votes, resolve
from benchmarks.data import Absent, rows_of

PARTS = ["public", "simulated", "speed"]
PUBLIC = ("crowd_weather_amt", "crowd_zencrowd_us", "crowd_bluebirds")
# The best figure measured elsewhere (crowd-kit 1.4.2 and cleanlab 2.9.0), among the methods offered here and MACE.
ELSEWHERE = {"crowd_weather_amt": 0.8633, "crowd_zencrowd_us": 0.9005, "crowd_bluebirds": 0.8889}

FEW = (2, 3, 5, 8)  # votes an item

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
VotesWithTruth = tuple[Votes, Mapping[Any, Any]]  # votes, and the truth by item


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    if "public" in options.only:
        there = {name: votes for name in PUBLIC if (votes := _public(name))}
        _say_means("public", [_measure(name, [votes]) for name, votes in there.items()])
        few = [(name, n) for name in there for n in FEW]
        found = [_measure(f"{name}, {n} votes an item", [_few(there[name], n)]) for name, n in few]
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


def _few(every: VotesWithTruth, votes_per_item: int) -> VotesWithTruth:
    """The first votes of each item of a set, in an order drawn by their number."""
    votes, truth = every
    table = pd.DataFrame({field: np.asarray(column) for field, column in votes._asdict().items()})
    table = table.sample(frac=1, random_state=votes_per_item)
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
    votes_with_truth = _cast(rng, truth, np.stack([_coin(right, k) for right in people]), per_item=3)
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


def _coin(right: float, k: int) -> Floats:
    return right * np.eye(k) + (1 - right) / (k - 1) * (1 - np.eye(k))


def _cast(
    rng: np.random.Generator, kind: Ints, chances: Floats, per_item: int, truth: Ints | None = None
) -> VotesWithTruth:
    """Votes of `per_item` annotators each, by their `chances` (annotators, kinds, k) of a label for a kind of item."""
    people = np.argsort(rng.random((kind.size, len(chances))), axis=1)[:, :per_item].ravel()
    items = np.repeat(np.arange(kind.size), per_item)
    chance = np.cumsum(chances[people, kind[items]], axis=1)
    votes = Votes(items, people, np.minimum((rng.random((items.size, 1)) > chance).sum(axis=1), chances.shape[2] - 1))
    return votes, dict(enumerate((kind if truth is None else truth).tolist()))


def spammers(rng: np.random.Generator) -> VotesWithTruth:
    """Thirty of forty annotators answer at random or always the same; four classes, seven votes."""
    spam = [np.tile(rng.dirichlet(np.full(4, 0.3)), (4, 1)) for _ in range(30)]
    good = [_coin(right, 4) for right in rng.uniform(0.65, 0.95, 10)]
    return _cast(rng, rng.integers(0, 4, 600), np.stack(spam + good), per_item=7)


def biased(rng: np.random.Generator) -> VotesWithTruth:
    """Everyone overlooks the second of two classes, most of them more often than not; nine votes."""
    seen = np.concatenate([rng.uniform(0.2, 0.5, 20), rng.uniform(0.7, 0.95, 10)])
    chances = np.stack([np.array([[0.93, 0.07], [1 - s, s]]) for s in seen])
    return _cast(rng, rng.integers(0, 2, 500), chances, per_item=9)


def confused_pairs(rng: np.random.Generator) -> VotesWithTruth:
    """Six classes in three look-alike pairs; each annotator leans to one of a pair in their own way; five votes."""
    chances = np.full((30, 6, 6), 0.02)
    for person in chances:
        for pair in range(0, 6, 2):
            lean = rng.uniform(0.3, 0.95)
            person[pair, [pair, pair + 1]] = lean, 1 - lean
            person[pair + 1, [pair, pair + 1]] = rng.uniform(0.05, lean - 0.1), 1
        person /= person.sum(axis=1, keepdims=True)
    return _cast(rng, rng.integers(0, 6, 800), chances, per_item=5)


def difficulty(rng: np.random.Generator) -> VotesWithTruth:
    """Items from trivial to hopeless, annotators of differing ability, errors even over three classes; six votes."""
    truth, n_people = rng.integers(0, 3, 700), 30
    ability, ease = rng.normal(1.2, 0.8, n_people), np.exp(rng.normal(0, 1.0, truth.size))
    people = np.argsort(rng.random((truth.size, n_people)), axis=1)[:, :6].ravel()
    items = np.repeat(np.arange(truth.size), 6)
    right = 1 / (1 + 2 * np.exp(-ability[people] * ease[items]))
    slip = (truth[items] + rng.integers(1, 3, items.size)) % 3
    labels = np.where(rng.random(items.size) < right, truth[items], slip)
    return Votes(items, people, labels), dict(enumerate(truth.tolist()))


def few_votes(rng: np.random.Generator) -> VotesWithTruth:
    """Two votes per item, five classes, sixty annotators."""
    chances = np.stack([_coin(right, 5) for right in rng.uniform(0.4, 0.95, 60)])
    return _cast(rng, rng.integers(0, 5, 1500), chances, per_item=2)


def skewed(rng: np.random.Generator) -> VotesWithTruth:
    """Six in a hundred items are of the class that matters, and a third of these is missed; five votes."""
    chances = np.stack([[[s, 1 - s], [1 - r, r]] for s, r in rng.uniform([0.85, 0.45], [0.99, 0.9], (40, 2))])
    return _cast(rng, (rng.random(1500) < 0.06).astype(np.int64), chances, per_item=5)


def adversaries(rng: np.random.Generator) -> VotesWithTruth:
    """A quarter of the annotators give the wrong one of two labels on purpose; seven votes."""
    right = np.concatenate([rng.uniform(0.65, 0.9, 24), rng.uniform(0.1, 0.3, 8)])
    return _cast(rng, rng.integers(0, 2, 600), np.stack([_coin(r, 2) for r in right]), per_item=7)


def hard_negatives(rng: np.random.Generator) -> VotesWithTruth:
    """A quarter of the items are negatives that nearly half of the votes take for positives; twelve votes."""
    kind = rng.choice(3, 800, p=[0.5, 0.25, 0.25])
    looks, skill = np.array([[0.95, 0.05], [0.58, 0.42], [0.25, 0.75]]), rng.uniform(-0.12, 0.12, 30)
    chances = np.stack([np.clip(looks + s * np.array([[1, -1], [1, -1], [-1, 1]]), 0.01, 0.99) for s in skill])
    return _cast(rng, kind, chances, 12, truth=(kind == 2).astype(np.int64))


def many_classes(rng: np.random.Generator) -> VotesWithTruth:
    """Twenty classes, annotators with some twenty votes each, three votes per item."""
    chances = np.stack([_coin(right, 20) for right in rng.uniform(0.35, 0.95, 150)])
    return _cast(rng, rng.integers(0, 20, 1000), chances, per_item=3)


def experts(rng: np.random.Generator) -> VotesWithTruth:
    """Everyone knows two of five classes well and guesses among the others; eight votes."""
    chances = np.full((40, 5, 5), 0.2)
    for person in chances:
        known = rng.choice(5, 2, replace=False)
        person[known] = 0.025 + 0.875 * np.eye(5)[known]
        person[:, :] = person / person.sum(axis=1, keepdims=True)
    return _cast(rng, rng.integers(0, 5, 600), chances, per_item=8)


def copiers(rng: np.random.Generator) -> VotesWithTruth:
    """A third of the annotators copy a careless colleague's vote instead of looking; nine votes of 21 annotators."""
    truth = rng.integers(0, 3, 500)
    votes, real = _cast(rng, truth, np.stack([_coin(r, 3) for r in rng.uniform(0.55, 0.85, 21)]), per_item=9)
    copied = (truth + rng.choice(3, truth.size, p=[0.55, 0.25, 0.2])) % 3
    people, labels = np.asarray(votes.annotators), np.asarray(votes.labels)
    return Votes(votes.items, people, np.where(people < 7, copied[np.asarray(votes.items)], labels)), real


def copying(
    rng: np.random.Generator,
    *,
    share: float = 1 / 3,
    groups: int = 1,
    follow: float = 1.0,
    k: int = 3,
    right: float = 0.55,
    worst: float = 0.55,
    people: int = 21,
    per_item: int = 9,
) -> VotesWithTruth:
    """`share` of the annotators, in `groups`, take over a colleague's vote with probability `follow`."""
    truth = rng.integers(0, k, 500)
    chances = np.stack([_coin(one, k) for one in rng.uniform(worst, 0.85, people)])
    votes, real = _cast(rng, truth, chances, per_item)
    items, who, labels = (np.array(column, dtype=np.int64) for column in votes)
    size = round(share * people) // groups
    for group in range(groups):
        slips = (1 - right) * rng.dirichlet(np.full(k - 1, 2.0))
        source = (truth + rng.choice(k, truth.size, p=[right, *slips])) % k
        taken = (who // size == group) & (rng.random(who.size) < follow)
        labels[taken] = source[items[taken]]
    return Votes(items, who, labels), real


COPYING: Mapping[str, Mapping[str, Any]] = {
    "copiers_fifth": {"share": 1 / 5},
    "copiers_half": {"share": 1 / 2},
    "copiers_two_groups": {"share": 1 / 2, "groups": 2},
    "copiers_now_and_then": {"follow": 0.8},
    "copiers_half_the_time": {"follow": 0.5},
    "copiers_binary": {"k": 2, "right": 0.6, "worst": 0.6},
    "copiers_ten_classes": {"k": 10},
    "copiers_of_the_best": {"right": 0.95},
    "copiers_among_sixty": {"people": 60, "per_item": 5},
}

SHAPES: Mapping[str, Callable[[np.random.Generator], VotesWithTruth]] = {
    shape.__name__: shape
    for shape in (
        *(spammers, biased, confused_pairs, difficulty, few_votes, skewed),
        *(adversaries, hard_negatives, many_classes, experts, copiers),
    )
} | {name: partial(copying, **law) for name, law in COPYING.items()}


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
