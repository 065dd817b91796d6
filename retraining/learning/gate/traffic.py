"""Traffic of a window that two versions answered, and the draw from their disagreements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from retraining.learning.gate.comparison import slice_mask
from validation import InvalidInput, arrays
from validation.arrays import Bools, Ints


@dataclass(frozen=True)
class PairedTraffic:
    """Rows of a window that both versions answered, (n,) each: the answers, the protected slices, the groups of copies.

    Rows with equal or near-equal inputs share a group and are asked once; None where no row has a copy.
    """

    champion: NDArray[Any]
    candidate: NDArray[Any]
    protected: Mapping[str, Bools] = field(default_factory=dict)
    groups: Ints | None = None

    @property
    def n(self) -> int:
        return len(self.champion)

    @property
    def differs(self) -> Bools:
        """(n,) where the two answer differently."""
        return np.asarray(self.champion != self.candidate, dtype=bool)

    def first_of_copies(self, rows: Ints) -> Bools:
        """(m,) which of these rows have no copy before them."""
        if self.groups is None:
            return np.ones(len(rows), dtype=bool)
        first = np.zeros(len(rows), dtype=bool)
        first[np.unique(self.groups[rows], return_index=True)[1]] = True
        return first


def traffic(
    champion: ArrayLike,
    candidate: ArrayLike,
    *,
    protected: Mapping[str, ArrayLike] | None = None,
    groups: ArrayLike | None = None,
) -> PairedTraffic:
    """The traffic of a window, checked; (n,) each. Raises InvalidInput for lengths that differ."""
    old, new = np.asarray(champion), np.asarray(candidate)
    if old.ndim != 1:
        raise InvalidInput("champion must be one row of answers.")
    arrays.same_length(len(old), candidate=new)
    masks = {name: slice_mask(name, mask, len(old)) for name, mask in (protected or {}).items()}
    return PairedTraffic(old, new, masks, arrays.groups_of(groups, n=len(old)))


def draw_order(window: PairedTraffic, rng: np.random.Generator) -> Ints:
    """Rows to ask about, in the order of their draw: uniformly from the disagreements, each group of copies once."""
    drawn = rng.permutation(np.flatnonzero(window.differs))
    return np.asarray(drawn[window.first_of_copies(drawn)], dtype=np.int64)
