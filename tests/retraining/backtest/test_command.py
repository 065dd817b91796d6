"""The command, from a file to its figures: one whole small run, and what ends it."""

import contextlib
import json
import re
import shlex
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

DESCRIBED = {"full_data_score", "curve", "labels_to_95", "area", "seconds_per_round"}
MORE = ("--annotator-accuracy", "0.95", "--overlap", "2", "--batch", "65", "--budget", "130")
"""So that people differ, and that enough items are agreed on for a run."""

ROOT = Path(__file__).parent.parent.parent.parent


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tickets whose length and channel decide between three teams, in the order of days."""
    rng = np.random.default_rng(1)
    length, channel = rng.integers(1, 400, size=120), rng.choice(["mail", "telephone"], size=120)
    team = np.where(length > 250, "second level", np.where(channel == "mail", "desk", "hotline"))
    path = tmp_path_factory.mktemp("backtest") / "tickets.csv"
    days = pd.date_range("2026-01-01", periods=120).strftime("%Y-%m-%d")
    pd.DataFrame({"opened": days, "length": length, "channel": channel, "team": team}).to_csv(path, index=False)
    return path


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which throw-away homes are made."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    return tmp_path / "temporary"


def start(rows: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "backtest", str(rows), "--label", "team", *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_command_of_the_guide_gives_the_figures_that_it_describes(rows: Path, home: Path) -> None:
    guide = (ROOT / "docs" / "backtest.md").read_text()
    program, *command = shlex.split(re.findall(r"^```sh\n(.*?)^```", guide, re.DOTALL | re.MULTILINE)[0])
    assert program == "./plumbline" and command[1] == rows.name
    before, out, messages = sorted(home.iterdir()), StringIO(), StringIO()
    with contextlib.chdir(rows.parent):
        call_command(*command, *MORE, stdout=out, stderr=messages)
    found: dict[str, Any] = json.loads((rows.parent / "figures.json").read_text())
    for one in (found, found["random"]):
        assert {"strategy", "metric", "seeds", *DESCRIBED} <= set(one)
        assert [point["labels"] for point in one["curve"]] == [65, 130]
        assert set(one["curve"][0]) == {"labels", "accuracy", "macro_f1", "sd"}
    assert set(re.findall(r"^\| `(\w+)` \| ", guide, re.MULTILINE)) == {*DESCRIBED, "random"}
    assert found["full_data_score"] > 0.8 and found["random"]["strategy"] == "random"
    assert [one["trigger"] for one in found["events"]] == ["new_labels"]
    assert {"at", "promoted", "words", "verdict", "version"} <= set(found["events"][0])
    assert len(found["windows"]) == 2
    assert "100%" in messages.getvalue() and "labels to 95 %" in out.getvalue()
    assert sorted(home.iterdir()) == before


def test_a_file_that_cannot_be_replayed_is_one_line(rows: Path) -> None:
    out = StringIO()
    with pytest.raises(CommandError, match="^tickets.csv has no column 'z'; it has opened, length, channel, team.$"):
        call_command("backtest", str(rows), "--label", "team", "--inputs", "length,z", stdout=out)
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
