"""/metrics: what waits and how the consumers of streams are, naming nobody's project to who has no token."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from annotation.models import StreamProgress
from jobs import exposition, queue
from jobs.exposition import MetricFamily, MetricSample
from tests.factories import NOW, make_project

pytestmark = pytest.mark.django_db


def figures(text: str) -> dict[str, float]:
    return {name: float(value) for name, value in (one.rsplit(" ", 1) for one in text.splitlines() if one[0] != "#")}


def make_stream(slug: str, name: str, waiting: int) -> None:
    StreamProgress.objects.create(
        project=make_project(slug), stream=name, seen_at=NOW, waiting=waiting, unsettled=2, consumed=50, dead=3
    )


def test_streams_are_added_up_for_everybody_and_named_for_who_has_the_token(settings: Any) -> None:
    make_stream("mail", 'in "a"', 5)
    make_stream("shop", "in", 7)
    client = Client()
    open_to_all = figures(client.get("/metrics").content.decode())
    assert open_to_all["plumbline_stream_waiting"] == 12 and open_to_all["plumbline_stream_refused_total"] == 6
    assert not [name for name in open_to_all if "mail" in name or "shop" in name]
    assert client.get("/metrics", headers={"Authorization": "Bearer x"}).status_code == 401
    settings.METRICS_TOKEN = "right"
    answered = client.get("/metrics", headers={"Authorization": "Bearer right"})
    named = figures(answered.content.decode())
    assert answered["Content-Type"].startswith("text/plain; version=0.0.4")
    assert named['plumbline_stream_waiting{project="mail",stream="in \\"a\\""}'] == 5
    assert named['plumbline_stream_consumed_total{project="shop",stream="in"}'] == 50
    assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_every_queue_has_its_series_and_says_how_long_its_oldest_job_is_due() -> None:
    project, at = make_project("mail"), timezone.now()
    queue.enqueue("annotation.route", key="one", project=project, at=at - timedelta(seconds=30))
    queue.enqueue("annotation.route", key="two", project=project, at=at, due_at=at + timedelta(hours=1))
    found = figures(exposition.write_figures(at=at, names=False))
    assert found['plumbline_jobs_waiting{queue="default"}'] == 1
    assert found['plumbline_jobs_oldest_seconds{queue="default"}'] == pytest.approx(30)
    assert found['plumbline_jobs_waiting{queue="train"}'] == found['plumbline_jobs_running{queue="files"}'] == 0


def test_a_label_with_any_letters_stays_on_its_line() -> None:
    family = MetricFamily("one", "Words.", (MetricSample({"role": 'a"\n\\'}, 1.5),))
    assert list(exposition._lines(family, names=True))[1] == 'one{role="a\\"\\n\\\\"} 1.5\n'
