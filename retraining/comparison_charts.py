"""Layout of comparison charts. Pure: numbers in, coordinates out; the template draws them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from analysis.charts import nice_step

Tone = Literal["better", "worse", "unclear"]
ROW, TOP, GAP = 30, 28, 12
STACKED_ROW, STACKED_BASE, STACKED_MARK, STACKED_INSET = 44, 16, 30, 16  # on a phone the words stand above the whisker
NAME_END, N_END, PLOT_START, VALUE_END = 176, 200, 236, 96  # the last is measured from the right
TICKS = 5
ROUND = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)


@dataclass(frozen=True)
class DifferenceRow:
    """One difference with its interval, in points; above 0 the candidate is better.

    `group` sets rows apart; `query` selects the items behind the row.
    """

    name: str
    group: str
    n: int
    value: float
    low: float
    high: float
    small: bool
    query: str = ""

    @property
    def tone(self) -> Tone:
        if self.low > 0:
            return "better"
        return "worse" if self.high < 0 else "unclear"


@dataclass(frozen=True)
class ForestRow:
    """One row of the forest: its data and where it stands; whiskers are cut at the edge of the plot.

    y: the middle of the whisker; base: the line on which the row's words stand.
    """

    row: DifferenceRow
    y: float
    base: float
    x: float
    left: float
    right: float

    @property
    def clear(self) -> bool:
        return self.row.tone != "unclear"

    @property
    def box(self) -> tuple[float, float]:
        """The upper left corner of a square of 10."""
        return round(self.x - 5, 1), self.y - 5


@dataclass(frozen=True)
class ForestTick:
    x: float
    value: float

    @property
    def places(self) -> int:
        return 0 if float(self.value).is_integer() else 1


@dataclass(frozen=True)
class ForestPlot:
    """A table of intervals around zero; `zero` is where the plumb line hangs, `foot` where its bob does.

    stacked: the words of a row stand above its whisker, as on a phone, and not beside it.
    """

    width: int
    height: int
    name_end: int
    n_end: int
    value_end: int
    zero: float
    foot: float
    ticks: tuple[ForestTick, ...]
    marks: tuple[ForestRow, ...]
    stacked: bool = False

    @property
    def beside(self) -> float:
        """Where words stand that the plumb line must not cross."""
        return self.zero + 8


def forest_plot(rows: Sequence[DifferenceRow], *, width: int = 560, stacked: bool = False) -> ForestPlot:
    """Lay the rows out at the width they are drawn at, so that 11 px stays 11 px."""
    left, right = PLOT_START, width - VALUE_END - 64  # a whisker at the edge keeps clear of the widest value
    row_height, base, mark = ROW, ROW / 2 + 4, ROW / 2
    if stacked:
        left, right = STACKED_INSET, width - STACKED_INSET
        row_height, base, mark = STACKED_ROW, STACKED_BASE, STACKED_MARK
    widest = max([1.0, *(max(abs(row.low), abs(row.high)) for row in rows if not row.small)])
    step = nice_step(widest / (TICKS // 2), ROUND)  # so that the axis ends on a tick
    reach = step * (TICKS // 2)

    def x(value: float) -> float:
        share = (min(max(value, -reach), reach) + reach) / (2 * reach)
        return round(left + share * (right - left), 1)

    marks, y, group = [], float(TOP), rows[0].group if rows else ""
    for row in rows:
        y += GAP if row.group != group else 0
        group = row.group
        marks.append(ForestRow(row, y + mark, y + base, x(row.value), x(row.low), x(row.high)))
        y += row_height
    ticks = tuple(ForestTick(x(step * i), step * i) for i in range(-(TICKS // 2), TICKS // 2 + 1))
    return ForestPlot(width, int(y) + 28, NAME_END, N_END, width - VALUE_END, x(0.0), y, ticks, tuple(marks), stacked)
