"""Capture what a stream holds: batch by batch, each settled after its commit.

A consumer that dies between the commit and the settling leaves messages that come again; their keys make them
`existing`. No further batch is received before the last one is settled, so that a slow database holds the stream back.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import close_old_connections

from annotation.batches import DATABASE_AWAY, Captured
from annotation.capture import capture_rows
from annotation.signals.capture import capture_signals
from annotation.streams import progress
from annotation.streams.base import PREDICTION, SIGNAL, DeadLetter, Message, Stream, StreamUnavailable
from projects.archiving import check_open
from projects.json_body import BadBody, decode_object
from projects.models import Project
from validation.json_values import quote, shorten

MOST_TRIES = 5  # a message that was begun so often and never settled takes its consumer down with it
PAUSES = (1, 2, 4, 8, 16, 30)  # seconds, while the broker or the database is away
NOTED_EVERY = timedelta(seconds=10)
LONGEST_REASON = 500
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Consumed:
    """What became of the messages of a stream: rows that were new, known already, and dead."""

    created: int = 0
    existing: int = 0
    dead: int = 0

    def __add__(self, other: "Consumed") -> "Consumed":
        return Consumed(self.created + other.created, self.existing + other.existing, self.dead + other.dead)

    @property
    def messages(self) -> int:
        return self.created + self.existing + self.dead


def consume(
    project: Project,
    stream: Stream,
    *,
    most: int,
    clock: Callable[[], datetime],
    sleep: Callable[[float], None],
    stopped: Callable[[], bool],
    until_empty: bool = False,
) -> Consumed:
    """Capture until stopped, or until nothing waits. A broker or a database that is away is waited for."""
    total, failures, noted = Consumed(), 0, clock() - NOTED_EVERY
    while not stopped():
        try:
            batch = consume_batch(project, stream, most=most, at=clock())
            total, failures = total + batch, 0
            if until_empty and not batch.messages and stream.measure_lag().unsettled == 0:
                break
            if clock() - noted >= NOTED_EVERY:
                noted = clock()
                progress.note(project, stream, consumed=total.messages, dead=total.dead, at=noted)
        except (StreamUnavailable, *DATABASE_AWAY) as why:
            log.warning("Stream %s waits: %s", stream.name, why)
            close_old_connections()
            sleep(PAUSES[min(failures, len(PAUSES) - 1)])
            failures += 1
    try:
        progress.note(project, stream, consumed=total.messages, dead=total.dead, at=clock(), stopped=True)
    except (StreamUnavailable, *DATABASE_AWAY) as why:
        log.warning("That the consumer of %s stopped could not be written down: %s", stream.name, why)
    return total


def consume_batch(project: Project, stream: Stream, *, most: int, at: datetime) -> Consumed:
    """Receive, capture, settle. Raises StreamUnavailable, ProjectArchived, or what says that the database is away."""
    project.refresh_from_db(fields=["archived_at"])  # this process may be older
    check_open(project)
    messages = stream.receive(most)
    rows, dead = decode(messages)
    total = Consumed(dead=len(dead))
    for kind, capture in ((PREDICTION, capture_rows), (SIGNAL, capture_signals)):
        mine = [(message, row) for message, row in rows if message.kind == kind]
        if mine:
            captured = capture(project, [row for _, row in mine], at=at)
            dead += [DeadLetter(mine[one.index][0], one.error) for one in captured.refused]
            total += _consumed(captured, len(mine))
    gone = {id(one.message) for one in dead}
    stream.settle([message for message in messages if id(message) not in gone], dead)
    return total


def decode(messages: Sequence[Message]) -> tuple[list[tuple[Message, Any]], list[DeadLetter]]:
    """The rows of messages that can be captured, and the others with the reason."""
    rows: list[tuple[Message, Any]] = []
    dead: list[DeadLetter] = []
    for message in messages:
        if message.tries > MOST_TRIES:
            dead.append(DeadLetter(message, f"It was begun {message.tries - 1} times and never finished."))
        elif message.kind not in (PREDICTION, SIGNAL):
            dead.append(DeadLetter(message, f"`kind` is {quote(message.kind, 40)}; it takes prediction or signal."))
        else:
            try:
                rows.append((message, decode_object(message.body)))
            except BadBody as why:
                dead.append(DeadLetter(message, shorten(str(why), LONGEST_REASON)))
    return rows, dead


def _consumed(captured: Captured, rows: int) -> Consumed:
    """Signals that wait for their prediction are new ones too; a row that stands in a batch twice is known already."""
    created, dead = captured.created + getattr(captured, "waiting", 0), len(captured.refused)
    return Consumed(created=created, existing=rows - created - dead, dead=dead)
