"""How good is a classifier on all its traffic, from the items that were labelled and how each was chosen?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.measures import checks, intervals, ranking
from analysis.measures.checks import Bools, Floats, Ints, InvalidInput
from analysis.measures.intervals import Sums
from analysis.measures.weighted import (
    MEAN,
    NO_ITEMS,
    SHARE,
    Design,
    Estimate,
    design,
    linearised,
    undefined,
)

NO_PROBABILITIES = "Needs the probabilities of the classes."
NO_COSTS = "Needs the cost of each mistake."
# The smallest probability that a 64-bit float tells from 0 in 1 - p; scikit-learn's log_loss clips there too.
SMALLEST = float(np.finfo(np.float64).eps)


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
    """Sums over the items of each (truth, predicted) cell, all (k, k)."""

    counts: Ints
    certain: Floats
    estimated: Floats
    variance: Floats
    squares: Floats

    def part(self, where: Bools) -> tuple[Sums, int, float]:
        """Sums, count and Kish's effective n of the cells in `where` (k, k)."""
        sums = Sums(*(np.array([cells[where].sum()]) for cells in (self.certain, self.estimated, self.variance)))
        squares = float(self.squares[where].sum())
        return sums, int(self.counts[where].sum()), float(sums.total[0] ** 2) / squares if squares else 0.0


def classification(
    truth: ArrayLike,
    predicted: ArrayLike,
    *,
    classes: Sequence[str],
    inclusion_probability: ArrayLike,
    probabilities: ArrayLike | None = None,
    costs: ArrayLike | None = None,
    positive: int | None = None,
    level: float = 0.95,
    population: int | None = None,
) -> Performance:
    """Every measure of a classifier, weighted by one over the inclusion probability, each with its interval.

    truth, predicted: class codes (n,), places in `classes`. inclusion_probability (n,) in (0, 1]. probabilities
    (n, k), rows sum to 1. costs (k, k): of predicting the column when the row is true. positive: the class that
    roc_auc and pr_auc speak of when there are two (the second unless given). population: see `weighted`.
    low, high: limits at `level`. What cannot be said is an Estimate without a value and with a note; arrays that do
    not fit raise InvalidInput.
    """
    names = checks.class_names(classes)
    drawn = design(inclusion_probability, population=population)
    checks.level(level)
    actual = checks.codes("truth", truth, len(names), drawn.n)
    called = checks.codes("predicted", predicted, len(names), drawn.n)
    cells = _cells(actual, called, len(names), drawn)
    scored = None if probabilities is None else checks.probabilities(probabilities, drawn.n, len(names))
    areas = _areas(actual, scored, names, drawn, level, positive)
    return Performance(
        n=drawn.n,
        effective_n=drawn.effective_n,
        classes=names,
        accuracy=_share(
            cells, np.eye(len(names), dtype=bool), np.ones((len(names),) * 2, bool), drawn, level, NO_ITEMS
        ),
        macro_f1=_macro_f1(actual, called, cells, drawn, level),
        per_class=tuple(_of_class(c, names, cells, drawn, level, areas) for c in range(len(names))),
        confusion=cells.certain + cells.estimated,
        counts=cells.counts,
        log_loss=_log_loss(actual, scored, drawn, level),
        brier=_brier(actual, scored, drawn, level),
        roc_auc=areas.roc,
        pr_auc=areas.pr,
        cost=_cost(actual, called, costs, len(names), drawn, level),
    )


def _cells(actual: Ints, called: Ints, k: int, drawn: Design) -> _Cells:
    cell = actual * k + called

    def per_cell(values: Floats | None) -> NDArray[np.float64]:
        return np.bincount(cell, weights=values, minlength=k * k).reshape(k, k)

    total, squares = per_cell(drawn.weight), per_cell(drawn.weight * drawn.weight)
    counts = per_cell(None).astype(np.int64)
    if drawn.doubt is None:
        return _Cells(counts, np.zeros_like(total), total, squares, squares)
    certain = per_cell((drawn.doubt == 0).astype(np.float64))
    return _Cells(counts, certain, total - certain, per_cell(drawn.variance), squares)


def _share(cells: _Cells, hit: Bools, inside: Bools, drawn: Design, level: float, empty: str) -> Estimate:
    """The weight in the cells `hit` as a share of that in the cells `inside`, both (k, k)."""
    hits, _, _ = cells.part(hit & inside)
    misses, _, _ = cells.part(inside & ~hit)
    _, n, effective = cells.part(inside)
    if n == 0:
        return undefined(empty, method=SHARE)
    low, high = intervals.share_limits(hits, misses, mass=drawn.mass, mass_variance=drawn.mass_variance, level=level)
    value = float(hits.total[0] / (hits.total[0] + misses.total[0]))
    return Estimate(value, float(low[0]), float(high[0]), n, effective, SHARE)


def _of_class(
    c: int, names: tuple[str, ...], cells: _Cells, drawn: Design, level: float, areas: "_Areas"
) -> ClassPerformance:
    shape = cells.counts.shape
    row, column = np.zeros(shape, bool), np.zeros(shape, bool)
    row[c], column[:, c] = True, True
    name = names[c]
    return ClassPerformance(
        label=name,
        labelled=int(cells.counts[c].sum()),
        predicted=int(cells.counts[:, c].sum()),
        precision=_share(cells, row, column, drawn, level, f"No labelled item was predicted {name}."),
        recall=_share(cells, column, row, drawn, level, f"No labelled item is {name}."),
        f1=_f1(_share(cells, row & column, row | column, drawn, level, f"{name} was neither labelled nor predicted.")),
        roc_auc=areas.roc_per_class[c],
        pr_auc=areas.pr_per_class[c],
    )


