"""Out-of-sample class probabilities of labelled rows of any kind, within a time budget.

Finding wrong labels stands or falls with these probabilities. Each kind of input gets a few cheap models that err in
different ways and are not easily led by wrong labels: naive Bayes and a linear machine over words and characters for
text; logistic regression and nearest neighbours for vectors, of a text encoder or of the caller; logistic regression,
extremely randomised trees, boosted trees (where rows are many) and, for images, nearest neighbours otherwise. Their
calibrated probabilities are averaged.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC

from analysis.metrics.core.folds import assign_folds
from analysis.metrics.labels.features import Blocks, Inputs, checked_inputs, encode
from analysis.metrics.labels.label_errors import LEAST_ROWS
from inputs.encoders.columns import VectorsByInput, with_vectors
from inputs.encoding import feature_kinds
from inputs.groups import group_rows
from inputs.types.base import Features
from validation import InvalidInput

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PROBE_ROWS = 1000
FLOOR = 1e-4  # no class is ruled out, not even one that a fold's models have never seen
UNIT_ROWS_C = 10.0  # inverse strength of the penalty on rows of unit length
NEIGHBOURS, NEIGHBOURS_ROWS = 10, 20_000
BOOSTING_ROWS = 1000  # with fewer, boosting learns wrong labels by heart


@dataclass(frozen=True)
class OutOfSample:
    """`probabilities` (n, k): row i predicted by models that never saw row i or its label.

    Only a temperature and a weight per model, and no more, are fitted to all labels. `score`: mean log loss in nats
    of the given labels, low = good; `model` names the models, `why` says what was chosen and what it cost.
    """

    probabilities: Floats
    model: str
    score: float
    why: str


@dataclass(frozen=True)
class _Member:
    name: str
    fit: Callable[[Blocks, Ints], Any]
    ask: Callable[[Any, Blocks], Floats]  # scores (n, classes seen), to be turned into probabilities by a softmax


def out_of_sample(
    columns: Mapping[str, Sequence[Any]],
    types: Mapping[str, str],
    labels: ArrayLike,
    *,
    seconds: float = 60.0,
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
    `seconds` of CPU: models whose cost, probed on a sample, does not fit are left out; the cheapest always runs.
    Raises InvalidInput on input that no model can be fitted to.
    """
    started = time.process_time()
    given, k = _checked_labels(labels, classes, folds)
    inputs = checked_inputs(*with_vectors(columns, types, vectors), given.size)
    planned, left_out = _planned(inputs, given, seconds, folds, seed)
    fold = _folds(given, folds, seed, group_rows(columns, types) if groups is None else groups)
    scores = _cross_fitted(planned, inputs, given, k, fold)
    members = [_calibrated(score, given) for score in scores]
    weights = _weights(members, given)
    blend = sum(weight * member for weight, member in zip(weights, members, strict=True)) * (1 - FLOOR) + FLOOR / k
    loss = float(-np.log(blend[np.arange(given.size), given]).mean())
    described = " + ".join(f"{member.name} ({weight:.0%})" for member, weight in zip(planned, weights, strict=True))
    why = f"{described}, over {folds} folds in {time.process_time() - started:.0f} s of CPU, {seconds:.0f} s given."
    if left_out:
        why += f" Too slow for the time given: {', '.join(left_out)}."
    return OutOfSample(blend, " + ".join(member.name for member in planned), loss, why)


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


