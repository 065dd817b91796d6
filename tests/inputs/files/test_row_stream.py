"""CSV row by row: the same cells as the whole file gives, and one clear line for what cannot be read."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inputs.files import row_stream
from inputs.files.delimited import Dialect, read_delimited
from inputs.files.row_stream import stream_rows
from inputs.files.table import BadFile

CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\ufeff", exclude_categories=["Cs"]), max_size=6)


def rows_of(data: bytes, dialect: Dialect | None = None) -> list[list[str]]:
    return list(stream_rows(io.BytesIO(data), "rows.csv", dialect or Dialect()).rows)


@settings(max_examples=60)
@given(
    rows=st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8),
    separator=st.sampled_from(",;\t"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_the_rows_are_those_of_the_whole_file(rows: list[tuple[str, str]], separator: str, encoding: str) -> None:
    text = io.StringIO()
    csv.writer(text, delimiter=separator, quoting=csv.QUOTE_ALL).writerows([("one", "two"), *rows])
    data = text.getvalue().encode(encoding)
    frame, decimal = read_delimited(data, "rows.csv", Dialect(separator))
    found = stream_rows(io.BytesIO(data), "rows.csv", Dialect(separator))
    assert found.names == ["one", "two"] and found.decimal == decimal
    assert list(found.rows) == frame.values.tolist() == [list(row) for row in rows]


def test_separator_decimal_mark_and_the_hint_of_a_spreadsheet_are_recognised() -> None:
    found = stream_rows(io.BytesIO(b"sep=;\nname;amount\n\na;1,5\nb;2,25\n"), "rows.csv", Dialect())
    assert (found.names, found.decimal, list(found.rows)) == (["name", "amount"], ",", [["a", "1,5"], ["b", "2,25"]])


def test_a_byte_that_does_not_fit_is_named_by_its_line_also_far_behind_the_sample(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = b"text\n" + b"plain\n" * 20_000 + "größe\n".encode("latin-1") + b"plain\n" * 5
    monkeypatch.setattr(row_stream, "SAMPLE", 1000)
    with pytest.raises(BadFile, match="is not UTF-8: a byte in line 20002 does not fit; if it is Latin-1"):
        rows_of(data)
    assert rows_of(data, Dialect(encoding="latin-1"))[20_000] == ["größe"]
    for name in ("klingon", "hex", "rot13", "a\0b"):
        with pytest.raises(BadFile, match="is no encoding that is known"):
            rows_of(data, Dialect(encoding=name))


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"", "is empty"), (b"a,a\n1,2\n", "names the column 'a' twice"), (b"a\n" + b"x" * 5000, "a line of more than")],
)
def test_a_file_that_cannot_be_read_says_why(data: bytes, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_stream, "LONGEST_LINE", 4096)
    with pytest.raises(BadFile, match=words):
        rows_of(data)


def test_the_callers_stream_stays_open() -> None:
    stream = io.BytesIO(b"a\n1\n")
    assert list(stream_rows(stream, "rows.csv", Dialect()).rows) == [["1"]]
    assert not stream.closed
