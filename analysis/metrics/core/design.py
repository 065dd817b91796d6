"""Sampling design of labelled items: inclusion probabilities, and groups of copies.

Copies of one item (`inputs.groups`) are right or wrong together, so ten of them carry no more information than one.
They are clusters: every variance adds up what a whole cluster contributes, not what its items do (the ultimate cluster
estimator: Hansen, Hurwitz and Madow 1953; for any smooth statistic by its influence function: Binder, International
Statistical Review 1983). Where every item is a cluster of its own this is the plain variance, to the last digit.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.metrics.core.intervals import Limits, Sums, share_limits
from validation import InvalidInput, arrays
from validation.arrays import Bools, Floats, Ints


@dataclass(frozen=True)
class Design:
    """How the labelled items were chosen. weight (n,): how many items each stands for.

    variance_share (n,): the part of its squared weight that is variance (None: all of it; 1 - π when one finite window
    is meant). group (n,): the cluster of each item, 0 up (None: every item is one). units: clusters; effective_n: items
    of a plain uniform sample that carry as much (Kish: (ΣW)² / ΣW² over the clusters' weights W). mass: the weight of
    the average cluster, what an unseen one would weigh; mass_variance its squared weight's variance.
    """

    weight: Floats
    variance_share: Floats | None
    group: Ints | None
    effective_n: float
    mass: float
    mass_variance: float

    @property
    def n(self) -> int:
        return int(self.weight.shape[0])

    @property
    def units(self) -> int:
        return self.n if self.group is None else int(self.group.max(initial=-1)) + 1

    @property
    def spread(self) -> Floats:
        """The weight (n,) whose square is an item's variance."""
        return self.weight if self.variance_share is None else self.weight * np.sqrt(self.variance_share)

    def summed(self, values: Floats) -> Floats:
        """Values (n,) added up within each cluster, (units,)."""
        return values if self.group is None else added_up(values, self.group)

    def summed_among(self, values: Floats, chosen: Bools) -> Floats:
        """The same of the items chosen (n,) alone; what is left out may be left out of the sums too."""
        return values[chosen] if self.group is None else added_up(values[chosen], self.group[chosen])

    def of_its_group(self, values: Floats) -> Floats:
        """For each item (n,) what the items of its cluster have together."""
        return values if self.group is None else added_up(values, self.group)[self.group]

    @property
    def freedom(self) -> float:
        """Degrees of freedom of a variance that is estimated from this design: few where few clusters carry most."""
        if self.group is None:
            return max(self.effective_n - 1, 1.0)
        return max(kish(self.summed(self.weight) ** 2) - 1, 1.0)

    def contributions(self, influence: Floats) -> Floats:
        """What each cluster adds to the error of an estimate with this influence function (n,), (units,).

        A large cluster draws the estimate towards itself and so looks closer to it than it is: what it adds is divided
        by one less its share of the weight, as leaving it out would show (the jackknife: MacKinnon and White, Journal
        of Econometrics 1985), beside what that makes of clusters of one size.
        """
        moved = self.summed(self.weight * influence)
        if self.group is None:
            return moved
        size = self.summed(self.weight)
        return np.asarray(moved * (1 - 1 / size.size) / np.maximum(1 - size / size.sum(), 1 / size.size))

    def sums(self, chosen: Bools) -> Sums:
        """The weighted count, shape (1,), of the items chosen (n,)."""
        moved = self.summed_among(self.spread, chosen)
        weight = self.weight[chosen]
        certain = 0.0 if self.variance_share is None else float(weight[self.variance_share[chosen] == 0].sum())
        return Sums(np.array([certain]), np.array([weight.sum() - certain]), np.array([moved @ moved]))

    def correlation(self, first: Floats, second: Floats) -> float:
        """Of two weighted totals with values (n,) an item; 0 where no cluster has both."""
        one, other = self.summed(self.spread * first), self.summed(self.spread * second)
        scale = float(np.sqrt((one @ one) * (other @ other)))
        return float(one @ other) / scale if scale > 0 else 0.0

    def share_limits(self, hits: Sums, misses: Sums, level: float, correlation: Floats | float = 0.0) -> Limits:
        """Limits (m,), (m,) of hits / (hits + misses), where both are counts of this design."""
        return share_limits(
            hits,
            misses,
            mass=self.mass,
            mass_variance=self.mass_variance,
            level=level,
            correlation=correlation,
        )

    def effective(self, inside: Bools) -> float:
        """Items of a plain uniform sample that carry as much as those inside (n,)."""
        return kish(self.summed_among(self.weight, inside))


def design(
    inclusion_probability: ArrayLike, *, population: int | None = None, groups: ArrayLike | None = None
) -> Design:
    """Weights from inclusion probabilities (n,). population: items in the window, labelled or not.

    groups (n,): the cluster of each item, any values; items without copies have one of their own. With a population
    the weights of the items not chosen for certain are scaled so that all sum to it (none below 1), and copies do not
    matter: which items of that window were drawn is all that is left to chance, and each was drawn by itself. Raises
    InvalidInput for probabilities outside (0, 1], a population smaller than the sample, groups of another length.
    """
    found = np.asarray(inclusion_probability)
    pi = arrays.inclusion(found, found.shape[0] if found.ndim else 0)
    if population is None:
        weight = 1 / pi
        group = arrays.groups_of(groups, weight.size)
        mass = _average_weight(weight if group is None else added_up(weight, group))
        return _made(weight, None, group, mass, mass * mass)
    weight = scaled_to(pi, population)
    mass = _average_weight(weight[weight > 1])
    return _made(weight, 1 - 1 / weight, None, mass, mass * max(mass - 1, 0.0))


def _made(
    weight: Floats, variance_share: Floats | None, group: Ints | None, mass: float, mass_variance: float
) -> Design:
    effective_n = kish(weight if group is None else added_up(weight, group))
    return Design(weight, variance_share, group, effective_n, mass, mass_variance)


def one_of_each(groups: ArrayLike | None, n: int, *, seed: int) -> Bools:
    """One of n items of each group, drawn by lot, (n,): for tests that only know independent items.

    Within-cluster resampling (Hoffman, Sen and Weinberg, Biometrika 2001), drawn once. groups: as in `design`.
    """
    group = arrays.groups_of(groups, n)
    if group is None:
        return np.ones(n, dtype=bool)
    found, order = np.zeros(n, dtype=bool), np.random.default_rng(seed).permutation(n)
    found[order[np.unique(group[order], return_index=True)[1]]] = True
    return found


def added_up(values: Floats, group: Ints, size: int = 0) -> Floats:
    """Sums (g,) of values (n,) by number `group` (n,)."""
    return np.bincount(group, values, size).astype(np.float64, copy=False)


def kish(weight: Floats) -> float:
    squares = float(weight @ weight)
    return float(weight.sum() ** 2 / squares) if squares else 0.0


def from_weights(weights: ArrayLike) -> Floats:
    """Inclusion probabilities (n,) up to a common factor from analysis weights (n,): the lightest item gets 1."""
    found = arrays.vector("weights", weights)
    if found.size and found.min() <= 0:
        row = int(np.argmax(found <= 0))
        raise InvalidInput(f"weights has {found[row]:g} in row {row}; leave out rows that stand for nothing.")
    return found.min() / found if found.size else found


def _average_weight(weight: Floats) -> float:
    """The weight of the cluster that a random member of the population would be counted by: Σw² / Σw."""
    return float(weight @ weight / weight.sum()) if weight.size else 0.0


def scaled_to(pi: Floats, population: int) -> Floats:
    if population < pi.size:
        raise InvalidInput(f"population is {population}, but {pi.size} of its items are labelled.")
    sure = pi == 1
    rest, weight = population - int(sure.sum()), 1 / pi
    if sure.all() and rest > 0:
        raise InvalidInput(
            f"{rest} items of the population had no chance to be chosen: every labelled item was chosen for certain."
        )
    weight[~sure] *= rest / weight[~sure].sum() if not sure.all() else 1.0
    # Scaling must not make an item stand for less than itself.
    return np.maximum(weight, 1.0)


def equal_parts(group: Ints | None, n: int) -> Floats:
    """One over the rows of each row's group, (n,): the copies of one row count as one together."""
    if group is None:
        return np.ones(n)
    _, own, counts = np.unique(group, return_inverse=True, return_counts=True)
    return np.asarray(1.0 / counts[own])