def _members(types: Mapping[str, str], n: int, seed: int) -> list[_Member]:
    """The models for these kinds of input, cheapest and most telling first."""
    kinds = feature_kinds(types)
    text, pixels = Features.TERMS in kinds, Features.PIXELS in kinds
    other = kinds - {Features.TERMS, Features.VECTOR}
    found = []
    if Features.VECTOR in kinds:
        directed = LogisticRegression(C=UNIT_ROWS_C, max_iter=300)
        found.append(_Member("logistic regression on vectors", lambda x, y: directed.fit(x.vectors, y), _vectors_log))
        if n <= NEIGHBOURS_ROWS:
            alike = KNeighborsClassifier(min(NEIGHBOURS, n // 2), weights="distance", n_jobs=1)
            found.append(_Member("nearest vectors", lambda x, y: alike.fit(x.vectors, y), _vectors_log))
    if text:
        bayes, machine = MultinomialNB(alpha=0.03), LinearSVC(C=0.1, random_state=seed)
        found.append(_Member("naive Bayes", lambda x, y: bayes.fit(x.terms, y), _terms_log))
        found.append(_Member("linear machine", lambda x, y: machine.fit(x.together, y), _margin))
    if other and not text:
        logistic = LogisticRegression(max_iter=300)
        found.append(_Member("logistic regression", lambda x, y: logistic.fit(x.dense, y), _dense_log))
    if other:
        # Numbers and categories predict less than pixels, so leaves must be larger for calibrated probabilities.
        trees = ExtraTreesClassifier(200, min_samples_leaf=2 if pixels else 5, random_state=seed, n_jobs=1)
        found.append(_Member("extra trees", lambda x, y: trees.fit(x.dense, y), _dense_log))
    if other and not pixels and n >= BOOSTING_ROWS:
        boosted = HistGradientBoostingClassifier(
            max_iter=60,
            learning_rate=0.08,
            max_leaf_nodes=15,
            min_samples_leaf=30,
            early_stopping=False,  # its held-out part would need two rows of every class
            random_state=seed,
        )
        found.append(_Member("boosted trees", lambda x, y: boosted.fit(x.dense, y), _dense_log))
    if pixels and n <= NEIGHBOURS_ROWS:
        near = KNeighborsClassifier(min(NEIGHBOURS, n // 2), weights="distance", n_jobs=1)
        found.append(_Member("nearest neighbours", lambda x, y: near.fit(x.dense, y), _dense_log))
    return found


def _terms_log(model: Any, x: Blocks) -> Floats:
    result: Floats = model.predict_log_proba(x.terms)
    return result


def _dense_log(model: Any, x: Blocks) -> Floats:
    result: Floats = np.log(np.maximum(model.predict_proba(x.dense), 1e-3))
    return result


def _vectors_log(model: Any, x: Blocks) -> Floats:
    result: Floats = np.log(np.maximum(model.predict_proba(x.vectors), 1e-3))
    return result


def _margin(model: Any, x: Blocks) -> Floats:
    score = model.decision_function(x.together)
    return np.column_stack([-score, score]) if score.ndim == 1 else score


def _planned(inputs: Inputs, given: Ints, seconds: float, folds: int, seed: int) -> tuple[list[_Member], list[str]]:
    """The models that fit the time, by the time that each takes on a sample of the rows."""
    members = _members(inputs.types, given.size, seed)
    sample = np.random.default_rng(seed).permutation(given.size)[:PROBE_ROWS]
    if np.unique(given[sample]).size < 2:
        return members[:1], [member.name for member in members[1:]]
    scale = given.size / sample.size * (folds - 1)
    started = time.process_time()
    blocks = encode(inputs, sample, sample)[0]
    left = seconds - (time.process_time() - started) * (scale + 1)
    chosen: list[Any] = []
    left_out: list[Any] = []
    for member in members:
        started = time.process_time()
        member.ask(member.fit(blocks, given[sample]), blocks)
        cost = (time.process_time() - started) * (scale + 1)
        if not chosen or cost <= left:
            chosen.append(member)
            left -= cost
        else:
            left_out.append(member.name)
    return chosen, left_out


def _cross_fitted(
    members: Sequence[_Member],
    inputs: Inputs,
    given: Ints,
    k: int,
    fold: Ints,
) -> list[Floats]:
    scores = [np.zeros((given.size, k)) for _ in members]
    for held in range(int(fold.max()) + 1):
        train, asked = np.flatnonzero(fold != held), np.flatnonzero(fold == held)
        learnt, wanted = encode(inputs, train, asked)
        seen = np.unique(given[train])
        for score, member in zip(scores, members, strict=True):
            found = np.full((asked.size, k), np.nan)
            found[:, seen] = member.ask(member.fit(learnt, given[train]), wanted) if seen.size > 1 else 0.0
            score[asked] = np.where(np.isnan(found), np.nanmin(found, axis=1, keepdims=True), found)
    return scores


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
