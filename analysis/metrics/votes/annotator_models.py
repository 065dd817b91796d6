"""Annotator models fitted by EM, each giving a posterior over every item's true label.

All models share one shape. Items belong to latent types (usually the labels themselves); an annotator votes for a
label with a probability that depends on the type alone. What differs is how far an annotator's confusion is their own
and how far it is shrunk to all annotators pooled. Arrays are kept per observed (annotator, label) pair, so that memory
grows with the votes and not with annotators x labels x labels.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import digamma
from sklearn.cluster import KMeans

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ROUNDS = 60
TOLERANCE = 1e-6
MAP_SHARPNESS = 2  # votes of a type are noisier than its truth, so their shares are sharpened before they name it


@dataclass(frozen=True)
class CodedVotes:
    """One row per vote, all three (v,): codes 0..items-1, 0..annotators-1, 0..k-1."""

    item: Ints
    annotator: Ints
    label: Ints
    items: int
    annotators: int
    k: int

    @cached_property
    def pairs(self) -> tuple[Ints, Ints]:
        """The distinct (annotator, label) pairs and each vote's place among them."""
        found, place = np.unique(self.annotator * self.k + self.label, return_inverse=True)
        return found, place

    @cached_property
    def pair_annotator(self) -> Ints:
        return self.pairs[0] // self.k

    @cached_property
    def pair_label(self) -> Ints:
        return self.pairs[0] % self.k

    @cached_property
    def by_item(self) -> sparse.csr_matrix:
        """Votes per (item, pair)."""
        at = (self.item, self.pairs[1])
        return sparse.csr_matrix((np.ones(self.item.size), at), shape=(self.items, self.pairs[0].size))

    @cached_property
    def by_pair(self) -> sparse.csr_matrix:
        return self.by_item.T.tocsr()

    @cached_property
    def of_annotator(self) -> sparse.csr_matrix:
        return _indicator(self.pair_annotator, self.annotators)

    @cached_property
    def of_label(self) -> sparse.csr_matrix:
        return _indicator(self.pair_label, self.k)

    @cached_property
    def counts(self) -> Floats:
        """Votes per item and label, (items, k)."""
        flat = np.bincount(self.item * self.k + self.label, minlength=self.items * self.k)
        return flat.reshape(self.items, self.k).astype(np.float64)

    def of_items(self, chosen: Ints) -> "CodedVotes":
        """The votes on some items, which are numbered anew in their order."""
        place = np.full(self.items, -1)
        place[chosen] = np.arange(chosen.size)
        kept = place[self.item] >= 0
        item = place[self.item[kept]]
        return CodedVotes(item, self.annotator[kept], self.label[kept], chosen.size, self.annotators, self.k)

    def only(self, keep: NDArray[np.bool_]) -> "CodedVotes":
        """The same items and annotators, with some of the votes."""
        return CodedVotes(self.item[keep], self.annotator[keep], self.label[keep], self.items, self.annotators, self.k)


@dataclass(frozen=True)
class Fit:
    """`posterior` (items, k) over the true label; `latent` (items, types).

    `chance(annotators, labels)` (v, types): the probability that each annotator gives each label, for every type.
    `type_labels` (types, k): the share of each label among the items of a type; None where types are the labels.
    """

    posterior: Floats
    latent: Floats
    chance: Callable[[Ints, Ints], Floats]
    type_labels: Floats | None = None

    def predict(self, votes: CodedVotes) -> Floats:
        """Probability (v,) that the model gave to each of these votes."""
        result: Floats = (self.latent[votes.item] * self.chance(votes.annotator, votes.label)).sum(axis=1)
        return result


LogOdds = Floats | None  # log odds per item and label, (items, k), that a model adds to the votes


def majority(votes: CodedVotes, log_odds: LogOdds = None) -> Fit:
    """The share of votes."""
    shares = normalised(np.log(_shares(votes) + 1e-12) + with_log_odds(votes, log_odds))[0]
    return Fit(shares, shares, lambda annotator, label: np.eye(votes.k)[label])


def one_coin(votes: CodedVotes, log_odds: LogOdds = None) -> Fit:
    """Each annotator is right with one probability; errors follow those of all annotators pooled."""
    return hierarchical(votes, log_odds, strength=np.inf)


