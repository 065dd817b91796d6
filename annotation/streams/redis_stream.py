"""Redis Streams as a stream: a consumer group, with messages of dead consumers claimed after a pause."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import redis

from annotation.streams.base import PREDICTION, DeadLetter, Message, StreamLag, StreamUnavailable

WAIT_SECONDS = 1.0
MOST_COUNTED = 10_000  # messages that wait are counted up to here, where Redis itself does not know


class RedisStream:
    """Entries have the fields `row`, the JSON, and `kind`, which may be absent. Dead ones go to NAME:dead."""

    def __init__(self, url: str, name: str, *, group: str, consumer: str, claim_seconds: float) -> None:
        self.name, self.dead_name = name, f"{name}:dead"
        self._group, self._consumer, self._claim_seconds = group, consumer, claim_seconds
        address = url.replace("redis+socket://", "unix://")
        self._redis: Any = redis.Redis.from_url(address, socket_timeout=WAIT_SECONDS + 10)
        self._own_pending, self._next_claim, self._cursor = True, 0.0, "0-0"
        self._received: list[Message] = []
        with _named_failures():
            self._make_group()

    def _make_group(self) -> None:
        try:
            self._redis.xgroup_create(self.name, self._group, id="0", mkstream=True)
        except redis.ResponseError as why:
            if "BUSYGROUP" not in str(why):
                raise

    def receive(self, most: int) -> list[Message]:
        """What was left comes one by one, so that a message on which consumers die takes no other with it."""
        if not self._received:  # what could not be settled comes again
            with _named_failures():
                self._received = self._left_by_itself() or self._left_by_others() or self._new(most)
        return self._received

    def _left_by_itself(self) -> list[Message]:
        """What a former process of this name received and did not settle."""
        if not self._own_pending:
            return []
        found = self._redis.xreadgroup(self._group, self._consumer, {self.name: "0"}, count=1)
        messages = self._with_tries(found[0][1] if found else [])
        self._own_pending = bool(messages)
        return messages

    def _left_by_others(self) -> list[Message]:
        """What lies unsettled with a consumer for so long that it must have died."""
        if time.monotonic() < self._next_claim:
            return []
        least = int(self._claim_seconds * 1000)
        claimed = self._redis.xautoclaim(
            self.name, self._group, self._consumer, min_idle_time=least, start_id=self._cursor, count=1
        )
        self._cursor = claimed[0].decode()
        if self._cursor == "0-0":
            self._next_claim = time.monotonic() + self._claim_seconds
        return self._with_tries([entry for entry in claimed[1] if entry[0] is not None])

    def _new(self, most: int) -> list[Message]:
        wait = int(WAIT_SECONDS * 1000)
        found = self._redis.xreadgroup(self._group, self._consumer, {self.name: ">"}, count=most, block=wait)
        return [_message(*entry) for entry in found[0][1]] if found else []

    def _with_tries(self, entries: Sequence[Any]) -> list[Message]:
        if not entries:
            return []
        first, last = entries[0][0], entries[-1][0]
        listed = self._redis.xpending_range(
            self.name, self._group, min=first, max=last, count=MOST_COUNTED, consumername=self._consumer
        )
        tries = {one["message_id"]: one["times_delivered"] for one in listed}
        return [_message(name, fields, tries.get(name, 1)) for name, fields in entries]

    def settle(self, done: Sequence[Message], dead: Sequence[DeadLetter]) -> None:
        """All of it or nothing, in one transaction of Redis."""
        self._settle(done, dead)
        self._received = []

    def _settle(self, done: Sequence[Message], dead: Sequence[DeadLetter]) -> None:
        settled = [message.id for message in done] + [one.message.id for one in dead]
        if not settled:
            return
        with _named_failures(), self._redis.pipeline(transaction=True) as together:
            for one in dead:
                message = one.message
                fields = {"row": message.body, "kind": message.kind, "id": message.id, "reason": one.reason}
                together.xadd(self.dead_name, fields)
            together.xack(self.name, self._group, *settled)
            together.execute()

    def measure_lag(self) -> StreamLag:
        with _named_failures():
            groups = {one["name"].decode(): one for one in self._redis.xinfo_groups(self.name)}
            mine = groups[self._group]
            waiting = mine.get("lag")
            if waiting is None:  # Redis before 7, or entries were deleted
                after = b"(" + mine["last-delivered-id"]
                waiting = len(self._redis.xrange(self.name, min=after, count=MOST_COUNTED))
            return StreamLag(waiting, mine["pending"])

    def close(self) -> None:
        """Leave the group where nothing is unsettled: a consumer that is gone is no dead one."""
        with _named_failures():
            mine = self._redis.xpending_range(
                self.name, self._group, min="-", max="+", count=1, consumername=self._consumer
            )
            if not mine:
                self._redis.xgroup_delconsumer(self.name, self._group, self._consumer)
            self._redis.close()


def _message(name: bytes, fields: dict[bytes, bytes], tries: int = 1) -> Message:
    return Message(
        name, fields.get(b"row", b""), fields.get(b"kind", PREDICTION.encode()).decode(errors="replace"), tries
    )


@contextmanager
def _named_failures() -> Iterator[None]:
    try:
        yield
    except redis.RedisError as why:
        raise StreamUnavailable(f"Redis: {type(why).__name__}: {why}") from why
