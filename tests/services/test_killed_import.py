"""An import job that is ended by SIGKILL wherever it can be goes on: no row is lost and none comes twice."""

import signal
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.services


def test_an_import_killed_five_times_keeps_each_row_once(on_both: tuple[str, Callable[..., Any]]) -> None:
    database, run = on_both

    result = run("tests.services.killed_import")

    assert (result["database"], result["ends"]) == (database, [-signal.SIGKILL] * 5 + [0])
    assert result["state"] == "finished"
    assert result["counted"] == [60, 40, 0, 20, 20, 20]
    assert result["refused"] == list(range(3, 61, 3))
    assert result["stored"] == [40, 40, 20, 20]
    assert result["texts"] == sorted(f"text {number // 6}" for number in range(60) if number % 3 < 2)
