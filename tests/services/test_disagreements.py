"""The disagreement gate acts by itself while a person acts: each item is asked once, each version released once."""

from collections.abc import Callable
from typing import Any

import pytest

ROUNDS = 5
pytestmark = pytest.mark.services


def test_the_job_and_a_person_at_once_ask_each_item_once_and_release_once(
    on_both: tuple[str, Callable[..., Any]],
) -> None:
    database, run = on_both

    result = run("tests.services.concurrent_disagreements", ROUNDS)

    assert (result["database"], result["faults"]) == (database, {})
    for rounds in (result["asking"], result["promoting"]):
        assert len(rounds) == ROUNDS
        assert all(all(found.values()) for found in rounds), rounds
