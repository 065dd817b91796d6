"""The strategies by name. Each turns a checked pool into rows in order, with reasons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from annotation.sampling import uncertainty
from annotation.sampling.arrays import NO_ROWS
from annotation.sampling.filters.candidate_filter import CandidateFilter, make_candidate_filter
from annotation.sampling.pool import BadPool, Pool
from annotation.sampling.strategies.batch import EMPTY_BATCH, Batch, uncertain_batch
from annotation.sampling.strategies.cold_start import cold_start
from annotation.sampling.strategies.kmeans import kmeans_representatives
from annotation.sampling.strategies.linear_probe import blend_linear_probe
from annotation.sampling.strategies.rare_classes import most_likely, rare_class_quota, rare_classes
from annotation.sampling.strategies.uncertainty_coverage import cover_uncertainty

STRATEGIES = (
    "auto",
    "margin",
    "entropy",
    "least_confidence",
    "diverse_margin",
    "herding",
    "typical",
    "committee",
    "random",
)
LABELS_PER_CLASS_BEFORE_DOUBT = 2
CANDIDATES_TO_HERD = 20
LABELS_PER_CLASS_TO_NARROW = 30

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class QueryResult:
    """A strategy's choice for the active part, its name and why it ran."""

    choice: Batch
    strategy: str
    why: str
    out_of_scope: NDArray[np.bool_]


@dataclass(frozen=True)
class QueryRequest:
    """What a strategy is asked for: `count` rows of a pool, none of them `taken` or like one that is."""

    pool: Pool
    count: int
    sieve: CandidateFilter
    rng: np.random.Generator
    taken: Rows = field(default_factory=lambda: NO_ROWS)


def run_strategy(pool: Pool, count: int, strategy: str, rng: np.random.Generator) -> QueryResult:
    """Let `strategy` choose `count` rows of a checked pool; "auto" first decides what it is.

    Fewer rows come back where fewer may be asked: outliers are set aside, and near-copies of one another or of a
    labelled item are asked once.
    """
    name, why = (strategy, "as asked") if strategy != "auto" else pick_strategy(pool)
    choice = EMPTY_BATCH
    if count and strategy == "auto" and name in WARM:
        opinion = blend_linear_probe(pool)
        ask = QueryRequest(opinion.pool, count, make_candidate_filter(pool, rng), rng)
        choice = _with_rare(ask, RUN[name])
        if opinion.say:
            by = f"the model and a quick fit of the {len(ask.sieve.labelled):,} labels"
            choice = replace(choice, reason=tuple(f"{reason}, by {by}" for reason in choice.reason))
            why = f"{why}; the model says the same of many items, so a linear fit has a say of {opinion.say:.0%}"
    elif count and name != "random":
        choice = RUN[name](QueryRequest(pool, count, make_candidate_filter(pool, rng), rng))
    aside = np.zeros(len(pool), dtype=bool)
    aside[choice.set_aside] = True
    return QueryResult(choice, name, why, aside)


def pick_strategy(pool: Pool) -> tuple[str, str]:
    """Which strategy fits what is known, and the reason in one sentence."""
    labelled, k = len(pool.labelled_targets if pool.labelled_targets is not None else ()), len(pool.classes)
    if pool.probabilities is None:
        return "typical", f"no model can score yet, so typical items come first ({labelled} labels so far)"
    if pool.proven:
        return "herding", f"a proven model scores them, so its doubts count, with {labelled} labels for {k} classes"
    if labelled < LABELS_PER_CLASS_BEFORE_DOUBT * k:
        return "typical", f"{labelled} labels for {k} classes are too few to trust the model's doubts"
    return "herding", f"{labelled} labels for {k} classes, so the model's doubts can be trusted"


def _with_rare(ask: QueryRequest, run: Callable[[QueryRequest], Batch]) -> Batch:
    """The rare-class quota first, and the rest of the round by `run`."""
    rare = _rare(ask, rare_class_quota(ask.count))
    taken = np.concatenate([ask.taken, rare.index])
    rest = run(QueryRequest(ask.pool, ask.count - len(rare.index), ask.sieve, ask.rng, taken))
    return rest.woven(rare)