def dawid_skene(votes: CodedVotes, log_odds: LogOdds = None) -> Fit:
    """Each annotator has a confusion matrix of their own (Dawid and Skene 1979), barely smoothed."""
    return _expectation_maximisation(votes, soft_start(votes, log_odds), log_odds, strength=0.01, named=np.eye(votes.k))


def hierarchical(votes: CodedVotes, log_odds: LogOdds = None, *, strength: float, prior: str = "learnt") -> Fit:
    """Confusion matrices shrunk to their annotator's own accuracy by `strength` pseudo-votes per class."""
    posterior, last = soft_start(votes, log_odds), -np.inf
    for _ in range(ROUNDS):
        chance = _own_accuracy(votes, posterior, strength)
        cells = chance(votes.pair_annotator, votes.pair_label)
        base = log_prior(votes, posterior, prior) + with_log_odds(votes, log_odds)
        posterior, reached = normalised(votes.by_item @ np.log(cells) + base)
        if reached - last < TOLERANCE * abs(reached):
            break
        last = reached
    return Fit(posterior, posterior, chance)


def independent(votes: CodedVotes, log_odds: LogOdds = None, *, prior: str = "learnt") -> Fit:
    """Dawid-Skene by variational Bayes: everyone begins at two to one for the right label, and borrows from nobody."""
    earlier, start = (np.eye(votes.k) + 1) / (votes.k + 1), soft_start(votes, log_odds)
    named, strength = np.eye(votes.k), votes.k + 1
    return _expectation_maximisation(
        votes, start, log_odds, strength=strength, named=named, bayes=True, earlier=earlier, prior=prior
    )


def item_types(
    votes: CodedVotes, log_odds: LogOdds = None, *, extra: int, seed: int, strength: float = 10
) -> Fit | None:
    """Dawid-Skene with `extra` more item types than labels, by variational Bayes; None where votes are too uniform.

    Annotators are shrunk to the pooled votes for a type by `strength` pseudo-votes. Annotators err on kinds of
    items as well as by person: hard negatives that look positive form a type of their own here, named after the label
    that its votes favour, instead of being swept into the positives.
    """
    if not extra:
        start = soft_start(votes, log_odds)
        return _expectation_maximisation(votes, start, log_odds, strength=strength, named=np.eye(votes.k), bayes=True)
    grouped = _clustered_start(votes, votes.k + extra, seed)
    if grouped is None:
        return None
    return _expectation_maximisation(votes, grouped, log_odds, strength=strength, named=None, bayes=True)


def annotator_quality(votes: CodedVotes, posterior: Floats) -> Floats:
    """Probability (annotators,) of a right vote, shrunk to the pooled one by two pseudo-votes; high = trustworthy."""
    right = np.bincount(votes.annotator, weights=posterior[votes.item, votes.label], minlength=votes.annotators)
    given = np.bincount(votes.annotator, minlength=votes.annotators)
    result: Floats = (right + 2 * right.sum() / given.sum()) / (given + 2)
    return result


def _indicator(code: Ints, size: int) -> sparse.csr_matrix:
    return sparse.csr_matrix((np.ones(code.size), (code, np.arange(code.size))), shape=(size, code.size))


def _shares(votes: CodedVotes) -> Floats:
    result: Floats = votes.counts / np.maximum(votes.counts.sum(axis=1, keepdims=True), 1)
    return result


def with_log_odds(votes: CodedVotes, log_odds: LogOdds) -> Floats:
    return np.zeros((votes.items, votes.k)) if log_odds is None else log_odds


def soft_start(votes: CodedVotes, log_odds: LogOdds) -> Floats:
    soft = 0.9 * _shares(votes) + 0.1 * votes.counts.sum(axis=0) / votes.counts.sum()
    return normalised(np.log(soft + 1e-12) + with_log_odds(votes, log_odds))[0]


def _clustered_start(votes: CodedVotes, types: int, seed: int) -> Floats | None:
    rows, place, n = np.unique(_shares(votes).round(6), axis=0, return_inverse=True, return_counts=True)
    if len(rows) <= types:
        return None
    groups = KMeans(types, n_init=4, random_state=seed).fit(rows, sample_weight=n).labels_
    result: Floats = 0.8 * np.eye(types)[groups[place.ravel()]] + 0.2 / types
    return result


