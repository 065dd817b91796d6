"""A file is read with its labels as they are spelt, whatever its format; any other is refused in words."""

import gzip
import json
from datetime import date, time
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from inputs.files import columns
from inputs.files.readers import read_table
from inputs.files.table import BadFile, Table

FRAME = pd.DataFrame({"name": ["a", "b", "a"], "label": ["1", "2", "1"], "x": [0.5, 1.5, 2.5]})


def written(folder: Path, suffix: str) -> Path:
    path = folder / f"rows{suffix.removesuffix('.gz')}"
    if ".csv" in suffix or ".tsv" in suffix:
        FRAME.to_csv(path, index=False, sep="\t" if ".tsv" in suffix else ",")
    elif suffix == ".json":
        FRAME.to_json(path, orient="records")
    elif ".jsonl" in suffix:
        path.write_text("".join(json.dumps(row) + "\n" for row in FRAME.to_dict("records")))
    else:
        FRAME.to_parquet(path)
    if suffix.endswith(".gz"):
        packed = path.with_name(path.name + ".gz")
        packed.write_bytes(gzip.compress(path.read_bytes()))
        return packed
    return path


@pytest.mark.parametrize(
    "suffix", [".csv", ".csv.gz", ".tsv", ".json", ".jsonl", ".jsonl.gz", ".parquet", ".parquet.gz"]
)
def test_each_format_gives_the_same_columns(tmp_path: Path, suffix: str) -> None:
    table = read_table(str(written(tmp_path, suffix)))
    assert table.columns == ["name", "label", "x"] and len(table) == 3
    assert columns.words(table, "label").names == ("1", "2")
    assert columns.numbers(table, "x").tolist() == [0.5, 1.5, 2.5]


