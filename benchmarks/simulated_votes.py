"""Votes of simulated annotators, each set drawn from its own law."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.metrics.votes.consensus import Votes

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
VotesWithTruth = tuple[Votes, Mapping[Any, Any]]  # votes, and the truth by item


def even_errors(right: float, k: int) -> Floats:
    return right * np.eye(k) + (1 - right) / (k - 1) * (1 - np.eye(k))


def draw_votes(
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
    good = [even_errors(right, 4) for right in rng.uniform(0.65, 0.95, 10)]
    return draw_votes(rng, rng.integers(0, 4, 600), np.stack(spam + good), per_item=7)


def biased(rng: np.random.Generator) -> VotesWithTruth:
    """Everyone overlooks the second of two classes, most of them more often than not; nine votes."""
    seen = np.concatenate([rng.uniform(0.2, 0.5, 20), rng.uniform(0.7, 0.95, 10)])
    chances = np.stack([np.array([[0.93, 0.07], [1 - s, s]]) for s in seen])
    return draw_votes(rng, rng.integers(0, 2, 500), chances, per_item=9)


def confused_pairs(rng: np.random.Generator) -> VotesWithTruth:
    """Six classes in three look-alike pairs; each annotator leans to one of a pair in their own way; five votes."""
    chances = np.full((30, 6, 6), 0.02)
    for person in chances:
        for pair in range(0, 6, 2):
            lean = rng.uniform(0.3, 0.95)
            person[pair, [pair, pair + 1]] = lean, 1 - lean
            person[pair + 1, [pair, pair + 1]] = rng.uniform(0.05, lean - 0.1), 1
        person /= person.sum(axis=1, keepdims=True)
    return draw_votes(rng, rng.integers(0, 6, 800), chances, per_item=5)


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
    chances = np.stack([even_errors(right, 5) for right in rng.uniform(0.4, 0.95, 60)])
    return draw_votes(rng, rng.integers(0, 5, 1500), chances, per_item=2)


def skewed(rng: np.random.Generator) -> VotesWithTruth:
    """Six in a hundred items are of the class that matters, and a third of these is missed; five votes."""
    chances = np.stack([[[s, 1 - s], [1 - r, r]] for s, r in rng.uniform([0.85, 0.45], [0.99, 0.9], (40, 2))])
    return draw_votes(rng, (rng.random(1500) < 0.06).astype(np.int64), chances, per_item=5)


def adversaries(rng: np.random.Generator) -> VotesWithTruth:
    """A quarter of the annotators give the wrong one of two labels on purpose; seven votes."""
    right = np.concatenate([rng.uniform(0.65, 0.9, 24), rng.uniform(0.1, 0.3, 8)])
    return draw_votes(rng, rng.integers(0, 2, 600), np.stack([even_errors(r, 2) for r in right]), per_item=7)


def hard_negatives(rng: np.random.Generator) -> VotesWithTruth:
    """A quarter of the items are negatives that nearly half of the votes take for positives; twelve votes."""
    kind = rng.choice(3, 800, p=[0.5, 0.25, 0.25])
    looks, skill = np.array([[0.95, 0.05], [0.58, 0.42], [0.25, 0.75]]), rng.uniform(-0.12, 0.12, 30)
    chances = np.stack([np.clip(looks + s * np.array([[1, -1], [1, -1], [-1, 1]]), 0.01, 0.99) for s in skill])
    return draw_votes(rng, kind, chances, 12, truth=(kind == 2).astype(np.int64))


def many_classes(rng: np.random.Generator) -> VotesWithTruth:
    """Twenty classes, annotators with some twenty votes each, three votes per item."""
    chances = np.stack([even_errors(right, 20) for right in rng.uniform(0.35, 0.95, 150)])
    return draw_votes(rng, rng.integers(0, 20, 1000), chances, per_item=3)


def experts(rng: np.random.Generator) -> VotesWithTruth:
    """Everyone knows two of five classes well and guesses among the others; eight votes."""
    chances = np.full((40, 5, 5), 0.2)
    for person in chances:
        known = rng.choice(5, 2, replace=False)
        person[known] = 0.025 + 0.875 * np.eye(5)[known]
        person[:, :] = person / person.sum(axis=1, keepdims=True)
    return draw_votes(rng, rng.integers(0, 5, 600), chances, per_item=8)


def copiers(rng: np.random.Generator) -> VotesWithTruth:
    """A third of the annotators copy a careless colleague's vote instead of looking; nine votes of 21 annotators."""
    truth = rng.integers(0, 3, 500)
    votes, real = draw_votes(rng, truth, np.stack([even_errors(r, 3) for r in rng.uniform(0.55, 0.85, 21)]), per_item=9)
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
    chances = np.stack([even_errors(one, k) for one in rng.uniform(worst, 0.85, people)])
    votes, real = draw_votes(rng, truth, chances, per_item)
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
