"""Streams: what is captured is settled after its commit, what cannot be is a dead letter, and nothing is lost."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from annotation.models import Item, Signal, StreamProgress
from annotation.streams import consuming, progress
from annotation.streams.base import DeadLetter, Message, StreamLag, StreamUnavailable
from annotation.streams.consuming import MOST_TRIES, Consumed, consume
from annotation.streams.kafka_stream import KafkaStream, load_client
from projects.models import Project
from tests.annotation.streams_brokers import FakeError, FakeKafka, MemoryStream
from tests.factories import NOW, make_project


@pytest.fixture
def project(db: None) -> Project:
    return make_project("mail")


def prediction(key: str, **more: Any) -> bytes:
    return json.dumps({"key": key, "inputs": {"text": key}, "label": "ham", **more}).encode()


def run(project: Project, stream: Any, *, most: int = 10) -> tuple[Consumed, list[float]]:
    """Everything that the stream holds, and the pauses that were made."""
    pauses: list[float] = []
    done = consume(
        project,
        stream,
        most=most,
        clock=lambda: NOW,
        sleep=pauses.append,
        stopped=lambda: len(pauses) > 10,
        until_empty=True,
    )
    return done, pauses


def test_predictions_and_signals_are_captured_and_the_rest_is_dead_with_its_reason(project: Project) -> None:
    signal = json.dumps({"id": "s-1", "key": "a", "kind": "thumbs_down"}).encode()
    stream = MemoryStream(
        [
            Message(1, prediction("a")),
            Message(2, signal, "signal"),
            Message(3, b'{"key": '),
            Message(4, prediction("b", label="no label")),
            Message(5, prediction("c"), "outcome"),
            Message(6, prediction("d"), tries=MOST_TRIES + 1),
            Message(7, prediction("a")),
            Message(8, prediction("e"), tries=MOST_TRIES),
        ]
    )
    done, pauses = run(project, stream)
    assert done == Consumed(created=3, existing=1, dead=4) and pauses == []
    assert set(Item.objects.values_list("key", flat=True)) == {"a", "e"} and Signal.objects.get().item.key == "a"
    assert sorted(stream.settled) == [1, 2, 3, 4, 5, 6, 7, 8]
    reasons = {one.message.id: one.reason for one in stream.dead}
    assert "JSON" in reasons[3] and "ham, spam" in reasons[4] and "prediction or signal" in reasons[5]
    assert reasons[6] == "It was begun 5 times and never finished."


def test_a_broker_that_is_away_after_the_commit_gets_the_same_messages_and_nothing_is_doubled(project: Project) -> None:
    stream = MemoryStream([Message(n, prediction(f"m{n}")) for n in range(25)], failures=2)
    done, pauses = run(project, stream)
    assert (done, pauses) == (Consumed(created=15, existing=10), [1, 2]), "10 were committed, and their settling failed"
    assert Item.objects.count() == 25 and sorted(stream.settled) == list(range(25))
    assert stream.largest == 10, "no more are received before these are settled"


def test_a_database_that_is_away_settles_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    stream, away = MemoryStream([Message(1, prediction("a"))]), [True, True]
    capture = consuming.capture_rows

    def sometimes(*args: Any, **more: Any) -> Any:
        if away:
            away.pop()
            assert stream.settled == []
            raise OperationalError("away")
        return capture(*args, **more)

    monkeypatch.setattr(consuming, "capture_rows", sometimes)
    monkeypatch.setattr(consuming, "close_old_connections", lambda: None)
    assert run(project, stream) == (Consumed(created=1), [1, 2])
    assert stream.settled == [1] and stream.dead == []


def test_a_silent_consumer_and_a_slow_one_are_named_and_a_stopped_one_is_not(project: Project) -> None:
    stream = MemoryStream([])
    progress.note(project, stream, consumed=3, dead=1, at=NOW)
    later = NOW + timedelta(minutes=7)
    assert list(progress.find_troubled([project], at=NOW)) == []
    [(_, words)] = progress.find_troubled([project], at=later)
    assert "memory was seen for 7 minutes" in words and "./plumbline consume mail memory" in words
    stream.measure_lag = lambda: StreamLag(12_000, 5)  # type: ignore[method-assign]
    progress.note(project, stream, consumed=3, dead=1, at=NOW)
    [(_, words)] = progress.find_troubled([project], at=NOW)
    assert words.startswith("12,000 messages or more wait in the stream memory.")
    progress.note(project, stream, consumed=3, dead=1, at=NOW, stopped=True)
    assert list(progress.find_troubled([project], at=later)) == []
    assert StreamProgress.objects.count() == 1


# Kafka, over a broker in memory.


def kafka_stream(kafka: FakeKafka) -> KafkaStream:
    return KafkaStream("broker:9092", "rows", group="plumbline", client=kafka)


def test_a_topic_is_captured_to_its_end_and_bad_rows_are_in_the_dead_topic(project: Project) -> None:
    kafka = FakeKafka()
    for number in range(25):
        kafka.add("rows", prediction(f"m{number}"), [("other", b"x")])
    kafka.add("rows", b'{"id": "s-1", "key": "m1", "kind": "thumbs_down"}', [("kind", b"signal")])
    kafka.add("rows", b"no JSON")
    kafka.add("rows", None)  # a tombstone of a compacted topic
    stream = kafka_stream(kafka)
    assert run(project, stream)[0] == Consumed(created=26, dead=2)
    assert stream.measure_lag() == StreamLag(0, 0) and kafka.committed == {("plumbline", "rows"): 28}
    dead = [dict(record.headers()) for record in kafka.topics["rows.dead"]]
    assert [one["id"] for one in dead] == [b"0:26", b"0:27"] and all(one["reason"] for one in dead)
    assert run(project, kafka_stream(kafka))[0] == Consumed(), "the next consumer begins where this one ended"


def test_a_consumer_of_kafka_that_dies_before_its_commit_is_followed_by_one_that_captures_no_row_twice(
    project: Project,
) -> None:
    kafka = FakeKafka()
    for number in range(5):
        kafka.add("rows", prediction(f"m{number}"))
    first = kafka_stream(kafka)
    kafka.away = True
    with pytest.raises(StreamUnavailable, match="no broker"):
        first.receive(10)
    kafka.away = False
    consuming.capture_rows(project, [json.loads(one.body) for one in first.receive(3)], at=NOW)
    assert run(project, kafka_stream(kafka))[0] == Consumed(created=2, existing=3)


def test_what_kafka_could_not_settle_comes_again_before_anything_later(project: Project) -> None:
    kafka = FakeKafka()
    for number in range(4):
        kafka.add("rows", prediction(f"m{number}"))
    stream = kafka_stream(kafka)
    received = stream.receive(2)
    kafka.away = True
    for dead in ([], [DeadLetter(received[1], "bad")]):
        with pytest.raises(StreamUnavailable):
            stream.settle(received[:1], dead)
    kafka.away = False
    assert stream.receive(2) == received and kafka.committed == {}
    stream.settle(received, [])
    assert [message.id for message in stream.receive(9)] == [(0, 2), (0, 3)]


def test_an_error_of_kafka_loses_no_message_that_came_with_it(project: Project) -> None:
    kafka = FakeKafka(errors=[FakeError("a broker is away")])
    kafka.add("rows", prediction("a"))
    stream = kafka_stream(kafka)
    assert [message.id for message in stream.receive(5)] == [(0, 0)]
    stream.settle(stream.receive(5), [])
    kafka.errors = [FakeError("a broker is away")]
    with pytest.raises(StreamUnavailable, match="a broker is away"):
        stream.receive(5)


def test_the_client_of_kafka_is_asked_for_only_where_it_is_used(project: Project) -> None:
    with pytest.raises(StreamUnavailable, match="requirements-kafka"):
        load_client()
    with pytest.raises(CommandError, match="requirements-kafka"):
        call_command("consume", "mail", "rows", kafka="broker:9092", stdout=StringIO())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"slug": "nowhere"}, "no project nowhere"),
        ({}, "--redis URL or --kafka"),
        ({"batch": 0}, "--batch takes 1 to 10,000"),
        ({"redis": "unix:///nowhere.sock"}, "Redis: ConnectionError"),
    ],
)
def test_a_command_that_cannot_begin_says_why(project: Project, options: Any, words: str) -> None:
    given = {"slug": "mail", **options}
    with pytest.raises(CommandError, match=words):
        call_command("consume", given.pop("slug"), "rows", stdout=StringIO(), **given)
