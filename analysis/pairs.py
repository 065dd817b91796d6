"""Two versions, trained here or captured, on what both answered; where that is nothing, each on its own items."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property, partial

import numpy as np
from django.db.models import Q
from numpy.typing import NDArray

from analysis import evaluation_design, samples
from analysis.evaluation_design import latest, learnt_until
from analysis.item_arrays import input_groups
from analysis.live_estimates import estimate_live
from analysis.metrics.core import weighted
from analysis.metrics.core.weighted import Estimate
from analysis.metrics.performance import paired, unpaired
from analysis.samples import EvaluationSample
from projects.models import Project

LEVEL = 0.95


class PairOutcome(StrEnum):
    """How the two sides compare on one item."""

    ALL = "all"
    BOTH_RIGHT = "both_right"
    FIXED = "fixed"
    BROKEN = "broken"
    BOTH_WRONG = "both_wrong"


@dataclass(frozen=True)
class Pairs:
    """n labelled items that both versions answered and that may judge both, in time order.

    `version` and `against` are each side's own sample, `rows` and `rows_against` the places of the pairs in them.
    inclusion_probability (n,): of the pairs, which stand for the items that both are judged over, from
    the first to the last pair.
    """

    version: EvaluationSample
    against: EvaluationSample
    rows: NDArray[np.intp]
    rows_against: NDArray[np.intp]
    inclusion_probability: NDArray[np.float64]
    load_groups: Callable[[], NDArray[np.int64]]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def item_ids(self) -> NDArray[np.int64]:
        return self.version.item_ids[self.rows]

    @cached_property
    def groups(self) -> NDArray[np.int64]:
        """Group numbers (n,): pairs with equal or near-equal inputs share one."""
        return self.load_groups()

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether the version's answer is wholly right, (n,)."""
        return np.asarray(self.version.score[self.rows] == 1)

    @property
    def right_against(self) -> NDArray[np.bool_]:
        return np.asarray(self.against.score[self.rows_against] == 1)

    def of(self, outcome: PairOutcome) -> NDArray[np.intp]:
        """Places of the pairs that came out like this."""
        ours, theirs = self.right, self.right_against
        masks = {
            PairOutcome.ALL: np.ones(len(self), dtype=bool),
            PairOutcome.BOTH_RIGHT: ours & theirs,
            PairOutcome.FIXED: ours & ~theirs,
            PairOutcome.BROKEN: ~ours & theirs,
            PairOutcome.BOTH_WRONG: ~ours & ~theirs,
        }
        return np.flatnonzero(masks[outcome])


@dataclass(frozen=True)
class PairReport:
    """What the comparison says: `difference` is the version's mean score minus the other's; of classes, the accuracy.

    `is_paired` is false where no labelled item was answered by both: then the difference may come from the items.
    """

    accuracy: Estimate
    accuracy_against: Estimate
    difference: Estimate
    is_paired: bool
    counts: dict[PairOutcome, int]


def pair(project: Project, version: str, against: str, *, at: datetime, days: int = 0) -> Pairs:
    """The items of the last `days` (0 is all time) on which both can be judged."""
    ours, theirs = (samples.live(project, tag, at=at, days=days) for tag in (version, against))
    ids, rows, rows_against = np.intersect1d(ours.item_ids, theirs.item_ids, assume_unique=True, return_indices=True)
    tags = (version, against)
    designs = [evaluation_design.design_of(project, tag, Q()) for tag in tags]
    chance = evaluation_design.pair_probabilities(
        project,
        ids.tolist(),
        among=designs[0].represented() & designs[1].represented(),
        answered=evaluation_design.scored_by_all(project, tags),
        learnt=latest(learnt_until(project, tag) for tag in tags),
    )
    order = np.argsort(rows)
    order = order[np.isfinite(chance[order])]
    load_groups = partial(input_groups, project, ids[order].tolist())
    return Pairs(ours, theirs, rows[order], rows_against[order], chance[order], load_groups)


def report(pairs: Pairs) -> PairReport:
    counts = {outcome: len(pairs.of(outcome)) for outcome in PairOutcome}
    if not len(pairs):
        ours, theirs = _accuracy(pairs.version), _accuracy(pairs.against)
        return PairReport(ours, theirs, unpaired.independent_difference(theirs, ours), False, counts)
    chance, groups = pairs.inclusion_probability, pairs.groups
    scores, scores_against = pairs.version.score[pairs.rows], pairs.against.score[pairs.rows_against]
    return PairReport(
        weighted.score(scores, chance, groups=groups),
        weighted.score(scores_against, chance, groups=groups),
        _difference(scores - scores_against, chance, groups),
        True,
        counts,
    )


def _difference(gain: NDArray[np.float64], chance: NDArray[np.float64], groups: NDArray[np.int64]) -> Estimate:
    """As the gate tests it, so that no page and no verdict differ about the same items."""
    return paired.difference(gain, 1.0 / chance, level=LEVEL, groups=groups).as_share


def _accuracy(frame: EvaluationSample) -> Estimate:
    return estimate_live(frame).score
