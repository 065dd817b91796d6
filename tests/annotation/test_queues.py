"""Queues and leases: what is put, who gets what first, and that nobody gets what is not theirs to have."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotation import lease_ends, leases, queue_counts, queues
from annotation.models import Cause, Label, Lease, Queue, RoutedItem, Slot
from projects.models import AuditEvent
from tests.annotation.labelling_scenario import LATER, LabellingScenario, make_entry, make_scenario
from tests.factories import NOW, make_item, make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def scenario() -> LabellingScenario:
    return make_scenario()


def test_ensure_makes_a_queue_of_a_cause_once_with_the_projects_overlap() -> None:
    project = make_project(overlap=3)

    first, second = (queues.ensure(project, Cause.AUDIT, at=NOW) for _ in range(2))

    assert first == second
    assert (first.slug, first.title, first.overlap) == ("audit", "Audit", 3)


def test_a_new_queue_takes_a_free_slug_and_is_on_the_audit_trail(scenario: LabellingScenario) -> None:
    made = [
        queues.create(scenario.project, title="Scanner C", cause="slice", by=scenario.rita, at=scenario.now)
        for _ in range(3)
    ]

    assert [queue.slug for queue in made] == ["scanner-c", "scanner-c-2", "scanner-c-3"]
    assert AuditEvent.objects.filter(action="queue.create", actor="user:rita").count() == 3


@pytest.mark.parametrize(
    ("title", "overlap"), [("", 1), ("  ", 1), ("x" * 121, 1), ("a\x00", 1), ("fine", 0), ("fine", 21)]
)
def test_a_queue_without_a_usable_title_or_overlap_is_refused(
    scenario: LabellingScenario, title: str, overlap: int
) -> None:
    with pytest.raises(queues.QueueProblem):
        queues.create(scenario.project, title=title, cause="slice", by=scenario.rita, at=scenario.now, overlap=overlap)


def test_put_makes_one_slot_for_each_person_of_the_overlap(scenario: LabellingScenario) -> None:
    scenario.ask(2, overlap=3)

    assert RoutedItem.objects.count() == 2
    assert Slot.objects.count() == 6


def test_put_skips_and_counts_what_waits_in_any_queue_already(scenario: LabellingScenario) -> None:
    (waiting,) = scenario.ask(1)
    new = make_item(scenario.project)

    put = queues.add_entries(
        scenario.queue(Cause.DRIFTED), [make_entry(waiting), make_entry(new), make_entry(new)], at=scenario.now
    )

    assert put == queues.Put(created=1, already=2)


def test_put_refuses_the_whole_batch_where_an_item_is_of_another_project(scenario: LabellingScenario) -> None:
    mine, foreign = make_item(scenario.project), make_item(make_project())

    with pytest.raises(queues.NotInProject, match="1 of these items"):
        queues.add_entries(scenario.queue(), [make_entry(mine), make_entry(foreign)], at=scenario.now)

    assert not RoutedItem.objects.exists()


def test_an_item_measured_with_once_stays_an_evaluation_item(scenario: LabellingScenario) -> None:
    (item,) = scenario.ask(1, cause=Cause.AUDIT, evaluation=True)
    queues.withdraw(scenario.project, item_ids=[item.pk], at=scenario.now)

    queues.add_entries(scenario.queue(Cause.SUSPECTED), [make_entry(item, evaluation=False)], at=scenario.now)

    assert item.routed_items.order_by("pk").last().evaluation


def test_a_claim_gives_the_most_wanted_first_and_says_who_holds_it_until_when(scenario: LabellingScenario) -> None:
    items = scenario.ask(3)

    claimed = scenario.claim(scenario.alice, 2)

    assert [lease.item for lease in claimed] == items[:2]
    slot = Slot.objects.get(pk=claimed[0].slot_id)
    assert (slot.state, slot.leased_to) == ("leased", scenario.alice)
    assert slot.lease_until == scenario.now + leases.length()
    assert claimed[0].guideline_version == 1
    assert len({lease.token for lease in claimed}) == 2


def test_a_heavier_queue_is_asked_before_a_lighter_one(scenario: LabellingScenario) -> None:
    scenario.ask(1)
    Queue.objects.create(
        project=scenario.project, slug="heavy", title="Heavy", cause="slice", weight=2.0, created_at=scenario.now
    )
    item = make_item(scenario.project)
    queues.add_entries(Queue.objects.get(slug="heavy"), [make_entry(item, priority=0.01)], at=scenario.now)

    assert scenario.claim(scenario.alice)[0].item == item


def test_a_claim_of_one_queue_takes_from_that_queue_only(scenario: LabellingScenario) -> None:
    scenario.ask(2)
    (audit,) = scenario.ask(1, cause=Cause.AUDIT)

    claimed = scenario.claim(scenario.alice, 5, queue=scenario.queue(Cause.AUDIT))

    assert [lease.item for lease in claimed] == [audit]


@pytest.mark.parametrize("named", [True, False])
def test_a_paused_queue_gives_nothing_until_it_is_resumed(scenario: LabellingScenario, named: bool) -> None:
    scenario.ask(1)
    queue = scenario.queue()
    queues.set_paused(queue, True, by=scenario.rita, at=scenario.now)

    assert scenario.claim(scenario.alice, queue=queue if named else None) == []
    queues.set_paused(queue, False, by=scenario.rita, at=scenario.now)
    assert len(scenario.claim(scenario.alice, queue=queue if named else None)) == 1


def test_two_people_never_get_the_same_slot(scenario: LabellingScenario) -> None:
    scenario.ask(3)

    first, second = scenario.claim(scenario.alice, 2), scenario.claim(scenario.bob, 5)

    assert len(first) == 2 and len(second) == 1
    assert not {lease.slot_id for lease in first} & {lease.slot_id for lease in second}


def test_one_person_never_gets_two_slots_of_one_item(scenario: LabellingScenario) -> None:
    scenario.ask(1, overlap=3)

    assert len(scenario.claim(scenario.alice, 5)) == 1
    assert scenario.claim(scenario.alice, 5) == []
    assert len(scenario.claim(scenario.bob, 5)) == 1


@pytest.mark.parametrize("state", ["given", "skipped"])
def test_an_item_that_a_person_answered_or_skipped_is_not_given_to_them_again(
    scenario: LabellingScenario, state: str
) -> None:
    (item,) = scenario.ask(1, overlap=2)
    (lease,) = scenario.claim(scenario.alice)
    Label.objects.create(
        project=scenario.project,
        item=item,
        lease=lease,
        user=scenario.alice,
        cause="uncertain",
        state=state,
        created_at=NOW,
        updated_at=NOW,
    )
    Slot.objects.update(state="open", leased_to=None)

    assert scenario.claim(scenario.alice) == []
    assert len(scenario.claim(scenario.bob)) == 1


def test_an_expired_lease_is_claimable_in_the_same_statement(scenario: LabellingScenario) -> None:
    scenario.ask(2)
    scenario.claim(scenario.alice, 2)
    assert scenario.claim(scenario.bob, 2) == []

    scenario.tick(LATER)

    assert len(scenario.claim(scenario.bob, 2)) == 2


def test_a_person_may_take_their_own_expired_lease_again_but_no_second_slot(scenario: LabellingScenario) -> None:
    scenario.ask(1, overlap=2)
    (first,) = scenario.claim(scenario.alice)

    scenario.tick(LATER)
    again = scenario.claim(scenario.alice, 5)

    assert [lease.slot_id for lease in again] == [first.slot_id]
    assert not leases.holds_slot(Lease.objects.select_related("slot").get(token=first.token))


def test_a_claim_is_at_most_twenty_and_at_least_nothing(scenario: LabellingScenario) -> None:
    scenario.ask(22)

    assert len(scenario.claim(scenario.alice, 500)) == 20
    assert scenario.claim(scenario.bob, 0) == []


def test_a_claim_of_a_foreign_queue_gives_nothing(scenario: LabellingScenario) -> None:
    scenario.ask(1)
    foreign = queues.ensure(make_project(), Cause.UNCERTAIN, at=NOW)

    assert scenario.claim(scenario.alice, queue=foreign) == []


def test_a_claim_is_five_statements_at_most_whatever_its_size(scenario: LabellingScenario) -> None:
    scenario.ask(20)

    with CaptureQueriesContext(connection) as captured:
        scenario.claim(scenario.alice, 20)

    asked = [query["sql"] for query in captured if not query["sql"].startswith(("SAVEPOINT", "RELEASE", "BEGIN"))]
    assert len(asked) == 5
    assert sum("UPDATE" in sql for sql in asked) == 1


@pytest.mark.parametrize("named", [True, False])
def test_a_claim_seeks_the_index_of_open_slots_and_sorts_nothing(scenario: LabellingScenario, named: bool) -> None:
    scenario.ask(3)
    queue = scenario.queue() if named else None
    postgres, now = connection.vendor == "postgresql", connection.ops.adapt_datetimefield_value(scenario.now)
    values: dict[str, Any] = {"project": 1, "queue": 1, "user": 1, "count": 1, "token": "t", "now": now, "until": now}

    with connection.cursor() as cursor:
        if postgres:
            cursor.execute("SET LOCAL enable_seqscan = off")  # three rows are read faster without an index
        explain = "EXPLAIN " if postgres else "EXPLAIN QUERY PLAN "
        cursor.execute(explain + leases.statement(queue, postgres=postgres), values)
        plan = " ".join(str(row) for row in cursor.fetchall())

    assert ("open_slots_by_queue" if named else "open_slots_by_priority") in plan, plan
    assert "leased_slots_by_end" in plan


def test_a_heartbeat_extends_what_is_held_and_names_what_is_not(scenario: LabellingScenario) -> None:
    scenario.ask(2)
    first, second = scenario.claim(scenario.alice, 2)
    scenario.tick(timedelta(seconds=590))
    held = leases.extend(scenario.project, tokens=[first.token], by=scenario.alice, at=scenario.now)
    assert held == [first.token]

    scenario.tick(timedelta(seconds=30))
    (taken,) = scenario.claim(scenario.bob, 5)

    assert taken.slot_id == second.slot_id
    both = [first.token, second.token]
    assert leases.extend(scenario.project, tokens=both, by=scenario.alice, at=scenario.now) == [first.token]


def test_a_heartbeat_of_another_persons_lease_does_nothing(scenario: LabellingScenario) -> None:
    scenario.ask(1)
    token = scenario.token(scenario.alice)
    until = Slot.objects.get().lease_until

    assert leases.extend(scenario.project, tokens=[token], by=scenario.bob, at=scenario.tick()) == []
    assert Slot.objects.get().lease_until == until


def test_resume_gives_the_leases_back_in_the_order_asked(scenario: LabellingScenario) -> None:
    items = scenario.ask(3)
    tokens = [lease.token for lease in scenario.claim(scenario.alice, 3)]

    resumed = leases.resume(
        scenario.project, tokens=[*reversed(tokens), "lease_unknown-1"], by=scenario.alice, at=scenario.tick()
    )

    assert [lease.item for lease in resumed] == items[::-1]


def test_what_is_given_back_waits_for_others(scenario: LabellingScenario) -> None:
    scenario.ask(2)
    first, second = scenario.claim(scenario.alice, 2)

    assert leases.give_back(first, by=scenario.alice, at=scenario.tick())
    assert not leases.give_back(first, by=scenario.alice, at=scenario.tick())
    assert not leases.give_back(second, by=scenario.bob, at=scenario.tick())
    assert [lease.slot_id for lease in scenario.claim(scenario.bob, 2)] == [first.slot_id]


def test_giving_back_an_old_lease_leaves_the_new_one_alone(scenario: LabellingScenario) -> None:
    scenario.ask(1)
    (old,) = scenario.claim(scenario.alice)
    scenario.tick(LATER)
    (new,) = scenario.claim(scenario.alice)

    assert leases.give_back_all(scenario.project, tokens=[old.token], by=scenario.alice, at=scenario.now) == 0
    assert leases.give_back_all(scenario.project, tokens=[new.token], by=scenario.alice, at=scenario.now) == 1


def test_expired_slots_are_opened_for_the_counts(scenario: LabellingScenario) -> None:
    scenario.ask(2)
    scenario.claim(scenario.alice, 1)
    scenario.tick(timedelta(seconds=300))
    scenario.claim(scenario.bob, 1)
    scenario.tick(timedelta(seconds=301))

    assert lease_ends.release_expired(at=scenario.now) == 1
    assert sorted(Slot.objects.values_list("state", flat=True)) == ["leased", "open"]


@pytest.mark.parametrize("back", [timedelta(seconds=95), timedelta(days=1)])
def test_a_lease_from_before_the_clock_was_set_back_ends_with_one_given_now(
    scenario: LabellingScenario, back: timedelta
) -> None:
    scenario.ask(1)
    scenario.claim(scenario.alice, 1)
    scenario.tick(-back)
    lease_ends.release_expired(at=scenario.now)
    assert lease_ends.release_expired(at=scenario.tick(LATER)) == 1
    assert len(scenario.claim(scenario.bob, 1)) == 1


def test_only_untouched_items_are_withdrawn(scenario: LabellingScenario) -> None:
    items = scenario.ask(3, overlap=2)
    scenario.claim(scenario.alice, 1)
    Slot.objects.filter(item=items[1], ordinal=0).update(state="filled")

    taken = queues.withdraw(scenario.project, item_ids=[item.pk for item in items], at=scenario.now)

    assert taken == 1
    assert RoutedItem.objects.get(item=items[2]).state == "withdrawn"
    assert set(Slot.objects.filter(item=items[2]).values_list("state", flat=True)) == {"closed"}
    assert len(scenario.claim(scenario.bob, 5)) == 2


def test_counts_say_how_full_each_queue_is_and_what_is_late(scenario: LabellingScenario) -> None:
    scenario.ask(3)
    scenario.ask(1, cause=Cause.AUDIT)
    Queue.objects.filter(slug="uncertain").update(sla_hours=0.1)
    scenario.claim(scenario.alice, 2, queue=scenario.queue())
    scenario.tick(timedelta(minutes=7))

    uncertain, audit = queue_counts.count_queues(scenario.project, at=scenario.now)

    assert (uncertain.queue.slug, uncertain.waiting, uncertain.leased, uncertain.late) == ("uncertain", 3, 2, True)
    assert (audit.waiting, audit.leased, audit.late) == (1, 0, False)


def test_counts_take_four_statements_however_many_queues(
    scenario: LabellingScenario, django_assert_num_queries: Any
) -> None:
    for cause in Cause:
        scenario.ask(1, cause=cause)

    with django_assert_num_queries(4):
        queue_counts.count_queues(scenario.project, at=scenario.now)


def test_an_empty_queue_can_be_deleted_and_that_is_on_the_audit_trail(scenario: LabellingScenario) -> None:
    queue = queues.create(scenario.project, title="Odd ones", cause=Cause.SLICE, by=scenario.rita, at=NOW)

    queues.delete_empty(queue, by=scenario.rita, at=NOW)
    queues.delete_empty(queue, by=scenario.rita, at=NOW)  # a double click

    assert not Queue.objects.filter(slug="odd-ones").exists()
    assert AuditEvent.objects.filter(action="queue.delete", target="odd-ones").count() == 1


def test_a_queue_that_held_an_item_is_never_deleted(scenario: LabellingScenario) -> None:
    queue = queues.create(scenario.project, title="Odd ones", cause=Cause.SLICE, by=scenario.rita, at=NOW)
    item = make_item(scenario.project)
    queues.add_entries(queue, [make_entry(item)], at=NOW)
    queues.withdraw(scenario.project, item_ids=[item.pk], at=NOW)

    with pytest.raises(queues.QueueInUse, match="Odd ones holds items"):
        queues.delete_empty(queue, by=scenario.rita, at=NOW)

    assert Queue.objects.filter(slug="odd-ones").exists()


def test_the_queues_in_which_all_of_some_items_wait(scenario: LabellingScenario) -> None:
    first, second, third = (make_item(scenario.project) for _ in range(3))
    queue = queues.create(scenario.project, title="Odd ones", cause=Cause.SLICE, by=scenario.rita, at=NOW)
    queues.add_entries(queue, [make_entry(first), make_entry(second)], at=NOW)

    assert queues.waiting_in(scenario.project, [first.pk, second.pk, first.pk]) == ["Odd ones"]
    assert queues.waiting_in(scenario.project, [first.pk, third.pk]) == []
