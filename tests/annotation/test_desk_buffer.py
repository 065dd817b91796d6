"""What a desk holds ahead: what others can spare, what a reload gives back and takes up, what idle desks give up."""

from datetime import timedelta

import pytest

from annotation import desk_buffer, labels, leases, queues
from annotation.models import Lease, Queue, Slot
from projects.models import User
from tests.annotation.rooms import LATER, Room, make_room
from tests.factories import make_user

pytestmark = pytest.mark.django_db
IDLE = timedelta(seconds=80)  # longer than a desk's heartbeats are apart, shorter than a lease


@pytest.fixture
def room() -> Room:
    return make_room()


def fill(room: Room, user: User, count: int, *, at_hand: int = 0, held: list[str] | None = None) -> list[Lease]:
    return desk_buffer.fill(room.project, by=user, count=count, at_hand=at_hand, held=held, at=room.tick())


def held_by(user: User) -> int:
    return Slot.objects.filter(state="leased", leased_to=user).count()


def test_a_desk_holds_twenty_five_where_that_leaves_five_for_each_other_member(room: Room) -> None:
    room.ask(60)

    found = fill(room, room.alice, 5, held=[])
    found += fill(room, room.alice, 20, at_hand=5)

    assert len(found) == 25


def test_a_desk_takes_no_more_than_others_can_spare(room: Room) -> None:
    room.ask(30)

    assert desk_buffer.spare(room.project, by=room.alice, queue=None, at=room.now) == 30 - 3 * 5
    assert len(fill(room, room.alice, 25)) == 15
    assert fill(room, room.alice, 10, at_hand=15) == []


@pytest.mark.parametrize(("items", "people"), [(60, 6), (85, 13), (150, 26)])
def test_each_member_finds_five_items_however_many_those_before_took(room: Room, items: int, people: int) -> None:
    room.ask(items)
    users = [make_user(f"person-{number}", room.project) for number in range(people)]

    for user in users:
        first = fill(room, user, 5, held=[])
        fill(room, user, 20, at_hand=len(first))

    assert min(held_by(user) for user in users) >= 5


def test_five_items_are_given_whatever_others_hold(room: Room) -> None:
    room.ask(12)
    fill(room, room.bob, 5)

    assert len(fill(room, room.alice, 25)) == 5
    assert len(fill(room, room.alice, 22, at_hand=3)) == 2


def test_a_paused_queue_is_not_shared_out(room: Room) -> None:
    room.ask(60)
    queue = room.queue()
    queues.set_paused(queue, True, by=room.rita, at=room.now)

    assert desk_buffer.spare(room.project, by=room.alice, queue=None, at=room.now) == -15
    assert fill(room, room.alice, 25) == []


def test_a_reload_takes_up_what_it_gave_back_under_the_same_leases(room: Room) -> None:
    room.ask(10)
    tokens = [lease.token for lease in fill(room, room.alice, 5)]
    assert leases.give_back_all(room.project, tokens=tokens, by=room.alice, at=room.tick()) == 5
    assert held_by(room.alice) == 0

    again = fill(room, room.alice, 5, held=tokens[::-1])

    assert [lease.token for lease in again] == tokens[::-1]
    assert all(lease.ended_at is None for lease in again) and held_by(room.alice) == 5
    assert labels.submit(room.project, tokens[0], value="ham", by=room.alice, at=room.tick()).status == "created"


def test_the_late_word_of_a_closed_page_does_not_free_what_the_next_page_took_up(room: Room) -> None:
    room.ask(5)
    tokens = [lease.token for lease in fill(room, room.alice, 3)]
    last_word = room.now
    fill(room, room.alice, 3, held=tokens)
    late = fill(room, room.alice, 2)[0].token

    freed = leases.give_back_all(
        room.project, tokens=[*tokens, late], by=room.alice, granted_by=last_word, at=room.tick()
    )

    assert freed == 0 and held_by(room.alice) == 5
    assert leases.give_back_all(room.project, tokens=tokens, by=room.alice, granted_by=room.now, at=room.tick()) == 3


def test_a_reload_does_not_take_up_what_others_took_or_what_was_answered(room: Room) -> None:
    room.ask(3)
    answered, taken, free = (lease.token for lease in room.claim(room.alice, 3))
    labels.submit(room.project, answered, value="ham", by=room.alice, at=room.tick())
    leases.give_back_all(room.project, tokens=[taken, free], by=room.alice, at=room.tick())
    room.claim(room.bob)

    again = desk_buffer.take_up(room.project, tokens=[answered, taken, free], by=room.alice, at=room.tick())

    assert [lease.token for lease in again] == [free]
    assert desk_buffer.take_up(room.project, tokens=[taken, free], by=room.carol, at=room.tick()) == []


def test_a_reload_takes_up_nothing_of_a_paused_queue(room: Room) -> None:
    room.ask(1)
    token = room.token(room.alice)
    leases.give_back_all(room.project, tokens=[token], by=room.alice, at=room.tick())
    Queue.objects.update(paused=True)

    assert desk_buffer.take_up(room.project, tokens=[token], by=room.alice, at=room.tick()) == []


def test_a_slot_of_an_item_that_another_tab_holds_is_not_taken_up(room: Room) -> None:
    room.ask(1, overlap=2)
    first = room.token(room.alice)
    leases.give_back_all(room.project, tokens=[first], by=room.alice, at=room.tick())
    room.token(room.bob)
    room.token(room.alice)

    assert desk_buffer.take_up(room.project, tokens=[first], by=room.alice, at=room.tick()) == []
    assert held_by(room.alice) == 1


def test_a_desk_that_opens_frees_what_the_persons_idle_desks_hold(room: Room) -> None:
    room.ask(5)
    fill(room, room.alice, 5, held=[])
    assert fill(room, room.alice, 5, held=[]) == []

    room.tick(IDLE)

    assert len(fill(room, room.alice, 5, held=[])) == 5
    assert held_by(room.alice) == 5


def test_a_desk_that_beats_keeps_what_it_holds_and_so_do_other_people(room: Room) -> None:
    room.ask(6)
    mine = [lease.token for lease in fill(room, room.alice, 3, held=[])]
    fill(room, room.bob, 3, held=[])
    room.tick(IDLE)
    leases.extend(room.project, tokens=mine, by=room.alice, at=room.tick())

    assert fill(room, room.alice, 5, held=[]) == []
    assert (held_by(room.alice), held_by(room.bob)) == (3, 3)


def test_heartbeats_come_often_enough_to_keep_a_desk_from_being_idle(settings: object) -> None:
    assert desk_buffer.beat_seconds() * 2 < IDLE.total_seconds() < LATER.total_seconds()
    assert desk_buffer.beat_seconds() == 30
