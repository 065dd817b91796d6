"""Out-of-sample class probabilities of labelled rows of any kind, within a budget of work.

Finding wrong labels stands or falls with these probabilities. Each kind of input gets a few cheap models that err in
different ways and are not easily led by wrong labels: naive Bayes and a linear machine over words and characters for
text; logistic regression and nearest neighbours for vectors, of a text encoder or of the caller; logistic regression,
extremely randomised trees, boosted trees (where rows are many) and, for images, nearest neighbours otherwise. Their
calibrated probabilities are averaged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar

from analysis.metrics.core import work
from analysis.metrics.core.folds import assign_folds
from analysis.metrics.labels.ensemble import Member, members_for
from analysis.metrics.labels.features import Blocks, Inputs, checked_inputs, encode
from analysis.metrics.labels.label_errors import LEAST_ROWS
from inputs.encoders.columns import VectorsByInput, with_vectors
from inputs.groups import group_rows
from validation import InvalidInput

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FLOOR = 1e-4  # no class is ruled out, not even one that a fold's models have never seen


@dataclass(frozen=True)
class OutOfSample:
    """`probabilities` (n, k): row i predicted by models that never saw row i or its label.

    Only a temperature and a weight per model, and no more, are fitted to all labels. `score`: mean log loss in nats
    of the given labels, low = good; `model` names the models, `why` says what was chosen and what it took.
    """

    probabilities: Floats
    model: str
    score: float
    why: str


@dataclass(frozen=True)
class _Plan:
    """The models that fit the budget, their work in all folds, and the names of those that do not."""

    members: list[Member]
    work: float
    left_out: list[str]


def out_of_sample(
    columns: Mapping[str, Sequence[Any]],
    types: Mapping[str, str],
    labels: ArrayLike,
    *,
    budget: float = 60.0,
    folds: int = 5,
    seed: int = 0,
    classes: int | None = None,
    groups: ArrayLike | None = None,
    vectors: VectorsByInput | None = None,
) -> OutOfSample:
    """Probabilities (n, k) for integer codes `labels` (n,) in 0..k-1, each row predicted from the other folds.

    `columns`: one sequence of n values per name; `types`: the input type of each used name, as in an
    input contract. `classes`: k, where codes may be absent. `groups` (n,): rows that share one are predicted from
    other groups; where none are given, rows with equal or near-equal inputs are. `vectors`: rows (n, d) of text inputs
    by their name, from a text encoder; models of them join those of words and characters.
    `budget`: units of work (`analysis.metrics.core.work`), about seconds of one core but counted from sizes, so the
    same rows always get the same models; those that do not fit are left out, the cheapest always runs.
    Raises InvalidInput on input that no model can be fitted to.
    """
    given, k = _checked_labels(labels, classes, folds)
    inputs = checked_inputs(*with_vectors(columns, types, vectors), given.size)
    fold = _folds(given, folds, seed, group_rows(columns, types) if groups is None else groups)
    planned, scores = _cross_fitted(inputs, given, k, fold, budget, seed)
    members = [_calibrated(score, given) for score in scores]
    weights = _weights(members, given)
    blend = sum(weight * member for weight, member in zip(weights, members, strict=True)) * (1 - FLOOR) + FLOOR / k
    loss = float(-np.log(blend[np.arange(given.size), given]).mean())
    described = " + ".join(
        f"{member.name} ({weight:.0%})" for member, weight in zip(planned.members, weights, strict=True)
    )
    why = f"{described}, over {folds} folds: {planned.work:.1f} units of work, {budget:g} given."
    if planned.left_out:
        why += f" Too much work for that: {', '.join(planned.left_out)}."
    return OutOfSample(blend, " + ".join(member.name for member in planned.members), loss, why)


def _checked_labels(labels: ArrayLike, classes: int | None, folds: int) -> tuple[Ints, int]:
    given = np.asarray(labels)
    if given.ndim != 1 or not np.issubdtype(given.dtype, np.integer) or (given.size and given.min() < 0):
        raise InvalidInput("Labels must be one whole-number code per row, 0 or more.")
    if given.size < LEAST_ROWS or folds < 2 or folds > given.size:
        raise InvalidInput(f"{given.size} rows are too few for {folds} folds; {LEAST_ROWS} is the least.")
    if np.unique(given).size < 2:
        raise InvalidInput("All labels are the same, so there is nothing to predict.")
    k = int(given.max()) + 1 if classes is None else classes
    if given.max() >= k:
        raise InvalidInput(f"Label code {given.max()} is outside the {k} classes.")
    return given.astype(np.int64), k


def _folds(given: Ints, folds: int, seed: int, groups: ArrayLike) -> Ints:
    try:
        return assign_folds(given, folds=folds, seed=seed, groups=groups)
    except InvalidInput as error:
        raise InvalidInput(str(error)) from None


def _planned(inputs: Inputs, learnt: Blocks, given: Ints, folds: int, budget: float, seed: int) -> _Plan:
    """The models that fit the budget, by the size of the first fold's features; the cheapest in any case."""
    chosen: list[Member] = []
    left_out: list[str] = []
    classes = int(np.unique(given).size)
    taken = folds * sum(work.encoding(work.size_of(part)) for part in learnt.blocks)
    for member in members_for(inputs.types, given.size, seed):
        units = folds * member.work(learnt, classes)
        if not chosen or taken + units <= budget:
            chosen.append(member)
            taken += units
        else:
            left_out.append(member.name)
    return _Plan(chosen, taken, left_out)


