"""A Kafka topic as a stream, by confluent-kafka, which only who uses Kafka installs (requirements-kafka.txt)."""

import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from annotation.streams.base import PREDICTION, DeadLetter, Message, StreamLag, StreamUnavailable

WAIT_SECONDS = 1.0
ANSWER_SECONDS = 10.0


class KafkaStream:
    """Values are the JSON rows; the header `kind` may be absent. Dead ones go to the topic NAME.dead.

    Kafka keeps one offset for each partition. So messages are received again only once those before them are settled,
    and a commit says that all up to it are: `settle` is called with every message of the last `receive`.
    """

    def __init__(self, servers: str, name: str, *, group: str, client: Any = None) -> None:
        self._client = client or load_client()
        self.name, self.dead_name = name, f"{name}.dead"
        self._received: list[Message] = []
        with self._named_failures():
            self._consumer = self._client.Consumer(
                {
                    "bootstrap.servers": servers,
                    "group.id": group,
                    "enable.auto.commit": False,
                    "auto.offset.reset": "earliest",
                }
            )
            self._producer = self._client.Producer({"bootstrap.servers": servers, "enable.idempotence": True})
            self._consumer.subscribe([name])

    def receive(self, most: int) -> list[Message]:
        if self._received:  # what could not be settled comes again, before anything that follows it
            return self._received
        with self._named_failures():
            found = self._consumer.consume(num_messages=most, timeout=WAIT_SECONDS)
        self._received = [self._message(one) for one in found if one.error() is None]
        errors = [one.error() for one in found if one.error() is not None]
        if errors and not self._received:  # beside messages it is their turn first: they were received, and count
            raise StreamUnavailable(f"Kafka: {errors[0].str()}")
        return self._received

    def _message(self, found: Any) -> Message:
        headers = dict(found.headers() or [])
        kind = headers.get("kind", PREDICTION.encode()).decode(errors="replace")
        return Message((found.partition(), found.offset()), found.value() or b"", kind)

    def settle(self, done: Sequence[Message], dead: Sequence[DeadLetter]) -> None:
        """Dead letters are with the broker before the offsets are committed."""
        self._send_dead(dead)
        ends: dict[int, int] = {}
        for message in [*done, *(one.message for one in dead)]:
            partition, offset = message.id
            ends[partition] = max(ends.get(partition, 0), offset + 1)
        if ends:
            with self._named_failures():
                offsets = [self._client.TopicPartition(self.name, number, end) for number, end in ends.items()]
                self._consumer.commit(offsets=offsets, asynchronous=False)
        self._received = []

    def _send_dead(self, dead: Sequence[DeadLetter]) -> None:
        failures: list[str] = []
        with self._named_failures():
            for one in dead:
                partition, offset = one.message.id
                headers = {"kind": one.message.kind, "id": f"{partition}:{offset}", "reason": one.reason}
                self._producer.produce(
                    self.dead_name,
                    value=one.message.body,
                    headers=[(name, text.encode()) for name, text in headers.items()],
                    on_delivery=lambda error, _: failures.append(str(error)) if error else None,
                )
            left = self._producer.flush(ANSWER_SECONDS) if dead else 0
        if failures or left:
            raise StreamUnavailable(f"Kafka did not take the dead letters: {(failures or ['no answer'])[0]}")

    def measure_lag(self) -> StreamLag:
        """Over the partitions of this consumer."""
        with self._named_failures():
            assigned = self._consumer.committed(self._consumer.assignment(), timeout=ANSWER_SECONDS)
            waiting = 0
            for one in assigned:
                low, high = self._consumer.get_watermark_offsets(one, timeout=ANSWER_SECONDS)
                waiting += high - max(low, one.offset)
        unsettled = len(self._received)
        return StreamLag(waiting - unsettled, unsettled)

    def close(self) -> None:
        with self._named_failures():
            self._consumer.close()

    @contextmanager
    def _named_failures(self) -> Iterator[None]:
        try:
            yield
        except self._client.KafkaException as why:
            raise StreamUnavailable(f"Kafka: {why}") from why


def load_client() -> Any:
    """The module confluent_kafka. Raises StreamUnavailable where it is not installed."""
    try:
        return importlib.import_module("confluent_kafka")
    except ImportError:
        words = "The client of Kafka is not installed: pip install -r requirements-kafka.txt"
        raise StreamUnavailable(words) from None