def log_prior(votes: CodedVotes, latent: Floats, prior: str) -> Floats:
    """Log share of each type: "learnt" from the items, "held" half way to the share of votes, or "even".

    A learnt prior can run away: of two labels that annotators mix up, the commoner swallows the other.
    """
    found = latent.sum(axis=0) + 1
    if prior == "even":
        found = np.ones_like(found)
    if prior == "held":
        found = found + latent.shape[0] * votes.counts.sum(axis=0) / votes.counts.sum()
    result: Floats = np.log(found / found.sum())
    return result


def normalised(score: Floats) -> tuple[Floats, float]:
    """Posterior and log likelihood from log joint scores (items, types), in one pass."""
    top = score.max(axis=1, keepdims=True)
    weight = np.exp(score - top)
    total = weight.sum(axis=1, keepdims=True)
    return weight / total, float((top + np.log(total)).sum())


def _own_accuracy(votes: CodedVotes, posterior: Floats, strength: float) -> Callable[[Ints, Ints], Floats]:
    cells = votes.by_pair @ posterior
    mass = votes.of_annotator @ cells
    slips = (votes.of_label @ cells + 0.5).T * (1 - np.eye(votes.k))
    slips /= np.maximum(slips.sum(axis=1, keepdims=True), 1e-12)
    hits = votes.of_annotator @ cells[np.arange(len(cells)), votes.pair_label]
    right = (hits + 4 * hits.sum() / mass.sum()) / (mass.sum(axis=1) + 4)
    right = np.clip(right, 0.001, 0.999)[:, None]

    def chance(annotator: Ints, label: Ints) -> Floats:
        same = np.eye(votes.k, dtype=bool)[label]
        coin: Floats = np.maximum(np.where(same, right[annotator], (1 - right[annotator]) * slips.T[label]), 1e-6)
        if np.isinf(strength):
            return coin
        result: Floats = (_observed(votes, cells, annotator, label) + strength * coin) / (mass[annotator] + strength)
        return result

    return chance


def _observed(votes: CodedVotes, cells: Floats, annotator: Ints, label: Ints) -> Floats:
    """Expected votes (v, types) of these annotators for these labels, zero for a pair never seen."""
    wanted = annotator * votes.k + label
    at = np.minimum(np.searchsorted(votes.pairs[0], wanted), votes.pairs[0].size - 1)
    return np.where((votes.pairs[0][at] == wanted)[:, None], cells[at], 0.0)


def _expectation_maximisation(
    votes: CodedVotes,
    latent: Floats,
    log_odds: LogOdds,
    *,
    strength: float,
    named: Floats | None,
    bayes: bool = False,
    earlier: Floats | None = None,
    prior: str = "learnt",
) -> Fit:
    """EM from `latent`; annotators begin at `earlier` (k, types), or at all annotators pooled, by `strength`."""
    last = -np.inf
    for _ in range(ROUNDS):
        cells = votes.by_pair @ latent
        pooled = _pooled(votes, cells) if earlier is None else earlier
        mass = votes.of_annotator @ cells
        names = _names(pooled) if named is None else named
        above, below = cells + strength * pooled[votes.pair_label], (mass + strength)[votes.pair_annotator]
        log_cells = digamma(above) - digamma(below) if bayes else np.log(above) - np.log(below)
        base = log_prior(votes, latent, prior) + np.log(np.exp(with_log_odds(votes, log_odds)) @ names.T)
        latent, reached = normalised(votes.by_item @ log_cells + base)
        if abs(reached - last) < TOLERANCE * abs(reached):
            break
        last = reached

    def chance(annotator: Ints, label: Ints) -> Floats:
        seen = _observed(votes, cells, annotator, label)
        result: Floats = (seen + strength * pooled[label]) / (mass[annotator] + strength)
        return result

    return Fit(latent @ names, latent, chance, names)


def _pooled(votes: CodedVotes, cells: Floats) -> Floats:
    found = votes.of_label @ cells + 0.5
    result: Floats = found / found.sum(axis=0)
    return result


def _names(pooled: Floats) -> Floats:
    sharp = pooled.T**MAP_SHARPNESS
    result: Floats = sharp / sharp.sum(axis=1, keepdims=True)
    return result
