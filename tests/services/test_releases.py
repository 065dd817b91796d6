"""Two releases at once: one wins, the other meets a verdict that is void, and a double roll back is one."""

from collections.abc import Callable
from typing import Any

import pytest

ROUNDS = 12
pytestmark = pytest.mark.services


def test_of_two_promotions_at_once_one_wins_and_the_other_is_void(on_both: tuple[str, Callable[..., Any]]) -> None:
    database, run = on_both

    result = run("tests.services.concurrent_releases", ROUNDS)

    assert result["database"] == database
    assert result["ends"] == {"promoted": ROUNDS, "void": ROUNDS, "rolled back": 2 * ROUNDS}
    assert result["champions"] == [1]
    assert result["releases"] == 1 + 2 * ROUNDS
