"""Two workers at one moment send each event once to each endpoint, on PostgreSQL and on SQLite."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
FACTS = 60
pytestmark = pytest.mark.services


@pytest.mark.parametrize("database", ["postgresql", "sqlite"])
def test_each_event_is_received_once(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    environment: dict[str, Any] = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    environment |= {"PLUMBLINE_HOME": str(tmp_path), "OUTGOING_NETWORKS": "127.0.0.0/8"}
    if database == "postgresql":
        environment["DATABASE_URL"] = request.getfixturevalue("postgres_url")

    done = subprocess.run(
        [sys.executable, "-m", "tests.services.webhook_race", str(FACTS)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert found == {"database": database, "events": FACTS, "received": [FACTS, FACTS], "twice": 0}, done.stderr[-2000:]