def _cross_fitted(
    inputs: Inputs, given: Ints, k: int, fold: Ints, budget: float, seed: int
) -> tuple[_Plan, list[Floats]]:
    """The models that fit the budget, and their out-of-fold scores (n, k)."""
    folds = int(fold.max()) + 1
    plan, scores = None, []
    for held in range(folds):
        train, asked = np.flatnonzero(fold != held), np.flatnonzero(fold == held)
        learnt, wanted = encode(inputs, train, asked)
        if plan is None:
            plan = _planned(inputs, learnt, given, folds, budget, seed)
            scores = [np.zeros((given.size, k)) for _ in plan.members]
        seen = np.unique(given[train])
        for score, member in zip(scores, plan.members, strict=True):
            found = np.full((asked.size, k), np.nan)
            found[:, seen] = member.ask(member.fit(learnt, given[train]), wanted) if seen.size > 1 else 0.0
            score[asked] = np.where(np.isnan(found), np.nanmin(found, axis=1, keepdims=True), found)
    assert plan is not None  # there are two folds at least
    return plan, scores


def _calibrated(scores: Floats, given: Ints) -> Floats:
    """A softmax of the scores at the temperature that makes the given labels most likely."""
    spread = scores - scores.max(axis=1, keepdims=True)
    spread /= max(float(np.abs(spread).mean()), 1e-12)

    def loss(heat: float) -> float:
        return float(-np.log(_softmax(spread * np.exp(heat))[np.arange(given.size), given]).mean())

    return _softmax(spread * np.exp(minimize_scalar(loss, bounds=(-3, 5), method="bounded").x))


def _softmax(scores: Floats) -> Floats:
    weight = np.exp(scores - scores.max(axis=1, keepdims=True))
    result: Floats = np.maximum(weight / weight.sum(axis=1, keepdims=True), 1e-12)
    return result


def _weights(members: Sequence[Floats], given: Ints) -> Floats:
    """Weights of the mixture that makes the given labels likely, held near even as by half as many even votes.

    The likeliest mixture alone would favour whatever repeats wrong labels best (stacking, Wolpert 1992, damped).
    """
    likely = np.column_stack([member[np.arange(given.size), given] for member in members])
    weights = np.full(len(members), 1 / len(members))
    for _ in range(30):
        share = likely * weights
        share /= share.sum(axis=1, keepdims=True)
        weights = (share.mean(axis=0) + 0.5 / len(members)) / 1.5
    return weights
