"""Charts as SVG text, drawn at their real width so that 11 px stays 11 px. Pure: numbers in, markup out.

Marks are links where a target is given. Colours come from classes; a table twin stands beside each chart on its page.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

LEFT, TOP, FOOT = 36, 20, 36
PHONE_WIDTH = 302  # px: what a panel leaves on a phone of 360
LETTER = 7.5  # px: a letter of 11 px in a wide font, for words that must not touch
MINUS = "\u2212"
Discs = Literal["all", "last", "none"]  # which points of a line have a disc


@dataclass(frozen=True)
class Point:
    """One value with its interval; `href` opens the items behind it. `few`: too little data for a line."""

    x: float
    value: float
    low: float | None = None
    high: float | None = None
    title: str = ""
    href: str = ""
    few: bool = False


@dataclass(frozen=True)
class Mark:
    """A named vertical: a release, or the place that the plumb line shows; `value` marks a point on it."""

    x: float
    name: str
    value: float | None = None


@dataclass(frozen=True)
class XAxis:
    """The x axis: ticks with their words, and a name at its end."""

    ticks: Sequence[tuple[float, str]]
    name: str = ""


@dataclass(frozen=True)
class Frame:
    """The plot's box in pixels, the values at its edges, and those that have a horizontal line."""

    width: int
    height: int
    left: float
    right: float
    x_low: float
    x_high: float
    y_low: float
    y_high: float
    rows: tuple[float, ...]

    def x(self, value: float) -> float:
        share = (value - self.x_low) / ((self.x_high - self.x_low) or 1.0)
        return round(self.left + share * (self.right - self.left), 1)

    def y(self, value: float) -> float:
        share = (min(max(value, self.y_low), self.y_high) - self.y_low) / ((self.y_high - self.y_low) or 1.0)
        return round(self.height - FOOT - share * (self.height - FOOT - TOP), 1)

    @property
    def foot(self) -> float:
        return self.height - FOOT


def ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Three to five round numbers that cover low to high."""
    step = nice_step((high - low) / max(count - 1, 1))
    first = math.floor(low / step + 1e-9)
    last = math.ceil(high / step - 1e-9)
    return [round(i * step, 10) for i in range(first, last + 1)]


def nice_step(rough: float, factors: Sequence[float] = (1, 2, 2.5, 5, 10)) -> float:
    """The smallest of these factors times a power of ten that is at least `rough`."""
    power = 10.0 ** math.floor(math.log10(rough)) if rough > 0 else 0.1
    return next(power * factor for factor in factors if power * factor >= rough - 1e-12)


def line(
    points: Sequence[Point],
    *,
    label: str,
    x_axis: XAxis,
    releases: Sequence[Mark] = (),
    plumb: Mark | None = None,
    y_range: tuple[float, float] | None = None,
    discs: Discs = "last",
    width: int = 400,
    height: int = 200,
) -> str:
    """A line with its band and release marks; "" where there is no point.

    Unless `discs` is "none" the last value stands at its end. The line is broken at points of few labels, which are
    drawn as rings whatever `discs` asks for.
    """
    if not points:
        return ""
    end_note = discs != "none"
    frame = _frame(points, x_axis, y_range, width=width, height=height, right_margin=92 if end_note else 12)
    parts = [
        _grid(frame),
        _x_axis(frame, x_axis),
        *_releases(frame, releases),
        *(_band(frame, stretch) + _path(frame, stretch) for stretch in stretches(points)),
        _plumb(frame, plumb) if plumb else "",
        *(_dot(frame, point) for point in _drawn_points(points, discs)),
        _end(frame, points[-1]) if end_note else "",
    ]
    return _svg(frame, label, parts)


def _frame(
    points: Sequence[Point],
    x_axis: XAxis,
    y_range: tuple[float, float] | None,
    *,
    width: int,
    height: int,
    right_margin: int,
) -> Frame:
    xs = [point.x for point in points] + [at for at, _ in x_axis.ticks]
    values = y_range or [v for p in points for v in (p.value, p.low, p.high) if v is not None]
    rows = ticks(min(values), max(values))
    if rows[0] == rows[-1]:
        rows = [rows[0], rows[0] + 0.1]
    low, high = y_range or (rows[0], rows[-1])
    inside = tuple(row for row in rows if low <= row <= high)
    return Frame(width, height, LEFT, width - right_margin, min(xs), max(xs), low, high, inside)


def _grid(frame: Frame) -> str:
    places = 2 if max(abs(frame.y_low), abs(frame.y_high)) <= 5 else 0
    lines = "".join(f"M{frame.left} {frame.y(v)}H{frame.right}" for v in frame.rows)
    words = "".join(
        f'<text class="end-of" x="{frame.left - 6}" y="{frame.y(v) + 4}">{_number(v, places)}</text>'
        for v in frame.rows
    )
    return f'<path class="gridline" d="{lines}"/>{words}'


def _x_axis(frame: Frame, axis: XAxis) -> str:
    strokes = f"M{frame.left} {frame.foot}H{frame.right}"
    strokes += "".join(f"M{frame.x(at)} {frame.foot}v4" for at, _ in axis.ticks)
    words = "".join(
        f'<text class="middle" x="{frame.x(at)}" y="{frame.foot + 16}">{escape(word)}</text>' for at, word in axis.ticks
    )
    named = (
        f'<text class="end-of" x="{frame.right}" y="{frame.foot + 31}">{escape(axis.name)}</text>' if axis.name else ""
    )
    return f'<path class="axis" d="{strokes}"/>{words}{named}'


def _releases(frame: Frame, marks: Sequence[Mark]) -> list[str]:
    """A dashed vertical for each, and above them their names, those that would touch in one word."""
    lines = [f'<path class="release" d="M{frame.x(mark.x)} {TOP - 4}V{frame.foot}"/>' for mark in marks]
    names = [
        f'<text class="middle halo" x="{round(x, 1)}" y="{TOP - 8}">{escape(name)}</text>'
        for x, name in names_apart([(frame.x(mark.x), mark.name) for mark in sorted(marks, key=lambda one: one.x)])
    ]
    return lines + names


def names_apart(names: Sequence[tuple[float, str]]) -> list[tuple[float, str]]:
    """Centre and word of each name in order; names that would touch become one: "v2, v3", or "v2 to v6" for many."""
    groups = [[name] for name in names]
    at = 1
    while at < len(groups):
        (left, left_word), (right, right_word) = _joined(groups[at - 1]), _joined(groups[at])
        if right - left < LETTER * (len(left_word) + len(right_word) + 2) / 2:
            groups[at - 1 : at + 1] = [groups[at - 1] + groups[at]]
            at = max(at - 1, 1)
        else:
            at += 1
    return [_joined(group) for group in groups]


def _joined(group: Sequence[tuple[float, str]]) -> tuple[float, str]:
    words = [word for _, word in group]
    together = ", ".join(words) if len(words) < 4 else f"{words[0]} to {words[-1]}"
    return sum(x for x, _ in group) / len(group), together


def stretches(points: Sequence[Point]) -> list[list[Point]]:
    """The points that a line may join: neighbours with enough data, two or more."""
    found: list[list[Point]] = [[]]
    for point in points:
        if point.few:
            found.append([])
        else:
            found[-1].append(point)
    return [stretch for stretch in found if len(stretch) > 1]


def _band(frame: Frame, points: Sequence[Point]) -> str:
    known = [p for p in points if p.low is not None and p.high is not None]
    if len(known) < 2:
        return ""
    above = " ".join(f"{frame.x(p.x)},{frame.y(p.high or 0)}" for p in known)
    below = " ".join(f"{frame.x(p.x)},{frame.y(p.low or 0)}" for p in reversed(known))
    return f'<polygon class="band" points="{above} {below}"/>'


def _path(frame: Frame, points: Sequence[Point]) -> str:
    return f'<polyline class="series" points="{" ".join(f"{frame.x(p.x)},{frame.y(p.value)}" for p in points)}"/>'


def _drawn_points(points: Sequence[Point], discs: Discs) -> list[Point]:
    return [point for point in points if discs == "all" or point.few or (discs == "last" and point is points[-1])]


def _dot(frame: Frame, point: Point) -> str:
    x, y = frame.x(point.x), frame.y(point.value)
    whisker = ""
    if point.low is not None and point.high is not None:
        tone = "whisker unclear" if point.few else "whisker"
        whisker = f'<path class="{tone}" d="M{x} {frame.y(point.low)}V{frame.y(point.high)}"/>'
    kind, radius = ("ring unclear", 4) if point.few else ("point", 5)
    mark = f'<circle class="{kind}" cx="{x}" cy="{y}" r="{radius}"><title>{escape(point.title)}</title></circle>'
    if point.href:
        # A transparent disc: the mark itself is smaller than a finger.
        reach = f'<circle cx="{x}" cy="{y}" r="12" fill="transparent"/>'
        return f'{whisker}<a href="{escape(point.href)}" aria-label="{escape(point.title)}">{reach}{mark}</a>'
    return whisker + mark


def _plumb(frame: Frame, mark: Mark) -> str:
    x = frame.x(mark.x)
    bob = f"M{x} {frame.foot - 6}l4 6-4 10-4-10z"
    at = "" if mark.value is None else f'<circle class="point marked" cx="{x}" cy="{frame.y(mark.value)}" r="5"/>'
    side = "end-of halo value" if x > (frame.left + frame.right) / 2 else "halo value"
    offset = -8 if "end-of" in side else 8
    words = f'<text class="{side}" x="{x + offset}" y="{TOP - 6}">{escape(mark.name)}</text>'
    return f'<path class="plumb" d="M{x} {TOP - 12}V{frame.foot}"/><path class="bob" d="{bob}"/>{at}{words}'


def _end(frame: Frame, point: Point) -> str:
    # Two lines stand there, which stay clear of the axis and its words.
    x, y = frame.x(point.x) + 12, min(frame.y(point.value), frame.foot - 20)
    interval = ""
    if point.low is not None and point.high is not None:
        interval = f'<text x="{x}" y="{y + 17}">[{_number(point.low, 3)}, {_number(point.high, 3)}]</text>'
    return f'<text class="value" x="{x}" y="{y + 3}">{_number(point.value, 3)}</text>{interval}'


def _number(value: float, places: int) -> str:
    return f"{value:,.{places}f}".replace("-", MINUS)


def _svg(frame: Frame, label: str, parts: Sequence[str]) -> str:
    size = f'width="{frame.width}" height="{frame.height}" viewBox="0 0 {frame.width} {frame.height}"'
    return f'<svg {size} role="group" aria-label="{escape(label)}">{"".join(parts)}</svg>'


def heat_step(share: float) -> int:
    """The heat step, 1 to 5, of an error cell by its share of the row (0 to 1)."""
    return next((step for step, limit in enumerate((0.02, 0.05, 0.10, 0.15), start=1) if share < limit), 5)
