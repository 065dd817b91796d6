"""Sums of ranked items at or above each score, and the products of two such sums that variances of clusters need."""

from dataclasses import dataclass

import numpy as np

from analysis.metrics.core.design import Design, added_up
from analysis.metrics.core.ranking import Ranking
from validation.arrays import Floats, Ints


@dataclass(frozen=True)
class RunningSums:
    """Ranked items with the spread of their weights, (n,), and their clusters (n,), None where each is one of its own.

    Every sum has shape (m + 1,): above all scores, where nothing is counted, then at each of the m distinct scores.
    Values (n,) are given in ranked order. A product is Σ A B over the clusters, A and B the sums of spread times value
    of a cluster's items: at or above the score, or (`whole`) of all its items.
    """

    ranked: Ranking
    spread: Floats
    group: Ints | None

    def of(self, values: Floats) -> Floats:
        return np.append(0.0, self.ranked.at_or_above(values))

    def product(self, one: Floats, other: Floats) -> Floats:
        a, b = self.spread * one, self.spread * other
        if self.group is None:
            return self.of(a * b)
        return self.of(a * b + a * self._before(b) + b * self._before(a))

    def with_whole(self, one: Floats, other: Floats) -> Floats:
        a, b = self.spread * one, self.spread * other
        return self.of(a * b) if self.group is None else self.of(a * added_up(b, self.group)[self.group])

    def whole(self, one: Floats, other: Floats) -> float:
        a, b = self.spread * one, self.spread * other
        return float(a @ b) if self.group is None else float(added_up(a, self.group) @ added_up(b, self.group))

    def _before(self, values: Floats) -> Floats:
        """What the items of the same cluster that rank higher add up to (n,)."""
        assert self.group is not None
        order = np.argsort(self.group, kind="stable")
        running = np.cumsum(values[order]) - values[order]
        first = np.flatnonzero(np.diff(self.group[order], prepend=-1))
        found = np.empty_like(values)
        found[order] = running - np.repeat(running[first], np.diff(np.append(first, values.size)))
        return found


def running_sums(ranked: Ranking, drawn: Design) -> RunningSums:
    group = None if drawn.group is None else drawn.group[ranked.order]
    return RunningSums(ranked, drawn.spread[ranked.order], group)
