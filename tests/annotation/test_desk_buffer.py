"""What a desk holds ahead: what others can spare, what a reload gives back and takes up, what idle desks give up."""

from datetime import timedelta

import pytest

from annotation import desk_buffer, labels, leases, queues
from annotation.models import Lease, Queue, Slot
from projects.models import User
from tests.annotation.labelling_scenario import LATER, LabellingScenario, make_scenario
from tests.factories import make_item, make_user

pytestmark = pytest.mark.django_db
IDLE = timedelta(seconds=80)  # longer than a desk's heartbeats are apart, shorter than a lease


@pytest.fixture
def scenario() -> LabellingScenario:
    return make_scenario()


def fill(
    scenario: LabellingScenario, user: User, count: int, *, at_hand: int = 0, held: list[str] | None = None
) -> list[Lease]:
    return desk_buffer.fill(scenario.project, by=user, count=count, at_hand=at_hand, held=held, at=scenario.tick())


def held_by(user: User) -> int:
    return Slot.objects.filter(state="leased", leased_to=user).count()


def test_a_desk_holds_twenty_five_where_that_leaves_five_for_each_other_member(scenario: LabellingScenario) -> None:
    scenario.ask(60)

    found = fill(scenario, scenario.alice, 5, held=[])
    found += fill(scenario, scenario.alice, 20, at_hand=5)

    assert len(found) == 25


def test_a_desk_takes_no_more_than_others_can_spare(scenario: LabellingScenario) -> None:
    scenario.ask(30)

    assert desk_buffer.spare(scenario.project, by=scenario.alice, queue=None, at=scenario.now) == 30 - 3 * 5
    assert len(fill(scenario, scenario.alice, 25)) == 15
    assert fill(scenario, scenario.alice, 10, at_hand=15) == []


@pytest.mark.parametrize(("items", "people"), [(60, 6), (85, 13), (150, 26)])
def test_each_member_finds_five_items_however_many_those_before_took(
    scenario: LabellingScenario, items: int, people: int
) -> None:
    scenario.ask(items)
    users = [make_user(f"person-{number}", scenario.project) for number in range(people)]

    for user in users:
        first = fill(scenario, user, 5, held=[])
        fill(scenario, user, 20, at_hand=len(first))

    assert min(held_by(user) for user in users) >= 5


def test_five_items_are_given_whatever_others_hold(scenario: LabellingScenario) -> None:
    scenario.ask(12)
    fill(scenario, scenario.bob, 5)

    assert len(fill(scenario, scenario.alice, 25)) == 5
    assert len(fill(scenario, scenario.alice, 22, at_hand=3)) == 2


def test_a_paused_queue_is_not_shared_out(scenario: LabellingScenario) -> None:
    scenario.ask(60)
    queue = scenario.queue()
    queues.set_paused(queue, True, by=scenario.rita, at=scenario.now)

    assert desk_buffer.spare(scenario.project, by=scenario.alice, queue=None, at=scenario.now) == -15
    assert fill(scenario, scenario.alice, 25) == []


def test_a_reload_takes_up_what_it_gave_back_under_the_same_leases(scenario: LabellingScenario) -> None:
    scenario.ask(10)
    tokens = [lease.token for lease in fill(scenario, scenario.alice, 5)]
    assert leases.give_back_all(scenario.project, tokens=tokens, by=scenario.alice, at=scenario.tick()) == 5
    assert held_by(scenario.alice) == 0

    again = fill(scenario, scenario.alice, 5, held=tokens[::-1])

    assert [lease.token for lease in again] == tokens[::-1]
    assert all(lease.ended_at is None for lease in again) and held_by(scenario.alice) == 5
    assert (
        labels.submit(scenario.project, tokens[0], value="ham", by=scenario.alice, at=scenario.tick()).status
        == "created"
    )


def test_the_late_word_of_a_closed_page_does_not_free_what_the_next_page_took_up(scenario: LabellingScenario) -> None:
    scenario.ask(5)
    tokens = [lease.token for lease in fill(scenario, scenario.alice, 3)]
    last_word = scenario.now
    fill(scenario, scenario.alice, 3, held=tokens)
    late = fill(scenario, scenario.alice, 2)[0].token

    freed = leases.give_back_all(
        scenario.project, tokens=[*tokens, late], by=scenario.alice, granted_by=last_word, at=scenario.tick()
    )

    assert freed == 0 and held_by(scenario.alice) == 5
    assert (
        leases.give_back_all(
            scenario.project, tokens=tokens, by=scenario.alice, granted_by=scenario.now, at=scenario.tick()
        )
        == 3
    )


