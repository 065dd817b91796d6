"""Figures of a performance report class by class: confusion matrix, pairs, curves, and each class over time."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
from django.utils.safestring import SafeString

from analysis import charts
from analysis.class_performance import ClassCurve, ClassesPart, PerClass
from analysis.decision_costs import DecisionCosts, RuleCost
from analysis.metrics.core.stored import StoredEstimate
from analysis.release_events import ReleaseEvent
from analysis.reports.kinds.performance import PerformanceBody
from analysis.views.over_time import class_over_time, drawn
from analysis.views.performance_query import PerformanceQuery, items_url
from projects.models import Project

PAIRS = 7
# px: a column of the matrix, the column of names at most, what recall takes, and the columns beside which a panel fits.
CELL, NAMES_COLUMN, RECALL_COLUMN, MOST_BESIDE = 24, 110, 40, 12
SMALL_N = 5
FEW = 30  # a row of fewer labels is coloured as if it had so many: one of five is no verdict


@dataclass(frozen=True)
class ClassRow:
    """One class in the table of classes, with the addresses of its curve and of its items."""

    title: str
    figures: PerClass
    small: bool
    current: bool
    url: str
    recall_url: str
    precision_url: str


@dataclass(frozen=True)
class CurveRow:
    """Precision with its interval, and recall, at one threshold."""

    threshold: float | None
    precision: float
    low: float | None
    high: float | None
    recall: float


@dataclass(frozen=True)
class CurveChart:
    """Precision against recall of one class, and where today's rule stands on it."""

    svg: SafeString
    narrow: SafeString
    precision: StoredEstimate
    recall: StoredEstimate
    rows: tuple[CurveRow, ...]


def figures(
    project: Project,
    body: PerformanceBody,
    classes: ClassesPart,
    state: PerformanceQuery,
    label: str,
    releases: Sequence[ReleaseEvent],
) -> dict[str, Any]:
    return {
        "label": project.schema().title_of(label),
        "matrix": matrix(project, classes, state),
        "pairs": pairs(project, classes, state),
        "per_class": per_class(project, classes, state, label),
        "curve": curve(classes, label, project.schema().title_of(label)),
        "class_over_time": class_over_time(project, body, releases, label),
        "costs": cost_rows(body.costs) if body.costs else [],
        "prices": prices(project),
    }


def hardest(classes: ClassesPart) -> str:
    """The class with the least recall among those with enough labels, which is where to look first."""
    known = [(one.recall.value, one.label) for one in classes.per_class if one.labelled >= SMALL_N]
    measured = [(value, label) for value, label in known if value is not None]
    return min(measured, key=lambda one: one[0])[1] if measured else classes.per_class[0].label


def matrix(project: Project, classes: ClassesPart, state: PerformanceQuery) -> dict[str, Any]:
    """Rows of cells with count, class and link; recall at the right."""
    names, rows = classes.labels, []
    titles = [project.schema().title_of(name) for name in names]
    for i, name in enumerate(names):
        counts = classes.counts[i]
        total = sum(counts)
        cells = []
        for j, count in enumerate(counts):
            kind = (
                "zero" if not count else "diagonal" if i == j else f"heat-{charts.heat_step(count / max(total, FEW))}"
            )
            url = items_url(project, state, truth=name, says=names[j]) if count else ""
            cells.append({"count": count, "kind": kind, "url": url, "says": titles[j]})
        rows.append({"label": titles[i], "cells": cells, "recall": classes.per_class[i].recall, "n": total})
    return {"names": titles, "rows": rows, **matrix_layout(titles)}


def matrix_layout(titles: Sequence[str]) -> dict[str, bool]:
    """Whether columns carry numbers, for their names are too wide for a phone; whether numbers are, too; and whether
    the matrix takes the whole width of a page."""
    widths = [charts.LETTER * len(title) + 4 for title in titles]
    left = charts.PHONE_WIDTH - RECALL_COLUMN - min(max(widths), NAMES_COLUMN)
    return {
        "numbered": sum(max(width, CELL) for width in widths) > left and max(widths) > CELL,
        "wide_only": CELL * len(titles) > left,
        "whole": len(titles) > MOST_BESIDE,
    }


