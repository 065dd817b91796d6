"""The disagreement gate acts by itself while a person acts: each item is asked once, each version released once."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 5
pytestmark = pytest.mark.services


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_the_job_and_a_person_at_once_ask_each_item_once_and_release_once(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    kept = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    url = {"DATABASE_URL": request.getfixturevalue("postgres_url")} if database == "postgresql" else {}
    done = subprocess.run(
        [sys.executable, "-m", "tests.services.concurrent_disagreements", str(ROUNDS)],
        cwd=ROOT,
        env={**kept, **url, "PLUMBLINE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads(done.stdout)
    assert (result["database"], result["faults"]) == (database, {})
    for rounds in (result["asking"], result["promoting"]):
        assert len(rounds) == ROUNDS
        assert all(all(found.values()) for found in rounds), rounds
