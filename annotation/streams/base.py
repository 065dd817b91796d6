"""What a stream of messages is to its consumer, whatever broker holds it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

PREDICTION, SIGNAL = "prediction", "signal"


class StreamUnavailable(Exception):
    """The broker cannot be reached, or its client is not installed; the message says which."""


@dataclass(frozen=True)
class Message:
    """One message: `id` as its broker names it, `kind` prediction or signal, and the body, a JSON object.

    `tries` counts how often it was handed to a consumer, this time included, where the broker counts that.
    """

    id: Any
    body: bytes
    kind: str = PREDICTION
    tries: int = 1


@dataclass(frozen=True)
class DeadLetter:
    """A message that can never be captured, and why."""

    message: Message
    reason: str


@dataclass(frozen=True)
class StreamLag:
    """How many messages no consumer of the group has received yet, and how many were received and not settled."""

    waiting: int
    unsettled: int


class Stream(Protocol):
    """A consumer's end of one stream. Every method raises StreamUnavailable where the broker does not answer."""

    name: str

    def receive(self, most: int) -> list[Message]:
        """New messages, and those that a consumer which died has left; waits for at most a second or so for one."""

    def settle(self, done: Sequence[Message], dead: Sequence[DeadLetter]) -> None:
        """Acknowledge these for ever; the dead ones stand in the dead-letter stream, with their reason, before that."""

    def measure_lag(self) -> StreamLag: ...

    def close(self) -> None: ...
