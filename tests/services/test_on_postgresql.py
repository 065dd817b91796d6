"""What PostgreSQL does in its own way: it refuses a NUL or half a surrogate pair in a text, and compares texts by its
own rules. The same tests again, there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.services


def run_on_postgresql(url: str, *arguments: str) -> None:
    """Run these tests on this database and fail with what they printed where one fails."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *arguments],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url, "PLUMBLINE_TEST_KEEP": "1"},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]


def test_odd_requests_are_answered_below_500_on_postgresql_too(postgres_url: str) -> None:
    chosen = "in_the_query or in_a_form or good_body or address"
    run_on_postgresql(postgres_url, "tests/test_malformed.py", "-k", chosen)


def test_search_finds_the_same_on_postgresql(postgres_url: str) -> None:
    run_on_postgresql(postgres_url, "tests/annotation/test_search.py")


def test_indexes_are_added_while_others_write(postgres_url: str) -> None:
    run_on_postgresql(postgres_url, "tests/annotation/test_index_migrations.py")


def test_an_even_sample_of_answers_is_read_on_postgresql_too(postgres_url: str) -> None:
    run_on_postgresql(postgres_url, "tests/analysis/test_unlabelled_accuracy.py", "-k", "even_sample or any_size")


def test_capture_stores_the_same_on_postgresql(postgres_url: str) -> None:
    run_on_postgresql(postgres_url, "tests/projects/test_bulk_insert.py", "tests/annotation/test_capture.py")


def test_items_are_filtered_and_sorted_the_same_on_postgresql(postgres_url: str) -> None:
    run_on_postgresql(postgres_url, "tests/analysis/test_item_filters.py")
