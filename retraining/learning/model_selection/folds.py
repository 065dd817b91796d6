"""Which row is held out when: folds that keep classes in proportion and groups together."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from retraining.learning.validation import BadInput, Codes, codes, groups_of


def assign(targets: ArrayLike, *, folds: int, seed: int, groups: ArrayLike | None = None) -> Codes:
    """The fold in which each row is held out, shape (n,), values in [0, folds).

    Each class is spread as evenly as its size allows; a class with fewer rows than folds is simply absent from some,
    where scikit-learn's StratifiedKFold would warn or refuse. Rows of one group always share a fold.
    Raises BadInput when there are fewer rows (or groups) than two folds need.
    """
    targets = codes(targets)
    if folds < 2 or len(targets) < 2:
        raise BadInput("Held-out estimates need at least two rows and two folds.")
    rng = np.random.default_rng(seed)
    group = groups_of(groups, n=len(targets))
    return _spread(targets, folds, rng) if group is None else _spread_groups(targets, group, folds, rng)


def _spread(targets: Codes, folds: int, rng: np.random.Generator) -> Codes:
    """Deal the rows out like cards, class by class, without starting again at the first fold."""
    order = rng.permutation(len(targets))
    order = order[np.argsort(targets[order], kind="stable")]
    fold = np.empty(len(targets), dtype=np.int64)
    fold[order] = np.arange(len(targets)) % folds
    return fold


def _spread_groups(targets: Codes, group: Codes, folds: int, rng: np.random.Generator) -> Codes:
    """Largest groups first, each to the fold that then stays nearest to the overall class shares."""
    counts = np.zeros((group.max() + 1, targets.max() + 1))
    np.add.at(counts, (group, targets), 1)
    if len(counts) < 2:
        raise BadInput("All rows have equal or nearly equal inputs, so none can be held out from another.")
    counts = np.column_stack([counts, counts.sum(axis=1)])  # the sizes too, so that no fold stays empty
    share = np.maximum(counts.sum(axis=0), 1)
    held = np.zeros((folds, counts.shape[1]))
    chosen = np.empty(len(counts), dtype=np.int64)
    shuffled = rng.permutation(len(counts))
    for g in shuffled[np.argsort(-counts[shuffled, -1], kind="stable")]:
        chosen[g] = int(np.argmin((((held + counts[g]) / share) ** 2).sum(axis=1) - ((held / share) ** 2).sum(axis=1)))
        held[chosen[g]] += counts[g]
    return chosen[group]
