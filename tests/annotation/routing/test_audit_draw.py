"""The audit: drawn at capture, thinned at random where people cannot keep up, drawn anew where they are quicker."""

from datetime import timedelta

import pytest

from annotation import capture, queues
from annotation.models import Cause, Item, RoutedItem, RoutedState, Slot, SlotState
from annotation.routing import audit_draw, audit_settings
from projects.models import Project
from tests.annotation.routing.traffic import NUMBERS, fill
from tests.factories import NOW, make_item, make_project

pytestmark = pytest.mark.django_db
SECRET_OF = audit_draw.secret  # before the tests replace it


@pytest.fixture
def project() -> Project:
    return make_project(inputs=NUMBERS)


def drawn() -> set[int]:
    return set(Item.objects.drawn().values_list("pk", flat=True))


def test_capture_draws_by_the_key_alone_at_the_rate_in_force(project: Project) -> None:
    rows = [{"key": f"k{n}", "inputs": {"a": 1.0, "b": n / 7}} for n in range(400)]
    capture.capture_rows(project, rows, at=NOW)
    numbers = dict(Item.objects.values_list("key", "audit_number"))
    assert set(Item.objects.values_list("audit_probability", flat=True)) == {0.2}
    assert 50 <= len(drawn()) <= 115

    other = [Item(project=project, key=f"k{n}") for n in range(400)]
    audit_draw.draw(project, other, at=NOW)
    assert {item.key: item.audit_number for item in other} == numbers


def test_every_project_hashes_with_a_secret_of_its_own(project: Project) -> None:
    secrets = {SECRET_OF(project), SECRET_OF(make_project())}
    assert len(secrets) == 2
    assert all(len(secret) == 32 for secret in secrets)


def test_an_item_captured_with_its_label_is_never_asked(project: Project) -> None:
    rows = [{"key": "known", "inputs": {"a": 1.0, "b": 1.0}, "label_known": "ham"}]
    capture.capture_rows(project, rows, at=NOW)
    item = Item.objects.get()
    assert (item.in_pool, item.audit_probability, item.is_drawn) == (False, None, False)


def test_a_large_first_batch_is_drawn_for_a_week_of_labels(project: Project) -> None:
    items = [Item(project=project, key=str(n)) for n in range(7000)]
    audit_draw.draw(project, items, at=NOW)
    assert [item.audit_probability for item in items] == pytest.approx([0.02] * 7000)


def test_the_rate_follows_the_traffic_and_what_people_label(project: Project) -> None:
    fill(project, 700, start=NOW - timedelta(hours=12))
    assert audit_draw.review(project, at=NOW).rate == pytest.approx(0.2)
    Item.objects.update(captured_at=NOW - timedelta(hours=2))
    make_item(project, captured_at=NOW - timedelta(days=3))
    busy = audit_draw.review(project, at=NOW).rate
    assert busy == pytest.approx(0.2 * 100 / 700)
    setting = audit_settings.in_force(project)
    assert setting is not None and setting.rate == busy


def test_a_backlog_is_thinned_at_random_and_its_probability_multiplied_in(project: Project) -> None:
    fill(project, 3000, minutes=0.5)
    Item.objects.update(audit_probability=0.2)
    before = drawn()
    assert len(before) > 400
    found = audit_draw.review(project, at=NOW)
    kept = drawn()
    assert found.thinned == len(before) - len(kept)
    assert kept < before
    assert len(kept) == pytest.approx(140, abs=45)
    factor = 140 / len(before)
    assert {round(p, 6) for p in Item.objects.filter(pk__in=kept).values_list("audit_probability", flat=True)} == {
        round(0.2 * factor, 6)
    }
    ages = Item.objects.filter(pk__in=kept).order_by("at").values_list("at", flat=True)
    middle = NOW - timedelta(days=2) + timedelta(minutes=750)
    assert 0.3 < sum(at < middle for at in ages) / len(ages) < 0.7  # not the oldest, nor the newest


