"""Batches that come again, in another order, cut at any byte, signals first: each event is kept once.

`benchmarks.cut_batches` does the same with 10,000 events.
"""

from typing import Any

import pytest
from django.test import Client

from benchmarks.cut_batches import deliver, kept_events
from projects import members
from projects.models import Role, Scope
from tests.factories import NOW, make_project, make_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("seed", [1, 2])
def test_no_event_is_lost_and_none_is_there_twice(seed: int) -> None:
    project = make_project("mail")
    person = make_user(project=project, role=Role.ENGINEER)
    secret = members.create_key(project, person, [Scope.INGEST], by=person, at=NOW)[1]
    client = Client(headers={"Authorization": f"Bearer {secret}"})

    def post(call: str, body: bytes, content_type: str, encoding: str) -> Any:
        headers = {"Content-Encoding": encoding} if encoding else {}
        return client.post(f"/api/v1/projects/mail/{call}", body, content_type=content_type, headers=headers)

    sent = deliver(post, 1000, seed)
    assert (sent.events, sent.created) == (1000, 1000)
    assert kept_events() == {"items": 500, "predictions": 500, "signals": 500, "without_item": 0}
