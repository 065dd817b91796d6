"""Capacity: what present people can still take, and a claim that never finds an empty queue while items are left."""

from datetime import datetime, timedelta

import pytest

from annotation import labels, leases, queues, routing
from annotation.models import Cause, Item, Label, RoutedItem, RoutedState, Slot, SlotState, SupplyMark
from annotation.routing import audit_draw, capacity, refill
from annotation.routing.capacity import Places, Supply
from annotation.tasks import route_what_waits
from jobs.models import Job
from projects.models import Project, User
from projects.project_settings import RoutingSettings
from tests.annotation.routing.traffic import NUMBERS, fill
from tests.factories import NOW, make_project, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make_project(inputs=NUMBERS, routing={"batch": 20, "waiting": 20})


@pytest.fixture
def alice(project: Project) -> User:
    return make_user("alice", project)


def answer(project: Project, user: User, count: int, *, at: datetime = NOW, skip: bool = False) -> int:
    held = leases.claim(project, by=user, count=count, at=at)
    for lease in held:
        value = {"skip": True} if skip else {"value": "ham"}
        assert labels.submit(project, lease.token, by=user, at=at, **value).status == "created"
    return len(held)


class TestTarget:
    def test_is_the_setting_while_nobody_hurries(self) -> None:
        assert capacity.target_of(RoutingSettings(), people=2, answers_a_second=0.5) == 100

    def test_follows_the_team_and_the_rate_of_answers(self) -> None:
        assert capacity.target_of(RoutingSettings(), people=8, answers_a_second=0) == 200
        assert capacity.target_of(RoutingSettings(), people=8, answers_a_second=20) == 1800
        assert capacity.target_of(RoutingSettings(), people=5000, answers_a_second=0) == 1250

    def test_is_nothing_where_routing_is_off(self) -> None:
        assert capacity.target_of(RoutingSettings(waiting=0), people=8, answers_a_second=9) == 0

    def test_places_of_a_round_keep_the_share_of_the_audit(self) -> None:
        short = Supply(active=0, audit=0, active_target=800, audit_target=200)
        assert short.places(100) == Places(active=80, audit=20)
        assert Supply(70, 30, 80, 20).places(100) == Places(active=10, audit=0)


def test_what_a_lone_person_skipped_is_no_supply_for_them(project: Project, alice: User) -> None:
    fill(project, 100)
    routing.route(project, at=NOW, seed=1)
    before = capacity.supply(project, at=NOW)
    assert before.active + before.audit == 25

    while answer(project, alice, 20, skip=True) == 20 and Label.objects.count() < 20:
        pass

    after = capacity.supply(project, at=NOW)
    assert after.active + after.audit <= 5
    assert after.is_low
    assert sum(routing.route(project, at=NOW, seed=2).by_cause.values()) >= 15


def test_an_overlap_above_the_number_of_people_does_not_stop_routing(project: Project, alice: User) -> None:
    Project.objects.filter(pk=project.pk).update(overlap=3)
    project.refresh_from_db()
    fill(project, 100)
    seen = 0
    for seed in range(4):
        routing.route(project, at=NOW, seed=seed)
        seen += answer(project, alice, 20)
    assert seen == 80
    assert RoutedItem.objects.filter(state=RoutedState.OPEN).count() >= 80


def test_leases_of_a_closed_tab_are_no_supply(project: Project, alice: User) -> None:
    fill(project, 100)
    routing.route(project, at=NOW, seed=1)
    leases.claim(project, by=alice, count=20, at=NOW)
    leases.claim(project, by=alice, count=5, at=NOW)
    assert capacity.supply(project, at=NOW).is_low
    assert not capacity.supply(project, at=NOW + timedelta(hours=1)).is_low


def test_a_paused_queue_and_a_dispute_are_no_supply(project: Project) -> None:
    fill(project, 100)
    routing.route(project, at=NOW, seed=1)
    assert capacity.free_slots(project, at=NOW).exists()
    project.queues.update(paused=True)
    assert not capacity.free_slots(project, at=NOW).exists()
    project.queues.update(paused=False, cause=Cause.DISPUTED)
    assert not capacity.free_slots(project, at=NOW).exists()


def test_no_round_is_due_where_nothing_is_left(project: Project) -> None:
    """An item that came with its label made an empty round every 15 seconds."""
    fill(project, 3)
    Item.objects.update(in_pool=False, audit_probability=None)
    route_what_waits(project, NOW)
    assert not Job.objects.exists()
    Item.objects.filter(pk=Item.objects.first().pk).update(in_pool=True)
    route_what_waits(project, NOW)
    assert Job.objects.get().kind == "annotation.route"


def test_a_claim_that_leaves_little_asks_for_a_round_once(project: Project, alice: User) -> None:
    fill(project, 200)
    routing.route(project, at=NOW, seed=1)
    assert not refill.is_due(project, at=NOW)
    mark = SupplyMark.objects.get(project=project).low_water
    left = Slot.objects.filter(state=SlotState.OPEN).count()
    assert 0 < mark <= left
    answer(project, alice, left - mark)
    assert not Job.objects.exists()
    answer(project, alice, 2)
    answer(project, alice, 2)
    assert Job.objects.get().key == refill.job_key(project)


