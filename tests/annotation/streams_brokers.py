"""Brokers in memory for the tests of streams."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from annotation.streams.base import DeadLetter, Message, StreamLag, StreamUnavailable


class MemoryStream:
    """A stream that is a list; `failures` are raised, one each time it is asked to settle."""

    name = "memory"

    def __init__(self, messages: Sequence[Message], failures: int = 0) -> None:
        self.waiting, self.dead, self.settled = list(messages), list[DeadLetter](), list[Any]()
        self.failures, self.received, self.largest = failures, list[Message](), 0

    def receive(self, most: int) -> list[Message]:
        if not self.received:
            self.received, self.waiting = self.waiting[:most], self.waiting[most:]
        self.largest = max(self.largest, len(self.received))
        return self.received

    def settle(self, done: Sequence[Message], dead: Sequence[DeadLetter]) -> None:
        if self.failures:
            self.failures -= 1
            raise StreamUnavailable("away")
        self.dead += dead
        self.settled += [message.id for message in done] + [one.message.id for one in dead]
        self.received = []

    def measure_lag(self) -> StreamLag:
        return StreamLag(len(self.waiting), len(self.received))

    def close(self) -> None: ...


class KafkaFailure(Exception):
    """What the fake client raises."""


@dataclass
class FakeError:
    words: str

    def str(self) -> Any:
        return self.words


@dataclass
class FakeRecord:
    """A record as confluent_kafka hands it out."""

    topic_: str
    offset_: int
    value_: bytes | None
    headers_: Any = None
    error_: FakeError | None = None

    def error(self) -> FakeError | None:
        return self.error_

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return self.offset_

    def value(self) -> bytes | None:
        return self.value_

    def headers(self) -> Any:
        return self.headers_


@dataclass
class FakePartition:
    topic: str
    partition: int
    offset: int = -1001


@dataclass
class FakeKafka:
    """The part of confluent_kafka that is used, over topics of one partition; `away` makes every call fail."""

    topics: dict[str, list[FakeRecord]] = field(default_factory=dict)
    committed: dict[tuple[str, str], int] = field(default_factory=dict)
    away: bool = False
    errors: list[FakeError] = field(default_factory=list)
    KafkaException = KafkaFailure
    TopicPartition = FakePartition

    def add(self, topic: str, value: bytes | None, headers: Any = None) -> None:
        records = self.topics.setdefault(topic, [])
        records.append(FakeRecord(topic, len(records), value, headers))

    def answer(self) -> None:
        if self.away:
            raise KafkaFailure("no broker")

    def Consumer(self, options: dict[str, Any]) -> "FakeConsumer":  # noqa: N802
        assert options["enable.auto.commit"] is False, "nothing is acknowledged before it is committed"
        return FakeConsumer(self, options["group.id"])

    def Producer(self, options: dict[str, Any]) -> "FakeProducer":  # noqa: N802
        return FakeProducer(self)


@dataclass
class FakeConsumer:
    kafka: FakeKafka
    group: str
    topic: str = ""
    position: int = 0

    def subscribe(self, topics: list[str]) -> None:
        [self.topic] = topics
        self.position = self.kafka.committed.get((self.group, self.topic), 0)

    def consume(self, num_messages: int, timeout: float) -> list[FakeRecord]:
        self.kafka.answer()
        found = self.kafka.topics.get(self.topic, [])[self.position : self.position + num_messages]
        self.position += len(found)
        errors = [FakeRecord(self.topic, -1, None, error_=one) for one in self.kafka.errors]
        self.kafka.errors = []
        return [*found, *errors]

    def commit(self, offsets: list[FakePartition], asynchronous: bool) -> None:
        self.kafka.answer()
        for one in offsets:
            self.kafka.committed[self.group, one.topic] = one.offset

    def assignment(self) -> list[FakePartition]:
        return [FakePartition(self.topic, 0)]

    def committed(self, partitions: list[FakePartition], timeout: float) -> list[FakePartition]:
        offset = self.kafka.committed.get((self.group, self.topic), -1001)
        return [FakePartition(one.topic, one.partition, offset) for one in partitions]

    def get_watermark_offsets(self, partition: FakePartition, timeout: float) -> tuple[int, int]:
        return 0, len(self.kafka.topics.get(self.topic, []))

    def close(self) -> None: ...


@dataclass
class FakeProducer:
    kafka: FakeKafka
    reports: list[Callable[[], None]] = field(default_factory=list)

    def produce(self, topic: str, *, value: bytes, headers: Any, on_delivery: Callable[[Any, Any], None]) -> None:
        self.kafka.answer()
        self.kafka.add(topic, value, headers)
        self.reports.append(lambda: on_delivery(None, None))

    def flush(self, timeout: float) -> int:
        for report in self.reports:
            report()
        self.reports = []
        return 0