def _f1(overlap: Estimate) -> Estimate:
    """F1 from the share of items both true and predicted among those that are either (Jaccard): 2 J / (1 + J)."""
    if overlap.value is None or overlap.low is None or overlap.high is None:
        return overlap
    value, low, high = (2 * j / (1 + j) for j in (overlap.value, overlap.low, overlap.high))
    return Estimate(value, low, high, overlap.n, overlap.effective_n, overlap.method)


def _macro_f1(actual: Ints, called: Ints, cells: _Cells, drawn: Design, level: float) -> Estimate:
    """Mean F1 over the classes that occur, as truth or prediction."""
    total = cells.certain + cells.estimated
    size = total.sum(axis=0) + total.sum(axis=1)
    occurs = size > 0
    if not occurs.any():
        return undefined(NO_ITEMS, method=MEAN)
    safe = np.where(occurs, size, 1.0)
    f1 = np.where(occurs, 2 * np.diag(total) / safe, 0.0)
    each = 1 / (safe * occurs.sum())
    influence = np.where(actual == called, 2 * each[actual], 0.0) - (f1 * each)[actual] - (f1 * each)[called]
    left_out = int((~occurs).sum())
    note = f"{left_out} of {occurs.size} classes never occur and are left out." if left_out else ""
    value = float(f1[occurs].mean())
    return linearised(value, influence, drawn, level=level, bounds=(0.0, 1.0), note=note)


def _log_loss(actual: Ints, scored: Floats | None, drawn: Design, level: float) -> Estimate:
    if scored is None or not drawn.n:
        return undefined(NO_PROBABILITIES if drawn.n else NO_ITEMS)
    given = scored[np.arange(drawn.n), actual]
    ruled_out = int(np.count_nonzero(given < SMALLEST))
    note = f"{ruled_out} items were given no chance of being what they are; counted as {SMALLEST:.1g}."
    losses = -np.log(np.maximum(given, SMALLEST))
    return _mean(losses, drawn, level, note if ruled_out else "")


def _brier(actual: Ints, scored: Floats | None, drawn: Design, level: float) -> Estimate:
    if scored is None or not drawn.n:
        return undefined(NO_PROBABILITIES if drawn.n else NO_ITEMS)
    given = scored[np.arange(drawn.n), actual]
    losses = np.einsum("ij,ij->i", scored, scored) + 1 - 2 * given
    return _mean(losses / 2 if scored.shape[1] == 2 else losses, drawn, level)


def _cost(actual: Ints, called: Ints, costs: ArrayLike | None, k: int, drawn: Design, level: float) -> Estimate:
    if costs is None or not drawn.n:
        return undefined(NO_COSTS if drawn.n else NO_ITEMS)
    price = np.asarray(costs, dtype=np.float64)
    if price.shape != (k, k) or not np.isfinite(price).all():
        raise InvalidInput(f"costs must be {k} rows of {k} finite numbers, truth in rows; it has shape {price.shape}.")
    return _mean(price[actual, called], drawn, level)


def _mean(values: Floats, drawn: Design, level: float, note: str = "") -> Estimate:
    total = float(drawn.weight.sum())
    value = float(drawn.weight @ values) / total
    return linearised(value, (values - value) / total, drawn, level=level, note=note)


@dataclass(frozen=True)
class _Areas:
    roc: Estimate
    pr: Estimate
    roc_per_class: tuple[Estimate, ...]
    pr_per_class: tuple[Estimate, ...]


def _areas(
    actual: Ints, scored: Floats | None, names: tuple[str, ...], drawn: Design, level: float, positive: int | None
) -> _Areas:
    k = len(names)
    if positive is not None and not 0 <= positive < k:
        raise InvalidInput(f"positive is {positive}; the {k} classes are numbered 0 to {k - 1}.")
    if scored is None:
        nothing = undefined(NO_PROBABILITIES, n=drawn.n)
        return _Areas(nothing, nothing, (nothing,) * k, (nothing,) * k)
    roc, pr = [], []
    sums = [np.zeros(drawn.n), np.zeros(drawn.n)]
    for c in range(k):
        of_class = actual == c
        if why := ranking.one_sided(of_class):
            roc.append(undefined(why, n=drawn.n, method=ranking.ROC))
            pr.append(undefined(why, n=drawn.n, method=ranking.PR))
            continue
        ranked = ranking.rank(of_class, np.ascontiguousarray(scored[:, c]), drawn.weight)
        for found, total, area, method in (
            (roc, sums[0], ranking.roc_area, ranking.ROC),
            (pr, sums[1], ranking.pr_area, ranking.PR),
        ):
            value, influence = area(ranked)
            influence = ranked.as_given(influence)
            total += influence
            found.append(ranking.bounded(value, influence, drawn, level=level, method=method))
    if k == 2:
        place = 1 if positive is None else positive
        return _Areas(roc[place], pr[place], tuple(roc), tuple(pr))
    macro = [_macro(found, total, drawn, level) for found, total in zip((roc, pr), sums, strict=True)]
    return _Areas(macro[0], macro[1], tuple(roc), tuple(pr))


def _macro(found: list[Estimate], total: Floats, drawn: Design, level: float) -> Estimate:
    values = [estimate.value for estimate in found if estimate.value is not None]
    if not values:
        return undefined(found[0].note, n=drawn.n, method=found[0].method)
    value = float(np.mean(values))
    return ranking.bounded(value, total / len(values), drawn, level=level, method=f"Mean over {len(values)} classes")
