"""Breaches of the time that items may wait: each begins once, is sent once, and ends when nothing is late."""

import json
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from annotation import breaches, labels, queues
from annotation.models import Queue, QueueBreach, RoutedItem, RoutedState
from jobs.models import EventType, WebhookEvent
from jobs.webhooks import outbox
from tests.annotation.labelling_scenario import LabellingScenario, make_scenario
from tests.factories import make_endpoint

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def scenario() -> LabellingScenario:
    """Three items wait in a queue in which an item may wait for an hour, and somebody listens."""
    made = make_scenario()
    make_endpoint(made.project, events=[EventType.QUEUE_BREACHED.value])
    made.ask(3)
    made.queue()
    Queue.objects.update(sla_hours=1.0)
    return made


def look(scenario: LabellingScenario) -> list[QueueBreach]:
    return breaches.note_breaches(scenario.project, at=scenario.now)


def test_nothing_is_sent_before_an_item_is_late(scenario: LabellingScenario) -> None:
    scenario.tick(HOUR - timedelta(seconds=2))

    assert look(scenario) == [] and not QueueBreach.objects.exists()


def test_a_breach_is_sent_once_however_often_one_looks(scenario: LabellingScenario) -> None:
    asked = scenario.now
    scenario.tick(HOUR + timedelta(seconds=1))

    (breach,) = look(scenario)

    assert (breach.late, breach.due_at) == (3, asked + HOUR)
    scenario.tick(HOUR)
    assert look(scenario) == [] and look(scenario) == []
    sent = json.loads(WebhookEvent.objects.get().body)
    assert (sent["type"], sent["data"]["queue"], sent["data"]["late"]) == ("queue.breached", "uncertain", 3)


def test_a_breach_ends_when_nothing_is_late_and_the_next_is_sent_again(scenario: LabellingScenario) -> None:
    scenario.tick(2 * HOUR)
    look(scenario)
    for lease in scenario.claim(scenario.alice, 3):
        labels.submit(scenario.project, lease.token, value="ham", by=scenario.alice, at=scenario.tick())

    look(scenario)

    assert QueueBreach.objects.get().ended_at == scenario.now
    scenario.ask(1)
    scenario.tick(2 * HOUR)
    assert len(look(scenario)) == 1
    assert WebhookEvent.objects.count() == 2 == QueueBreach.objects.count()


def test_a_process_that_dies_before_the_end_leaves_neither_breach_nor_event(
    scenario: LabellingScenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario.tick(2 * HOUR)
    write = outbox.add_event

    def die(*args: object, **given: object) -> None:
        write(*args, **given)  # type: ignore[arg-type]
        raise SystemExit

    monkeypatch.setattr(outbox, "add_event", die)
    with pytest.raises(SystemExit), transaction.atomic():
        look(scenario)
    assert not QueueBreach.objects.exists() and not WebhookEvent.objects.exists()
    monkeypatch.undo()

    assert len(look(scenario)) == 1 and WebhookEvent.objects.count() == 1


def test_a_look_sees_what_another_did_while_it_waited_for_the_queue(
    scenario: LabellingScenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario.tick(2 * HOUR)

    def wait_while_all_is_answered(rows: object) -> None:
        RoutedItem.objects.update(state=RoutedState.DONE, closed_at=scenario.now)

    monkeypatch.setattr(breaches, "lock_rows", wait_while_all_is_answered)
    assert look(scenario) == [] and not WebhookEvent.objects.exists()


def test_a_look_that_began_earlier_ends_no_breach_of_a_later_one(scenario: LabellingScenario) -> None:
    earlier = scenario.now
    scenario.tick(2 * HOUR)
    (breach,) = look(scenario)

    assert breaches.note_breaches(scenario.project, at=earlier) == []
    assert look(scenario) == [] and WebhookEvent.objects.count() == 1
    assert QueueBreach.objects.get() == breach


def test_the_database_takes_no_second_open_breach_of_a_queue(scenario: LabellingScenario) -> None:
    scenario.tick(2 * HOUR)
    (breach,) = look(scenario)

    with pytest.raises(IntegrityError), transaction.atomic():
        QueueBreach.objects.create(
            project=scenario.project, queue=breach.queue, due_at=scenario.now, late=1, noticed_at=scenario.now
        )


def test_a_paused_queue_breaches_nothing_and_one_without_a_limit_ends_what_it_had(
    scenario: LabellingScenario,
) -> None:
    scenario.tick(2 * HOUR)
    queues.set_paused(scenario.queue(), True, by=scenario.rita, at=scenario.now)
    assert look(scenario) == []
    queues.set_paused(scenario.queue(), False, by=scenario.rita, at=scenario.now)
    assert len(look(scenario)) == 1
    Queue.objects.update(sla_hours=None)

    look(scenario)

    assert QueueBreach.objects.get().ended_at == scenario.now
