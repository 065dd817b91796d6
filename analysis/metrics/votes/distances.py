"""Krippendorff's alpha of values that are compared by a distance: sets, spans, boxes, rankings, texts.

Alpha is 1 less the mean distance of the values of one item over the mean distance of any two values (Krippendorff 2011;
with a distance of sets Passonneau 2006). A distance is 0 for equal values, the same both ways, and larger for values
that differ more; its unit cancels out.
"""

import json
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.metrics.votes.coefficients import Coefficient, Floats, chance_corrected
from validation import InvalidInput

Distance = Callable[[Any, Any], float]
Ints = NDArray[np.int64]

MOST_VOTES = 400  # that the mean distance of any two values is taken from: those of items drawn at random


def set_distance(one: Sequence[str], other: Sequence[str]) -> float:
    """1 less the Jaccard index of two sets of labels, 0 for two empty ones; also of the kind `choices`."""
    either = {*one, *other}
    return 1 - len({*one} & {*other}) / len(either) if either else 0.0


def value_codes(values: Sequence[Any]) -> tuple[Ints, list[Any]]:
    """A code (v,) of each value, equal for equal JSON, and the value of each code."""
    written = [json.dumps(value, sort_keys=True, ensure_ascii=False) for value in values]
    first: dict[str, int] = {}
    codes = [first.setdefault(text, len(first)) for text in written]
    by_text = dict(zip(written, values, strict=True))
    return np.array(codes, dtype=np.int64), [by_text[text] for text in first]


def distance_coefficient(
    item: Ints, code: Ints, values: Sequence[Any], distance: Distance, *, seed: int
) -> Coefficient:
    """Alpha by weights of items (b, items), as of votes in long form; every item has two or more.

    With more than `MOST_VOTES` votes the mean distance of any two comes from items drawn at random, which every
    resample of items weighs anew.
    """
    votes = codes_by_item(item, code)
    known: dict[tuple[int, int], float] = {}
    measured = _cached(values, distance, known)
    m = np.array([len(mine) for mine in votes], dtype=np.float64)
    inside = np.array([sum(measured(a, b) for a, b in combinations(mine, 2)) for mine in votes]) * 2 / (m - 1)
    drawn = _drawn(votes, seed)
    used = sorted({one for place in drawn for one in votes[place]})
    column = {one: at for at, one in enumerate(used)}
    counts = np.zeros((len(drawn), len(used)))
    for row, place in enumerate(drawn):
        for one in votes[place]:
            counts[row, column[one]] += 1
    apart = np.array([[measured(a, b) for b in used] for a in used])

    def coefficient(weight: Floats) -> Floats:
        total = weight[:, drawn] @ counts
        n = total.sum(axis=1)
        between = ((total @ apart) * total).sum(axis=1) / np.maximum(n * (n - 1), 1)
        return chance_corrected(weight @ inside / (weight @ m), between)

    return coefficient


def codes_by_item(item: Ints, code: Ints) -> list[list[int]]:
    """The codes of each item from 0 on, in the order in which they came."""
    ends = np.cumsum(np.bincount(item))[:-1]
    return [mine.tolist() for mine in np.split(code[np.argsort(item, kind="stable")], ends)]


def _drawn(votes: Sequence[Sequence[int]], seed: int) -> list[int]:
    """Items in their order: all, or as many drawn at random as have `MOST_VOTES` votes together, and two at least."""
    if sum(map(len, votes)) <= MOST_VOTES:
        return list(range(len(votes)))
    order = np.random.default_rng(seed).permutation(len(votes)).tolist()
    ends = np.cumsum([len(votes[place]) for place in order])
    return sorted(order[: max(2, int(np.searchsorted(ends, MOST_VOTES, side="right")))])


def _cached(
    values: Sequence[Any], distance: Distance, known: dict[tuple[int, int], float]
) -> Callable[[int, int], float]:
    def measured(a: int, b: int) -> float:
        if a == b:
            return 0.0
        pair = (min(a, b), max(a, b))
        if pair not in known:
            found = float(distance(values[pair[0]], values[pair[1]]))
            if not 0 <= found < np.inf:
                raise InvalidInput(f"A distance is {found}; it must be 0 or more, and finite.")
            known[pair] = found
        return known[pair]

    return measured
