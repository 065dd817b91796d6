"""Compute values in a forked process while this one uses those before: two cores then work at once."""

import gc
import os
import signal
from collections.abc import Callable, Generator, Iterator
from multiprocessing.connection import Connection, Pipe
from typing import Any, TypeVar

from django.db import connections

MOST_SECONDS = 900  # that one value may take
Value = TypeVar("Value")


class ForkedProcessDied(RuntimeError):
    """The other process ended, or took too long, before it had given all values."""


def iterate_in_fork(values: Callable[[], Iterator[Value]]) -> Generator[Value, None, None]:
    """The values, one at a time, each computed by a child of this process while its caller uses the one before.

    What the child raises is raised here. It opens a database connection of its own where it needs one, writes to none
    that it inherited, and ends as soon as nobody waits for its values: also where this process is killed.
    """
    inward, outward = Pipe(duplex=False)
    child = os.fork()
    if child == 0:
        inward.close()
        _live(values, outward)
    outward.close()
    try:
        yield from _received(inward)
    finally:
        inward.close()
        os.kill(child, signal.SIGKILL)  # it has nothing to finish; one that ended is there until it is waited for
        os.waitpid(child, 0)


def _received(inward: Connection) -> Iterator[Any]:
    while True:
        try:
            if not inward.poll(MOST_SECONDS):
                raise ForkedProcessDied("The process that reads the file gave nothing for a long time.")
            name, value = inward.recv()
        except EOFError:
            raise ForkedProcessDied("The process that reads the file ended before its end.") from None
        if name == "error":
            raise value
        if name == "end":
            return
        yield value


def _live(values: Callable[[], Iterator[Any]], outward: Connection) -> None:
    """The whole life of the child."""
    status = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends it
        kept = _leave_connections()
        gc.freeze()  # what the parent made is neither looked through nor copied
        _send_all(values, outward)
        del kept  # not sooner: what nothing holds is closed
        status = 0
    except BrokenPipeError:  # nobody waits any more
        status = 0
    finally:
        os._exit(status)


def _leave_connections() -> list[Any]:
    """Forget the inherited connections without closing them: they are the parent's. Returns what keeps them open."""
    kept = []
    for each in connections.all(initialized_only=True):
        kept.append(each.connection)
        each.connection = None
    return kept


def _send_all(values: Callable[[], Iterator[Any]], outward: Connection) -> None:
    try:
        for value in values():
            outward.send(("value", value))
    except BrokenPipeError:
        raise
    except Exception as why:
        outward.send(("error", why))
    else:
        outward.send(("end", None))
