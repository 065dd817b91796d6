"""Grouped split: rows with equal or near-equal inputs stand on one side, to train on or to measure with, together."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from validation import arrays
from validation.arrays import Bools, Ints


def keep_groups_together(
    groups: ArrayLike,
    *,
    evaluation: ArrayLike,
    labelled_at: ArrayLike,
    trained: ArrayLike,
    measured: ArrayLike,
    held_out: ArrayLike,
) -> Bools:
    """Which rows (n,) may be used; the others would carry what a model learnt to the side that measures it.

    groups: (n,), `inputs.groups.group_rows`. evaluation: (n,) the row is to be measured with, else trained on.
    labelled_at: (n,) seconds. trained, measured: (n,) an earlier dataset held the row on that side. held_out: (n,) the
    row was once set aside for evaluation and is never trained on.

    A group is trained on where a row of it ever was, else measured with where a row of it ever was, else it goes where
    its first label came for. A model may train on most groups then, and a share of them as large as the share of
    evaluation labels stays to measure with, however many copies there are. Copies are thus a smaller part of what is
    measured with than of the traffic: the figures are those of inputs that the model was not trained on.
    """
    group: Ints = np.asarray(groups, dtype=np.int64)
    n = len(group)
    names = {"evaluation": evaluation, "trained": trained, "measured": measured, "held_out": held_out}
    is_evaluation, was_trained, was_measured, barred = (arrays.booleans(k, v, n) for k, v in names.items())
    first = np.lexsort((np.arange(n), np.asarray(labelled_at, dtype=np.float64)))
    side = _of_groups(group, is_evaluation, first)
    side[np.unique(group[was_measured])] = True
    side[np.unique(group[was_trained])] = False
    crosses = np.where(is_evaluation, was_trained, barred)
    kept: Bools = (side[group] == is_evaluation) & ~crosses
    return kept


def _of_groups(group: Ints, evaluation: Bools, order: Ints) -> Bools:
    """(g,): the side of the first row of each group in this order."""
    side = np.zeros(int(group.max(initial=-1)) + 1, dtype=bool)
    _, place = np.unique(group[order], return_index=True)
    rows = order[place]
    side[group[rows]] = evaluation[rows]
    return side