def pairs(project: Project, classes: ClassesPart, state: PerformanceQuery) -> dict[str, Any]:
    """The largest cells off the diagonal."""
    names, title_of = classes.labels, project.schema().title_of
    found: list[dict[str, Any]] = [
        {
            "truth": title_of(names[i]),
            "says": title_of(names[j]),
            "n": count,
            "url": items_url(project, state, truth=names[i], says=names[j]),
        }
        for i, row in enumerate(classes.counts)
        for j, count in enumerate(row)
        if i != j and count
    ]
    found.sort(key=lambda pair: -pair["n"])
    wrong = sum(pair["n"] for pair in found)
    for pair in found[:PAIRS]:
        pair["share"] = pair["n"] / wrong
        pair["width"] = round(120 * pair["n"] / found[0]["n"])
    return {"top": found[:PAIRS], "all": len(found), "wrong": wrong}


def per_class(project: Project, classes: ClassesPart, state: PerformanceQuery, label: str) -> list[ClassRow]:
    return [
        ClassRow(
            title=project.schema().title_of(one.label),
            figures=one,
            small=one.labelled < SMALL_N,
            current=one.label == label,
            url=state.url(project, label=one.label),
            recall_url=items_url(project, state, truth=one.label),
            precision_url=items_url(project, state, says=one.label),
        )
        for one in classes.per_class
    ]


def curve(classes: ClassesPart, label: str, title: str) -> CurveChart | None:
    """Precision against recall of a class, or None where it was not drawn; `title` is what people call it."""
    found = next((one for one in classes.curves if one.label == label), None)
    if found is None:
        return None
    rows = _curve_rows(found)
    now = next(one for one in classes.per_class if one.label == label)
    plumb = None
    if now.precision.value is not None and now.recall.value is not None:
        plumb = charts.Mark(now.recall.value, "today", now.precision.value)
    draw = partial(
        charts.line,
        [charts.Point(row.recall, row.precision, row.low, row.high) for row in reversed(rows)],
        label=f"Precision of {title} at each recall",
        x_axis=charts.XAxis([(v / 4, f"{v / 4:.2f}") for v in range(5)], f"recall of {title}"),
        y_range=(0.0, 1.0),
        plumb=plumb,
        discs="none",
        height=230,
    )
    svg, narrow = drawn(draw, 390)
    return CurveChart(svg, narrow, now.precision, now.recall, rows)


def _curve_rows(found: ClassCurve) -> tuple[CurveRow, ...]:
    band = found.precision
    columns = zip(found.threshold, band.value, band.low, band.high, found.recall.value, strict=True)
    return tuple(
        CurveRow(threshold, precision, low, high, recall)
        for threshold, precision, low, high, recall in columns
        if precision is not None and recall is not None
    )


def prices(project: Project) -> dict[str, str]:
    """What each mistake costs, as numbers are written in a sentence."""
    given = project.cost_settings()
    known = msgspec.structs.asdict(given) if given else {}
    return {name: f"{value:g}" for name, value in known.items() if value is not None}


@dataclass(frozen=True)
class CostRow:
    """One rule of decision in words, with what it costs."""

    words: str
    rule: RuleCost
    cheapest: bool


def cost_rows(costs: DecisionCosts) -> list[CostRow]:
    values = [rule.cost.value for rule in costs.rules if rule.cost.value is not None]
    lowest = min(values, default=None)
    return [CostRow(rule_words(costs, rule), rule, rule.cost.value == lowest) for rule in costs.rules]


def rule_words(costs: DecisionCosts, rule: RuleCost) -> str:
    """A rule of decision as the page names it."""
    if rule.rule == "threshold":
        return f"Call it {costs.positive} from a score of {score_words(rule.low)} on"
    if rule.rule == "review_band":
        return f"Ask a person from {score_words(rule.low)} to {score_words(rule.high)}"
    return "Today: the highest score wins"


def score_words(score: float | None) -> str:
    """Two decimals, four near 0 and 1, where two would say that the score does not matter."""
    if score is None:
        return "\N{EN DASH}"
    return f"{score:.2f}" if 0.05 <= score <= 0.95 else f"{score:.4f}"
