"""ROC area and average precision as means of their linearisation, for the difference estimator.

The influence of an item on an area depends on its score and its class only, so it is known for every item under either
class: the labelled items make the ranking, and all others are placed in it with a weight too small to move it. A
labelled item stands at a step of the precision that it makes itself, where no other item stands. What the scores expect
of it is therefore taken from a ranking without it, as of the others (cross-fitting: Chernozhukov et al. 2018): else the
average precision of all items is expected too high.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from analysis.metrics.core import ranking
from analysis.metrics.core.weighted import NO_ITEMS
from analysis.metrics.estimates.difference_estimator import AuditSample
from analysis.metrics.estimates.ratio_metrics import ScoredItems, Terms, of_event, of_table
from validation.arrays import Bools, Floats

NEXT_TO_NOTHING = 1e-9
"""The weight of all items that are placed in the ranking, as a share of the labelled ones'."""

FOLDS = 20
"""Parts of the labelled items, each of which is placed in the ranking of the others."""

Table = tuple[float, Floats, Floats]
"""An area, and what an item adds to it if it is of the class (N,), and if it is not (N,)."""


def undefined_because(items: ScoredItems, c: int) -> str:
    """Why areas of class c are undefined, or nothing."""
    return ranking.one_sided(items.truth == c)


def areas_of_class(items: ScoredItems, drawn: AuditSample, c: int) -> tuple[Terms, Terms]:
    """ROC area and average precision of class c against the rest; both must be among the labelled."""
    roc, pr, apart = (_of_class(items, c, table) for table in _tables(items, drawn, c))
    return replace(roc, roc_area=True), replace(apart, a=pr.a)


def mean_areas(items: ScoredItems, drawn: AuditSample) -> tuple[Terms, Terms] | str:
    """The means of both over the classes that are defined, or why none is."""
    classes = [c for c in range(items.classes) if not undefined_because(items, c)]
    if not classes:
        return undefined_because(items, 0) if items.truth.size else NO_ITEMS
    found = [_tables(items, drawn, c) for c in classes]
    roc, pr, apart = (_mean(items, classes, [tables[at] for tables in found]) for at in range(3))
    return replace(roc, roc_area=True), replace(apart, a=pr.a)


def _tables(items: ScoredItems, drawn: AuditSample, c: int) -> tuple[Table, Table, Table]:
    """Of the ROC area, of average precision, and of that with labelled items placed in the ranking of others."""
    score, everyone = items.probabilities[:, c], np.ones(items.truth.size, dtype=bool)
    roc, pr = _placed(items, drawn, c, everyone, score)
    of_it, of_others = pr[1].copy(), pr[2].copy()
    for fold in _folds(items.truth == c):
        rows = items.labelled[fold]
        _, (_, of_it[rows], of_others[rows]) = _placed(items, drawn, c, ~fold, score[rows])
    return roc, pr, (pr[0], of_it, of_others)


def _folds(of_class: Bools) -> Iterator[Bools]:
    """Parts (n,) of the labelled items, so that others of both classes are outside each; none where that cannot be."""
    place = np.empty(of_class.size, dtype=np.int64)
    for side in (of_class, ~of_class):
        place[side] = np.arange(np.count_nonzero(side))
    if min(np.count_nonzero(of_class), np.count_nonzero(~of_class)) > 1:
        yield from (place % FOLDS == fold for fold in range(min(FOLDS, int(place.max()) + 1)))


def _placed(items: ScoredItems, drawn: AuditSample, c: int, used: Bools, score: Floats) -> tuple[Table, Table]:
    """Both areas from the ranking of the labelled items in `used` (n,), and what items with scores (m,) add to them."""
    n, weight = score.size, drawn.weight[used]
    ranked = ranking.rank(
        np.concatenate([np.ones(n, dtype=bool), np.zeros(n, dtype=bool), (items.truth == c)[used]]),
        np.concatenate([score, score, items.probabilities[items.labelled, c][used]]),
        np.concatenate([NEXT_TO_NOTHING * np.maximum(score, NEXT_TO_NOTHING), NEXT_TO_NOTHING * (1 - score), weight]),
    )
    total = float(weight.sum())
    (roc, roc_moved), (pr, pr_moved) = ranking.roc_area(ranked), ranking.pr_area(ranked)
    return _table(roc, total * ranked.as_given(roc_moved), n), _table(pr, total * ranked.as_given(pr_moved), n)


def _table(area: float, moved: Floats, n: int) -> Table:
    return area, area + moved[:n], area + moved[n : 2 * n]


def _of_class(items: ScoredItems, c: int, table: Table) -> Terms:
    _, of_it, of_others = table
    zero, one = np.zeros_like(of_it), np.ones_like(of_it)
    seen = (items.truth == c).astype(np.float64)
    return of_event(seen, items.probabilities[:, c], items.labelled, a=(of_it - of_others, of_others), b=(zero, one))


def _mean(items: ScoredItems, classes: list[int], tables: list[Table]) -> Terms:
    others = sum((of_others for _, _, of_others in tables), np.zeros(items.predicted.size)) / len(tables)
    values = np.repeat(others[:, None], items.classes, axis=1)
    for c, (_, of_it, of_others) in zip(classes, tables, strict=True):
        values[:, c] += (of_it - of_others) / len(tables)
    return of_table(items, values, within=(0.0, 1.0), share=True)
