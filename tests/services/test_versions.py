"""The list of versions is SQL of our own: its tests once more on PostgreSQL."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.services


def test_the_list_of_versions_is_the_same_on_postgresql(postgres_url: str) -> None:
    kept = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/annotation/test_versions.py"],
        cwd=ROOT,
        env={**kept, "DATABASE_URL": postgres_url, "PLUMBLINE_TEST_KEEP": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
