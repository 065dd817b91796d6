"""Comparison charts: marks stand where their numbers say, axes end on round ticks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.charts import nice_step
from retraining import comparison_charts
from retraining.comparison_charts import DifferenceRow


def row(value: float, low: float, high: float, *, group: str = "overall", small: bool = False) -> DifferenceRow:
    return DifferenceRow("Accuracy", group, 100, value, low, high, small)


@pytest.mark.parametrize(
    ("low", "high", "tone"),
    [(0.2, 2.0, "better"), (-2.0, -0.2, "worse"), (-1.0, 1.0, "unclear"), (0.0, 2.0, "unclear")],
)
def test_is_clear_only_where_the_interval_leaves_zero(low: float, high: float, tone: str) -> None:
    assert row(0.5, low, high).tone == tone


def test_puts_zero_in_the_middle_under_the_plumb_line() -> None:
    forest = comparison_charts.forest_plot([row(0.0, -1.0, 1.0)])
    assert forest.marks[0].x == forest.zero == (forest.ticks[0].x + forest.ticks[-1].x) / 2


def test_better_stands_to_the_right() -> None:
    better, worse = comparison_charts.forest_plot([row(1.4, 0.8, 2.0), row(-1.3, -2.9, 0.2)]).marks
    assert better.left < better.x < better.right and worse.x < better.x


def test_sets_groups_apart() -> None:
    forest = comparison_charts.forest_plot([row(1, 0, 2), row(1, 0, 2), row(1, 0, 2, group="label")])
    gaps = [after.y - before.y for before, after in zip(forest.marks, forest.marks[1:], strict=False)]
    assert gaps == [comparison_charts.ROW, comparison_charts.ROW + comparison_charts.GAP]


def test_on_a_phone_the_words_of_a_row_stand_above_its_whisker() -> None:
    width = 302
    forest = comparison_charts.forest_plot([row(1, 0, 2), row(-1, -2, 0)], width=width, stacked=True)
    first, second = forest.marks
    assert first.base < first.y < second.base < second.y < forest.foot
    assert 0 <= forest.ticks[0].x < forest.zero < forest.ticks[-1].x <= width
    assert forest.zero == width / 2


def test_too_few_items_do_not_stretch_the_axis() -> None:
    forest = comparison_charts.forest_plot([row(1, 0, 2), row(40, -60, 90, small=True)])
    assert forest.ticks[-1].value == 2


def test_draws_an_empty_axis_without_rows() -> None:
    forest = comparison_charts.forest_plot([])
    assert forest.marks == () and len(forest.ticks) == comparison_charts.TICKS


@given(st.floats(min_value=0.01, max_value=200))
def test_ticks_are_round_and_reach_far_enough_but_not_too_far(reach: float) -> None:
    step = nice_step(reach / 2, comparison_charts.ROUND)
    assert 2 * step >= reach - 1e-6 and 2 * step <= reach * 1.5 + 1e-6
    assert f"{step:.3g}" == f"{step:.6g}"


@given(st.lists(st.tuples(*[st.floats(-100, 100)] * 3), min_size=1, max_size=12))
def test_every_mark_stays_inside_the_plot(values: list[tuple[float, float, float]]) -> None:
    forest = comparison_charts.forest_plot([row(*sorted(three)[1:2], *sorted(three)[::2]) for three in values])
    for mark in forest.marks:
        assert forest.ticks[0].x <= mark.left <= mark.x <= mark.right <= forest.ticks[-1].x
        assert 0 < mark.y < forest.height
