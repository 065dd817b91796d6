"""Thirty-two people at a thousand items, each answer sent twice, as real processes on both databases."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.services


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> tuple[str, dict[str, str]]:
    """Its name, and the environment in which the people work on it."""
    if request.param == "postgresql":
        return request.param, {"DATABASE_URL": request.getfixturevalue("postgres_url")}
    return request.param, {}


def work(environment: dict[str, str], *options: str) -> dict[str, Any]:
    kept = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.leases", *options],
        cwd=ROOT,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_every_slot_gets_exactly_one_label_and_none_is_leased_twice(database: tuple[str, dict[str, str]]) -> None:
    name, environment = database

    figures = work(environment, "--annotators", "32", "--items", "1000")

    assert figures["database"] == name
    assert (figures["errors"], figures["locked"]) == (0, 0), figures["first_error"]
    assert figures["duplicate_leases"] == 0
    assert figures["labels_per_slot"] == {"1": 1000}
    assert figures["statuses"] == {"created": 1000, "existing": 1000}
    assert (figures["labels"], figures["resolutions"]) == (1000, 1000)


def test_overlap_three_gives_exactly_three_labels_of_three_people(database: tuple[str, dict[str, str]]) -> None:
    _, environment = database

    figures = work(environment, "--annotators", "8", "--items", "100", "--overlap", "3")

    assert (figures["errors"], figures["duplicate_leases"]) == (0, 0), figures["first_error"]
    assert figures["labels_per_slot"] == {"1": 300}
    assert figures["people_twice_at_one_item"] == 0
    assert figures["resolutions"] == 100
