"""The guide of webhooks: its snippets verify what is really sent, and its table has every event."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from jobs.models import EventType
from jobs.webhooks import delivery
from jobs.webhooks.delivery import PAUSES
from jobs.webhooks.secrets import secret_of
from tests.factories import make_delivery, make_endpoint, make_project
from tests.jobs.webhooks.receiver import receiving

GUIDE = (Path(__file__).resolve().parents[3] / "docs" / "webhooks.md").read_text()
SNIPPETS = re.findall(r"^```python\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)


@pytest.mark.django_db
@pytest.mark.parametrize("snippet", SNIPPETS, ids=["library", "by hand"])
def test_a_snippet_takes_what_is_sent_and_refuses_what_is_not(snippet: str, settings: Any) -> None:
    settings.OUTGOING_NETWORKS = ["127.0.0.0/8"]
    names: dict[str, Any] = {}
    exec(snippet, names)
    project = make_project()
    with receiving() as receiver:
        endpoint = make_endpoint(project, url=receiver.url)
        delivery.send(make_delivery(project, endpoint=endpoint), at=timezone.now())
    [(headers, body)] = receiver.received
    secret = secret_of(endpoint.nonce, project.pk)

    assert names["receive"](secret, headers, body) == {"type": "run.finished"}
    old = {**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) - 1_000)}
    for wrong in ((secret_of("other", project.pk), headers, body), (secret, headers, body + b" "), (secret, old, body)):
        with pytest.raises(Exception, match=r"signature|too old"):
            names["receive"](*wrong)


def test_the_guide_names_every_event_and_every_pause() -> None:
    assert set(re.findall(r"`(\w+\.\w+)`(?=[ ,]|$)", GUIDE.split("```json")[0])) == set(EventType.values)
    said = [seconds(*found) for found in re.findall(r"(\d+) (s|min|h)\b", GUIDE.split("at once, then after")[1])]
    assert tuple(said[: len(PAUSES)]) == PAUSES


def seconds(number: str, unit: str) -> int:
    return int(number) * {"s": 1, "min": 60, "h": 3600}[unit]
