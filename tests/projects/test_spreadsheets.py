"""CSV that a spreadsheet shows and never runs."""

import csv
import io

import pytest

from projects.spreadsheets import guard, to_csv

FORMULAS = ["=1+1", "+1", "-1", "@A1", " =1+1", "\t=1", "\r\n=1", "\u00a0=1", "\u200b=1", "\uff1d1+1", "   @A1"]
PLAIN = ["spam", "", " ", "a=b", "e-mail", "1", "'=1", "(-1)", "\u00e9t\u00e9"]


@pytest.mark.parametrize("cell", FORMULAS)
def test_a_cell_that_would_run_begins_with_an_apostrophe(cell: str) -> None:
    assert guard(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", PLAIN)
def test_a_cell_that_would_not_is_left_as_it_is(cell: str) -> None:
    assert guard(cell) == cell


def test_a_text_is_one_cell_whatever_separates_and_a_number_stays_one() -> None:
    written = to_csv(["name", "value", "none"], [["a;=1+1", -0.5, None], ["=2", 1, ""]])
    assert list(csv.reader(io.StringIO(written), delimiter=";"))[1][0].startswith("a;=1+1")
    assert list(csv.reader(io.StringIO(written))) == [
        ["name", "value", "none"],
        ["a;=1+1", "-0.5", ""],
        ["'=2", "1", ""],
    ]
