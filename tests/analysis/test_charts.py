"""What stands on the axes of charts and over the columns of the confusion matrix."""

from datetime import UTC, datetime
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from analysis import charts
from analysis.views import class_figures, over_time

A_DAY = 86_400.0


@given(st.floats(-2, 2), st.just(0.0) | st.floats(0.001, 2))
def test_a_word_of_the_axis_stands_at_its_value(low: float, span: float) -> None:
    points = [charts.Point(0, low), charts.Point(1, low + span)]
    svg = charts.line(points, label="x", x_axis=charts.XAxis([(0, "a"), (1, "b")]), discs="none")
    words = [node for node in ElementTree.fromstring(svg).iter() if node.get("class") == "end-of" and node.text]
    places = [float(node.attrib["y"]) for node in words]
    steps = [before - after for before, after in pairwise(places)]
    assert len(places) >= 2 and all(step == pytest.approx(steps[0], abs=0.2) for step in steps)


@pytest.mark.parametrize(
    ("titles", "numbered", "wide_only", "whole"),
    [
        (["Yes", "No"], False, False, False),
        (list("0123456789"), False, False, False),
        (["billing", "delivery", "other"], False, False, False),
        ([f"Reason for cancelling {n}" for n in range(5)], True, False, False),
        ([f"Reason for cancelling {n}" for n in range(12)], True, True, False),
        ([f"Card payment {n}" for n in range(30)], True, True, True),
    ],
)
def test_a_matrix_is_headed_by_names_where_a_phone_has_space_for_them(
    titles: list[str], numbered: bool, wide_only: bool, whole: bool
) -> None:
    layout = class_figures.matrix_layout(titles)
    assert layout == {"numbered": numbered, "wide_only": wide_only, "whole": whole}


@pytest.mark.parametrize(
    ("last", "words"),
    [
        (A_DAY * 2, ["22 Nov", "23 Nov", "24 Nov"]),
        (7_200.0, ["00:00", "01:00", "02:00"]),
        (20.0, ["00:00"]),
        (0.0, ["00:00"]),
    ],
)
def test_an_axis_over_hours_says_hours_and_each_word_once(last: float, words: list[str]) -> None:
    first = datetime(2026, 11, 22, tzinfo=UTC).timestamp()
    with timezone.override("UTC"):
        found = over_time.time_ticks(first, first + last)
    assert [word for _, word in found] == words and found[0][0] == first
