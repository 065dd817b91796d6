"""People who claim at one moment from empty queues are all served, each with items of their own, on both databases."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PEOPLE, TRIES, COUNT = 12, 2, 20
pytestmark = pytest.mark.services


@pytest.mark.parametrize("database", ["postgresql", "sqlite"])
def test_nobody_is_left_without_an_item_while_some_are_unlabelled(
    database: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    environment: dict[str, Any] = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    environment["PLUMBLINE_HOME"] = str(tmp_path)
    if database == "postgresql":
        environment["DATABASE_URL"] = request.getfixturevalue("postgres_url")

    done = subprocess.run(
        [sys.executable, "-m", "tests.services.claim_race", str(PEOPLE), str(TRIES)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-2000:]
    leases = PEOPLE * TRIES * COUNT
    assert json.loads(done.stdout) == {
        "database": database,
        "claims": {"full": PEOPLE * TRIES},
        "leases": leases,
        "items": leases,
    }
