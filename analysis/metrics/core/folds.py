"""Cross-validation folds, stratified by class, with groups kept together."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from validation import InvalidInput, arrays
from validation.arrays import Ints


def assign_folds(targets: ArrayLike, *, folds: int, seed: int, groups: ArrayLike | None = None) -> Ints:
    """The fold in which each row is held out, shape (n,), values in [0, folds).

    Each class is spread as evenly as its size allows; a class with fewer rows than folds is simply absent from some,
    where scikit-learn's StratifiedKFold would warn or refuse. Rows of one group always share a fold; where all rows are
    one group there is nothing that a model could know by heart, and they are dealt one by one. Raises InvalidInput
    when there are fewer rows than two folds need.
    """
    given = np.asarray(targets)
    given = arrays.codes("targets", given, int(given.max(initial=0)) + 1 if given.dtype.kind in "iu" else 1)
    if folds < 2 or len(given) < 2:
        raise InvalidInput("Held-out estimates need at least two rows and two folds.")
    rng = np.random.default_rng(seed)
    group = arrays.groups_of(groups, len(given))
    if group is None or not group.any():
        return _spread(given, folds, rng)
    return _spread_groups(given, group, folds, rng)


def _spread(targets: Ints, folds: int, rng: np.random.Generator) -> Ints:
    """The rows of one class after another to the folds in turn, without starting again at the first fold."""
    order = rng.permutation(len(targets))
    order = order[np.argsort(targets[order], kind="stable")]
    fold = np.empty(len(targets), dtype=np.int64)
    fold[order] = np.arange(len(targets)) % folds
    return fold


def _spread_groups(targets: Ints, group: Ints, folds: int, rng: np.random.Generator) -> Ints:
    """Largest groups first, each to the fold that then stays nearest to the overall class shares."""
    counts = np.zeros((group.max() + 1, targets.max() + 1))
    np.add.at(counts, (group, targets), 1)
    counts = np.column_stack([counts, counts.sum(axis=1)])  # the sizes too, so that no fold stays empty
    share = np.maximum(counts.sum(axis=0), 1)
    held = np.zeros((folds, counts.shape[1]))
    chosen = np.empty(len(counts), dtype=np.int64)
    shuffled = rng.permutation(len(counts))
    for g in shuffled[np.argsort(-counts[shuffled, -1], kind="stable")]:
        chosen[g] = int(np.argmin((((held + counts[g]) / share) ** 2).sum(axis=1) - ((held / share) ** 2).sum(axis=1)))
        held[chosen[g]] += counts[g]
    return chosen[group]
