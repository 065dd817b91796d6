"""How good is a classifier on all its traffic, from the items that were labelled and how each was chosen?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.metrics.core import influence_functions
from analysis.metrics.core.design import Design
from analysis.metrics.core.influence_functions import estimate
from analysis.metrics.core.intervals import Sums
from analysis.metrics.core.weighted import NO_ITEMS, SHARE, Estimate, share, undefined
from validation import InvalidInput, arrays
from validation.arrays import Bools, Floats, Ints
from validation.probabilities import check_probabilities

OVERALL_METRICS = ("accuracy", "macro_f1", "log_loss", "brier", "roc_auc", "pr_auc")
"""Fields of Performance that sum up a version, in the order in which answers and pages give them."""


@dataclass(frozen=True)
class ClassPerformance:
    """One class. labelled: items truly of it; predicted: items the model called it (both as labelled, unweighted)."""

    label: str
    labelled: int
    predicted: int
    precision: Estimate
    recall: Estimate
    f1: Estimate
    roc_auc: Estimate
    pr_auc: Estimate


@dataclass(frozen=True)
class Performance:
    """A classifier's quality. counts (k, k): labelled items, truth in rows, predictions in columns.

    confusion (k, k): how many items of all traffic each cell stands for. log_loss in nats; brier 0 to 1 for two
    classes, 0 to 2 for more (scikit-learn's convention); cost per decision, in the unit of the given costs. roc_auc
    and pr_auc: of the positive class for two classes, the mean over classes one against the rest for more.
    """

    n: int
    effective_n: float
    classes: tuple[str, ...]
    accuracy: Estimate
    macro_f1: Estimate
    per_class: tuple[ClassPerformance, ...]
    confusion: Floats
    counts: Ints
    log_loss: Estimate
    brier: Estimate
    roc_auc: Estimate
    pr_auc: Estimate
    cost: Estimate


@dataclass(frozen=True)
class _Cells:
    """The items by (truth, predicted) cell: `cell` (n,) of k * k, and per cell, (k, k), counts and weighted sums."""

    drawn: Design
    cell: Ints
    counts: Ints
    certain: Floats
    estimated: Floats
    variance: Floats

    def share(self, hit: Bools, inside: Bools, level: float, empty: str) -> Estimate:
        """The weight in the cells `hit` as a share of that in the cells `inside`, both (k, k)."""
        n = int(self.counts[inside].sum())
        if n == 0:
            return undefined(empty, method=SHARE)
        if self.drawn.group is not None or self.drawn.variance_share is not None:
            return share(hit.ravel()[self.cell], inside.ravel()[self.cell], self.drawn, level=level)
        # The same from the cells' sums, without another pass over the items.
        hits, misses = self._part(hit & inside), self._part(inside & ~hit)
        low, high = self.drawn.share_limits(hits, misses, level)
        total = hits.total + misses.total
        effective = float((total**2 / (hits.variance + misses.variance))[0])
        return Estimate(float((hits.total / total)[0]), float(low[0]), float(high[0]), n, effective, SHARE)

    def _part(self, where: Bools) -> Sums:
        return Sums(*(np.array([cells[where].sum()]) for cells in (self.certain, self.estimated, self.variance)))


def classification(
    truth: ArrayLike,
    predicted: ArrayLike,
    drawn: Design,
    *,
    classes: Sequence[str],
    probabilities: ArrayLike | None = None,
    costs: ArrayLike | None = None,
    positive: int | None = None,
    level: float = 0.95,
) -> Performance:
    """Every measure of a classifier, weighted by one over the inclusion probability, each with its interval.

    truth, predicted: class codes (n,), places in `classes`. drawn: how these n items were chosen. probabilities
    (n, k), rows sum to 1. costs (k, k): of predicting the column when the row is true. positive: the class that
    roc_auc and pr_auc are of when there are two (the second unless given). low, high: limits at `level`. What is
    undefined is an Estimate without a value and with a note; arrays that do not fit raise InvalidInput.
    """
    names = arrays.class_names(classes)
    k = len(names)
    arrays.level(level)
    checked_positive(positive, k)
    actual = arrays.codes("truth", truth, k, drawn.n)
    called = arrays.codes("predicted", predicted, k, drawn.n)
    scored = None if probabilities is None else check_probabilities(probabilities, n=drawn.n, k=k)
    cells = _cells(actual, called, k, drawn)
    roc, pr = influence_functions.auc_statistics(actual, scored, k, drawn)
    everything = np.ones((k, k), dtype=bool)
    return Performance(
        n=drawn.n,
        effective_n=drawn.effective_n,
        classes=names,
        accuracy=cells.share(np.eye(k, dtype=bool), everything, level, NO_ITEMS),
        macro_f1=estimate(influence_functions.macro_f1(actual, called, k, drawn), drawn, level),
        per_class=tuple(
            _of_class(c, name, cells, level, estimate(roc[c], drawn, level), estimate(pr[c], drawn, level))
            for c, name in enumerate(names)
        ),
        confusion=cells.certain + cells.estimated,
        counts=cells.counts,
        log_loss=estimate(influence_functions.log_loss(actual, scored, drawn), drawn, level),
        brier=estimate(influence_functions.brier(actual, scored, drawn), drawn, level),
        roc_auc=estimate(influence_functions.overall(roc, positive), drawn, level),
        pr_auc=estimate(influence_functions.overall(pr, positive), drawn, level),
        cost=estimate(influence_functions.cost(actual, called, costs, k, drawn), drawn, level),
    )


def checked_positive(positive: int | None, k: int) -> None:
    if positive is not None and not 0 <= positive < k:
        raise InvalidInput(f"positive is {positive}; the {k} classes are numbered 0 to {k - 1}.")


def _cells(actual: Ints, called: Ints, k: int, drawn: Design) -> _Cells:
    cell = actual * k + called

    def per_cell(values: Floats | None) -> Floats:
        return np.bincount(cell, weights=values, minlength=k * k).reshape(k, k).astype(np.float64)

    total, counts = per_cell(drawn.weight), per_cell(None).astype(np.int64)
    sure = (
        np.zeros_like(total)
        if drawn.variance_share is None
        else per_cell((drawn.variance_share == 0).astype(np.float64))
    )
    return _Cells(drawn, cell, counts, sure, total - sure, per_cell(drawn.spread**2))


def _of_class(c: int, name: str, cells: _Cells, level: float, roc_auc: Estimate, pr_auc: Estimate) -> ClassPerformance:
    row, column = np.zeros_like(cells.counts, dtype=bool), np.zeros_like(cells.counts, dtype=bool)
    row[c], column[:, c] = True, True
    either = cells.share(row & column, row | column, level, f"{name} was neither labelled nor predicted.")
    return ClassPerformance(
        label=name,
        labelled=int(cells.counts[c].sum()),
        predicted=int(cells.counts[:, c].sum()),
        precision=cells.share(row, column, level, f"No labelled item was predicted {name}."),
        recall=cells.share(column, row, level, f"No labelled item is {name}."),
        f1=_f1(either),
        roc_auc=roc_auc,
        pr_auc=pr_auc,
    )


def _f1(overlap: Estimate) -> Estimate:
    """F1 from the share of items both true and predicted among those that are either (Jaccard): 2 J / (1 + J)."""
    if overlap.value is None or overlap.low is None or overlap.high is None:
        return overlap
    value, low, high = (2 * j / (1 + j) for j in (overlap.value, overlap.low, overlap.high))
    return Estimate(value, low, high, overlap.n, overlap.effective_n, overlap.method)
