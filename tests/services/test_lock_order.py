"""No two transactions wait for each other on PostgreSQL: rows are locked in one order (annotation.item_locks)."""

from typing import Any

import pytest

from tests.chaos import servers

TRIES = 10
pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def happened(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """How every act ended, and the deadlocks that the server counted."""
    home = tmp_path_factory.mktemp("lock_order")
    with servers.database(postgres_server, migrated=True) as url:
        found: dict[str, Any] = servers.run_module("tests.services.lock_order", TRIES, home=home, url=url)
    return found


def test_a_claim_and_a_late_answer_never_wait_for_each_other(happened: dict[str, Any]) -> None:
    assert happened["deadlocks"]["answer_while_claimed"] == 0


def test_neither_do_any_acts_on_the_same_items(happened: dict[str, Any]) -> None:
    assert happened["deadlocks"]["all_acts"] == 0
    assert set(happened["outcomes"]) == {"done"}


def test_a_transaction_that_the_database_gave_up_for_another_begins_again(happened: dict[str, Any]) -> None:
    assert happened["begun_again"] == {"done": 2, "begun": 3}
