"""On PostgreSQL, where two transactions really run at once: what is looked at before it is written holds afterwards."""

from typing import Any

import pytest

from tests.chaos import servers

TRIES = 10
pytestmark = pytest.mark.services

# Of each race: how the acts ended, all tries together (None where it may go either way), and what is left each time.
DONE, REFUSED = "done", "refused"
EXPECTED: dict[str, tuple[dict[str, int] | None, str]] = {
    "demote_each_other": ({DONE: TRIES, REFUSED: TRIES}, "1"),
    "remove_each_other": ({DONE: TRIES, REFUSED: TRIES}, "1"),
    "deactivate_each_other": (None, "1"),
    "invite_one_name": ({DONE: 2 * TRIES}, "1"),
    "invite_twice": ({DONE: 2 * TRIES}, "1"),
    "take_one_slug": ({DONE: TRIES, REFUSED: TRIES}, "1"),
    "publish_a_guideline": (None, "True"),
    "make_one_key": ({DONE: 2 * TRIES}, "1"),
    "make_a_key_for_who_is_removed": (None, "0"),
    "use_one_link": ({DONE: 2 * TRIES}, "(1, True)"),
    "decide_one_dispute": ({DONE: TRIES, REFUSED: TRIES}, "1"),
    "answer_one_lease_in_two_ways": ({DONE: TRIES, REFUSED: TRIES}, "(1, 1)"),
    "give_the_last_two_votes": ({DONE: 2 * TRIES}, "1"),
    "undo_while_a_reviewer_decides": (None, "['spam']"),
    "answer_while_a_reviewer_decides": ({DONE: 2 * TRIES}, "['spam']"),
    "capture_one_key": ({DONE: 2 * TRIES}, "True"),
    "invite_and_change": ({DONE: 3 * TRIES}, "3"),
    "decide_while_refreshing": ({DONE: 3 * TRIES}, "['kept', 'requeued', 'gone']"),
}


@pytest.fixture(scope="module")
def happened(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What every race ended in."""
    home = tmp_path_factory.mktemp("races")
    with servers.database(postgres_server, migrated=True) as url:
        found: dict[str, Any] = servers.run_module("tests.services.races", TRIES, home=home, url=url)
    return found


def test_every_race_has_its_expectation(happened: dict[str, Any]) -> None:
    assert set(happened) == set(EXPECTED)


@pytest.mark.parametrize("race", EXPECTED)
def test_of_two_at_once_none_breaks_what_the_other_looked_at(happened: dict[str, Any], race: str) -> None:
    acts, left = EXPECTED[race]
    assert set(happened[race]["acts"]) <= {DONE, REFUSED}, "an act failed with something else than a sentence"
    assert acts is None or happened[race]["acts"] == acts
    assert happened[race]["ends"] == {left: TRIES}
    assert happened[race]["chain"] is None
