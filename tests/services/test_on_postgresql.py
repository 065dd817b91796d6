"""What only PostgreSQL refuses, such as a NUL or half a surrogate pair in a text: the generated requests again."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.services


def test_odd_requests_are_answered_below_500_on_postgresql_too(postgres_url: str) -> None:
    chosen = "in_the_query or in_a_form or good_body or address"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/test_malformed.py", "-k", chosen],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": postgres_url, "PLUMBLINE_TEST_KEEP": "1"},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
