"""Two releases at once: one wins, the other meets a verdict that is void, and a double roll back is one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 12
pytestmark = pytest.mark.services


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_of_two_promotions_at_once_one_wins_and_the_other_is_void(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    kept = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    url = {"DATABASE_URL": request.getfixturevalue("postgres_url")} if database == "postgresql" else {}
    done = subprocess.run(
        [sys.executable, "-m", "tests.services.concurrent_releases", str(ROUNDS)],
        cwd=ROOT,
        env={**kept, **url, "PLUMBLINE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads(done.stdout)

    assert result["database"] == database
    assert result["ends"] == {"promoted": ROUNDS, "void": ROUNDS, "rolled back": 2 * ROUNDS}
    assert result["champions"] == [1]
    assert result["releases"] == 1 + 2 * ROUNDS
