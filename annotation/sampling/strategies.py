"""The strategies by name. Each turns a checked pool into rows in order, with reasons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotation.sampling import scores
from annotation.sampling.choice import NOTHING, Choice, doubtful
from annotation.sampling.diverse import CANDIDATES_PER_CHOICE, most_doubtful, spread
from annotation.sampling.pool import BadPool, Pool
from annotation.sampling.typical import typical

STRATEGIES = (
    "auto",
    "margin",
    "entropy",
    "least_confidence",
    "diverse_margin",
    "typical",
    "committee",
    "random",
)
LABELS_PER_CLASS_BEFORE_DOUBT = 2


@dataclass(frozen=True)
class Answer:
    """A strategy's choice for the active part, its name and why it ran."""

    choice: Choice
    strategy: str
    why: str
    out_of_scope: NDArray[np.bool_]


def answer(pool: Pool, count: int, strategy: str, rng: np.random.Generator) -> Answer:
    """Let `strategy` choose `count` rows of a checked pool; "auto" first decides what it is."""
    name, why = (strategy, "as asked") if strategy != "auto" else switch(pool)
    choice = RUN[name](pool, count, rng) if count else NOTHING
    return Answer(choice, name, why, np.zeros(len(pool), dtype=bool))


def switch(pool: Pool) -> tuple[str, str]:
    """Which strategy fits what is known, and the reason in one sentence."""
    labelled, k = len(pool.labelled_targets if pool.labelled_targets is not None else ()), len(pool.classes)
    if pool.probabilities is None:
        return "typical", f"no model can score yet, so typical items come first ({labelled} labels so far)"
    if labelled < LABELS_PER_CLASS_BEFORE_DOUBT * k:
        return "typical", f"{labelled} labels for {k} classes are too few to trust the model's doubts"
    return "diverse_margin", f"{labelled} labels for {k} classes, so the model's doubts can be trusted"


def _margin(pool: Pool, count: int, rng: np.random.Generator) -> Choice:
    return doubtful(pool, most_doubtful(-scores.margin(_scored(pool, "margin")), count, rng), "margin")


def _entropy(pool: Pool, count: int, rng: np.random.Generator) -> Choice:
    return doubtful(pool, most_doubtful(scores.entropy(_scored(pool, "entropy")), count, rng), "entropy")


def _least_confidence(pool: Pool, count: int, rng: np.random.Generator) -> Choice:
    score = -scores.confidence(_scored(pool, "least_confidence"))
    return doubtful(pool, most_doubtful(score, count, rng), "least_confidence")


def _diverse_margin(pool: Pool, count: int, rng: np.random.Generator) -> Choice:
    score = 1 - scores.margin(_scored(pool, "diverse_margin"))
    candidates = most_doubtful(score, CANDIDATES_PER_CHOICE * count, rng)
    rows = spread(pool.vectors[candidates], score[candidates], count, seed=int(rng.integers(2**31)))
    return doubtful(pool, candidates[rows], "diverse_margin")


def _typical(pool: Pool, count: int, rng: np.random.Generator) -> Choice:
    labelled = pool.labelled_vectors if pool.labelled_vectors is not None else pool.vectors[:0]
    rows, sizes = typical(pool.vectors, labelled, count, seed=int(rng.integers(2**31)))
    reasons = tuple(f"typical of {size:,} similar items" for size in sizes)
    return Choice(rows, ("typical",) * len(rows), reasons, tuple({"similar": int(size)} for size in sizes))


def _committee(pool: Pool, count: int, rng: np.random.Generator) -> Choice:
    members = pool.member_probabilities
    if members is None:
        raise BadPool("The strategy committee needs the probabilities of at least two members.")
    mean = members.mean(axis=0)
    score = scores.entropy(mean) - np.mean([scores.entropy(one) for one in members], axis=0)
    rows = most_doubtful(score, count, rng)
    reasons = tuple(f"{len(members)} models disagree by {score[row]:.2f} nats" for row in rows)
    numbers = tuple({"members": len(members), "disagreement": float(score[row])} for row in rows)
    return Choice(rows, ("committee",) * len(rows), reasons, numbers)


def _random(pool: Pool, count: int, rng: np.random.Generator) -> Choice:
    return NOTHING


def _scored(pool: Pool, strategy: str) -> NDArray[np.float64]:
    if pool.probabilities is None:
        raise BadPool(f"The strategy {strategy} needs the model's probabilities, and there are none yet.")
    return pool.probabilities


RUN: dict[str, Callable[[Pool, int, np.random.Generator], Choice]] = {
    "margin": _margin,
    "entropy": _entropy,
    "least_confidence": _least_confidence,
    "diverse_margin": _diverse_margin,
    "typical": _typical,
    "committee": _committee,
    "random": _random,
}
