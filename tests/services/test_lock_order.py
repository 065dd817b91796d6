"""No two transactions wait for each other on PostgreSQL: rows are locked in one order (annotation.item_locks)."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.chaos import servers

ROOT = Path(__file__).resolve().parents[2]
TRIES = 10
pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def happened(postgres_server: str) -> dict[str, Any]:
    """How every act ended, and the deadlocks that the server counted."""
    with servers.database(postgres_server) as url:
        done = subprocess.run(
            [sys.executable, "-m", "tests.services.lock_order", str(TRIES)],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": url},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_a_claim_and_a_late_answer_never_wait_for_each_other(happened: dict[str, Any]) -> None:
    assert happened["deadlocks"]["answer_while_claimed"] == 0


def test_neither_do_any_acts_on_the_same_items(happened: dict[str, Any]) -> None:
    assert happened["deadlocks"]["all_acts"] == 0
    assert set(happened["outcomes"]) == {"done"}


def test_a_transaction_that_the_database_gave_up_for_another_begins_again(happened: dict[str, Any]) -> None:
    assert happened["begun_again"] == {"done": 2, "begun": 3}
