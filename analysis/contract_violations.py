"""How many captured rows broke the input contract, by input, rule and stretch of time, and how late rows arrive."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from django.db.models import Count, Max, Min
from msgspec import Struct

from annotation import versions
from annotation.models import ContractViolation, Item, Prediction, RefusedRowCount, Source
from inputs.types.base import BrokenRule
from projects.models import Project

MOST_INPUTS = 50  # shown: those of the contract first, then unknown names with the most values
MOST_VERSIONS = 8
LAG_ROWS = 5000  # of a version, the newest
HOUR, A_DAY = timedelta(hours=1), timedelta(days=1)
MOST_STRETCHES = 28


class RuleCount(Struct, frozen=True):
    """Rows that broke one rule in one input: kept, and refused (each time that they were sent)."""

    rule: str
    kept: int
    refused: int


class StretchCount(Struct, frozen=True):
    """Rows of one stretch of time, in seconds since 1970: all that came, and those that broke the rules of an input."""

    start: float
    end: float
    rows: int
    kept: int
    refused: int


class InputViolations(Struct, frozen=True):
    """One input: "" stands for all refused names that the contract does not have."""

    input: str
    rules: list[RuleCount]
    series: list[StretchCount]

    @property
    def kept_rows(self) -> int:
        return sum(one.kept for one in self.series)

    @property
    def refused_rows(self) -> int:
        return sum(one.refused for one in self.series)


class VersionFreshness(Struct, frozen=True):
    """What came of one version. lag: seconds from what happened to its arrival, over the newest `lag_rows` rows."""

    version: str
    last_at: float
    last_arrival: float
    lag_median: float
    lag_p95: float
    lag_rows: int


Stretch = tuple[datetime, datetime]


@dataclass(frozen=True)
class ViolationCounts:
    """captured: items of the window; refused: rows of it that were refused because of the contract."""

    captured: int
    refused: int
    inputs: list[InputViolations]


def stretches(project: Project, days: int, *, at: datetime) -> list[Stretch]:
    """The window in at most 28 equal stretches of whole hours, or of whole days where it is long; the last ends at
    the end of this hour. Of all time it begins with the first item or refused row."""
    end = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0) + HOUR
    start = end - timedelta(days=days) if days else _first(project, end)
    hours = max(-((start - end) // HOUR), 1)  # rounded up
    step = -(-hours // MOST_STRETCHES)
    step = step if step <= 24 else -(-step // 24) * 24
    count = -(-hours // step)
    return [(end - (n + 1) * step * HOUR, end - n * step * HOUR) for n in reversed(range(count))]


def _first(project: Project, end: datetime) -> datetime:
    item = Item.objects.filter(project=project).aggregate(at=Min("at"))["at"]
    refused = RefusedRowCount.objects.filter(project=project).aggregate(at=Min("hour"))["at"]
    return min([found for found in (item, refused) if found], default=end - A_DAY)


def violation_counts(project: Project, window: list[Stretch]) -> ViolationCounts:
    """Items by when they happened, refused rows by the hour in which they came."""
    counted: dict[str, dict[tuple[int, str], list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    for place, (start, end) in enumerate(window):
        rows = ContractViolation.objects.filter(project=project, at__gte=start, at__lt=end).order_by()
        for name, rule, count in rows.values_list("input", "rule").annotate(n=Count("pk")):
            counted[name][place, rule][0] += count
        hours = RefusedRowCount.objects.filter(project=project, hour__gte=start, hour__lt=end)
        for name, rule, count in hours.values_list("input", "rule", "rows"):
            counted[name][place, rule][1] += count
    items = [Item.objects.filter(project=project, at__gte=start, at__lt=end).count() for start, end in window]
    refused = [0] * len(window)
    for of_input in counted.values():
        for (place, _), (_, rows_refused) in of_input.items():
            refused[place] += rows_refused
    came = [of_item + of_refused for of_item, of_refused in zip(items, refused, strict=True)]
    inputs = [_of_input(name, counted[name], window, came) for name in _shown(project, counted)]
    return ViolationCounts(sum(items), sum(refused), inputs)


def _shown(project: Project, counted: "dict[str, dict[tuple[int, str], list[int]]]") -> list[str]:
    known = list(project.contract().inputs)
    more = sorted(set(counted) - set(known), key=lambda name: (-sum(map(sum, counted[name].values())), name))
    return (known + more)[: max(MOST_INPUTS, len(known))]


def _of_input(
    name: str, found: "dict[tuple[int, str], list[int]]", window: list[Stretch], rows: list[int]
) -> InputViolations:
    by_rule: dict[str, list[int]] = {}
    series = []
    for place, (start, end) in enumerate(window):
        kept = refused = 0
        for rule in (each for at, each in list(found) if at == place):
            of_rule = by_rule.setdefault(rule, [0, 0])
            for part in (0, 1):
                of_rule[part] += found[place, rule][part]
            kept, refused = kept + found[place, rule][0], refused + found[place, rule][1]
        series.append(StretchCount(start.timestamp(), end.timestamp(), rows[place], kept, refused))
    rules = [RuleCount(rule, *by_rule[rule]) for rule in BrokenRule if rule in by_rule]
    return InputViolations(name, rules, series)


def freshness(project: Project) -> list[VersionFreshness]:
    """Of the versions used last, as captured from elsewhere."""
    found = []
    for tag in [one.tag for one in versions.load(project).all if one.items][:MOST_VERSIONS]:
        rows = Prediction.objects.filter(
            project=project, model_version__in=versions.stored_as(tag), source=Source.CAPTURED
        )
        newest = list(rows.order_by("-at", "-pk").values_list("at", "item__captured_at")[:LAG_ROWS])
        if not newest:
            continue
        lags = np.array([max((arrived - at).total_seconds(), 0.0) for at, arrived in newest])
        median, p95 = (float(number) for number in np.quantile(lags, [0.5, 0.95]))
        arrival = max(arrived for _, arrived in newest)
        found.append(VersionFreshness(tag, newest[0][0].timestamp(), arrival.timestamp(), median, p95, len(newest)))
    return found


def last_change(project: Project) -> str:
    """What changes whenever a count may have changed."""
    items = Item.objects.filter(project=project).aggregate(n=Max("pk"))["n"]
    refused = RefusedRowCount.objects.filter(project=project).values_list("hour", "input", "rule", "rows")
    return f"{items} {sum(rows for *_, rows in refused)}"
