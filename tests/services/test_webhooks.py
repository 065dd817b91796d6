"""Two workers at one moment send each event once to each endpoint, on PostgreSQL and on SQLite."""

from collections.abc import Callable
from typing import Any

import pytest

FACTS = 60
pytestmark = pytest.mark.services


def test_each_event_is_received_once(on_both: tuple[str, Callable[..., Any]]) -> None:
    database, run = on_both

    found = run("tests.services.webhook_race", FACTS, OUTGOING_NETWORKS="127.0.0.0/8")

    assert found == {"database": database, "events": FACTS, "received": [FACTS, FACTS], "twice": 0}
