"""Query strategies by name: each turns a validated pool into a batch of rows with reasons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from annotation.sampling import uncertainty
from annotation.sampling.arrays import NO_ROWS
from annotation.sampling.filters.candidate_filter import CandidateFilter, make_candidate_filter
from annotation.sampling.pool import Pool
from annotation.sampling.strategies.batch import EMPTY_BATCH, Batch, uncertain_batch
from annotation.sampling.strategies.cold_start import cold_start
from annotation.sampling.strategies.kmeans import kmeans_representatives
from annotation.sampling.strategies.linear_probe import blend_linear_probe
from annotation.sampling.strategies.rare_classes import most_likely, rare_class_quota, rare_classes
from annotation.sampling.strategies.uncertainty_coverage import cover_uncertainty
from validation import InvalidInput

LABELS_PER_CLASS_BEFORE_UNCERTAINTY = 2
CANDIDATES_TO_COVER = 20
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
    candidate_filter: CandidateFilter
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
        blended = blend_linear_probe(pool)
        request = QueryRequest(blended.pool, count, make_candidate_filter(pool, rng), rng)
        choice = _with_rare(request, RUN[name])
        if blended.weight:
            by = f"the model and a quick estimate from {len(request.candidate_filter.labelled):,} labels"
            choice = replace(choice, reason=tuple(f"{reason}, by {by}" for reason in choice.reason))
            why += f"; many items have equal probabilities, so a linear probe has a weight of {blended.weight:.0%}"
    elif count and name != "random":
        choice = RUN[name](QueryRequest(pool, count, make_candidate_filter(pool, rng), rng))
    aside = np.zeros(len(pool), dtype=bool)
    aside[choice.set_aside] = True
    return QueryResult(choice, name, why, aside)


def pick_strategy(pool: Pool) -> tuple[str, str]:
    """Which strategy fits what is known, and the reason in one sentence."""
    labelled, k = len(pool.labelled_targets if pool.labelled_targets is not None else ()), len(pool.classes)
    if not k:
        return "typical", f"answers are not classes, so typical items come first ({labelled} labels so far)"
    if pool.probabilities is None:
        return "typical", f"no model can score yet, so typical items come first ({labelled} labels so far)"
    if pool.proven:
        return (
            "herding",
            f"a proven model scores them, so its uncertainty is used, with {labelled} labels for {k} classes",
        )
    if labelled < LABELS_PER_CLASS_BEFORE_UNCERTAINTY * k:
        return "typical", f"{labelled} labels for {k} classes are too few to trust the model's uncertainty"
    return "herding", f"{labelled} labels for {k} classes, so the model's uncertainty can be trusted"


def _with_rare(request: QueryRequest, run: Callable[[QueryRequest], Batch]) -> Batch:
    """The rare-class quota first, and the rest of the round by `run`."""
    rare = _rare(request, rare_class_quota(request.count))
    taken = np.concatenate([request.taken, rare.index])
    rest = run(
        QueryRequest(request.pool, request.count - len(rare.index), request.candidate_filter, request.rng, taken)
    )
    return rest.interleaved_with(rare)


def _rare(request: QueryRequest, places: int) -> Batch:
    """Up to `places` rows most likely of the classes that labels are short of, each class in turn."""
    pool, p = request.pool, request.pool.probabilities
    targets = pool.labelled_targets if pool.labelled_targets is not None else NO_ROWS
    classes = rare_classes(p, targets)[:places] if p is not None else ()
    if p is None or not classes:
        return EMPTY_BATCH
    rows, codes = most_likely(p, classes, places, request.rng)
    kept = request.candidate_filter.apply(rows, request.taken)
    chosen = kept.rows[:places]
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
    return Batch(chosen, ("rare_class",) * len(chosen), reasons, numbers, kept.set_aside)


def _by_score(request: QueryRequest, score: NDArray[np.float64], arm: str) -> Batch:
    kept = request.candidate_filter.best(score, request.count, request.rng, request.taken)
    return uncertain_batch(request.pool, kept.rows[: request.count], arm, kept.set_aside)


def _margin(request: QueryRequest) -> Batch:
    return _by_score(request, -uncertainty.margin(_scored(request.pool, "margin")), "margin")


def _entropy(request: QueryRequest) -> Batch:
    return _by_score(request, uncertainty.entropy(_scored(request.pool, "entropy")), "entropy")


def _least_confidence(request: QueryRequest) -> Batch:
    return _by_score(request, -uncertainty.confidence(_scored(request.pool, "least_confidence")), "least_confidence")


def _diverse_margin(request: QueryRequest) -> Batch:
    score = 1 - uncertainty.margin(_scored(request.pool, "diverse_margin"))
    kept = request.candidate_filter.best(score, request.count, request.rng, request.taken)
    rows = kmeans_representatives(
        request.pool.vectors[kept.rows], score[kept.rows], request.count, seed=int(request.rng.integers(2**31))
    )
    return uncertain_batch(request.pool, kept.rows[rows[: request.count]], "diverse_margin", kept.set_aside)


def _herding(request: QueryRequest) -> Batch:
    """The most uncertain candidates that best cover all of them, given what is labelled."""
    score = 1 - uncertainty.margin(_scored(request.pool, "herding"))
    kept = request.candidate_filter.best(score, request.count, request.rng, request.taken, each=_candidates(request))
    candidates = request.pool.vectors[kept.rows]
    known = np.vstack([request.candidate_filter.labelled, request.pool.vectors[request.taken]])
    found = cover_uncertainty(candidates, candidates, known, request.count, weight=score[kept.rows])
    return uncertain_batch(request.pool, kept.rows[found.order], "herding", kept.set_aside)


def _candidates(request: QueryRequest) -> int:
    """How many candidates compete for a place: fewer as labels come in, until uncertainty alone decides."""
    per_class = len(request.candidate_filter.labelled) / len(request.pool.classes)
    return max(1, round(CANDIDATES_TO_COVER * min(1.0, LABELS_PER_CLASS_TO_NARROW / max(per_class, 1.0))))


def _typical(request: QueryRequest) -> Batch:
    rare = _rare(request, rare_class_quota(request.count))
    taken = np.concatenate([request.taken, rare.index])
    return cold_start(
        request.pool, request.count - len(rare.index), request.candidate_filter, request.rng, taken
    ).interleaved_with(rare)


def _committee(request: QueryRequest) -> Batch:
    members = request.pool.member_probabilities
    if members is None:
        raise InvalidInput("The strategy committee needs the probabilities of at least two members.")
    score = uncertainty.disagreement(members)
    kept = request.candidate_filter.best(score, request.count, request.rng, request.taken)
    rows = kept.rows[: request.count]
    reasons = tuple(f"{len(members)} models disagree by {score[row]:.2f} nats" for row in rows)
    numbers = tuple({"members": len(members), "disagreement": float(score[row])} for row in rows)
    return Batch(rows, ("committee",) * len(rows), reasons, numbers, kept.set_aside)


def _scored(pool: Pool, strategy: str) -> NDArray[np.float64]:
    if pool.probabilities is None:
        raise InvalidInput(f"The strategy {strategy} needs the model's probabilities, and there are none yet.")
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
STRATEGIES = ("auto", *RUN, "random")  # with random, nothing is chosen actively
WITHOUT_SCORES = ("typical", "random")
"""Strategies that choose the same way whether or not a model has scored the items."""