@pytest.mark.parametrize("skip", [True, False], ids=["skipped", "answered by one of two"])
def test_what_waits_for_others_alone_does_not_keep_a_round_away(project: Project, alice: User, skip: bool) -> None:
    make_user("bob", project)
    fill(project, 200)
    project.queues.update(overlap=2)
    routing.route(project, at=NOW, seed=1)
    project.queues.update(overlap=2)
    refill.is_due(project, at=NOW)
    while not Job.objects.exists() and answer(project, alice, 5, skip=skip):
        pass
    assert Job.objects.get().key == refill.job_key(project)
    assert Label.objects.filter(user=alice).count() < 60, "long before all 200 were seen"


@pytest.mark.parametrize("cause", [Cause.UNCERTAIN, Cause.AUDIT])
def test_a_queue_that_routing_fills_is_served_for_whoever_asks_for_it_alone(
    project: Project, alice: User, cause: Cause
) -> None:
    fill(project, 150)
    Item.objects.update(audit_probability=1.0 if cause == Cause.AUDIT else 1e-6, audit_number=0.5)
    routing.route(project, at=NOW, seed=1)
    queue = project.queues.get(cause=cause)
    given = 0
    while held := leases.claim(project, by=alice, count=20, queue=queue, at=NOW):
        assert {lease.slot.queue_id for lease in held} == {queue.pk}
        given += len(held)
        for lease in held:
            labels.submit(project, lease.token, value="ham", by=alice, at=NOW)
        if given > 60:
            break
    assert given > 60, "more than the round had put"


@pytest.mark.parametrize(
    ("cause", "scored"),
    [(Cause.TYPICAL, True), (Cause.UNCERTAIN, False), (Cause.AUDIT, True)],
    ids=["typical", "uncertain without scores", "audit that drew nothing"],
)
def test_a_queue_that_gets_nothing_is_served_nothing_and_neither_is_another(
    project: Project, alice: User, cause: Cause, scored: bool
) -> None:
    fill(project, 150, scored=scored)
    Item.objects.update(audit_probability=1e-6, audit_number=0.5)
    queue = queues.ensure(project, cause, at=NOW)
    assert [leases.claim(project, by=alice, count=20, queue=queue, at=NOW) for _ in range(3)] == [[], [], []]
    assert not RoutedItem.objects.exists()


def test_an_uncertain_queue_whose_day_is_over_fills_no_other(project: Project, alice: User) -> None:
    fill(project, 150)
    queue = queues.ensure(project, Cause.UNCERTAIN, at=NOW)
    project.queues.filter(pk=queue.pk).update(daily_budget=0)
    assert leases.claim(project, by=alice, count=20, queue=queue, at=NOW) == []
    assert not RoutedItem.objects.exists()


def test_the_mark_at_which_a_claim_asks_for_a_round_follows_the_rate_of_answers(project: Project, alice: User) -> None:
    fill(project, 400)
    routing.route(project, at=NOW, seed=1)
    marks = []
    for _ in range(2):
        refill.is_due(project, at=NOW)
        marks.append(SupplyMark.objects.get(project=project).low_water)
        for _ in range(6):
            answer(project, alice, 10)
    assert marks[1] > 2 * marks[0], "60 answers within a minute"


def test_a_desk_is_never_empty_while_items_are_left(project: Project, alice: User) -> None:
    """No worker runs here: every claim is served, first the most uncertain, and in the end all are asked."""
    items = fill(project, 130)
    fill(project, 20, scored=False, seed=3)
    given: list[int] = []
    while held := leases.claim(project, by=alice, count=20, at=NOW):
        assert len(held) == min(20, 150 - len(given))
        given += [lease.item_id for lease in held]
        for lease in held:
            labels.submit(project, lease.token, value="ham", by=alice, at=NOW)
    assert sorted(given) == sorted(Item.objects.values_list("pk", flat=True))
    assert not Item.objects.filter(in_pool=True).exists()
    reasons = RoutedItem.objects.filter(item=items[0]).values_list("reason", flat=True)
    assert reasons


def test_labelled_audit_items_before_the_last_unlabelled_ones_leave_no_desk_empty(
    project: Project, alice: User
) -> None:
    items = fill(project, 2 * refill.AT_ONCE + 10)
    Item.objects.update(audit_probability=1.0)
    audit_draw.queue_draws(project, items, at=NOW)
    assert sum(answer(project, alice, 10) for _ in range(len(items) // 10)) == len(items)
    assert Item.objects.filter(in_pool=True).count() == len(items)  # the active part may still choose an audit item
    (last,) = fill(project, 1, scored=False, seed=3)
    Item.objects.filter(pk=last.pk).update(audit_probability=1e-6, audit_number=0.5)

    assert [lease.item_id for lease in leases.claim(project, by=alice, count=5, at=NOW)] == [last.pk]


def test_a_claim_of_a_project_without_routing_is_served_nothing(project: Project, alice: User) -> None:
    fill(project, 10)
    Project.objects.filter(pk=project.pk).update(routing={"waiting": 0})
    project.refresh_from_db()
    assert leases.claim(project, by=alice, count=5, at=NOW) == []
    Project.objects.filter(pk=project.pk).update(routing={"waiting": "many"})
    project.refresh_from_db()
    assert leases.claim(project, by=alice, count=5, at=NOW) == []
