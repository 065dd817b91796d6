"""Predictions and signals that arrive at one moment find each other on PostgreSQL and on SQLite."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.services


def test_no_signal_stays_without_its_item(on_both: tuple[str, Callable[..., Any]]) -> None:
    database, run = on_both

    found = run("tests.services.signal_race", 4000)

    assert found == {"database": database, "items": 4000, "signals": 4000, "without_item": 0}