def test_a_reload_does_not_take_up_what_others_took_or_what_was_answered(scenario: LabellingScenario) -> None:
    scenario.ask(3)
    answered, taken, free = (lease.token for lease in scenario.claim(scenario.alice, 3))
    labels.submit(scenario.project, answered, value="ham", by=scenario.alice, at=scenario.tick())
    leases.give_back_all(scenario.project, tokens=[taken, free], by=scenario.alice, at=scenario.tick())
    scenario.claim(scenario.bob)

    again = desk_buffer.take_up(scenario.project, tokens=[answered, taken, free], by=scenario.alice, at=scenario.tick())

    assert [lease.token for lease in again] == [free]
    assert desk_buffer.take_up(scenario.project, tokens=[taken, free], by=scenario.carol, at=scenario.tick()) == []


def test_a_reload_takes_up_nothing_of_a_paused_queue(scenario: LabellingScenario) -> None:
    scenario.ask(1)
    token = scenario.token(scenario.alice)
    leases.give_back_all(scenario.project, tokens=[token], by=scenario.alice, at=scenario.tick())
    Queue.objects.update(paused=True)

    assert desk_buffer.take_up(scenario.project, tokens=[token], by=scenario.alice, at=scenario.tick()) == []


def test_a_slot_of_an_item_that_another_tab_holds_is_not_taken_up(scenario: LabellingScenario) -> None:
    scenario.ask(1, overlap=2)
    first = scenario.token(scenario.alice)
    leases.give_back_all(scenario.project, tokens=[first], by=scenario.alice, at=scenario.tick())
    scenario.token(scenario.bob)
    scenario.token(scenario.alice)

    assert desk_buffer.take_up(scenario.project, tokens=[first], by=scenario.alice, at=scenario.tick()) == []
    assert held_by(scenario.alice) == 1


def test_a_desk_that_opens_frees_what_the_persons_idle_desks_hold(scenario: LabellingScenario) -> None:
    scenario.ask(5)
    fill(scenario, scenario.alice, 5, held=[])
    assert fill(scenario, scenario.alice, 5, held=[]) == []

    scenario.tick(IDLE)

    assert len(fill(scenario, scenario.alice, 5, held=[])) == 5
    assert held_by(scenario.alice) == 5


def test_a_desk_is_given_what_a_silent_desk_of_another_holds_once_nothing_else_waits(
    scenario: LabellingScenario,
) -> None:
    scenario.ask(4)
    silent = [lease.token for lease in fill(scenario, scenario.bob, 2, held=[])]
    scenario.tick(IDLE)
    waits = fill(scenario, scenario.alice, 2, held=[])

    taken = fill(scenario, scenario.alice, 2, at_hand=2)

    assert len(waits) == 2 and {lease.item_id for lease in waits}.isdisjoint(lease.item_id for lease in taken)
    assert len(taken) == 2
    late = labels.submit(scenario.project, silent[0], value="ham", by=scenario.bob, at=scenario.tick())
    assert late.status == "created"  # nobody has answered it meanwhile


def test_leases_of_the_api_are_kept_for_their_whole_length(scenario: LabellingScenario) -> None:
    scenario.ask(2)
    scenario.claim(scenario.bob, 2)
    scenario.tick(IDLE)

    assert fill(scenario, scenario.alice, 2, held=[]) == []


def test_a_desk_takes_what_it_asks_for_while_routing_has_more_to_ask(scenario: LabellingScenario) -> None:
    scenario.ask(30)
    for _ in range(60):
        make_item(scenario.project)

    assert len(fill(scenario, scenario.alice, leases.MOST)) == leases.MOST
    assert len(fill(scenario, scenario.bob, leases.MOST)) == leases.MOST


def test_a_desk_that_beats_keeps_what_it_holds_and_so_do_other_people(scenario: LabellingScenario) -> None:
    scenario.ask(6)
    mine, theirs = (
        [lease.token for lease in fill(scenario, user, 3, held=[])] for user in (scenario.alice, scenario.bob)
    )
    scenario.tick(IDLE)
    leases.extend(scenario.project, tokens=mine, by=scenario.alice, at=scenario.tick())
    leases.extend(scenario.project, tokens=theirs, by=scenario.bob, at=scenario.now)

    assert fill(scenario, scenario.alice, 5, held=[]) == []
    assert (held_by(scenario.alice), held_by(scenario.bob)) == (3, 3)


def test_heartbeats_come_often_enough_to_keep_a_desk_from_being_idle(settings: object) -> None:
    assert desk_buffer.beat_seconds() * 2 < IDLE.total_seconds() < LATER.total_seconds()
    assert desk_buffer.beat_seconds() == 30