def test_thinning_leaves_what_somebody_holds_and_withdraws_what_is_not_drawn_any_more(project: Project) -> None:
    fill(project, 3000, minutes=0.5)
    Item.objects.update(audit_probability=0.2)
    audit_draw.queue_draws(project, list(audit_draw.not_asked(project)[:40]), at=NOW)
    held = RoutedItem.objects.order_by("pk")[0]
    Slot.objects.filter(routed=held).update(state=SlotState.LEASED, lease_until=NOW + timedelta(minutes=5))

    audit_draw.review(project, at=NOW)

    held.refresh_from_db()
    assert (held.state, held.audit_probability, held.item.audit_probability) == ("open", 0.2, 0.2)
    rows = RoutedItem.objects.exclude(pk=held.pk).select_related("item")
    assert {row.state for row in rows if not row.item.is_drawn} == {RoutedState.WITHDRAWN}
    for row in rows:
        if row.item.is_drawn:
            assert (row.state, row.inclusion_probability) == ("open", row.item.audit_probability)


def test_more_is_drawn_from_earlier_items_where_people_are_quicker_than_was_thought(project: Project) -> None:
    fill(project, 1000)
    Item.objects.update(audit_probability=0.001)
    before = drawn()
    found = audit_draw.review(project, at=NOW)
    after = drawn()
    assert before <= after
    assert found.drawn == len(after) - len(before) == 20 - len(before)
    (probability,) = set(Item.objects.drawn().values_list("audit_probability", flat=True))
    assert not Item.objects.filter(audit_number__lt=probability).exclude(pk__in=after).exists()


def test_nothing_that_was_chosen_is_drawn_afterwards(project: Project) -> None:
    items = fill(project, 300)
    Item.objects.update(audit_probability=1e-9)
    chosen = [item.pk for item in items[:200]]
    Item.objects.filter(pk__in=chosen).update(in_pool=False)
    audit_draw.draw_more(project, 50, most=1.0, at=NOW)
    assert len(drawn() - set(chosen)) == 50
    assert Item.objects.filter(pk__in=chosen, audit_probability=1e-9).count() == 200


def test_asking_for_more_takes_what_is_drawn_before_it_draws_more(project: Project) -> None:
    fill(project, 500)
    Item.objects.update(audit_probability=0.02)
    first = drawn()
    put = audit_draw.queue_more_draws(project, len(first) + 5, reason="to judge v2", at=NOW)
    assert put.created == len(first) + 5
    rows = RoutedItem.objects.select_related("item")
    assert first <= {row.item_id for row in rows}
    assert all(row.evaluation and row.reason == "to judge v2" for row in rows)
    assert all(row.audit_probability == row.item.audit_probability for row in rows)


def test_items_of_a_former_version_are_drawn_later_and_labelled_ones_stay_out(project: Project) -> None:
    waits, labelled = make_item(project), make_item(project)
    labelled.resolutions.create(project=project, value="ham", method="single", quality=1, votes=1, resolved_at=NOW)
    assert audit_draw.draw_missing(project, at=NOW) == 2
    waits.refresh_from_db()
    labelled.refresh_from_db()
    assert waits.in_pool and waits.audit_probability == 0.2 and waits.audit_number is not None
    assert (labelled.in_pool, labelled.audit_probability) == (False, None)
    assert audit_draw.draw_missing(project, at=NOW) == 0


def test_a_drawn_item_is_an_evaluation_item_whatever_it_is_asked_for(project: Project) -> None:
    items = fill(project, 50)
    Item.objects.filter(pk=items[0].pk).update(audit_number=0.0)
    queue = queues.create(project, title="By hand", cause="slice", by=None, at=NOW)
    queues.add_entries(queue, [queues.Entry(item.pk, "by hand", {}, 1.0, 0.5) for item in items[:2]], at=NOW)
    Item.objects.filter(pk=items[1].pk).update(audit_number=0.9)
    assert items[0].routed_items.get().evaluation


def test_thinning_leaves_in_its_queue_what_a_person_put_there(project: Project) -> None:
    fill(project, 3000, minutes=0.5)
    Item.objects.update(audit_probability=0.2)
    asked = list(audit_draw.not_asked(project)[:40])
    entries = [queues.Entry(item.pk, "chosen by hand", {}, 1.0, 0.5) for item in asked]
    queues.add_entries(queues.ensure(project, Cause.SLICE, at=NOW), entries, at=NOW)

    audit_draw.review(project, at=NOW)

    assert any(not row.item.is_drawn for row in RoutedItem.objects.select_related("item"))
    assert {row.state for row in RoutedItem.objects.all()} == {RoutedState.OPEN}
