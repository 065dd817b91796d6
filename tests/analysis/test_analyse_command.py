"""`analyse` as a process: one JSON object or nothing, one line on bad input, and no database."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.analysis.analysing import csv

ROOT = Path(__file__).parent.parent.parent
CALL = ("--label", "label", "--scores", "p_")


def rows(folder: Path) -> Path:
    return csv(folder / "rows.csv", {"label": ["a", "b"] * 10, "p_a": [0.9, 0.2] * 10, "p_b": [0.1, 0.8] * 10})


def process(folder: Path, *words: object) -> "subprocess.CompletedProcess[str]":
    """Where no database was ever made, and none can be reached."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    environment = {**os.environ, "PLUMBLINE_HOME": str(home), "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"}
    return subprocess.run(
        [sys.executable, "manage.py", "analyse", *map(str, words)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )


@pytest.mark.simulation
def test_it_runs_without_a_database_and_writes_one_object(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    done = process(tmp_path, "performance", rows(tmp_path), *CALL, "--json", out)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert json.loads(out.read_text())["accuracy"]["value"] == 1
    assert [path.name for path in tmp_path.glob(".*")] == []


@pytest.mark.simulation
def test_bad_input_is_one_line_exit_1_and_nothing_written(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    done = process(tmp_path, "performance", rows(tmp_path), "--label", "truth", "--scores", "p_", "--json", out)
    assert (done.returncode, done.stdout, out.exists()) == (1, "", False)
    assert done.stderr == "CommandError: rows.csv has no column 'truth'; it has label, p_a, p_b.\n"


def test_standard_output_holds_the_object_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("analyse", "performance", str(rows(tmp_path)), *CALL, "--json", "-")
    assert json.loads(capsys.readouterr().out)["n"] == 20


def test_an_answer_that_stands_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path, out = rows(tmp_path), tmp_path / "out.json"
    out.write_text("before")
    with pytest.raises(CommandError):
        call_command("analyse", "performance", str(path), *CALL, "--weight", "w", "--json", str(out))
    assert out.read_text() == "before"
    call_command("analyse", "performance", str(path), *CALL, "--json", str(out))
    assert json.loads(out.read_text())["n"] == 20


def test_a_place_that_cannot_be_written_is_refused_before_the_work(tmp_path: Path) -> None:
    path = rows(tmp_path)
    for out, result in (
        (tmp_path, "it is a folder"),
        (tmp_path / "none" / "out.json", "its folder does not exist"),
        (path, "is an input"),
    ):
        with pytest.raises(CommandError, match=result):
            call_command("analyse", "performance", str(path), *CALL, "--json", str(out))
    assert path.read_text().startswith("label,p_a,p_b")


def test_a_device_is_written_to_and_stays_a_device(tmp_path: Path) -> None:
    call_command("analyse", "performance", str(rows(tmp_path)), *CALL, "--json", os.devnull)
    assert not Path(os.devnull).is_file()


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target.json", tmp_path / "link.json"
    target.write_text("before")
    link.symlink_to(target)
    call_command("analyse", "performance", str(rows(tmp_path)), *CALL, "--json", str(link))
    assert link.is_symlink() and json.loads(target.read_text())["n"] == 20
