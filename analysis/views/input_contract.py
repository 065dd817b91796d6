"""Input contract: do rows keep to it, how fresh are they, and are inputs the same at serving as at training?"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from analysis import charts, skew_jobs, windows
from analysis.contract_violations import InputViolations, StretchCount, VersionFreshness
from analysis.feature_skew import KIND as SKEW
from analysis.reports.kinds import input_contract as contract_report
from analysis.reports.kinds.input_contract import InputContractBody
from analysis.reports.stored import newest, newest_or_request
from analysis.views.over_time import A_DAY, Drawn, clock, day, drawn, time_ticks
from annotation.item_display import format_plain
from inputs.contract_changes import ChangeKind, ContractChange, contract_changes
from inputs.types.base import broken_rule
from jobs.models import OPEN, Job, JobState
from projects.chips import Chip, ChipOption
from projects.formatting import number, percent, span
from projects.guards import ProjectRequest, asks_for_fragment, member
from projects.models import Can, InputContract, Project

UNKNOWN = "names that the contract does not have"


@dataclass(frozen=True)
class InputRow:
    """One input: its rows that broke the contract. items_url: those that were kept."""

    name: str
    rules: str
    kept: int
    refused: int
    rate: float
    items_url: str
    chart_url: str


@dataclass(frozen=True)
class StretchRow:
    """One stretch of time in the table beside the chart."""

    start: str
    end: str
    rows: int
    kept: int
    refused: int
    rate: float
    url: str


@dataclass(frozen=True)
class ViolationChart:
    """The violation rate of one input over time."""

    name: str
    drawn: Drawn
    rows: tuple[StretchRow, ...]


@dataclass(frozen=True)
class FreshnessRow:
    """A version with the age of its newest row."""

    version: str
    last_at: datetime
    last_arrival: datetime
    median: str
    p95: str
    rows: int


@dataclass(frozen=True)
class ContractRow:
    """A version of the contract, and what differs from the one before."""

    version: int
    created_at: datetime
    changes: tuple[str, ...]


@require_GET
@member(Can.SEE)
def input_contract(request: ProjectRequest) -> HttpResponse:
    return contract_page(request)


def contract_page(request: ProjectRequest, *, problem: str = "", status: int = 200) -> HttpResponse:
    """The page; `problem`: why a file of features was not taken."""
    project: Project = request.project
    window, unknown = request.GET.get("window") or windows.ALL, ""
    try:
        days = windows.window_days(window)
    except windows.UnknownWindow as why:
        window, days, unknown = windows.ALL, 0, str(why)
    report = newest_or_request(project, contract_report.KIND, days=days, at=timezone.now())
    body = report.body if report else None
    rows = input_rows(project, body, window) if body else []
    skew = newest(project, SKEW)
    context = {
        "project": project,
        "body": body,
        "unknown": unknown,
        "broken": [row for row in rows if row.kept or row.refused],
        "chart": violation_chart(project, body, request.GET.get("input", ""), window) if body else None,
        "freshness": [freshness_row(one) for one in body.versions] if body else [],
        "contract": contract_fields(project.contract()),
        "versions": contract_rows(project),
        "skew": skew,
        "comparison": comparison_of(project, skew.computed_at if skew else None),
        "may_compare": request.role.can(Can.CHANGE),
        "entities": [*project.contract().segments, *project.contract().inputs],
        "problem": problem,
        "window_words": windows.WORDS[window],
        "chips": [window_chip(project, window)],
    }
    part = request.headers.get("HX-Target", "figures") if asks_for_fragment(request) else ""
    template = "analysis/input_contract.html" + (("#skew" if part == "skew" else "#figures") if part else "")
    return render(request, template, context, status=404 if unknown else status)


def comparison_of(project: Project, compared_at: datetime | None) -> Job | None:
    """The comparison that runs or failed since the report on the page; None where there is nothing to say."""
    job = skew_jobs.newest_job(project)
    if job is None or job.state == JobState.SUCCEEDED:
        return None
    is_past = job.state not in OPEN and compared_at is not None and job.created_at < compared_at
    return None if is_past else job


def _here(project: Project, **query: str) -> str:
    kept = {name: value for name, value in query.items() if value and (name, value) != ("window", windows.ALL)}
    return reverse("analysis:input-contract", args=[project.slug]) + ("?" + urlencode(kept) if kept else "")


def window_chip(project: Project, window: str) -> Chip:
    options = tuple(
        ChipOption(words, _here(project, window=name), current=name == window) for name, words in windows.WORDS.items()
    )
    return Chip("Window", windows.WORDS[window], options=options)


def input_rows(project: Project, body: InputContractBody, window: str) -> list[InputRow]:
    """The inputs, those with the most violations first."""
    found = [_input_row(project, one, body.rows, window) for one in body.inputs]
    return sorted(found, key=lambda row: (-(row.kept + row.refused), row.name))


def _input_row(project: Project, one: InputViolations, rows: int, window: str) -> InputRow:
    ends = (one.series[0].start, one.series[-1].end)
    return InputRow(
        name=one.input or UNKNOWN,
        rules=", ".join(f"{broken_rule(rule.rule)} {number(rule.kept + rule.refused)}" for rule in one.rules),
        kept=one.kept_rows,
        refused=one.refused_rows,
        rate=(one.kept_rows + one.refused_rows) / rows if rows else 0.0,
        items_url=_items(project, one.input, *ends) if one.input else "",
        chart_url=_here(project, input=one.input, window=window),
    )


def _items(project: Project, name: str, start: float, end: float) -> str:
    """The kept items of a stretch, whose end is not part of it."""
    until = datetime.fromtimestamp(end, UTC) - timedelta(microseconds=1)
    query = {"violation": name, "since": _stamp(datetime.fromtimestamp(start, UTC)), "until": _stamp(until)}
    return reverse("analysis:item-list", args=[project.slug]) + "?" + urlencode(query)


def _stamp(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def violation_chart(project: Project, body: InputContractBody, asked: str, window: str) -> ViolationChart | None:
    """The chart of the input that is asked for, else of the one with the most violations; None where none broke."""
    broken = [one for one in body.inputs if one.kept_rows or one.refused_rows]
    if not broken:
        return None
    worst = max(broken, key=lambda one: one.kept_rows + one.refused_rows)
    one = next((one for one in broken if asked and one.input == asked), worst)
    points = [stretch for stretch in one.series if stretch.rows]
    words = day if points[-1].end - points[0].start >= 2 * A_DAY else clock
    rows = tuple(_stretch_row(project, one.input, stretch, words) for stretch in points)
    marks = [
        charts.Point((stretch.start + stretch.end) / 2, row.rate, title=_mark_words(row), href=row.url)
        for stretch, row in zip(points, rows, strict=True)
    ]
    name = one.input or UNKNOWN
    draw = partial(
        charts.line,
        marks,
        label=f"Share of rows that broke the contract in {name}, over time",
        x_axis=charts.XAxis(time_ticks(points[0].start, points[-1].end)),
        discs="all",
    )
    return ViolationChart(name, drawn(draw, 600), rows)


def _stretch_row(project: Project, name: str, stretch: StretchCount, words: Any) -> StretchRow:
    return StretchRow(
        start=words(stretch.start),
        end=words(stretch.end),
        rows=stretch.rows,
        kept=stretch.kept,
        refused=stretch.refused,
        rate=(stretch.kept + stretch.refused) / stretch.rows,
        url=_items(project, name, stretch.start, stretch.end) if stretch.kept and name else "",
    )


def _mark_words(row: StretchRow) -> str:
    return f"{row.start} to {row.end}: {percent(row.rate)} of {number(row.rows)} rows"


def freshness_row(one: VersionFreshness) -> FreshnessRow:
    return FreshnessRow(
        version=one.version,
        last_at=datetime.fromtimestamp(one.last_at, UTC),
        last_arrival=datetime.fromtimestamp(one.last_arrival, UTC),
        median=span(timedelta(seconds=one.lag_median)),
        p95=span(timedelta(seconds=one.lag_p95)),
        rows=one.lag_rows,
    )


def contract_fields(contract: InputContract) -> list[tuple[str, str, str]]:
    """Name, type and rules of each input, in words."""
    return [(name, rule["type"], rule_words(rule)) for name, rule in contract.inputs.items()]


def rule_words(rule: dict[str, Any]) -> str:
    required = rule.get("required", True)
    words = ["required" if required else "may be missing"]
    if rule.get("nullable", not required) == required:
        words.append("may be null" if required else "not null")
    if "min" in rule or "max" in rule:
        ends = [format_plain(rule[end]) if end in rule else none for end, none in (("min", "−∞"), ("max", "∞"))]
        words.append(" to ".join(ends))
    if rule.get("values"):
        words.append(" · ".join(rule["values"][:12]) + (" …" if len(rule["values"]) > 12 else ""))
    if "dimensions" in rule:
        words.append(f"{rule['dimensions']} numbers")
    return ", ".join(words)


def contract_rows(project: Project) -> list[ContractRow]:
    """The versions of the contract, the newest first, each with its differences from the one before."""
    found, before = [], None
    for one in project.input_contracts.order_by("version"):
        changes = _changes(before, one) if before else ("the first version",)
        found.append(ContractRow(one.version, one.created_at, changes))
        before = one
    return found[::-1]


def _changes(before: InputContract, after: InputContract) -> tuple[str, ...]:
    words = [change_words(change) for change in contract_changes(before.inputs, after.inputs)]
    words += [f"segment {name} added" for name in after.segments if name not in before.segments]
    words += [f"segment {name} removed" for name in before.segments if name not in after.segments]
    return tuple(words) or ("no input changed",)


def change_words(change: ContractChange) -> str:
    """A difference in words."""
    if change.kind is ChangeKind.CHANGED:
        return f"{change.input}: {change.option} {_option(change.before)} → {_option(change.after)}"
    rule = change.after if change.kind is ChangeKind.ADDED else change.before
    return f"{change.input} {change.kind}: {rule['type']}, {rule_words(rule)}"


def _option(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else format_plain(value)
