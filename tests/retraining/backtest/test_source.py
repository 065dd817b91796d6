"""A labelled file: what becomes of its columns and rows, and what is refused in one line."""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from retraining.backtest.options import BadBacktest, parse_options
from retraining.backtest.source import LabelledFile, read_file, split_rows
from tests.pictures import grey
from validation import InvalidInput

ROWS = 60


def frame(**columns: Any) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    x = rng.normal(size=ROWS).round(3)
    return pd.DataFrame(
        {"id": [f"k{n:03}" for n in range(ROWS)], "x": x, "label": np.where(x > 0, "yes", "no")} | columns
    )


def read(tmp_path: Path, table: pd.DataFrame, **options: Any) -> LabelledFile:
    path = tmp_path / "rows.csv"
    table.to_csv(path, index=False)
    return read_file(parse_options({"file": str(path), "label": "label", "budget": 20, "batch": 10, **options}))


def test_inputs_are_what_columns_look_like_and_keys_are_none(tmp_path: Path) -> None:
    found = read(tmp_path, frame(colour=["red", "blue"] * 30), key="id")
    assert {name: rule["type"] for name, rule in found.contract.items()} == {"x": "number", "colour": "category"}
    assert found.rows[0].key == "k000" and isinstance(found.rows[0].inputs["x"], float)
    assert found.classes == ("no", "yes")


def test_named_inputs_alone_are_read(tmp_path: Path) -> None:
    assert list(read(tmp_path, frame(y=range(ROWS)), inputs="y").contract) == ["y"]


def test_a_text_is_a_text_however_short(tmp_path: Path) -> None:
    assert read(tmp_path, frame(words=["a", "b"] * 30), text="words").contract["words"]["type"] == "text"


def test_pictures_are_read_by_their_paths(tmp_path: Path) -> None:
    (tmp_path / "one.png").write_bytes(grey())
    found = read(tmp_path, frame(scan="one.png"), image="scan")
    assert found.rows[0].inputs["scan"] == base64.b64encode(grey()).decode()


def test_the_test_part_is_the_same_every_time_and_has_the_shares_of_the_labels(tmp_path: Path) -> None:
    one, other = (read(tmp_path, frame()) for _ in range(2))
    assert one.test.tolist() == other.test.tolist() and len(one.test) == 18
    assert set(one.test) | set(one.pool) == set(range(ROWS)) and not set(one.test) & set(one.pool)


def test_the_test_part_can_be_a_column(tmp_path: Path) -> None:
    found = read(tmp_path, frame(part=["a"] * 40 + ["b"] * 20), test="part=b")
    assert found.test.tolist() == list(range(40, 60))
    assert "part" not in found.contract


def test_rows_without_a_label_are_left_out_and_counted(tmp_path: Path) -> None:
    table = frame()
    table.loc[:4, "label"] = None
    found = read(tmp_path, table)
    assert found.left_out == 5 and len(found.rows) == 55


@pytest.mark.parametrize("moments", [list(range(ROWS))[::-1], [f"2026-03-{28 - n // 4:02}" for n in range(ROWS)]])
def test_the_pool_is_in_the_order_of_time(tmp_path: Path, moments: list[Any]) -> None:
    found = read(tmp_path, frame(when=moments), time="when")
    times = [found.rows[place].at for place in found.pool]
    assert times == sorted(times) and times[0] < times[-1]
    assert "when" not in found.contract


@pytest.mark.parametrize("write", ["jsonl", "parquet", "csv.gz"])
def test_other_files_are_read_as_csv_is(tmp_path: Path, write: str) -> None:
    path = tmp_path / f"rows.{write}"
    table = frame()
    if write == "jsonl":
        path.write_text("\n".join(json.dumps(row) for row in table.to_dict("records")))
    else:
        table.to_parquet(path) if write == "parquet" else table.to_csv(path, index=False)
    found = read_file(parse_options({"file": str(path), "label": "label", "budget": 20, "key": "id"}))
    assert found.rows[0].inputs == {"x": table["x"][0]}


def of_one_class() -> pd.DataFrame:
    return frame(label="yes")


BAD: list[tuple[str, pd.DataFrame, dict[str, Any], str]] = [
    ("a missing label column", frame(), {"label": "none"}, "has no column 'none'; it has id, x, label"),
    ("a missing input", frame(), {"inputs": "x,z"}, "no column 'z'"),
    ("a missing time", frame(), {"time": "when"}, "no column 'when'"),
    ("a label without values", frame(label=None), {}, "no label in column 'label'"),
    ("one class", of_one_class(), {}, "is 'yes'; two classes are needed"),
    ("a quantity", frame(label=np.arange(ROWS) / 7), {}, "a quantity, and no classes"),
    ("spellings of one label", frame(label=["yes ", "Yes"] * 30), {}, "differ only in case"),
    ("keys twice", frame(id=["k"] * ROWS), {"key": "id"}, "has the key 'k' in column 'id' twice"),
    (
        "an empty test part",
        frame(part="a"),
        {"test": "part=b"},
        "The test part of rows.csv is empty: no row has part=b",
    ),
    ("fewer rows than a batch", frame().head(8), {}, "rows to label beside"),
    ("a budget of more than the rows", frame(), {"budget": 50}, "has 42 rows to label beside 18 that measure"),
    ("a label that is an input", frame(), {"inputs": "x,label"}, "Column 'label' cannot be an input as well"),
    ("nothing to learn from", frame()[["id", "label"]], {"key": "id"}, "looks like an input; name them"),
    ("words for times", frame(when="soon"), {"time": "when"}, "'soon' in column 'when', row 0"),
    ("a picture that is not there", frame(scan="no.png"), {"image": "scan"}, "no.png cannot be read"),
]


@pytest.mark.parametrize(("table", "options", "words"), [one[1:] for one in BAD], ids=[one[0] for one in BAD])
def test_what_cannot_be_replayed_is_refused_in_one_line(
    tmp_path: Path, table: pd.DataFrame, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(tmp_path, table, **options)
    assert words in str(refused.value) and "\n" not in str(refused.value)


def test_classes_of_one_row_stay_among_those_to_label() -> None:
    test = split_rows(np.array([0] * 10 + [1] * 10 + [2]), 0.3)
    assert test.sum() == 6 and not test[-1]


def test_a_file_of_two_rows_of_two_classes_has_no_test_part(tmp_path: Path) -> None:
    with pytest.raises(BadBacktest, match="test part .* is empty"):
        read(tmp_path, frame().iloc[[0, 1]].assign(label=["a", "b"]))
