"""A prefork worker's child may start no processes, as cleanlab would: the report must come all the same."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.services


def test_the_label_quality_report_is_made_inside_a_prefork_worker(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    done = subprocess.run(
        [sys.executable, "-m", "tests.services.prefork_report"],
        cwd=ROOT,
        env={**kept, "PLUMBLINE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads(done.stdout)

    assert (result["state"], result["error"]) == ("succeeded", ""), result["log"]
    assert result["worker"] != result["parent"]  # the pool's child did it
    assert "daemonic" not in result["log"]
    assert result["body"]["n"] == 120
    assert set(result["suspects"]) <= set(result["flipped"])
    assert len(result["suspects"]) >= 8
