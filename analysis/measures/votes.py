"""Resolve several people's votes on each item into one label, with its quality and theirs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from cleanlab.multiannotator import get_label_quality_multiannotator
from numpy.typing import ArrayLike, NDArray

from analysis.measures import annotators

Floats = NDArray[np.float64]

METHODS = ("auto", "majority", "dawid_skene", "one_coin", "glad", "crowdlab")


class VotesUndefined(ValueError):
    """These votes cannot be resolved; the message says why."""


class Votes(NamedTuple):
    """One row per vote: three aligned sequences (v,) of any hashable, sortable values."""

    items: ArrayLike
    annotators: ArrayLike
    labels: ArrayLike


@dataclass(frozen=True)
class Resolutions:
    """One row per item and one per annotator, both sorted by their name.

    `label` (n,) agreed values; `quality` (n,) in 0..1, the probability that the label is right, low = look again;
    `probabilities` (n, k) over `classes`; `annotator_quality` (a,) probability of a right vote, high = trustworthy;
    `annotator_n` (a,) votes behind it.
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


def resolve(
    votes: Votes | tuple[ArrayLike, ArrayLike, ArrayLike],
    *,
    method: str = "auto",
    probabilities: ArrayLike | None = None,
    classes: Sequence[Any] | None = None,
    seed: int = 0,
) -> Resolutions:
    """Agree on one label per item.

    `probabilities`: a model's out-of-sample probabilities (items, k), rows in sorted item order, columns in the order
    of `classes` (default: sorted labels seen). `method` is one of METHODS; `auto` decides by evidence in the votes.
    """
    if method not in METHODS:
        raise VotesUndefined(f"Unknown method {method!r}; choose one of {', '.join(METHODS)}.")
    coded, items, people, labels = _coded(Votes(*votes), classes)
    chosen = "one_coin" if method == "auto" else method
    found = _FITS[chosen](coded, probabilities)
    best = found.posterior.argmax(axis=1)
    quality = found.posterior[np.arange(coded.items), best]
    n = np.bincount(coded.annotator, minlength=coded.annotators)
    why = f"{chosen} was asked for." if method != "auto" else "One-coin holds up with few votes."
    return Resolutions(items, labels[best], quality, labels, found.posterior, people, found.quality, n, chosen, why)


def _coded(votes: Votes, classes: Sequence[Any] | None) -> tuple[annotators.Votes, Any, Any, Any]:
    columns = [np.asarray(column) for column in votes]
    if len({column.shape for column in columns}) != 1 or columns[0].ndim != 1:
        raise VotesUndefined("Items, annotators and labels must be three sequences of the same length.")
    if not columns[0].size:
        raise VotesUndefined("There are no votes.")
    (items, i), (people, a), (seen, v) = (np.unique(column, return_inverse=True) for column in columns)
    labels = seen if classes is None else np.asarray(classes)
    place = {value: at for at, value in enumerate(labels.tolist())}
    unknown = [value for value in seen.tolist() if value not in place]
    if unknown:
        raise VotesUndefined(f"Votes for {unknown[0]!r}, which is not among the classes.")
    code = np.array([place[value] for value in seen.tolist()])[v]
    return annotators.Votes(i, a, code, items.size, people.size, labels.size), items, people, labels


def _crowdlab(votes: annotators.Votes, probabilities: ArrayLike | None) -> annotators.Consensus:
    wide = np.full((votes.items, votes.annotators), np.nan)
    wide[votes.item, votes.annotator] = votes.label
    prior = annotators.counts(votes).sum(axis=0) / votes.item.size
    believed = np.tile(prior, (votes.items, 1)) if probabilities is None else np.asarray(probabilities)
    found = get_label_quality_multiannotator(pd.DataFrame(wide), believed, verbose=False)
    label = found["label_quality"]["consensus_label"].to_numpy().astype(int)
    quality = found["label_quality"]["consensus_quality_score"].to_numpy()
    posterior = np.tile(((1 - quality) / max(votes.k - 1, 1))[:, None], (1, votes.k))
    posterior[np.arange(votes.items), label] = quality
    return annotators.Consensus(posterior, found["annotator_stats"]["annotator_quality"].sort_index().to_numpy())


_FITS: dict[str, Callable[[annotators.Votes, ArrayLike | None], annotators.Consensus]] = {
    "majority": lambda votes, _: annotators.majority(votes),
    "dawid_skene": lambda votes, _: annotators.dawid_skene(votes),
    "one_coin": lambda votes, _: annotators.one_coin(votes),
    "glad": lambda votes, _: annotators.glad(votes),
    "crowdlab": _crowdlab,
}
