"""ROC area and average precision as means of their linearisation, for the difference estimator.

The influence of an item on an area depends on its score and its class only, so it is known for every item under either
class: the labelled items make the ranking, and all others are placed in it with a weight too small to move it.
"""

from dataclasses import replace

import numpy as np

from analysis.metrics.core import ranking
from analysis.metrics.core.weighted import NO_ITEMS
from analysis.metrics.estimates.difference_estimator import AuditSample
from analysis.metrics.estimates.ratio_metrics import ScoredItems, Terms, of_event, of_table
from validation.arrays import Floats

NEXT_TO_NOTHING = 1e-9
"""The weight of all items that are placed in the ranking, as a share of the labelled ones'."""

Table = tuple[float, Floats, Floats]
"""An area, and what an item adds to it if it is of the class (N,), and if it is not (N,)."""


def undefined_because(items: ScoredItems, c: int) -> str:
    """Why areas of class c are undefined, or nothing."""
    return ranking.one_sided(items.truth == c)


def areas_of_class(items: ScoredItems, drawn: AuditSample, c: int) -> tuple[Terms, Terms]:
    """ROC area and average precision of class c against the rest; both must be among the labelled."""
    roc, pr = _tables(items, drawn, c)
    return replace(_of_class(items, c, roc), roc_area=True), _of_class(items, c, pr)


def mean_areas(items: ScoredItems, drawn: AuditSample) -> tuple[Terms, Terms] | str:
    """The means of both over the classes that are defined, or why none is."""
    classes = [c for c in range(items.classes) if not undefined_because(items, c)]
    if not classes:
        return undefined_because(items, 0) if items.truth.size else NO_ITEMS
    found = [_tables(items, drawn, c) for c in classes]
    roc, pr = (_mean(items, classes, [pair[at] for pair in found]) for at in (0, 1))
    return replace(roc, roc_area=True), pr


def _tables(items: ScoredItems, drawn: AuditSample, c: int) -> tuple[Table, Table]:
    score, n = items.probabilities[:, c], items.predicted.size
    ranked = ranking.rank(
        np.concatenate([np.ones(n, dtype=bool), np.zeros(n, dtype=bool), items.truth == c]),
        np.concatenate([score, score, score[items.labelled]]),
        np.concatenate(
            [NEXT_TO_NOTHING * np.maximum(score, NEXT_TO_NOTHING), NEXT_TO_NOTHING * (1 - score), drawn.weight]
        ),
    )
    (roc, roc_moved), (pr, pr_moved) = ranking.roc_area(ranked), ranking.pr_area(ranked)
    total = drawn.items
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
