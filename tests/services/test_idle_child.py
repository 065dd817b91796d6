"""An idle child of the worker's pool is killed: the queue goes on without a restart by hand, and /readyz is honest."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.services, pytest.mark.chaos]


def test_a_job_is_done_though_the_idle_child_that_held_the_pools_lock_was_killed(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    done = subprocess.run(
        [sys.executable, "-m", "tests.services.idle_child"],
        cwd=ROOT,
        env={**kept, "PLUMBLINE_HOME": str(tmp_path), "JOB_RESEND_SECONDS": "4", "REAPER_SECONDS": "1"},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])

    assert len(found["killed"]) == 1
    assert (found["state"], found["attempt"]) == ("succeeded", 1), done.stderr[-2000:]
    assert any("begins no work" in text for text in found["missing_meanwhile"]), found
    assert found["missing_afterwards"] == []