def _rare(ask: QueryRequest, places: int) -> Batch:
    """Up to `places` rows most likely of the classes that labels are short of, each class in turn."""
    pool, p = ask.pool, ask.pool.probabilities
    targets = pool.labelled_targets if pool.labelled_targets is not None else NO_ROWS
    classes = rare_classes(p, targets)[:places] if p is not None else ()
    if p is None or not classes:
        return EMPTY_BATCH
    rows, codes = most_likely(p, classes, places, ask.rng)
    sifted = ask.sieve.sift(rows, ask.taken)
    chosen = sifted.rows[:places]
    code_of, known = dict(zip(rows.tolist(), codes.tolist(), strict=True)), {one.code: one for one in classes}
    found = [known[code_of[int(row)]] for row in chosen]
    numbers = tuple(
        {
            "class": pool.classes[one.code],
            "probability": float(p[row, one.code]),
            "labels": one.labels,
            "expected_share": one.share,
        }
        for row, one in zip(chosen, found, strict=True)
    )
    reasons = tuple(
        f"likely {one['class']} ({one['probability']:.2f}), which has {one['labels']} of {len(targets):,} labels"
        for one in numbers
    )
    return Batch(chosen, ("rare_class",) * len(chosen), reasons, numbers, sifted.set_aside)


def _by_score(ask: QueryRequest, score: NDArray[np.float64], arm: str) -> Batch:
    sifted = ask.sieve.best(score, ask.count, ask.rng, ask.taken)
    return uncertain_batch(ask.pool, sifted.rows[: ask.count], arm, sifted.set_aside)


def _margin(ask: QueryRequest) -> Batch:
    return _by_score(ask, -uncertainty.margin(_scored(ask.pool, "margin")), "margin")


def _entropy(ask: QueryRequest) -> Batch:
    return _by_score(ask, uncertainty.entropy(_scored(ask.pool, "entropy")), "entropy")


def _least_confidence(ask: QueryRequest) -> Batch:
    return _by_score(ask, -uncertainty.confidence(_scored(ask.pool, "least_confidence")), "least_confidence")


def _diverse_margin(ask: QueryRequest) -> Batch:
    score = 1 - uncertainty.margin(_scored(ask.pool, "diverse_margin"))
    sifted = ask.sieve.best(score, ask.count, ask.rng, ask.taken)
    rows = kmeans_representatives(
        ask.pool.vectors[sifted.rows], score[sifted.rows], ask.count, seed=int(ask.rng.integers(2**31))
    )
    return uncertain_batch(ask.pool, sifted.rows[rows[: ask.count]], "diverse_margin", sifted.set_aside)


def _herding(ask: QueryRequest) -> Batch:
    """The most doubtful candidates that best cover all of them, given what is labelled."""
    score = 1 - uncertainty.margin(_scored(ask.pool, "herding"))
    sifted = ask.sieve.best(score, ask.count, ask.rng, ask.taken, each=_candidates(ask))
    candidates = ask.pool.vectors[sifted.rows]
    known = np.vstack([ask.sieve.labelled, ask.pool.vectors[ask.taken]])
    found = cover_uncertainty(candidates, candidates, known, ask.count, weight=score[sifted.rows])
    return uncertain_batch(ask.pool, sifted.rows[found.order], "herding", sifted.set_aside)


def _candidates(ask: QueryRequest) -> int:
    """How many candidates compete for a place: fewer as labels sharpen the doubts, until doubt alone decides."""
    per_class = len(ask.sieve.labelled) / len(ask.pool.classes)
    return max(1, round(CANDIDATES_TO_HERD * min(1.0, LABELS_PER_CLASS_TO_NARROW / max(per_class, 1.0))))


def _typical(ask: QueryRequest) -> Batch:
    rare = _rare(ask, rare_class_quota(ask.count))
    taken = np.concatenate([ask.taken, rare.index])
    return cold_start(ask.pool, ask.count - len(rare.index), ask.sieve, ask.rng, taken).woven(rare)


def _committee(ask: QueryRequest) -> Batch:
    members = ask.pool.member_probabilities
    if members is None:
        raise BadPool("The strategy committee needs the probabilities of at least two members.")
    score = uncertainty.disagreement(members)
    sifted = ask.sieve.best(score, ask.count, ask.rng, ask.taken)
    rows = sifted.rows[: ask.count]
    reasons = tuple(f"{len(members)} models disagree by {score[row]:.2f} nats" for row in rows)
    numbers = tuple({"members": len(members), "disagreement": float(score[row])} for row in rows)
    return Batch(rows, ("committee",) * len(rows), reasons, numbers, sifted.set_aside)


def _scored(pool: Pool, strategy: str) -> NDArray[np.float64]:
    if pool.probabilities is None:
        raise BadPool(f"The strategy {strategy} needs the model's probabilities, and there are none yet.")
    return pool.probabilities


WARM = ("diverse_margin", "herding")
RUN: dict[str, Callable[[QueryRequest], Batch]] = {
    "margin": _margin,
    "entropy": _entropy,
    "least_confidence": _least_confidence,
    "diverse_margin": _diverse_margin,
    "herding": _herding,
    "typical": _typical,
    "committee": _committee,
}
