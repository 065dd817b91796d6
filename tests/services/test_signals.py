"""Predictions and signals that arrive at one moment find each other on PostgreSQL and on SQLite."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.services


@pytest.mark.parametrize("database", ["postgresql", "sqlite"])
def test_no_signal_stays_without_its_item(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    environment: dict[str, Any] = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    environment["PLUMBLINE_HOME"] = str(tmp_path)
    if database == "postgresql":
        environment["DATABASE_URL"] = request.getfixturevalue("postgres_url")

    done = subprocess.run(
        [sys.executable, "-m", "tests.services.signal_race", "4000"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert found == {"database": database, "items": 4000, "signals": 4000, "without_item": 0}
