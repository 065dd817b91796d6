"""Paired answers to the same rows as gains, weights and the four counts of the gate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analysis.metrics.performance import paired
from analysis.metrics.performance.paired import Difference
from validation import InvalidInput, arrays
from validation.arrays import RAREST, Bools, Floats, Ints


@dataclass(frozen=True)
class PairedAnswers:
    """gain: (n,) the champion's loss less the candidate's, in [-1, 1], above 0 the candidate is better.

    weight: (n,) inverse inclusion probabilities, mean 1. fixed, broken: rows that only the candidate, only the
    champion got right; both_right, both_wrong: counts. group: (n,), copies of one row share one; None: no copies.
    """

    gain: Floats
    weight: Floats
    group: Ints | None
    fixed: Ints
    broken: Ints
    both_right: int
    both_wrong: int

    @property
    def n(self) -> int:
        return len(self.gain)

    def better_p(self) -> float:
        """One-sided p that the candidate is no better: exact where rows count alike, else by likelihood ratio."""
        gain, weight = paired.one_a_group(self.gain, self.weight, self.group)
        if np.ptp(weight) < 1e-9 * weight.max(initial=1.0) and np.isin(gain, (-1.0, 0.0, 1.0)).all():
            return paired.exact_p(int((gain > 0).sum()), int((gain < 0).sum()), len(gain))
        return paired.not_worse_p(gain, weight, margin=0.0)

    def not_worse_p(self, mask: Bools, margin: float) -> float:
        """One-sided p that the candidate is worse by `margin` or more in the rows of the mask (n,)."""
        return paired.not_worse_p(self.gain[mask], self.weight[mask], margin=margin, groups=self._group(mask))

    def difference(self, mask: Bools, *, level: float) -> Difference:
        """The mean gain in the rows of the mask (n,), with its interval."""
        return paired.difference(self.gain[mask], self.weight[mask], level=level, groups=self._group(mask))

    def _group(self, mask: Bools) -> Ints | None:
        return None if self.group is None else self.group[mask]


def compare(
    truth: ArrayLike,
    champion: ArrayLike,
    candidate: ArrayLike,
    *,
    inclusion_probability: ArrayLike,
    costs: ArrayLike | None = None,
    groups: ArrayLike | None = None,
) -> PairedAnswers:
    """Compare answers row by row; arguments as in `gate.judge`. Raises InvalidInput for bad lengths and ranges."""
    labels, old, new = np.asarray(truth), np.asarray(champion), np.asarray(candidate)
    if labels.ndim != 1:
        raise InvalidInput("truth must be one row of labels.")
    arrays.same_length(len(labels), champion_predicted=old, candidate_predicted=new)
    _all_there(truth=labels, champion_predicted=old, candidate_predicted=new)
    old_right, new_right = old == labels, new == labels
    return PairedAnswers(
        gain=losses(labels, old, costs) - losses(labels, new, costs),
        weight=inverse_weights(inclusion_probability, len(labels)),
        group=arrays.groups_of(groups, n=len(labels)),
        fixed=np.flatnonzero(new_right & ~old_right),
        broken=np.flatnonzero(old_right & ~new_right),
        both_right=int((old_right & new_right).sum()),
        both_wrong=int((~old_right & ~new_right).sum()),
    )


def most_common(truth: ArrayLike, inclusion_probability: ArrayLike) -> NDArray[Any]:
    """The naive baseline's answers, shape (n,): the commonest class of the stream, whatever the input."""
    labels = np.asarray(truth)
    _all_there(truth=labels)
    weight = inverse_weights(inclusion_probability, len(labels))
    if not len(labels):
        return labels
    names, index = np.unique(labels, return_inverse=True)
    return np.repeat(names[np.bincount(index, weights=weight).argmax()], len(labels))


def inverse_weights(inclusion_probability: ArrayLike, n: int) -> Floats:
    """Inverse inclusion probabilities with mean 1, shape (n,)."""
    chance = arrays.numbers("inclusion_probability", inclusion_probability)
    arrays.same_length(n, inclusion_probability=np.atleast_1d(chance))
    if not (np.isfinite(chance).all() and (chance >= RAREST).all() and (chance <= 1).all()):
        raise InvalidInput("inclusion_probability must be above 0 and at most 1 in every row.")
    weight = 1.0 / chance
    return weight / weight.mean() if n else weight


def slice_mask(name: str, mask: ArrayLike, n: int) -> Bools:
    array = np.asarray(mask)
    if array.shape != (n,) or (n and array.dtype != bool):  # an empty list has no type
        raise InvalidInput(f"The protected slice {name!r} must be {n} values of true or false.")
    return array.astype(bool)


def _all_there(**answers: NDArray[Any]) -> None:
    for name, given in answers.items():
        if (missing := pd.isna(given)).any():
            raise InvalidInput(f"{name} has nothing in row {int(np.argmax(missing))}; every row needs an answer.")


def losses(truth: NDArray[Any], predicted: NDArray[Any], costs: ArrayLike | None) -> Floats:
    """Loss of each row as a share of the dearest mistake, shape (n,)."""
    if costs is None:
        wrong: Floats = (predicted != truth).astype(float)
        return wrong
    table = arrays.cost_table(costs, least=0)
    if not table.max() > 0:
        raise InvalidInput("costs are all zero: no mistake would count.")
    rows = arrays.codes("truth", truth, len(table))
    result: Floats = table[rows, arrays.codes("predicted", predicted, len(table))] / table.max()
    return result
