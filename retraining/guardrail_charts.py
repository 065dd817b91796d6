"""The chart of one guardrail: the difference with its limits over time, no difference, and what is allowed. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from analysis.charts import MINUS, Frame

WIDTH, HEIGHT, LEFT, RIGHT = 300, 150, 40, 84  # the last is measured from the right
APART = 12  # px between two numbers at the axis
LEAST_SPAN = 3.0  # of limits: how much of the axis is shown at least


@dataclass(frozen=True)
class DifferencePoint:
    """A difference in points at one time, with its limits."""

    at: float
    value: float
    low: float
    high: float


def guardrail_chart(points: Sequence[DifferencePoint], *, limit: float, label: str) -> str:
    """An SVG; "" for fewer than two points. What lies beyond three limits, or the line, is cut."""
    if len(points) < 2:
        return ""
    reach = LEAST_SPAN * limit
    low = min(-reach, *(one.value - limit for one in points))
    high = max(reach, *(one.value + limit for one in points))
    frame = Frame(WIDTH, HEIGHT, LEFT, WIDTH - RIGHT, points[0].at, points[-1].at, low, high, ())
    above = " ".join(f"{frame.x(one.at)},{frame.y(one.high)}" for one in points)
    below = " ".join(f"{frame.x(one.at)},{frame.y(one.low)}" for one in reversed(points))
    line = " ".join(f"{frame.x(one.at)},{frame.y(one.value)}" for one in points)
    last = points[-1]
    x, y = frame.x(last.at), frame.y(last.value)
    parts = [
        f'<polygon class="band" points="{above} {below}"/>',
        f'<path class="axis" d="M{LEFT} {frame.y(limit)}H{frame.right}"/>',
        f'<text class="end-of" x="{LEFT - 6}" y="{frame.y(limit) + 4}">{_signed(limit)}</text>',
        f'<text class="halo" x="{frame.right + 12}" y="{min(frame.y(limit), y - 16) + 4}">limit</text>',
        f'<path class="plumb" d="M{LEFT} {frame.y(0)}H{frame.right}"/>',
        f'<text class="end-of" x="{LEFT - 6}" y="{max(frame.y(0), frame.y(limit) + APART) + 4}">0</text>',
        f'<polyline class="series" points="{line}"/>',
        f'<circle class="point" cx="{x}" cy="{y}" r="5"/>',
        f'<text class="value" x="{x + 12}" y="{y + 4}">{_signed(last.value)}</text>',
        f'<text x="{x + 12}" y="{y + 20}">[{_number(last.low)}, {_number(last.high)}]</text>',
    ]
    size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
    return f'<svg {size} role="img" aria-label="{escape(label)}">{"".join(parts)}</svg>'


def _number(value: float) -> str:
    return f"{value:.1f}".replace("-", MINUS)


def _signed(value: float) -> str:
    return f"{value:+.1f}".replace("-", MINUS)
