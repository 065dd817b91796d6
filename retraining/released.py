"""What is released for an entity, and waiting until that changes, for services that run the model themselves."""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

import msgspec
from django.db import connection

from projects.models import Project
from retraining import registry, rollout, rule_release
from retraining.rollout_arms import CANARY, CHAMPION, in_canary
from validation import InvalidInput

LONGEST_WAIT = 30.0  # seconds
LOOK_EVERY = 1.0  # seconds between two looks of one that waits
MOST_WAITING = 2  # of this process: each holds one of its threads (8 as `up` starts it)
LONGEST_ENTITY = 200
NOTHING = "none"


class BadEntity(InvalidInput):
    """A text that cannot name an entity."""


@dataclass(frozen=True)
class Released:
    """The versions to apply. Without a release `model_version` is None and the stage says so.

    thresholds: the least score from which each label is given, those of the threshold in force; empty without one, and
    the label with the largest score is given.
    """

    model_version: str | None
    threshold_version: str
    policy_version: str
    stage: str
    thresholds: dict[str, float] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """The same for equal content, in every process."""
        return hashlib.sha256(msgspec.json.encode(asdict(self), order="sorted")).hexdigest()[:20]


def valid_entity(given: str) -> str:
    """The entity that a service decides about, such as a customer. Raises BadEntity."""
    if len(given) > LONGEST_ENTITY or not given.isprintable():
        raise BadEntity(f"entity takes at most {LONGEST_ENTITY} printable characters.")
    return given


def released_for(project: Project, entity: str) -> Released:
    """What is released for this entity now: the champion, or the canary where its hash is within the canary's share.

    Raises registry.Unclear.
    """
    live = registry.live(project)
    named = live.project if live else Project.objects.get(pk=project.pk)
    tag = live.tag if live else registry.captured_release(named)
    canary = rollout.running(named) if entity and tag and named.canary_version else None
    chosen = bool(canary and canary.answers and in_canary(canary, entity))
    threshold, _ = rule_release.rules_in_force(named)
    return Released(
        model_version=canary.tag if canary and chosen else tag or None,
        threshold_version=named.threshold_version,
        policy_version=named.policy_version,
        stage=CANARY if chosen else CHAMPION if tag else NOTHING,
        thresholds=threshold.thresholds if threshold else {},
    )


class Waiters:
    """Those that wait in this process, at most `most` at once."""

    def __init__(self, most: int) -> None:
        self._places = threading.Semaphore(most)

    @contextmanager
    def place(self) -> Iterator[bool]:
        """Whether one more may wait."""
        taken = self._places.acquire(blocking=False)
        try:
            yield taken
        finally:
            if taken:
                self._places.release()


waiters = Waiters(MOST_WAITING)


@dataclass(frozen=True)
class Waited:
    """What is released after waiting. `turned_away`: too many wait already, so nobody waited."""

    released: Released
    turned_away: bool = False


def wait_for_change(
    project: Project,
    entity: str,
    *,
    is_known: Callable[[Released], bool],
    seconds: float,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.monotonic,
) -> Waited:
    """What is released for the entity, as soon as it is not what the caller knows, else after so many seconds.

    No transaction is open and no connection to the database is held between two looks. Raises registry.Unclear.
    """
    until = now() + min(seconds, LONGEST_WAIT)
    found = released_for(project, entity)
    if not is_known(found) or seconds <= 0:
        return Waited(found)
    with waiters.place() as may_wait:
        while may_wait and is_known(found) and (left := until - now()) > 0:
            _give_connection_back()
            sleep(min(LOOK_EVERY, left))
            found = released_for(project, entity)
    return Waited(found, turned_away=not may_wait)


def _give_connection_back() -> None:
    if not connection.in_atomic_block:
        connection.close()
