"""Resolve several people's votes on each item into one label, with its quality and theirs."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from cleanlab.multiannotator import get_label_quality_multiannotator
from numpy.typing import ArrayLike, NDArray

from analysis.metrics.votes import ability_models, annotator_models, model_averaging
from analysis.metrics.votes.annotator_models import Fit
from validation import InvalidInput
from validation.probabilities import check_probabilities

Floats = NDArray[np.float64]

METHODS = ("auto", "majority", "dawid_skene", "one_coin", "glad", "crowdlab")
TIE = 1e-12  # between probabilities that are equal: far below any that tells, far above rounding


FEW_TO_CHECK = (
    f"Fewer than {model_averaging.LEAST_HELD_OUT} votes can be checked against others, too few to compare models on."
)
SMOOTHED = "So quality is the share of votes with one more for each label (the rule of succession)."


class Votes(NamedTuple):
    """One row per vote: three aligned sequences (v,) of items, annotators and labels, each sortable.

    Where one annotator votes twice on an item, the last vote counts: it is a revision.
    """

    items: ArrayLike
    annotators: ArrayLike
    labels: ArrayLike


@dataclass(frozen=True)
class Resolutions:
    """One row per item and one per annotator, both sorted by their name.

    `label` (n,) agreed values; `quality` (n,) in 0..1, the probability that the label is right, low = look again,
    calibrated as far as votes alone allow (`quality_calibration`); `probabilities` (n, k) over `classes`, likewise;
    `annotator_quality` (a,) probability of a right vote, high = trustworthy; `annotator_n` (a,) votes behind it.
    Quality is NaN where the votes do not determine it, and `why` says so. `copies`: groups of annotators whose
    agreement is so high that `auto` counts their votes on an item as one.
    """

    items: NDArray[Any]
    label: NDArray[Any]
    quality: Floats
    classes: NDArray[Any]
    probabilities: Floats
    annotators: NDArray[Any]
    annotator_quality: Floats
    annotator_n: NDArray[np.int64]
    method: str
    why: str
    copies: tuple[tuple[Any, ...], ...] = ()


@dataclass(frozen=True)
class _Outcome:
    posterior: Floats
    method: str
    why: str
    rated: Floats | None = None
    defined: bool = True
    calibrated: Floats | None = None
    copies: tuple[tuple[int, ...], ...] = ()


def resolve(
    votes: Votes | tuple[ArrayLike, ArrayLike, ArrayLike],
    *,
    method: str = "auto",
    probabilities: ArrayLike | None = None,
    classes: Sequence[Any] | None = None,
    seed: int = 0,
) -> Resolutions:
    """Agree on one label per item, and rate items and annotators.

    `votes`: see `Votes`. `probabilities`: a model's out-of-sample probabilities (items, k), rows in sorted item order,
    columns in the order of `classes` (default: the labels seen, sorted); every method but `majority` uses them.
    `method`: one of METHODS. `auto` hides a fifth of the votes at a time, asks every model of how annotators err to
    predict them, and averages the models by held-out likelihood (pseudo-Bayesian model averaging on held-out log
    likelihood, Yao et al. 2018); annotators who copy count as one (`vote_copies`). No truth is needed.
    Raises InvalidInput on input that cannot be resolved.

    Sources: Dawid and Skene 1979; Whitehill et al. 2009 (GLAD); Goh et al. 2022 (CROWDLAB, through cleanlab).
    """
    if method not in METHODS:
        raise InvalidInput(f"There is no method {method!r}; choose one of {', '.join(METHODS)}.")
    table = Votes(*votes)
    coded, items, people, labels = _coded(table, classes)
    pred_probs = None if probabilities is None else check_probabilities(probabilities, n=coded.items, k=labels.size)
    outcome = _outcome(coded, pred_probs, method, seed)
    best = outcome.posterior.argmax(axis=1)
    stated = outcome.posterior if outcome.calibrated is None else outcome.calibrated
    quality = stated[np.arange(coded.items), best]
    rated = annotator_models.annotator_quality(coded, outcome.posterior) if outcome.rated is None else outcome.rated
    if not outcome.defined:
        quality, rated = np.full(coded.items, np.nan), np.full(coded.annotators, np.nan)
    n = np.bincount(coded.annotator, minlength=coded.annotators)
    copies = tuple(tuple(people[list(group)].tolist()) for group in outcome.copies)
    why = outcome.why + _remarks(table, coded.item.size, copies)
    found = stated, people, rated, n, outcome.method, why, copies
    return Resolutions(items, labels[best], quality, labels, *found)


def _remarks(votes: Votes, kept: int, copies: Sequence[Sequence[Any]]) -> str:
    """Sentences about merged copiers and revised votes."""
    given = len(np.asarray(votes.items))
    remarks = [
        f"{len(group)} annotators agree more than their accuracies explain, so their votes on an item count as one."
        for group in copies
    ]
    if given > kept:
        again = f"{given - kept:,} of {given:,} votes were followed by another of the same annotator on the same item"
        remarks.append(f"{again}; the last one counts, as a revision.")
    return "".join(f" {one}" for one in remarks)


def _outcome(votes: annotator_models.CodedVotes, pred_probs: Floats | None, method: str, seed: int) -> _Outcome:
    several = votes.counts.sum(axis=1).max() > 1
    if votes.k == 1:
        why = "Only one label was ever given, so right and wrong votes cannot be separated and quality is undefined."
        return _Outcome(annotator_models.majority(votes).posterior, "majority", why, defined=False)
    if method == "crowdlab":
        return _crowdlab(votes, pred_probs, several, seed)
    if not several and (pred_probs is None or method == "majority"):
        why = "No item has votes of two annotators, so each keeps its only vote and quality is undefined."
        return _Outcome(annotator_models.majority(votes).posterior, "majority", why, defined=False)
    if method == "auto":
        return _auto(votes, pred_probs, seed)
    if method == "majority":
        why = "It was asked for. Quality is the share of votes."
        return _Outcome(annotator_models.majority(votes).posterior, method, why)
    return _single(votes, None if pred_probs is None else model_averaging.label_log_odds(pred_probs, 1.0), method, seed)


def _single(votes: annotator_models.CodedVotes, log_odds: Floats | None, method: str, seed: int) -> _Outcome:
    model = _SINGLE[method]
    found = model_averaging.calibrate_one(votes, model, log_odds, seed)
    if found is None:
        return _Outcome(
            model(votes, log_odds).posterior,
            method,
            f"It was asked for. {FEW_TO_CHECK} {SMOOTHED}",
            calibrated=_smoothed_shares(votes),
        )
    return _Outcome(found.posterior, method, f"It was asked for.{found.why}", calibrated=found.calibrated)


def _smoothed_shares(votes: annotator_models.CodedVotes) -> Floats:
    """Shares of votes (items, k) with one more vote for each label (Laplace's rule of succession)."""
    counts = votes.counts + 1
    result: Floats = counts / counts.sum(axis=1, keepdims=True)
    return result


def _auto(votes: annotator_models.CodedVotes, pred_probs: Floats | None, seed: int) -> _Outcome:
    found = model_averaging.average_models(votes, pred_probs, seed)
    if found is None:
        log_odds = None if pred_probs is None else model_averaging.label_log_odds(pred_probs, 1.0)
        fit = annotator_models.one_coin(votes, log_odds)
        why = f"{FEW_TO_CHECK} {SMOOTHED}"
        return _Outcome(fit.posterior, "one_coin", why, calibrated=_smoothed_shares(votes))
    return _Outcome(found.posterior, "combined", found.why, copies=found.copies, calibrated=found.calibrated)


def _crowdlab(votes: annotator_models.CodedVotes, pred_probs: Floats | None, several: bool, seed: int) -> _Outcome:
    if votes.annotators < 2 or not several:
        raise InvalidInput("CROWDLAB needs two annotators or more, and an item that two of them voted on.")
    if pred_probs is None and votes.counts.max() < 2:
        raise InvalidInput("CROWDLAB cannot resolve these votes: no two annotators agree on any item.")
    wide = np.full((votes.items, votes.annotators), np.nan)
    wide[votes.item, votes.annotator] = votes.label
    prior = (votes.counts.sum(axis=0) + 1e-6) / (votes.counts.sum() + votes.k * 1e-6)
    model = np.tile(prior, (votes.items, 1)) if pred_probs is None else pred_probs
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of annotators who agree nowhere: it shows in the quality
        try:
            found = get_label_quality_multiannotator(pd.DataFrame(wide), _without_ties(model, seed), verbose=False)
        except ValueError as error:
            raise InvalidInput(f"CROWDLAB cannot resolve these votes: {error}.") from error
    label = found["label_quality"]["consensus_label"].to_numpy().astype(int)
    quality = found["label_quality"]["consensus_quality_score"].to_numpy()
    if not np.isfinite(quality).all():
        raise InvalidInput("CROWDLAB gives no quality on these votes: too few agree for its weights.")
    posterior = np.tile(((1 - quality) / max(votes.k - 1, 1))[:, None], (1, votes.k))
    posterior[np.arange(votes.items), label] = quality
    rated = found["annotator_stats"]["annotator_quality"].sort_index().to_numpy()
    why = "It was asked for. Quality is CROWDLAB's own score, which is not calibrated." + (
        "" if pred_probs is not None else " Without a model it starts from the share of each label."
    )
    return _Outcome(posterior, "crowdlab", why, rated)


def _without_ties(model: Floats, seed: int) -> Floats:
    """The probabilities (n, k) with equal ones of a row set apart by lot.

    cleanlab breaks what stays a tie of votes and of probabilities by numpy's global generator, which all threads of the
    process share: its answers would depend on what else draws from it, and would move what others draw.
    """
    lots = np.random.default_rng(seed).random(model.shape).argsort(axis=1)
    apart = model + TIE * lots
    result: Floats = apart / apart.sum(axis=1, keepdims=True)
    return result


def _coded(votes: Votes, classes: Sequence[Any] | None) -> tuple[annotator_models.CodedVotes, Any, Any, Any]:
    columns = [np.asarray(column) for column in votes]
    if len({column.shape for column in columns}) != 1 or columns[0].ndim != 1:
        raise InvalidInput("Items, annotators and labels must be three sequences of the same length.")
    if not columns[0].size:
        raise InvalidInput("There are no votes.")
    for name, column in zip(("item", "annotator", "label"), columns, strict=True):
        missing = int(pd.isna(column).sum())
        if missing:
            raise InvalidInput(f"{missing} votes have no {name}.")
        if column.dtype.kind == "f" and np.isinf(column).any():
            raise InvalidInput(f"Infinity is no {name}, but {int(np.isinf(column).sum())} votes have it.")
    (items, i), (people, a), (seen, v) = (_codes(column) for column in columns)
    labels = seen if classes is None else np.asarray(classes)
    place = {value: at for at, value in enumerate(labels.tolist())}
    if len(place) < labels.size:
        raise InvalidInput("A class is named more than once.")
    unknown = [value for value in seen.tolist() if value not in place]
    if unknown:
        raise InvalidInput(f"There are votes for {unknown[0]!r}, which is not among the classes.")
    code = np.array([place[value] for value in seen.tolist()])[v]
    last = np.sort(pd.DataFrame({"i": i, "a": a}).drop_duplicates(keep="last").index.to_numpy())
    return (
        annotator_models.CodedVotes(i[last], a[last], code[last], items.size, people.size, labels.size),
        items,
        people,
        labels,
    )


def _codes(column: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    try:
        return np.unique(column, return_inverse=True)
    except TypeError as error:
        raise InvalidInput("Items, annotators and labels must each be of one sortable kind.") from error


_SINGLE: dict[str, Callable[[annotator_models.CodedVotes, Floats | None], Fit]] = {
    "dawid_skene": annotator_models.dawid_skene,
    "one_coin": annotator_models.one_coin,
    "glad": ability_models.glad,
}
