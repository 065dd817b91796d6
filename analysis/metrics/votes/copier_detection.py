"""Detect annotators whose agreement exceeds what accuracy explains; merge them if held-out likelihood improves.

Every annotator model takes votes to be independent given the item, so annotators who copy predict each other best and
are given the most weight. Two steps find them. Pairs are screened for agreement beyond what the votes of the others
explain (as sources that share false values, Dong, Berti-Equille and Srivastava 2009) and gathered into groups. A group
is merged only if held-out likelihood improves: with its votes merged, held-out votes must be predicted clearly better
than with its votes apart, those of the outsiders too. Experts who agree because they are right pass the first step and
fail the second, since the votes of the others are then predicted worse.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.metrics.core import intervals
from analysis.metrics.votes import ability_models, annotator_models
from analysis.metrics.votes.annotator_models import CodedVotes, Fit, Floats, Ints

FOLDS = 5
MOST_ANNOTATORS = 300  # those with the most votes are screened; who voted little cannot mislead much
MOST_CELLS = 4_000_000  # of the table of screened pairs by labels
LEAST_SHARE = 1 / 3  # of the disagreements to be expected, how many a group must lack; copying half the time lacks 1/4
LEAST_Z = 2.0  # to join a group; loose, since what is found is put to the test
TESTED = 2  # groups per round, the surest first
ROUNDS = 6
SURE = 2.5  # standard errors by which held-out votes must be predicted better; those of outsiders at least no worse
SURE_TOGETHER = 6.0  # both leads added; annotators without copiers stay below (docs/benchmarks/labels.md)
NO_SPREAD = 1e-9  # gains that are all the same tell nothing of their error
FOLLOWING = (0.5, 0.8, 0.95)  # how often a copier votes as the rest of the group has

MODELS: tuple[Callable[[CodedVotes], Fit], ...] = (
    ability_models.symmetric_one_coin,
    lambda votes: ability_models.mace(votes, prior="held"),
    lambda votes: annotator_models.hierarchical(votes, strength=10, prior="even"),
    lambda votes: annotator_models.hierarchical(votes, strength=10, prior="held"),
    lambda votes: annotator_models.independent(votes, prior="held"),
)


@dataclass(frozen=True)
class MergedCopiers:
    """The votes with each group of copiers as one annotator (its first), and who is in the groups."""

    votes: CodedVotes
    groups: tuple[tuple[int, ...], ...]


class _Pairs(NamedTuple):
    """Pairs of votes on an item, all (p,): whose they are, whether they agree, and how likely that was."""

    one: Ints
    other: Ints
    agree: Floats
    expected: Floats


class _Excess(NamedTuple):
    """Per pair of annotators, all (a, a): agreements beyond the expected, the most there could be, their variance."""

    over: Floats
    capacity: Floats
    variance: Floats


def merge_copiers(votes: CodedVotes, seed: int) -> MergedCopiers:
    """The votes with copiers merged. Copiers can be detected only on items with three votes or more."""
    groups: list[tuple[int, ...]] = []
    for _ in range(ROUNDS):
        found = next((group for group in _suspects(votes)[:TESTED] if _believed(votes, group, seed)), None)
        if found is None:
            break
        inside = [group for group in groups if group[0] in found]  # a group can gain members
        groups = [group for group in groups if group not in inside]
        groups.append(tuple(sorted({*found.tolist(), *(one for group in inside for one in group)})))
        votes = merge_group(votes, found)
    return MergedCopiers(votes, tuple(groups))


def _suspects(votes: CodedVotes) -> list[Ints]:
    """Groups of annotators who agree too much, the surest first."""
    given = np.bincount(votes.annotator, minlength=votes.annotators)
    screened = np.argsort(-given, kind="stable")[:MOST_ANNOTATORS]
    place = np.full(votes.annotators, -1)
    place[screened] = np.arange(screened.size)
    pairs = _pairs(votes, place)
    if not pairs.one.size:
        return []
    return [np.sort(screened[group]) for group in _grouped(_excess(pairs, screened.size))]


def _pairs(votes: CodedVotes, place: Ints) -> _Pairs:
    """The pairs of screened annotators' votes on which the other votes of their item favour one label."""
    one, other = _together(votes, place)
    eye = np.eye(votes.k)
    shares = _against_others(votes, place)
    favoured, clear = _favoured(votes.counts[votes.item[one]] - eye[votes.label[one]] - eye[votes.label[other]])
    one, other, favoured = one[clear], other[clear], favoured[clear]
    who, whom = place[votes.annotator[one]], place[votes.annotator[other]]
    expected = (shares[who, favoured] * shares[whom, favoured]).sum(axis=1)
    return _Pairs(who, whom, (votes.label[one] == votes.label[other]).astype(np.float64), expected)


