"""CSV as people have it: any separator, decimal mark and encoding, blank headers, hints that Excel leaves."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inputs.files import columns, delimited
from inputs.files.delimited import Dialect, read_delimited, recognise_separator
from inputs.files.readers import read_table
from inputs.files.table import BadFile, Table


def read(folder: Path, content: str | bytes, **dialect: str) -> Table:
    data = content.encode() if isinstance(content, str) else content
    (folder / "rows.csv").write_bytes(data)
    return read_table(str(folder / "rows.csv"), Dialect(**dialect))


def numbers(table: Table, column: str = "x") -> list[float]:
    return columns.numbers(table, column).tolist()


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_recognised(tmp_path: Path, separator: str) -> None:
    lines = [["name", "x", "y"], ["a", "1", "2"], ['"b,;|\t c"', "3", "4"]]
    table = read(tmp_path, "\n".join(separator.join(line) for line in lines))
    assert table.columns == ["name", "x", "y"] and numbers(table) == [1, 3]


@pytest.mark.parametrize(
    ("content", "separator"),
    [
        ("a,b\n1;2,3;4\n", ","),
        ("text\nhello; world\nmore\n", ","),
        ("a;b\n1,5;2,5\n", ";"),
        ("a;b\n1;2\n3\n" + "1;2\n" * 20, ";"),
        ("a,b;c\n1,2;3\n", ","),
        ("", ","),
    ],
)
def test_what_parts_the_header_and_every_row_alike_is_the_separator(content: str, separator: str) -> None:
    assert recognise_separator(content) == separator


def test_decimal_commas_are_recognised(tmp_path: Path) -> None:
    table = read(tmp_path, "err;x;z\n0;1,5;1.234,5\n1;2,25;7\n")
    assert numbers(table) == [1.5, 2.25]
    assert numbers(table, "z") == [1234.5, 7]


@pytest.mark.parametrize(
    "content",
    ['x,y\n"1,234",0.5\n"12,345",1.5\n', 'x,y\n"$1,234",a\n"12,345",b\n', "x;y\n1,234;0.5\n12,345;0.25\n"],
)
def test_marks_of_thousands_are_no_decimal_commas(tmp_path: Path, content: str) -> None:
    assert numbers(read(tmp_path, content)) == [1234, 12345]


def test_separator_decimal_and_encoding_may_be_given(tmp_path: Path) -> None:
    content = "x;y\n1,234;ä\n".encode("latin-1")
    table = read(tmp_path, content, separator=";", decimal=",", encoding="latin-1")
    assert numbers(table) == [1.234] and columns.texts(table, "y") == ["ä"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_the_encoding_is_recognised(tmp_path: Path, encoding: str) -> None:
    table = read(tmp_path, "naïve,x\ncafé ☕,1\n".encode(encoding))
    assert table.columns == ["naïve", "x"] and columns.texts(table, "naïve") == ["café ☕"]


def test_another_encoding_is_refused_with_its_line_and_a_hint(tmp_path: Path) -> None:
    content = "name,x\na,1\ncafé,2\n".encode("latin-1")
    with pytest.raises(BadFile, match="not UTF-8: a byte in line 3 does not fit; .* --encoding latin-1"):
        read(tmp_path, content)
    with pytest.raises(BadFile, match="'klingon' is no encoding that is known"):
        read(tmp_path, content, encoding="klingon")
    with pytest.raises(BadFile, match="is not ASCII: a byte in line 3 does not fit.$"):
        read(tmp_path, content, encoding="ascii")


def test_a_blank_header_has_its_number(tmp_path: Path) -> None:
    assert read(tmp_path, "err,,\n0,1,x1\n1,2,x2\n").columns == ["err", "column 2", "column 3"]
    with pytest.raises(BadFile, match="names the column 'column 2' twice"):
        read(tmp_path, "column 2,\n0,1\n")


def test_the_hint_of_excel_is_no_row(tmp_path: Path) -> None:
    table = read(tmp_path, "sep=;\r\na;x\r\n1,5;2\r\n")
    assert table.columns == ["a", "x"] and numbers(table, "a") == [1.5]


def test_a_header_may_hold_a_line_break(tmp_path: Path) -> None:
    assert read(tmp_path, '"a\nb",x\n1,2\n').columns == ["a\nb", "x"]


def test_a_text_longer_than_csvs_limit_is_read(tmp_path: Path) -> None:
    assert len(columns.texts(read(tmp_path, "t;x\n" + "a" * 200_000 + ";1\n"), "t")[0]) == 200_000


@given(st.binary(max_size=60))
def test_whatever_the_bytes_are_there_is_a_table_or_a_sentence(data: bytes) -> None:
    try:
        frame, decimal = read_delimited(data, "rows.csv", Dialect())
    except BadFile as why:
        said = str(why)
    else:
        said = f"{frame.shape} {decimal}"
    assert said and "\n" not in said


@pytest.mark.parametrize(
    "content", ["a,b\n", "a,b\n1,2\n", 'a,b\n"x\ny",é\n007,\n,NA\n1,2\n1,2', "a,b\r\n1,2\r\n3,4\r\n5,6\r\n"]
)
def test_a_file_parsed_in_parts_is_the_file_parsed_at_once(monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    whole, _ = read_delimited(content.encode(), "file", Dialect())
    monkeypatch.setattr(delimited, "ROWS_AT_ONCE", 2)
    parts, _ = read_delimited(content.encode(), "file", Dialect())
    assert parts.equals(whole) and list(parts.columns) == list(whole.columns)


def test_a_row_that_is_too_long_is_refused_in_any_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "ROWS_AT_ONCE", 2)
    with pytest.raises(BadFile, match="more cells than the header has names in row 4"):
        read_delimited(b"a,b\n" + b"1,2\n" * 4 + b"1,2,3\n1,2\n", "file", Dialect())
