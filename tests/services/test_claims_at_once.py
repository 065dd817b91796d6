"""People who claim at one moment from empty queues are all served, each with items of their own, on both databases."""

from collections.abc import Callable
from typing import Any

import pytest

PEOPLE, TRIES, COUNT = 12, 2, 20
pytestmark = pytest.mark.services


def test_nobody_is_left_without_an_item_while_some_are_unlabelled(on_both: tuple[str, Callable[..., Any]]) -> None:
    database, run = on_both

    found = run("tests.services.claim_race", PEOPLE, TRIES)

    leases = PEOPLE * TRIES * COUNT
    assert found == {"database": database, "claims": {"full": PEOPLE * TRIES}, "leases": leases, "items": leases}
