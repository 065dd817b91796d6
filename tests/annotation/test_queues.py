"""Queues and leases: what is put, who gets what first, and that nobody gets what is not theirs to have."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotation import leases, queues
from annotation.models import Cause, Label, Lease, Queue, RoutedItem, Slot
from projects.models import AuditEvent
from tests.annotation.rooms import LATER, Room, make_entry, make_room
from tests.factories import NOW, make_item, make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def room() -> Room:
    return make_room()


def test_ensure_makes_a_queue_of_a_cause_once_with_the_projects_overlap() -> None:
    project = make_project(overlap=3)

    first, second = (queues.ensure(project, Cause.AUDIT, at=NOW) for _ in range(2))

    assert first == second
    assert (first.slug, first.title, first.overlap) == ("audit", "Audit", 3)


def test_a_new_queue_takes_a_free_slug_and_is_on_the_audit_trail(room: Room) -> None:
    made = [queues.create(room.project, title="Scanner C", cause="slice", by=room.rita, at=room.now) for _ in range(3)]

    assert [queue.slug for queue in made] == ["scanner-c", "scanner-c-2", "scanner-c-3"]
    assert AuditEvent.objects.filter(action="queue.create", actor="user:rita").count() == 3


@pytest.mark.parametrize(("title", "overlap"), [("", 1), ("  ", 1), ("x" * 121, 1), ("fine", 0), ("fine", 21)])
def test_a_queue_without_a_usable_title_or_overlap_is_refused(room: Room, title: str, overlap: int) -> None:
    with pytest.raises(queues.QueueProblem):
        queues.create(room.project, title=title, cause="slice", by=room.rita, at=room.now, overlap=overlap)


def test_put_makes_one_slot_for_each_person_of_the_overlap(room: Room) -> None:
    room.ask(2, overlap=3)

    assert RoutedItem.objects.count() == 2
    assert Slot.objects.count() == 6


def test_put_skips_and_counts_what_waits_in_any_queue_already(room: Room) -> None:
    (waiting,) = room.ask(1)
    new = make_item(room.project)

    put = queues.put(room.queue(Cause.DRIFTED), [make_entry(waiting), make_entry(new), make_entry(new)], at=room.now)

    assert put == queues.Put(created=1, already=2)


def test_put_refuses_the_whole_batch_where_an_item_is_of_another_project(room: Room) -> None:
    mine, foreign = make_item(room.project), make_item(make_project())

    with pytest.raises(queues.NotInProject, match="1 of these items"):
        queues.put(room.queue(), [make_entry(mine), make_entry(foreign)], at=room.now)

    assert not RoutedItem.objects.exists()


def test_an_item_measured_with_once_stays_an_evaluation_item(room: Room) -> None:
    (item,) = room.ask(1, cause=Cause.AUDIT, evaluation=True)
    queues.withdraw(room.project, item_ids=[item.pk], at=room.now)

    queues.put(room.queue(Cause.SUSPECTED), [make_entry(item, evaluation=False)], at=room.now)

    assert item.routed_items.order_by("pk").last().evaluation


def test_a_claim_gives_the_most_wanted_first_and_says_who_holds_it_until_when(room: Room) -> None:
    items = room.ask(3)

    claimed = room.claim(room.alice, 2)

    assert [lease.item for lease in claimed] == items[:2]
    slot = Slot.objects.get(pk=claimed[0].slot_id)
    assert (slot.state, slot.leased_to) == ("leased", room.alice)
    assert slot.lease_until == room.now + leases.length()
    assert claimed[0].guideline_version == 1
    assert len({lease.token for lease in claimed}) == 2


def test_a_heavier_queue_is_asked_before_a_lighter_one(room: Room) -> None:
    room.ask(1)
    Queue.objects.create(
        project=room.project, slug="heavy", title="Heavy", cause="slice", weight=2.0, created_at=room.now
    )
    item = make_item(room.project)
    queues.put(Queue.objects.get(slug="heavy"), [make_entry(item, priority=0.01)], at=room.now)

    assert room.claim(room.alice)[0].item == item


def test_a_claim_of_one_queue_takes_from_that_queue_only(room: Room) -> None:
    room.ask(2)
    (audit,) = room.ask(1, cause=Cause.AUDIT)

    claimed = room.claim(room.alice, 5, queue=room.queue(Cause.AUDIT))

    assert [lease.item for lease in claimed] == [audit]


@pytest.mark.parametrize("named", [True, False])
def test_a_paused_queue_gives_nothing_until_it_is_resumed(room: Room, named: bool) -> None:
    room.ask(1)
    queue = room.queue()
    queues.set_paused(queue, True, by=room.rita, at=room.now)

    assert room.claim(room.alice, queue=queue if named else None) == []
    queues.set_paused(queue, False, by=room.rita, at=room.now)
    assert len(room.claim(room.alice, queue=queue if named else None)) == 1


def test_two_people_never_get_the_same_slot(room: Room) -> None:
    room.ask(3)

    first, second = room.claim(room.alice, 2), room.claim(room.bob, 5)

    assert len(first) == 2 and len(second) == 1
    assert not {lease.slot_id for lease in first} & {lease.slot_id for lease in second}


def test_one_person_never_gets_two_slots_of_one_item(room: Room) -> None:
    room.ask(1, overlap=3)

    assert len(room.claim(room.alice, 5)) == 1
    assert room.claim(room.alice, 5) == []
    assert len(room.claim(room.bob, 5)) == 1


@pytest.mark.parametrize("state", ["given", "skipped"])
def test_an_item_that_a_person_answered_or_skipped_is_not_given_to_them_again(room: Room, state: str) -> None:
    (item,) = room.ask(1, overlap=2)
    (lease,) = room.claim(room.alice)
    Label.objects.create(
        project=room.project,
        item=item,
        lease=lease,
        user=room.alice,
        cause="uncertain",
        state=state,
        created_at=NOW,
        updated_at=NOW,
    )
    Slot.objects.update(state="open", leased_to=None)

    assert room.claim(room.alice) == []
    assert len(room.claim(room.bob)) == 1


def test_an_expired_lease_is_claimable_in_the_same_statement(room: Room) -> None:
    room.ask(2)
    room.claim(room.alice, 2)
    assert room.claim(room.bob, 2) == []

    room.tick(LATER)

    assert len(room.claim(room.bob, 2)) == 2


def test_a_person_may_take_their_own_expired_lease_again_but_no_second_slot(room: Room) -> None:
    room.ask(1, overlap=2)
    (first,) = room.claim(room.alice)

    room.tick(LATER)
    again = room.claim(room.alice, 5)

    assert [lease.slot_id for lease in again] == [first.slot_id]
    assert not leases.holds(Lease.objects.select_related("slot").get(token=first.token))


def test_a_claim_is_at_most_twenty_and_at_least_nothing(room: Room) -> None:
    room.ask(22)

    assert len(room.claim(room.alice, 500)) == 20
    assert room.claim(room.bob, 0) == []


def test_a_claim_of_a_foreign_queue_gives_nothing(room: Room) -> None:
    room.ask(1)
    foreign = queues.ensure(make_project(), Cause.UNCERTAIN, at=NOW)

    assert room.claim(room.alice, queue=foreign) == []


def test_a_claim_is_five_statements_at_most_whatever_its_size(room: Room) -> None:
    room.ask(20)

    with CaptureQueriesContext(connection) as captured:
        room.claim(room.alice, 20)

    asked = [query["sql"] for query in captured if not query["sql"].startswith(("SAVEPOINT", "RELEASE", "BEGIN"))]
    assert len(asked) == 5
    assert sum("UPDATE" in sql for sql in asked) == 1


@pytest.mark.parametrize("named", [True, False])
def test_a_claim_seeks_the_index_of_open_slots_and_sorts_nothing(room: Room, named: bool) -> None:
    room.ask(3)
    queue = room.queue() if named else None
    postgres, now = connection.vendor == "postgresql", connection.ops.adapt_datetimefield_value(room.now)
    values = {"project": 1, "queue": 1, "user": 1, "count": 1, "token": "t", "now": now, "until": now}

    with connection.cursor() as cursor:
        if postgres:
            cursor.execute("SET LOCAL enable_seqscan = off")  # three rows are read faster without an index
        explain = "EXPLAIN " if postgres else "EXPLAIN QUERY PLAN "
        cursor.execute(explain + leases.statement(queue, postgres=postgres), values)
        plan = " ".join(str(row) for row in cursor.fetchall())

    assert ("open_slots_by_queue" if named else "open_slots_by_priority") in plan, plan
    assert "leased_slots_by_end" in plan


def test_a_heartbeat_extends_what_is_held_and_names_what_is_not(room: Room) -> None:
    room.ask(2)
    first, second = room.claim(room.alice, 2)
    room.tick(timedelta(seconds=590))
    held = leases.extend(room.project, tokens=[first.token], by=room.alice, at=room.now)
    assert held == [first.token]

    room.tick(timedelta(seconds=30))
    (taken,) = room.claim(room.bob, 5)

    assert taken.slot_id == second.slot_id
    both = [first.token, second.token]
    assert leases.extend(room.project, tokens=both, by=room.alice, at=room.now) == [first.token]


def test_a_heartbeat_of_another_persons_lease_does_nothing(room: Room) -> None:
    room.ask(1)
    token = room.token(room.alice)
    until = Slot.objects.get().lease_until

    assert leases.extend(room.project, tokens=[token], by=room.bob, at=room.tick()) == []
    assert Slot.objects.get().lease_until == until


def test_resume_gives_the_leases_back_in_the_order_asked(room: Room) -> None:
    items = room.ask(3)
    tokens = [lease.token for lease in room.claim(room.alice, 3)]

    resumed = leases.resume(room.project, tokens=[*reversed(tokens), "lease_unknown-1"], by=room.alice, at=room.tick())

    assert [lease.item for lease in resumed] == items[::-1]


def test_what_is_given_back_waits_for_others(room: Room) -> None:
    room.ask(2)
    first, second = room.claim(room.alice, 2)

    assert leases.give_back(first, by=room.alice, at=room.tick())
    assert not leases.give_back(first, by=room.alice, at=room.tick())
    assert not leases.give_back(second, by=room.bob, at=room.tick())
    assert [lease.slot_id for lease in room.claim(room.bob, 2)] == [first.slot_id]


def test_giving_back_an_old_lease_leaves_the_new_one_alone(room: Room) -> None:
    room.ask(1)
    (old,) = room.claim(room.alice)
    room.tick(LATER)
    (new,) = room.claim(room.alice)

    assert leases.give_back_all(room.project, tokens=[old.token], by=room.alice, at=room.now) == 0
    assert leases.give_back_all(room.project, tokens=[new.token], by=room.alice, at=room.now) == 1


def test_expired_slots_are_opened_for_the_counts(room: Room) -> None:
    room.ask(2)
    room.claim(room.alice, 1)
    room.tick(timedelta(seconds=300))
    room.claim(room.bob, 1)
    room.tick(timedelta(seconds=301))

    assert leases.release_expired(at=room.now) == 1
    assert sorted(Slot.objects.values_list("state", flat=True)) == ["leased", "open"]


def test_only_untouched_items_are_withdrawn(room: Room) -> None:
    items = room.ask(3, overlap=2)
    room.claim(room.alice, 1)
    Slot.objects.filter(item=items[1], ordinal=0).update(state="filled")

    taken = queues.withdraw(room.project, item_ids=[item.pk for item in items], at=room.now)

    assert taken == 1
    assert RoutedItem.objects.get(item=items[2]).state == "withdrawn"
    assert set(Slot.objects.filter(item=items[2]).values_list("state", flat=True)) == {"closed"}
    assert len(room.claim(room.bob, 5)) == 2


def test_counts_say_how_full_each_queue_is_and_what_is_late(room: Room) -> None:
    room.ask(3)
    room.ask(1, cause=Cause.AUDIT)
    Queue.objects.filter(slug="uncertain").update(promise_hours=0.1)
    room.claim(room.alice, 2, queue=room.queue())
    room.tick(timedelta(minutes=7))

    uncertain, audit = queues.counts(room.project, at=room.now)

    assert (uncertain.queue.slug, uncertain.waiting, uncertain.leased, uncertain.late) == ("uncertain", 3, 2, True)
    assert (audit.waiting, audit.leased, audit.late) == (1, 0, False)


def test_counts_take_four_statements_however_many_queues(room: Room, django_assert_num_queries: object) -> None:
    for cause in Cause:
        room.ask(1, cause=cause)

    with django_assert_num_queries(4):
        queues.counts(room.project, at=room.now)
