"""What a query round is given and what it answers: two frozen dataclasses and their checks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation import InvalidInput
from validation.arrays import codes
from validation.probabilities import check_probabilities

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pool:
    """What is known of n items that wait for a label.

    vectors               (n, d) finite floats, comparable by Euclidean distance (see `vectorise`)
    probabilities         (n, k) of the model in force, or None when no model can score yet
    classes               the k classes' names, in the order of the columns; none where answers are not classes
    labelled_vectors      (l, d) of the items that have a label, or None
    labelled_targets      (l,) their classes as codes 0..k-1, or None; all 0 where there are no classes
    member_probabilities  (members, n, k) for the strategy "committee", or None
    signals               (n,) from 0 to 1, strength of the signals about an item (an override, a
                          chargeback, a thumb down); 0 = nothing. Cold rounds start there. None = no signals
    proven                the model in force has proven itself elsewhere, so `auto` uses its uncertainty from the first
                          label on; False = only with two labels per class
    """

    vectors: NDArray[Any]
    probabilities: NDArray[Any] | None
    classes: tuple[str, ...]
    labelled_vectors: NDArray[Any] | None = None
    labelled_targets: NDArray[Any] | None = None
    member_probabilities: NDArray[Any] | None = None
    signals: NDArray[Any] | None = None
    proven: bool = False

    def __len__(self) -> int:
        return len(self.vectors)


@dataclass(frozen=True)
class Selection:
    """The m items to ask next, soonest first, with the reason for each.

    index                  (m,) rows of the pool, no row twice
    priority               (m,) from 0 to 1, high = sooner; falls along the selection
    arm                    (m,) which part chose it: margin, entropy, least_confidence, diverse_margin, herding,
                           typical, committee, rare_class, signal or random; remaining, near_copy or outlier where
                           nothing better was left
    reason                 m sentences in words with their numbers
    numbers                m dicts of the figures behind the sentence, plain Python values (JSON can carry them)
    strategy               the strategy that ran: what `auto` became
    why                    one sentence: why this strategy, now
    out_of_scope           (n,) bool over the pool: up for choice, but unlike anything else here, so set aside and asked
                           only where nothing else is left
    """

    index: NDArray[np.intp]
    priority: Floats
    arm: NDArray[np.str_]
    reason: tuple[str, ...]
    numbers: tuple[dict[str, Any], ...]
    strategy: str
    why: str
    out_of_scope: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))

    def __len__(self) -> int:
        return len(self.index)


def check_pool(pool: Pool) -> Pool:
    """Return the pool with every array in the type the strategies expect, or say what is wrong with it.

    Raises `InvalidInput` (empty pool, vectors not finite, lengths that differ, codes outside the classes) or
    `InvalidProbabilities` (see `check_probabilities`).
    """
    if not pool.classes and (pool.probabilities is not None or pool.member_probabilities is not None):
        raise InvalidInput("Probabilities are of at least one class; the pool names none.")
    vectors = _vectors(pool.vectors, "vectors")
    if not len(vectors):
        raise InvalidInput("The pool is empty: nothing waits for a label.")
    labelled, targets = _labelled(pool, vectors.shape[1])
    return Pool(
        vectors=vectors,
        probabilities=_probabilities(pool.probabilities, len(vectors), len(pool.classes), "probabilities"),
        classes=tuple(str(name) for name in pool.classes),
        labelled_vectors=labelled,
        labelled_targets=targets,
        member_probabilities=_members(pool, len(vectors)),
        signals=_signals(pool.signals, len(vectors)),
        proven=bool(pool.proven),
    )


def _vectors(values: NDArray[Any], what: str) -> NDArray[np.float32]:
    try:
        with np.errstate(over="ignore"):  # what is too large for 32 bits becomes infinite, and is refused as such
            array = np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"The {what} must be numbers in rows of one length: {error}.") from error
    if array.ndim != 2:
        raise InvalidInput(f"The {what} must have rows and columns; the shape is {array.shape}.")
    if not np.isfinite(array).all():
        row, column = np.argwhere(~np.isfinite(array))[0]
        raise InvalidInput(f"Row {row} of the {what}: column {column} is {array[row, column]}, not a number.")
    return array


def _probabilities(values: NDArray[Any] | None, n: int, k: int, what: str) -> Floats | None:
    if values is None:
        return None
    return check_probabilities(values, n=n, k=k, name=what)


def _labelled(pool: Pool, width: int) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    if (pool.labelled_vectors is None) != (pool.labelled_targets is None):
        raise InvalidInput("Give the labelled vectors and their targets together, or neither.")
    if pool.labelled_vectors is None or pool.labelled_targets is None:
        return np.zeros((0, width), dtype=np.float32), np.zeros(0, dtype=np.intp)
    vectors, targets = _vectors(pool.labelled_vectors, "labelled vectors"), np.asarray(pool.labelled_targets)
    if vectors.shape != (len(targets), width):
        raise InvalidInput(
            f"{len(targets)} targets and {width} columns do not fit labelled vectors of {vectors.shape}."
        )
    return vectors, codes("targets", targets, max(len(pool.classes), 1)).astype(np.intp)


def _members(pool: Pool, n: int) -> Floats | None:
    if pool.member_probabilities is None:
        return None
    members = [
        _probabilities(np.asarray(one), n, len(pool.classes), f"probabilities of member {position}")
        for position, one in enumerate(pool.member_probabilities)
    ]
    if len(members) < 2:
        raise InvalidInput("A committee needs at least two members.")
    return np.stack([member for member in members if member is not None])


def _signals(values: NDArray[Any] | None, n: int) -> Floats | None:
    if values is None:
        return None
    array = np.asarray(values)
    if array.dtype.kind not in "biuf" or array.shape != (n,) or not ((array >= 0) & (array <= 1)).all():
        raise InvalidInput(f"Signals must be one number from 0 to 1 for each of the {n} items.")
    return array.astype(np.float64)
