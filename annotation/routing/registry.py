"""The registry of causes: why an item needs a person, and which items each cause would ask.

A cause is one module of `annotation.routing.causes` that calls `register`; nothing else names it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np

from annotation import kinds
from annotation.models import name_cause
from annotation.routing import candidates
from annotation.routing.candidates import Candidates
from annotation.sampling.pool import Pool, check_pool
from projects.models import Project
from validation.registry import Registry


@dataclass(frozen=True)
class Pick:
    """An item that a cause would ask.

    reason, numbers  why, in words, and the figures behind them
    cause            another cause's name, where the reason is that one's
    stands           the item stands for itself from now on. That may not depend on its own audit draw or label
    chance           with which it was chosen among its like
    settled          of an urgent cause: nobody needs to be asked, for the item's label says what the cause would ask
    """

    item_id: int
    reason: str
    numbers: dict[str, Any]
    strategy: str
    scored_by: str = ""
    cause: str = ""
    stands: bool = True
    chance: float = 1.0
    settled: bool = False


@dataclass
class Round:
    """What the causes of one round share: places, clock, random generator, and the candidates, read once."""

    project: Project
    at: datetime
    places: int
    rng: np.random.Generator
    seed: int
    strategy: str = "auto"
    words: list[str] = field(default_factory=list)
    when_kept: list[Callable[[], None]] = field(default_factory=list)
    """What a cause writes in the transaction that keeps the round."""

    taken: set[int] = field(default_factory=set)

    @cached_property
    def candidates(self) -> Candidates:
        ids = candidates.find_candidates(self.project, count=self.places, at=self.at, rng=self.rng)
        return candidates.load(self.project, ids)

    def pool(self, rows: Any, *, scored: bool) -> Pool:
        """The candidates of these rows as a sampling strategy takes them."""
        known = self.candidates.labelled_targets >= 0
        pool = Pool(
            vectors=self.candidates.vectors[rows],
            probabilities=self.candidates.probabilities[rows] if scored else None,
            classes=kinds.class_names(self.project),
            labelled_vectors=self.candidates.labelled_vectors[known] if known.any() else None,
            labelled_targets=self.candidates.labelled_targets[known] if known.any() else None,
            proven=True,  # a version that serves was tested elsewhere: its uncertainty is used however few the labels
        )
        return check_pool(pool)


@dataclass(frozen=True)
class RoutingCause:
    """Why an item needs a person.

    name      what is stored; title, what pages show
    propose   items in order, the most wanted first, for a number of places; fewer or more may come back
    share     of the active places at most
    urgent    asked whatever waits already, and whether or not the item was asked before
    order     causes with a lower number choose first
    """

    name: str
    title: str
    propose: Callable[[Round, int], Iterable[Pick]]
    share: float = 1.0
    urgent: bool = False
    order: int = 50


_causes: Registry[RoutingCause] = Registry("routing cause")


def register(cause: RoutingCause) -> RoutingCause:
    """Add a cause to every project's rounds. Raises ValueError where another one has its name."""
    _causes.register(cause)
    name_cause(cause.name, cause.title)
    return cause


def unregister(cause: RoutingCause) -> None:
    """Remove a cause, as tests do that added one."""
    _causes.unregister(cause.name)


def causes() -> list[RoutingCause]:
    """All causes in the order in which they choose."""
    return sorted(_causes, key=lambda cause: (cause.order, cause.name))
