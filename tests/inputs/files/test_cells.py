"""Cells of text as numbers and times."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inputs.files.cells import parse_compact_dates, parse_numbers, parse_times

DAYS = pd.date_range("2026-01-05", periods=40, freq="36h")
FORMATS = [
    "%Y-%m-%d",
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%d %H:%M:%S",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%d.%m.%Y",
    "%d.%m.%Y %H:%M",
    "%Y/%m/%d",
    "%m/%d/%y",
    "%d-%m-%Y",
    "%b %d, %Y",
    "%d %B %Y",
    "%d-%b-%Y",
    "%m/%d/%Y %I:%M %p",
    "%d.%m.%y",
    "%Y.%m.%d",
    "%Y年%m月%d日",
    "%b %d %Y",
    "%a, %d %b %Y",
    "%a, %d %b %Y %H:%M:%S",
    "%d-%b-%y",
]


@pytest.mark.parametrize(
    ("cell", "decimal", "value"),
    [
        ("12", ".", 12),
        (" -1.5 ", ".", -1.5),
        ("1e3", ".", 1000),
        ("$50", ".", 50),
        ("-$1,234.50", ".", -1234.5),
        ("€ 1.234,50", ",", 1234.5),
        ("1 234,5", ",", 1234.5),
        ("1\u202f234,5", ",", 1234.5),
        ("CHF 12", ".", 12),
        ("US$12", ".", 12),
        ("R$ 1.234,50", ",", 1234.5),
        ("- $5", ".", -5),
        ("($1,234.50)", ".", -1234.5),
        ("(12 %)", ".", -0.12),
        ("12 kr", ".", 12),
        ("99,90 zł", ",", 99.9),
        ("\u20a9500", ".", 500),
        ("12.50 CAD", ".", 12.5),
        ("12 %", ".", 0.12),
        (",5", ",", 0.5),
        ("\u22125", ".", -5),
        ("1.234", ",", 1234),
    ],
)
def test_numbers_are_read_as_people_write_them(cell: str, decimal: str, value: float) -> None:
    found, bad = parse_numbers(pd.Series([cell, ""]), decimal)
    assert found[0] == pytest.approx(value) and np.isnan(found[1]) and not bad.any()


@pytest.mark.parametrize(
    ("cell", "decimal"),
    [("1,23", "."), ("0.5", ","), ("a1", "."), ("$", "."), ("1-2", "."), ("(a)", "."), ("(-5)", ".")],
)
def test_anything_else_is_no_number(cell: str, decimal: str) -> None:
    found, bad = parse_numbers(pd.Series([cell, "NA"]), decimal)
    assert bad.tolist() == [True, False] and np.isnan(found).all()


@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)), min_size=1))
def test_what_python_writes_is_read_back(values: list[float | None]) -> None:
    found, bad = parse_numbers(pd.Series([None if value is None else repr(value) for value in values], dtype=object))
    assert not bad.any()
    assert [None if np.isnan(value) else value for value in found.tolist()] == values


@pytest.mark.parametrize("form", FORMATS)
def test_dates_are_read_in_every_usual_format(form: str) -> None:
    written = pd.Series([moment.strftime(form) for moment in DAYS] + [None, "NA"])
    found = parse_times([written])[0]
    expected = pd.to_datetime(written[:-2], format=form, utc=True).dt.tz_localize(None).to_numpy(dtype="datetime64[ms]")
    assert (found[:-2] == expected).all() and np.isnat(found[-2:]).all()


def test_a_day_above_twelve_anywhere_says_which_is_the_month() -> None:
    parts = [pd.Series(["03/04/2026"]), pd.Series(["25/12/2026"])]
    assert [str(part[0])[:10] for part in parse_times(parts)] == ["2026-04-03", "2026-12-25"]
    assert str(parse_times(parts[:1])[0][0])[:10] == "2026-03-04"


@pytest.mark.parametrize("cells", [["a"], ["2026-01-01", "soon"], ["2026-13-45"], ["12/25/2026", "25/12/2026"], [None]])
def test_what_is_no_date_throughout_is_none(cells: list[str | None]) -> None:
    assert parse_times([pd.Series(cells, dtype=object)]) is None


def test_months_and_days_without_a_zero_are_dates() -> None:
    for cells, day in ((["2026-11", "2026-03"], "2026-11-01"), (["2026-3-1", "2026-12-24"], "2026-03-01")):
        assert str(parse_times([pd.Series(cells)])[0][0])[:10] == day


@pytest.mark.parametrize("values", [["20260301", None, "20261224"], [20260301.0, np.nan, 20261224.0]])
def test_eight_digits_that_all_are_dates_are_dates(values: list[object]) -> None:
    first, second = parse_compact_dates([pd.Series(values), pd.Series([20260101, 20260102])])
    assert [str(day)[:10] for day in first] == ["2026-03-01", "NaT", "2026-12-24"]
    assert str(second[0])[:10] == "2026-01-01"


@pytest.mark.parametrize("cells", [["20261301"], ["20260301", "12345678"], ["20260230"], [None, ""], ["2026"], [1.5]])
def test_eight_digits_that_are_not_all_dates_are_numbers(cells: list[object]) -> None:
    assert parse_compact_dates([pd.Series(cells, dtype=object)]) is None
