"""The figures of a backtest as its page shows them: curves with intervals, hours and money, and the events."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.utils.safestring import SafeString, mark_safe
from scipy import stats

from analysis import charts

SECONDS, HOURLY = 10.0, 30.0
LONGEST, DEAREST = 24 * 3600.0, 100_000.0


@dataclass(frozen=True)
class LabelPrice:
    """What a label costs: the seconds that it takes, and what an hour of a person does."""

    seconds: float = SECONDS
    hourly: float = HOURLY

    def hours(self, labels: float) -> float:
        return labels * self.seconds / 3600

    def cost(self, labels: float) -> float:
        return self.hours(labels) * self.hourly


@dataclass(frozen=True)
class LabelCostRow:
    """So many labels, and what they take."""

    words: str
    labels: float | None
    hours: float = 0.0
    cost: float = 0.0


@dataclass(frozen=True)
class RoundRow:
    """One round: the metric of the strategy and of random, each with the half-width of its 95 % interval."""

    labels: int
    ours: float
    ours_half: float | None
    random: float
    random_half: float | None


@dataclass(frozen=True)
class ShownBacktest:
    """What the page shows of a finished backtest."""

    figures: Mapping[str, Any]
    metric: str
    rows: list[RoundRow]
    costs: list[LabelCostRow]
    charts: list[tuple[str, SafeString, SafeString]]  # name, for a wide screen, for a phone


def parse_price(given: Mapping[str, str]) -> LabelPrice:
    """The price in a page's address; the usual one where it is none."""
    return LabelPrice(_number(given.get("seconds"), SECONDS, LONGEST), _number(given.get("hourly"), HOURLY, DEAREST))


def _number(given: str | None, usual: float, most: float) -> float:
    try:
        found = float((given or "").replace(",", "."))
    except ValueError:
        return usual
    return found if 0 < found <= most else usual


def describe(figures: Mapping[str, Any], price: LabelPrice) -> ShownBacktest:
    """The stored figures with intervals and prices."""
    random, metric, seeds = figures["random"], figures["metric"], figures["seeds"]
    rows = [
        RoundRow(
            one["labels"], one[metric], half_width(one["sd"], seeds), other[metric], half_width(other["sd"], seeds)
        )
        for one, other in zip(figures["curve"], random["curve"], strict=True)
    ]
    return ShownBacktest(
        figures=figures,
        metric=metric.replace("_", " ").replace("f1", "F1"),
        rows=rows,
        costs=_costs(figures, price),
        charts=[_chart(figures, metric), _chart({**random, "range": _range(figures)}, metric)],
    )


def half_width(sd: float, n: int) -> float | None:
    """Half of a 95 % t interval of a mean over `n` repetitions; None for one of them."""
    return float(stats.t.ppf(0.975, n - 1) * sd / np.sqrt(n)) if n > 1 else None


def _costs(figures: Mapping[str, Any], price: LabelPrice) -> list[LabelCostRow]:
    budget = figures["curve"][-1]["labels"]
    asked = [
        ("Labels to 95 %", figures["labels_to_95"]),
        ("The same, drawn at random", figures["random"]["labels_to_95"]),
    ]
    asked += [("The whole budget", budget), ("Every row that may be asked", figures["rows"])]
    return [LabelCostRow(words, n, price.hours(n or 0), price.cost(n or 0)) for words, n in asked]


def _range(figures: Mapping[str, Any]) -> tuple[float, float]:
    metric = figures["metric"]
    values = [point[metric] for one in (figures, figures["random"]) for point in one["curve"]]
    low, high = min(values), max(*values, figures["full_data_score"])
    rows = charts.ticks(low, min(high, 1.0))
    return rows[0], rows[-1]


def _chart(one: Mapping[str, Any], metric: str) -> tuple[str, SafeString, SafeString]:
    limits = one.get("range") or _range(one)
    points = [
        charts.Point(p["labels"], p[metric], *_interval(p[metric], p["sd"], one["seeds"]), f"{p['labels']} labels")
        for p in one["curve"]
    ]
    last = points[-1].x
    ticks = [(at, f"{at:,.0f}") for at in charts.ticks(0, last) if points[0].x <= at <= last] or [
        (last, f"{last:,.0f}")
    ]
    label = f"{metric} by labels, {one['strategy']}"
    axis = charts.XAxis(ticks, "labels")
    wide, narrow = (
        mark_safe(charts.line(points, label=label, x_axis=axis, y_range=limits, width=width))
        for width in (460, charts.PHONE_WIDTH)
    )
    return one["strategy"], wide, narrow


def _interval(value: float, sd: float, n: int) -> tuple[float | None, float | None]:
    half = half_width(sd, n)
    return (None, None) if half is None else (value - half, value + half)
