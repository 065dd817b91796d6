"""`analyse slices` finds the planted condition under which a model errs, and nothing in noise."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from django.core.management.base import CommandError

from tests.analysis.analysing import analyse, csv, text


def planted(folder: Path, rows: int = 4000) -> Path:
    """Wrong in 10 % of rows, and in 60 % of those from abroad with an amount of 75 or more."""
    rng = np.random.default_rng(0)
    amount, country = rng.integers(0, 100, rows), rng.choice(["home", "abroad"], rows)
    wrong = rng.random(rows) < np.where((country == "abroad") & (amount >= 75), 0.6, 0.1)
    label = rng.integers(0, 2, rows)
    predicted = np.where(wrong, 1 - label, label).astype(float)
    return csv(
        folder / "rows.csv",
        {"amount": amount, "country": country, "wrong": wrong.astype(int), "label": label, "predicted": predicted},
    )


@pytest.mark.parametrize("asked", [("--error", "wrong"), ("--label", "label", "--predicted", "predicted")])
def test_the_planted_slice_comes_first(tmp_path: Path, asked: tuple[str, ...]) -> None:
    out = analyse("slices", planted(tmp_path), *asked, "--columns", "amount,country")
    first = out["slices"][0]
    assert "country is abroad" in first["rule"] and "amount" in first["rule"]
    assert first["low"] < first["error_rate"] < first["high"] and 0.5 < first["error_rate"] < 0.7
    assert first["lift"] == pytest.approx(first["error_rate"] / out["error_rate"]["value"])
    assert first["lift_low"] < first["lift"] < first["lift_high"] and first["p_adjusted"] < 1e-6
    assert first["confirmed"] is True and first["errors"] / first["n"] == pytest.approx(first["error_rate"])
    assert out["error_rate"]["value"] == pytest.approx(0.15, abs=0.02), "1 and 1.0 are the same label"
    assert first["rule"] in text("slices", tmp_path / "rows.csv", *asked, "--columns", "amount,country")


def test_noise_has_no_slice_and_says_so(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    path = csv(tmp_path / "rows.csv", {"x": rng.normal(size=500), "wrong": rng.integers(0, 2, 500)})
    out = analyse("slices", path, "--error", "wrong")
    assert out["slices"] == [] and "No slice is surely worse" in out["note"] and out["tested"] > 0
    assert "No slice" in text("slices", path, "--error", "wrong")


@pytest.mark.parametrize(("errors", "message"), [([0] * 50, "None of the 50"), ([1] * 50, "All of the 50")])
def test_without_errors_or_with_nothing_else_there_is_no_slice(tmp_path: Path, errors: list[int], message: str) -> None:
    out = analyse("slices", csv(tmp_path / "rows.csv", {"x": range(50), "wrong": errors}), "--error", "wrong")
    assert out["slices"] == [] and message in out["note"]


def test_a_constant_column_gives_no_rule(tmp_path: Path) -> None:
    path = csv(tmp_path / "rows.csv", {"x": [3] * 50, "y": [None] * 50, "wrong": [0, 1] * 25})
    out = analyse("slices", path, "--error", "wrong")
    assert out["tested"] == 0 and "No column has two values" in out["note"]


def test_rows_of_which_nothing_is_known_are_left_out_and_gaps_are_a_condition(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    gap = rng.random(2000) < 0.3
    wrong = np.where(rng.random(2000) < np.where(gap, 0.7, 0.1), "yes", "no").astype(object)
    wrong[:100] = None
    path = csv(tmp_path / "rows.csv", {"x": np.where(gap, None, "1"), "y": rng.normal(size=2000), "wrong": wrong})
    out = analyse("slices", path, "--error", "wrong")
    assert out["left_out"] == 100 and out["n"] == 1900
    assert out["slices"][0]["rule"] == "x is missing"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "Say either --error, or --label and --predicted"),
        (("--label", "label"), "Say either"),
        (("--error", "x"), "which must hold 0 or 1"),
        (("--error", "none"), "no column 'none'; it has x, label, empty"),
        (("--error", "empty"), "no row that is known"),
        (("--error", "label", "--columns", "label,x"), "cannot use it"),
        (("--error", "label", "--columns", "z"), "no column 'z'"),
    ],
)
def test_what_cannot_be_searched_is_refused(tmp_path: Path, options: tuple[str, ...], message: str) -> None:
    path = csv(tmp_path / "rows.csv", {"x": range(30), "label": [0, 1] * 15, "empty": [None] * 30})
    with pytest.raises(CommandError, match=message):
        analyse("slices", path, *options)


def test_infinite_numbers_are_refused(tmp_path: Path) -> None:
    path = csv(tmp_path / "rows.csv", {"x": [*range(29), "inf"], "wrong": [0, 1] * 15})
    with pytest.raises(CommandError, match="infinite or absurdly large numbers in column 'x': inf in row 29"):
        analyse("slices", path, "--error", "wrong")


def test_labels_spelt_in_two_ways_are_refused(tmp_path: Path) -> None:
    rows = csv(tmp_path / "rows.csv", {"truth": [1, 0] * 30, "answer": [True, False] * 30, "region": ["N", "S"] * 30})
    with pytest.raises(CommandError, match="'truth' and 'answer' share no label: 0, 1 against False, True"):
        analyse("slices", rows, "--label", "truth", "--predicted", "answer")


def test_only_what_is_worse_than_all_rows_is_reported(tmp_path: Path) -> None:
    """B is the rest; C is worse than B and better than all."""
    group = ["A"] * 1000 + ["B"] * 2000 + ["C"] * 200
    wrong = [1] * 400 + [0] * 600 + [1] * 80 + [0] * 1920 + [1] * 24 + [0] * 176
    out = analyse("slices", csv(tmp_path / "rows.csv", {"group": group, "wrong": wrong}), "--error", "wrong")
    assert [one["rule"] for one in out["slices"]] == ["group is A"]


def test_a_column_with_a_comma_in_its_name_is_named(tmp_path: Path) -> None:
    rows = {"size, cm": [1, 2] * 60, "b": [0, 0, 1] * 40, "wrong": [0, 1] * 60}
    out = analyse("slices", csv(tmp_path / "rows.csv", rows), "--error", "wrong", "--columns", "size, cm,b")
    assert set(out["columns"]) == {"size, cm", "b"}


@pytest.mark.parametrize("written", ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ", "%d.%m.%Y", "%m/%d/%Y", "%Y-%m-%d %H:%M:%S"])
def test_dates_are_cut_into_periods_however_they_are_written(tmp_path: Path, written: str) -> None:
    rng = np.random.default_rng(3)
    days = pd.Timestamp("2025-01-01") + pd.to_timedelta(rng.integers(0, 600, 3000), unit="D")
    late = np.asarray(days >= pd.Timestamp("2026-03-01"))
    wrong = (rng.random(3000) < np.where(late, 0.5, 0.05)).astype(int)
    out = analyse(
        "slices", csv(tmp_path / "rows.csv", {"when": days.strftime(written), "wrong": wrong}), "--error", "wrong"
    )
    assert out["columns"] == {"when": "time"}
    assert out["tested"] < 200, "periods, not one rule a day"
    assert out["slices"][0]["rule"].startswith("when from 2026-0")