def refused(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(BadFile) as why:
        read_table(str(path))
    assert "\n" not in str(why.value)
    return str(why.value)


def test_what_is_no_table_is_refused_in_one_line(tmp_path: Path) -> None:
    for name, content, message in (
        ("rows.xlsx", b"x", "rows.xlsx is not CSV, TSV, JSON, JSON lines or Parquet"),
        ("rows", b"x", "is not CSV"),
        ("rows.csv", b"", "rows.csv is empty"),
        ("rows.csv", b" \n\n", "rows.csv is empty"),
        ("rows.csv", b"a,b\n", "rows.csv has no rows"),
        ("rows.csv", b"a,b\n1,2,3\n", "more cells than the header"),
        ("rows.csv", b"a,b\n1,2\n\n1,2,3\n", "more cells than the header has names in row 1: 3, not 2"),
        ("rows.csv", b"a,b\n1,2\na,b\n3,4\n", "repeats its header in row 1"),
        ("rows.csv", b"PAR1\x15\0", "rows.csv is Parquet: name it .parquet"),
        ("rows.jsonl", b"PK\x03\x04\x14\0", "a ZIP archive or a workbook: save its table as CSV"),
        ("rows.json", b'[["a", "b"], [1, 2]]', "not an array of JSON objects"),
        ("rows.jsonl", b'{"a.b": 1, "a": {"b": 2}}', "'a.b' twice"),
        ("rows.csv", b'a,b\n"1,2\n', "not whole CSV"),
        ("rows.csv", b"a,a\n1,2\n", "names the column 'a' twice"),
        ("rows.csv", b"a\n\xff\xfe\n", "not UTF-8: a byte in line 2 does not fit; if it is Latin-1"),
        ("rows.json", b'{"a": [1, 2', "Line 1 of rows.json is not JSON"),
        ("rows.json", b"3", "not an array of JSON objects"),
        ("rows.json", b"[1, {}]", "not an array of JSON objects"),
        ("rows.jsonl", b"", "is empty"),
        ("rows.jsonl", b'{"a": 1}\n{"a": \n', "Line 2 of rows.jsonl is not JSON"),
        ("rows.jsonl", b'{"a": 1}\n{"a": "\\ud800 b"}\n', "Line 2 of rows.jsonl holds half a surrogate pair"),
        ("rows.json", b'[{"a": "\\uDC00"}]', "Line 1 of rows.json holds half a surrogate pair"),
        ("rows.jsonl", b"[1, 2]\n", "Line 1 of rows.jsonl is not a JSON object"),
        ("rows.parquet", b"PAR1 and no more", "not whole Parquet"),
        ("rows.csv.gz", b"a,b\n1,2\n", "not whole gzip"),
        ("rows.csv.gz", gzip.compress(b"a,b\n1,2\n")[:-6], "not whole gzip"),
        ("rows.csv.gz", gzip.compress(b""), "is empty"),
    ):
        assert message in refused(tmp_path / name, content)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(BadFile):
            read_table(str(path))


def test_a_missing_column_is_answered_with_those_that_exist() -> None:
    table = Table("rows.csv", pd.DataFrame({"a": [1], "b": [2]}))
    with pytest.raises(BadFile, match=r"rows\.csv has no column 'c'; it has a, b\."):
        columns.words(table, "c")


def test_a_label_is_one_label_however_it_is_written() -> None:
    assert columns.word("cafe\u0301") == columns.word("caf\u00e9")
    cells = [1, 1.0, "1", " 1 ", "1.0", None, float("nan"), "", "NaN", "01", "1.5", True]
    assert [columns.word(cell) for cell in cells] == ["1"] * 5 + [None] * 4 + ["01", "1.5", "True"]


def test_labels_are_handed_back_as_the_file_writes_them() -> None:
    text = columns.words(Table("t", pd.DataFrame({"x": ["10", "2", "007"]})), "x")
    whole = columns.words(Table("t", pd.DataFrame({"x": [10.0, 2.0, np.nan]})), "x")
    assert text.as_written == ("2", "007", "10")
    assert whole.as_written == (2, 10) and whole.codes.tolist() == [1, 0, -1]


def test_a_gap_in_parquet_leaves_large_whole_numbers_whole(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pd.DataFrame({"item": pd.array([2**53 + 1, None], dtype="Int64")}).to_parquet(path)
    assert columns.words(read_table(str(path)), "item").names == (str(2**53 + 1),)


def test_what_looks_like_a_code_is_no_number() -> None:
    frame = pd.DataFrame(
        {"zip": ["02139", "10001"], "x": ["1", ""], "na": ["NA", "3.5"], "day": ["2026-01-01", "2026-01-02"]}
    )
    (found,), kinds = columns.typed_columns([Table("t", frame)], list(frame))
    assert kinds == {"zip": "category", "x": "number", "na": "number", "day": "time"}
    assert np.isnan(found["x"][1]) and np.isnan(found["na"][0])
    assert found["day"][1] - found["day"][0] == np.timedelta64(1, "D")


def test_a_typed_format_is_believed(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"code": "1", "n": 1, "in": {"x": 2}}\n{"code": "2", "n": null, "in": {"x": 2.5}}\n')
    table = read_table(str(path))
    (_,), kinds = columns.typed_columns([table], table.columns)
    assert kinds == {"code": "category", "n": "number", "in.x": "number"}


def test_a_cell_that_is_no_number_is_named() -> None:
    with pytest.raises(BadFile, match="'many' in column 'x', row 1"):
        columns.numbers(Table("t", pd.DataFrame({"x": ["1", "many"]})), "x")


def test_a_column_that_is_empty_on_one_side_has_the_kind_of_the_other(tmp_path: Path) -> None:
    for name, cell in (("before.jsonl", "1.5"), ("now.jsonl", "null")):
        (tmp_path / name).write_text(f'{{"x": {cell}, "y": null}}\n')
    tables = [read_table(str(tmp_path / name)) for name in ("before.jsonl", "now.jsonl")]
    (before, now), kinds = columns.typed_columns(tables, ["x", "y"])
    assert kinds == {"x": "number", "y": "category"}
    assert before["x"][0] == 1.5 and np.isnan(now["x"][0]) and now["y"][0] is None


@pytest.mark.parametrize(
    "content",
    [
        '[{"a": {"b": 1}, "c": "x"}, {"a": {"b": null}}]',
        '{"rows": [{"a": {"b": 1}, "c": "x"}, {"a": {"b": null}}], "version": 3, "none": []}',
        '{"a": {"b": 1}, "c": "x"}\n{"a": {"b": null}}\n',
    ],
    ids=["array", "array in an object", "lines"],
)
def test_json_is_an_array_of_objects_or_lines_of_them(tmp_path: Path, content: str) -> None:
    (tmp_path / "rows.json").write_text(content)
    table = read_table(str(tmp_path / "rows.json"))
    assert table.columns == ["a.b", "c"] and len(table) == 2
    assert columns.words(table, "c").codes.tolist() == [0, -1]


@pytest.mark.parametrize(
    "content",
    [
        '{"columns": ["label", "x"], "index": [0, 1], "data": [["yes", 1], ["no", 2]]}',  # orient split
        '{"label": {"0": "yes", "1": "no"}, "x": {"0": 1, "1": 2}}',  # orient columns, the default of pandas
        '{"0": {"label": "yes", "x": 1}, "1": {"label": "no", "x": 2}}',  # orient index
        '{"label": ["yes", "no"], "x": [1, 2]}',  # to_dict("list")
        '{"schema": {"fields": []}, "data": [{"label": "yes", "x": 1}, {"label": "no", "x": 2}]}',  # orient table
    ],
)
def test_json_as_pandas_writes_it_is_a_table(tmp_path: Path, content: str) -> None:
    path = tmp_path / "rows.json"
    path.write_text(content)
    table = read_table(str(path))
    assert table.columns == ["label", "x"]
    assert table["label"].tolist() == ["yes", "no"] and columns.numbers(table, "x").tolist() == [1, 2]


def test_an_object_that_is_null_in_some_rows_is_its_columns_only(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"x": 1, "meta": null}\n{"x": 2, "meta": {"a": {"b": "é"}, "tags": ["ü"]}}\n')
    table = read_table(str(path))
    assert table.columns == ["x", "meta.a.b", "meta.tags"] and table["meta.tags"][1] == '["ü"]'


def test_gzip_is_recognised_whatever_the_name_says(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(gzip.compress(b"a,b\n1,2\n"))
    assert read_table(str(path)).columns == ["a", "b"]


@pytest.mark.parametrize("head", ["", "Unnamed: 0"])
@pytest.mark.parametrize(("numbers", "kept"), [((0, 1, 2), False), ((1, 2, 3), False), ((4, 5, 6), True)])
def test_row_numbers_without_a_name_are_no_column(
    tmp_path: Path, head: str, numbers: tuple[int, int, int], kept: bool
) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(f"{head},a\n" + "".join(f"{number},x\n" for number in numbers))
    assert read_table(str(path)).columns == [*([head or "column 1"] if kept else []), "a"]


def test_a_line_separator_inside_a_text_ends_no_row(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"t": "a\u2028b\x85c"}\n{"t": "d"}\n', encoding="utf-8")
    assert columns.texts(read_table(str(tmp_path / "rows.jsonl")), "t") == ["a\u2028b\x85c", "d"]


class TestParquet:
    def test_with_an_index_that_is_named_as_a_column_has_the_column(self, tmp_path: Path) -> None:
        frame = pd.DataFrame({"y": [5, 6], "x": [0.5, 1.5]}, index=pd.RangeIndex(2, name="y"))
        frame.to_parquet(tmp_path / "rows.parquet")
        table = read_table(str(tmp_path / "rows.parquet"))
        assert table.columns == ["y", "x"] and columns.numbers(table, "y").tolist() == [5, 6]

    def test_keeps_a_named_index_and_drops_one_without_a_name(self, tmp_path: Path) -> None:
        named = pd.DataFrame({"x": [1, 2]}, index=pd.Index(["a", "b"], name="key"))
        for name, frame in (("named", named), ("nameless", named.rename_axis(None))):
            frame.to_parquet(tmp_path / f"{name}.parquet")
        assert set(read_table(str(tmp_path / "named.parquet")).columns) == {"key", "x"}
        assert read_table(str(tmp_path / "nameless.parquet")).columns == ["x"]

    def test_names_the_parts_of_structs_with_a_dot_and_decodes_bytes(self, tmp_path: Path) -> None:
        path = tmp_path / "rows.parquet"
        parts = {"scores": [{"spam": 0.9, "of": {"model": "m"}}] * 2, "text": [b"caf\xc3\xa9"] * 2}
        pd.DataFrame(parts).to_parquet(path)
        table = read_table(str(path))
        assert table.columns == ["scores.spam", "scores.of.model", "text"] and table["text"][0] == "café"

    def test_that_names_a_column_twice_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "rows.parquet"
        pq.write_table(pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]), path)
        with pytest.raises(BadFile, match="names the column 'a' twice"):
            read_table(str(path))

    def test_has_lengths_of_time_in_hours(self, tmp_path: Path) -> None:
        path = tmp_path / "rows.parquet"
        pd.DataFrame({"took": pd.to_timedelta([30, None, 90], unit="min")}).to_parquet(path)
        (found,), kinds = columns.typed_columns([read_table(str(path))], ["took"])
        assert kinds == {"took": "number"}
        assert found["took"][[0, 2]].tolist() == [0.5, 1.5] and np.isnan(found["took"][1])

    def test_has_its_types(self, tmp_path: Path) -> None:
        frame = pd.DataFrame(
            {
                "level": pd.Categorical(["a", "b", None]),
                "flag": pd.Categorical([True, False, None]),
                "paid": [True, None, False],
                "price": [Decimal("0.56"), Decimal("1.30"), None],
                "at": pd.to_datetime(["2026-01-01 01:00", None, "2026-01-02 00:00"]).tz_localize("Europe/Paris"),
                "day": [date(2026, 1, 1), date(2026, 1, 2), None],
                "clock": [time(1, 30), None, time(2)],
                "list": [["a"], [], None],
            }
        )
        frame.to_parquet(tmp_path / "rows.parquet")
        (found,), kinds = columns.typed_columns([read_table(str(tmp_path / "rows.parquet"))], list(frame))
        assert kinds == {
            **{"level": "category", "flag": "boolean", "paid": "boolean", "price": "number", "at": "time"},
            **{"day": "time", "clock": "number", "list": "category"},
        }
        assert found["flag"].tolist() == ["True", "False", None]
        assert found["price"].tolist()[:2] == [0.56, 1.3] and found["clock"].tolist()[::2] == [1.5, 2.0]
        assert found["at"].astype(str).tolist() == ["2026-01-01T00:00:00.000", "NaT", "2026-01-01T23:00:00.000"]
        assert found["day"][1] - found["day"][0] == np.timedelta64(1, "D")


def test_a_list_of_names_may_name_a_column_with_a_comma() -> None:
    table = Table("t", pd.DataFrame({"size, cm": [1], "b": [2], "size": [3]}))
    assert table.named("size, cm,b") == ["size, cm", "b"]
    assert table.named("b, size ,") == ["b", "size"]
    with pytest.raises(BadFile, match="no column 'cm'"):
        table.named("b,cm")


def test_every_spelling_of_a_truth_value_is_known() -> None:
    spelt = ["1", "True", "YES", "y", " t ", "0", "false", "No", "n", "F", None]
    values, known = columns.truths(Table("t", pd.DataFrame({"x": spelt})), "x")
    assert values[known].tolist() == [True] * 5 + [False] * 5 and known.tolist() == [True] * 10 + [False]
