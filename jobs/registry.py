"""Which function does which kind of job. Apps above register theirs; jobs knows none of them by name."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jobs.execution import Attempt

Handler = Callable[["Attempt"], None]


@dataclass(frozen=True)
class JobKind:
    name: str
    handler: Handler
    queue: str
    soft_seconds: int
    hard_seconds: int
    on_dead: Callable[[Any, str], None] | None


@dataclass(frozen=True)
class Periodic:
    """`enqueue` is called once a period, by the one reaper that claims the turn."""

    name: str
    seconds: int
    enqueue: Callable[[datetime], None]


class UnknownKind(LookupError):
    """No function does this kind of job in this version."""


_kinds: dict[str, JobKind] = {}
_periodic: dict[str, Periodic] = {}


def handles(
    name: str,
    *,
    queue: str = "default",
    soft_seconds: int = 600,
    hard_seconds: int = 660,
    on_dead: Callable[[Any, str], None] | None = None,
) -> Callable[[Handler], Handler]:
    """Register the function that does jobs of this kind; `on_dead(job, why)` tells the domain of a last failure."""

    def register(handler: Handler) -> Handler:
        _kinds[name] = JobKind(name, handler, queue, soft_seconds, hard_seconds, on_dead)
        return handler

    return register


def every(seconds: int, name: str) -> Callable[[Callable[[datetime], None]], Callable[[datetime], None]]:
    """Register periodic work: a function of the time that enqueues what is due."""

    def register(enqueue: Callable[[datetime], None]) -> Callable[[datetime], None]:
        _periodic[name] = Periodic(name, seconds, enqueue)
        return enqueue

    return register


def kind(name: str) -> JobKind:
    try:
        return _kinds[name]
    except KeyError:
        raise UnknownKind(f"No function does jobs of kind {name}.") from None


def periodic() -> tuple[Periodic, ...]:
    return tuple(_periodic.values())
