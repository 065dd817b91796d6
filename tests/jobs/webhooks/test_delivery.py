"""Delivery: signed, tried again with growing pauses, not for ever, each try kept, and sent again on request."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from jobs import execution
from jobs.models import DeliveryState, EventType, Job, JobState, WebhookAttempt, WebhookDelivery, WebhookEvent
from jobs.webhooks import delivery, endpoints, outbox
from jobs.webhooks.delivery import ATTEMPTS, PAUSES
from jobs.webhooks.secrets import secret_of
from projects.models import AuditEvent, Project
from tests.factories import NOW, make_delivery, make_endpoint, make_project
from tests.jobs.webhooks.receiver import Receiver, receiving

pytestmark = pytest.mark.django_db


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.OUTGOING_NETWORKS = ["127.0.0.0/8"]
    with receiving() as one:
        yield one


@pytest.fixture
def project() -> Project:
    return make_project("mail")


def deliver(at: Any = NOW) -> None:
    """What a worker and the periodic look do at this time."""
    delivery.request_due(at=at)
    for job in Job.objects.filter(kind=outbox.DELIVER, state=JobState.QUEUED):
        attempt = execution.claim(job.pk, at=at, worker="test")
        assert attempt is not None
        delivery.deliver_due(attempt, clock=lambda: at)


def test_a_message_is_signed_so_that_the_reference_library_takes_it(project: Project, receiver: Receiver) -> None:
    endpoint = make_endpoint(project, url=receiver.url)
    outbox.add_event(EventType.RUN_FINISHED, project=project, subject="run 1", data={"run": 1, "näme": "ü"}, at=NOW)
    deliver()

    [(headers, body)] = receiver.received
    # By hand, as the specification has it: the base64 of HMAC-SHA256 over id, time and body.
    secret = secret_of(endpoint.nonce, project.pk)
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["content-type"] == "application/json"
    said = json.loads(body)
    assert said["type"] == "run.finished" and said["data"] == {"project": "mail", "run": 1, "näme": "ü"}
    assert said["timestamp"] == "2026-11-23T12:00:00+00:00"
    assert headers["webhook-timestamp"] == str(int(NOW.timestamp()))


def test_the_reference_library_verifies_it_and_refuses_another_body(
    project: Project, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.utils import timezone

    endpoint = make_endpoint(project, url=receiver.url)
    made = make_delivery(project, endpoint=endpoint)
    delivery.send(made, at=timezone.now())

    [(headers, body)] = receiver.received
    hook = Webhook(secret_of(endpoint.nonce, project.pk))
    assert hook.verify(body, headers) == {"type": "run.finished"}
    with pytest.raises(WebhookVerificationError):
        hook.verify(body + b" ", headers)


def test_a_rotated_secret_signs_beside_the_one_before_for_a_day(project: Project, receiver: Receiver) -> None:
    endpoint = make_endpoint(project, url=receiver.url)
    before = secret_of(endpoint.nonce, project.pk)
    after = endpoints.rotate(endpoint, once="one", by=None, at=NOW)
    again = endpoints.rotate(endpoint, once="one", by=None, at=NOW)

    assert after == again != before and AuditEvent.objects.filter(action="webhook.rotate").count() == 1
    for at, secrets in ((NOW, [after, before]), (NOW + timedelta(hours=25), [after])):
        made = make_delivery(project, endpoint=endpoint)
        delivery.send(made, at=at)
        headers, body = receiver.received[-1]
        expected = [Webhook(secret).sign(made.event.uid, at, body.decode()) for secret in secrets]
        assert headers["webhook-signature"].split(" ") == expected


def test_after_a_new_key_of_the_installation_the_old_secret_still_signs(
    project: Project, receiver: Receiver, settings: Any
) -> None:
    endpoint = make_endpoint(project, url=receiver.url)
    before = secret_of(endpoint.nonce, project.pk)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "n" * 60, [settings.SECRET_KEY]
    made = make_delivery(project, endpoint=endpoint)
    delivery.send(made, at=NOW)

    headers, body = receiver.received[0]
    assert Webhook(before).sign(made.event.uid, NOW, body.decode()) in headers["webhook-signature"].split(" ")


def test_a_failure_is_tried_again_after_growing_pauses_and_not_for_ever(project: Project, receiver: Receiver) -> None:
    receiver.answers = [(500, {})]
    made = make_delivery(project, endpoint=make_endpoint(project, url=receiver.url))
    at = NOW
    for tries in range(1, ATTEMPTS + 1):
        deliver(at)
        deliver(at)  # nothing is due before its time
        made.refresh_from_db()
        assert made.tries == tries == len(receiver.received)
        if tries < ATTEMPTS:
            assert made.state == DeliveryState.WAITING
            assert made.due_at == at + timedelta(seconds=PAUSES[tries - 1])
            at = made.due_at
    assert made.state == DeliveryState.FAILED
    deliver(at + timedelta(days=30))

    assert len(receiver.received) == ATTEMPTS == made.attempts.count()
    assert set(receiver.ids()) == {made.event.uid}, "one event keeps its id"
    assert len({body for _, body in receiver.received}) == 1
    assert {(one.status, one.error) for one in made.attempts.all()} == {(500, "It answered 500.")}


def test_retry_after_makes_a_pause_longer_and_never_shorter(project: Project, receiver: Receiver) -> None:
    receiver.answers = [(503, {"Retry-After": "120"}), (503, {"Retry-After": "1"}), (503, {"Retry-After": "9" * 30})]
    made = make_delivery(project, endpoint=make_endpoint(project, url=receiver.url))
    at, pauses = NOW, []
    for _ in range(3):
        deliver(at)
        made.refresh_from_db()
        pauses.append((made.due_at - at).total_seconds())
        at = made.due_at

    assert pauses == [120, PAUSES[1], PAUSES[2]]


def test_gone_switches_the_endpoint_off_and_says_why(project: Project, receiver: Receiver) -> None:
    receiver.answers = [(410, {})]
    endpoint = make_endpoint(project, url=receiver.url)
    first, second = make_delivery(project, endpoint=endpoint), make_delivery(project, endpoint=endpoint)
    deliver()

    endpoint.refresh_from_db()
    first.refresh_from_db()
    second.refresh_from_db()
    assert (endpoint.enabled, endpoint.disabled_because) == (False, "It answered 410 Gone.")
    assert (first.state, second.state) == (DeliveryState.FAILED, DeliveryState.WAITING)
    assert AuditEvent.objects.get(action="webhook.disable").actor == "system"
    assert len(receiver.received) == 1


def test_what_waited_is_sent_once_the_endpoint_is_on_again(project: Project, receiver: Receiver) -> None:
    endpoint = make_endpoint(project, url=receiver.url, enabled=False)
    make_delivery(project, endpoint=endpoint)
    deliver()
    assert not receiver.received

    endpoints.enable(endpoint, by=None, at=NOW)
    deliver()
    assert len(receiver.received) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 400, 404])
def test_a_redirect_is_not_followed_and_only_2xx_is_taken(project: Project, receiver: Receiver, status: int) -> None:
    receiver.answers = [(status, {"Location": receiver.url})]
    made = make_delivery(project, endpoint=make_endpoint(project, url=receiver.url))
    deliver()

    made.refresh_from_db()
    assert made.state == DeliveryState.WAITING and len(receiver.received) == 1
    assert ("redirects" in made.attempts.get().error) == (status < 400)


def test_an_address_that_became_private_is_refused_at_each_try(
    project: Project, receiver: Receiver, settings: Any
) -> None:
    settings.OUTGOING_NETWORKS = []
    made = make_delivery(project, endpoint=make_endpoint(project, url=receiver.url))
    deliver()

    assert not receiver.received
    assert "OUTGOING_NETWORKS" in made.attempts.get().error


def test_an_endpoint_that_fails_three_times_is_left_alone_for_the_turn(project: Project, receiver: Receiver) -> None:
    receiver.answers = [(500, {})]
    endpoint = make_endpoint(project, url=receiver.url)
    for _ in range(10):
        make_delivery(project, endpoint=endpoint)
    deliver()

    assert len(receiver.received) == 3
    assert WebhookDelivery.objects.filter(tries=0).count() == 7


def test_a_delivery_is_sent_again_under_its_id_with_new_tries(project: Project, receiver: Receiver) -> None:
    made = make_delivery(project, endpoint=make_endpoint(project, url=receiver.url))
    deliver()
    made.refresh_from_db()
    assert made.state == DeliveryState.DELIVERED
    endpoints.replay(made, by=None, at=NOW)
    deliver()

    assert receiver.ids() == [made.event.uid] * 2
    assert WebhookAttempt.objects.filter(delivery=made).count() == 2
    assert AuditEvent.objects.get(action="webhook.replay").target == made.event.uid


def test_one_endpoint_is_sent_by_one_job_however_often_it_is_asked(project: Project, receiver: Receiver) -> None:
    endpoint = make_endpoint(project, url=receiver.url)
    for _ in range(5):
        make_delivery(project, endpoint=endpoint)
        outbox.request_delivery(endpoint, at=NOW)
    delivery.request_due(at=NOW)

    assert Job.objects.filter(kind=outbox.DELIVER).count() == 1


def test_old_events_go_with_their_log_and_what_waits_stays(project: Project) -> None:
    endpoint = make_endpoint(project)
    make_delivery(project, endpoint=endpoint, state=DeliveryState.DELIVERED)
    waiting = make_delivery(project, endpoint=endpoint)
    delivery.forget_old(at=NOW + timedelta(days=29))
    assert WebhookEvent.objects.count() == 2
    delivery.forget_old(at=NOW + timedelta(days=31))

    assert WebhookDelivery.objects.get() == waiting


def test_an_event_is_of_its_transaction(
    project: Project, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    from django.db import transaction

    make_endpoint(project)
    with transaction.atomic():
        outbox.add_event(EventType.RUN_FINISHED, project=project, subject="run 1", data={}, at=NOW)
        transaction.set_rollback(True)  # as where the fact fails
    assert not WebhookEvent.objects.exists()

    with django_capture_on_commit_callbacks(execute=True):
        outbox.add_event(EventType.RUN_FINISHED, project=project, subject="run 1", data={}, at=NOW)
        assert not Job.objects.exists()
    assert Job.objects.filter(kind=outbox.DELIVER).count() == 1


def test_a_fact_is_one_event_and_only_for_whom_it_is_for(project: Project) -> None:
    wants = make_endpoint(project)
    make_endpoint(project, events=[EventType.DRIFT_FOUND])
    make_endpoint(project, enabled=False)
    make_endpoint(make_project())
    for _ in range(2):
        outbox.add_event(EventType.RUN_FINISHED, project=project, subject="run 1", data={}, at=NOW)

    assert WebhookDelivery.objects.get().endpoint == wants


def test_a_project_without_endpoints_writes_no_event(project: Project) -> None:
    assert outbox.add_event(EventType.RUN_FINISHED, project=project, subject="run 1", data={}, at=NOW) is None
    assert not WebhookEvent.objects.exists()
