"""Models of how annotators err: Dawid-Skene, one-coin and GLAD, fitted by EM on votes alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Votes:
    """One row per vote, all three (v,): codes 0..items-1, 0..annotators-1, 0..k-1."""

    item: Ints
    annotator: Ints
    label: Ints
    items: int
    annotators: int
    k: int


@dataclass(frozen=True)
class Consensus:
    """`posterior` (items, k) over the true label; `quality` (annotators,) probability of a right vote."""

    posterior: Floats
    quality: Floats


def counts(votes: Votes) -> Floats:
    """Votes per item and class, (items, k)."""
    flat = np.bincount(votes.item * votes.k + votes.label, minlength=votes.items * votes.k)
    return flat.reshape(votes.items, votes.k).astype(np.float64)


def majority(votes: Votes) -> Consensus:
    """Share of votes; annotators by their agreement with it."""
    shares = counts(votes)
    shares /= shares.sum(axis=1, keepdims=True)
    return Consensus(shares, _agreement(votes, shares))


def dawid_skene(votes: Votes, *, rounds: int = 100) -> Consensus:
    """Each annotator has a full confusion matrix (Dawid and Skene 1979)."""
    posterior = majority(votes).posterior
    for _ in range(rounds):
        posterior = _dawid_skene_round(votes, posterior)
    return Consensus(posterior, _agreement(votes, posterior))


def one_coin(votes: Votes, *, rounds: int = 100) -> Consensus:
    """Each annotator is right with one probability, and errs evenly otherwise."""
    posterior = majority(votes).posterior
    for _ in range(rounds):
        posterior = _one_coin_round(votes, posterior)
    return Consensus(posterior, _agreement(votes, posterior))


def glad(votes: Votes, *, rounds: int = 30) -> Consensus:
    """Annotators have ability, items difficulty (Whitehill et al. 2009)."""
    posterior = majority(votes).posterior
    ability, ease = np.ones(votes.annotators), np.zeros(votes.items)
    for _ in range(rounds):
        ability, ease = _glad_ascent(votes, posterior, ability, ease)
        right = expit(ability[votes.annotator] * np.exp(ease[votes.item]))
        posterior = _evenly_wrong(votes, np.clip(right, 1e-6, 1 - 1e-6), posterior.mean(axis=0))
    return Consensus(posterior, _agreement(votes, posterior))


def _agreement(votes: Votes, posterior: Floats) -> Floats:
    hit = posterior[votes.item, votes.label]
    total = np.bincount(votes.annotator, weights=hit, minlength=votes.annotators)
    return total / np.bincount(votes.annotator, minlength=votes.annotators)


def _dawid_skene_round(votes: Votes, posterior: Floats) -> Floats:
    confusion = np.full((votes.annotators, votes.k, votes.k), 0.01)
    np.add.at(confusion, (votes.annotator, slice(None), votes.label), posterior[votes.item])
    confusion /= confusion.sum(axis=2, keepdims=True)
    evidence = np.log(confusion)[votes.annotator, :, votes.label]
    score = np.tile(np.log(posterior.mean(axis=0) + 1e-12), (votes.items, 1))
    np.add.at(score, votes.item, evidence)
    return softmax(score, axis=1)


def _one_coin_round(votes: Votes, posterior: Floats) -> Floats:
    right = np.clip(_agreement(votes, posterior), 1e-6, 1 - 1e-6)[votes.annotator]
    return _evenly_wrong(votes, right, posterior.mean(axis=0))


def _evenly_wrong(votes: Votes, right: Floats, prior: Floats) -> Floats:
    gain = np.log(right) - np.log((1 - right) / max(votes.k - 1, 1))
    score = np.bincount(votes.item * votes.k + votes.label, weights=gain, minlength=votes.items * votes.k)
    return softmax(score.reshape(votes.items, votes.k) + np.log(prior + 1e-12), axis=1)


def _glad_ascent(votes: Votes, posterior: Floats, ability: Floats, ease: Floats) -> tuple[Floats, Floats]:
    hit = posterior[votes.item, votes.label]
    for _ in range(10):
        strength = np.exp(ease)[votes.item]
        surprise = hit - expit(ability[votes.annotator] * strength)
        up = np.bincount(votes.annotator, weights=surprise * strength, minlength=votes.annotators) - (ability - 1)
        slope = surprise * ability[votes.annotator] * strength
        ease = ease + 0.05 * (np.bincount(votes.item, weights=slope, minlength=votes.items) - ease)
        ability = ability + 0.05 * up / (1 + np.bincount(votes.annotator, minlength=votes.annotators) / 50)
    return ability, ease