def _together(votes: CodedVotes, place: Ints) -> tuple[Ints, Ints]:
    """The rows of the votes of every pair on the first items, until MOST_CELLS is reached."""
    kept = np.flatnonzero(place[votes.annotator] >= 0)
    kept = kept[np.argsort(votes.item[kept], kind="stable")]
    n = np.bincount(votes.item[kept], minlength=votes.items)
    start = np.cumsum(n) - n
    within = np.cumsum(n * (n - 1) // 2) * votes.k <= MOST_CELLS
    found: list[tuple[Ints, Ints]] = [(np.empty(0, np.int64), np.empty(0, np.int64))]
    for size in np.unique(n[(n > 1) & within]).tolist():
        at = start[(n == size) & within][:, None]
        i, j = np.triu_indices(size, 1)
        found.append((kept[at + i].ravel(), kept[at + j].ravel()))
    one, other = (np.concatenate(side) for side in zip(*found, strict=True))
    return one, other


def _favoured(counts: Floats) -> tuple[Ints, NDArray[np.bool_]]:
    """The label (p,) with most votes, and where it has more than any other."""
    best = counts.argmax(axis=1)
    most = counts.max(axis=1, keepdims=True)
    return best, (most[:, 0] > 0) & ((counts == most).sum(axis=1) == 1)


def _against_others(votes: CodedVotes, place: Ints) -> Floats:
    """How each screened annotator votes when the others favour a label, (annotators, favoured, k)."""
    favoured, clear = _favoured(votes.counts[votes.item] - np.eye(votes.k)[votes.label])
    kept = clear & (place[votes.annotator] >= 0)
    k, people = votes.k, int(place.max()) + 1
    cell = (place[votes.annotator[kept]] * k + favoured[kept]) * k + votes.label[kept]
    seen = np.bincount(cell, minlength=people * k * k).reshape(people, k, k).astype(np.float64)
    pooled = seen.sum(axis=0) + 0.5
    pooled /= pooled.sum(axis=1, keepdims=True)
    return np.asarray(
        (seen + ability_models.EARLIER * pooled) / (seen.sum(axis=2, keepdims=True) + ability_models.EARLIER)
    )


def _excess(pairs: _Pairs, people: int) -> _Excess:
    """Beyond what the median pair shows: hard items make everybody agree more than the others' votes explain."""

    def table(value: Floats) -> Floats:
        half = np.bincount(pairs.one * people + pairs.other, value, people * people).astype(np.float64)
        return half.reshape(people, people) + half.reshape(people, people).T

    capacity, n = table(1 - pairs.expected), table(np.ones(pairs.one.size))
    met = np.triu(n, 1) > 0
    share = table(pairs.agree - pairs.expected)[met] / np.maximum(capacity[met], 1e-9)
    order = np.argsort(share)
    usual = share[order][np.searchsorted(np.cumsum(n[met][order]), n[met].sum() / 2)]
    expected = pairs.expected + np.clip(usual, 0, 0.9) * (1 - pairs.expected)
    return _Excess(table(pairs.agree - expected), table(1 - expected), table(expected * (1 - expected)))


def _grouped(excess: _Excess) -> list[list[int]]:
    """Groups by joining, again and again, the two whose pooled excess is surest."""
    groups = {one: [one] for one in range(len(excess.over))}
    while True:
        z = np.where(excess.over >= LEAST_SHARE * excess.capacity, _z_scores(excess), -np.inf)
        np.fill_diagonal(z, -np.inf)
        into, gone = divmod(int(z.argmax()), len(z))
        if z[into, gone] < LEAST_Z:
            break
        for sums in excess:  # what is pooled within a group gathers on its diagonal
            sums[into] += sums[gone]
            sums[:, into] += sums[:, gone]
            sums[gone] = sums[:, gone] = 0
        groups[into] += groups.pop(gone)
    within = np.diag(_z_scores(excess))
    return [groups[one] for one in sorted(groups, key=lambda one: -within[one]) if len(groups[one]) > 1]


def _z_scores(excess: _Excess) -> Floats:
    return np.where(excess.variance > 0, excess.over / np.sqrt(np.maximum(excess.variance, 1e-9)), -np.inf)


def merge_group(votes: CodedVotes, group: Sequence[int] | Ints) -> CodedVotes:
    """The group's votes on an item made the one that most of it gave, under its first name; last in order."""
    inside = np.isin(votes.annotator, group)
    given = _vote_weights(votes, inside)
    item = np.flatnonzero(given.sum(axis=1))
    outside = votes.only(~inside)
    return CodedVotes(
        np.concatenate([outside.item, item]),
        np.concatenate([outside.annotator, np.full(item.size, group[0])]),
        np.concatenate([outside.label, given[item].argmax(axis=1)]),
        *(votes.items, votes.annotators, votes.k),
    )


def _vote_weights(votes: CodedVotes, inside: NDArray[np.bool_]) -> Floats:
    """Votes of some annotators per item and label (items, k), those of busier ones slightly heavier to break ties."""
    busy = np.bincount(votes.annotator, minlength=votes.annotators) / max(votes.item.size, 1)
    weight = 1 + 1e-6 * busy[votes.annotator[inside]]
    cell = votes.item[inside] * votes.k + votes.label[inside]
    return np.bincount(cell, weight, votes.items * votes.k).astype(np.float64).reshape(votes.items, votes.k)


def _believed(votes: CodedVotes, group: Ints, seed: int) -> bool:
    """Whether held-out votes are predicted clearly better with the group merged, those of other annotators included."""
    inside = np.isin(votes.annotator, group)
    if inside.all():
        return False
    fold = np.random.default_rng(seed).permutation(votes.item.size) % FOLDS
    apart, as_one = (np.zeros((many, votes.item.size)) for many in (len(MODELS), len(MODELS) * len(FOLLOWING)))
    for held in range(FOLDS):
        hidden = fold == held
        apart[:, hidden], as_one[:, hidden] = _predictive_probabilities(votes.only(~hidden), votes.only(hidden), group)
    better = max(as_one, key=np.sum) - max(apart, key=np.sum)
    all_votes, outside = _lead(better, votes.item), _lead(better[~inside], votes.item[~inside])
    return all_votes >= SURE and outside >= 0 and all_votes + outside >= SURE_TOGETHER


def _predictive_probabilities(seen: CodedVotes, hidden: CodedVotes, group: Ints) -> tuple[Floats, Floats]:
    """Log probability of the hidden votes by each model, with the group's votes apart and as one (models, v)."""
    inside = np.isin(hidden.annotator, group)
    given = _vote_weights(seen, np.isin(seen.annotator, group))[hidden.item]
    met = inside & (given.sum(axis=1) > 0)
    same = given[np.arange(inside.size), hidden.label] / np.maximum(given.sum(axis=1), 1)
    one = CodedVotes(
        *(hidden.item, np.where(inside, group[0], hidden.annotator), hidden.label),
        *(hidden.items, hidden.annotators, hidden.k),
    )
    merged = merge_group(seen, group)
    as_one = [
        np.where(met, follow * same + (1 - follow) * chance, chance)
        for chance in (model(merged).predict(one) for model in MODELS)
        for follow in FOLLOWING
    ]
    apart = [model(seen).predict(hidden) for model in MODELS]
    return np.log(np.maximum(apart, 1e-6)), np.log(np.maximum(as_one, 1e-6))


def _lead(better: Floats, item: Ints) -> float:
    """The sum of a gain per vote in its standard errors over items, corrected for its skewness.

    Copiers of somebody good err together on few items, and those few are all that tells them from experts.
    """
    per_item = np.bincount(item, better)[np.bincount(item) > 0]
    spread = float(per_item.std())
    if spread < NO_SPREAD:
        return 0.0
    skewness = float(((per_item - per_item.mean()) ** 3).mean()) / spread**3
    return intervals.symmetric(per_item.sum() / (spread * per_item.size**0.5), skewness / per_item.size**0.5)
