"""The command, from a file to its figures: one whole small run, and what ends it."""

import json
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from retraining.backtest.words import to_text

ROOT = Path(__file__).parent.parent.parent.parent


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two numbers that decide between three labels, in an order of time."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 120)).round(3)
    label = np.where(x > 0.4, "high", np.where(y > 0, "middle", "low"))
    path = tmp_path_factory.mktemp("backtest") / "rows.csv"
    pd.DataFrame({"day": range(120), "x": x, "y": y, "label": label}).to_csv(path, index=False)
    return path


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which throw-away homes are made."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    return tmp_path / "temporary"


def start(rows: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "backtest", str(rows), "--label", "label", *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_whole_run_gives_the_figures_of_the_strategy_and_of_random_beside_it(rows: Path, home: Path) -> None:
    before, out, messages = sorted(home.iterdir()), StringIO(), StringIO()
    options = ("--time", "day", "--budget", "60", "--batch", "30", "--seeds", "1", "--overlap", "2")
    asked = ("backtest", str(rows), "--label", "label", *options, "--annotator-accuracy", "0.95", "--json", "-")
    call_command(*asked, stdout=out, stderr=messages)
    found: dict[str, Any] = json.loads(out.getvalue())
    for one in (found, found["random"]):
        assert {"strategy", "metric", "seeds", "full_data_score", "labels_to_95", "area", "seconds_per_round"} <= set(
            one
        )
        assert [point["labels"] for point in one["curve"]] == [30, 60]
        assert set(one["curve"][0]) == {"labels", "accuracy", "macro_f1", "sd"}
    assert found["full_data_score"] > 0.8 and found["random"]["strategy"] == "random"
    assert all({"at", "trigger", "promoted"} <= set(one) for one in found["events"])
    assert "100%" in messages.getvalue()
    assert "labels to 95 %" in to_text(found)
    assert sorted(home.iterdir()) == before


def test_a_file_that_cannot_be_replayed_is_one_line(rows: Path) -> None:
    out = StringIO()
    with pytest.raises(CommandError, match="^rows.csv has no column 'z'; it has day, x, y, label.$"):
        call_command("backtest", str(rows), "--label", "label", "--inputs", "x,z", stdout=out)
    assert out.getvalue() == ""


def test_a_run_that_is_ended_leaves_nothing_behind(rows: Path, temporary: Path) -> None:
    process = start(rows, "--seeds", "50", "--budget", "80")
    assert process.stderr is not None
    process.stderr.readline()  # it has begun
    process.terminate()
    _, messages = process.communicate(timeout=30)
    assert process.returncode == 130 and "Traceback" not in messages
    assert messages.strip().endswith("Stopped; nothing was kept.")
    assert list(temporary.iterdir()) == []


def test_a_run_whose_caller_is_killed_ends_and_removes_its_home(rows: Path, temporary: Path) -> None:
    process = start(rows, "--seeds", "50", "--budget", "80")
    assert process.stderr is not None
    process.stderr.readline()
    process.kill()
    process.communicate(timeout=30)
    until = time.monotonic() + 20
    while list(temporary.iterdir()) and time.monotonic() < until:
        time.sleep(0.05)
    assert list(temporary.iterdir()) == []
