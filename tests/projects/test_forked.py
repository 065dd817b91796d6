"""Iteration over what a forked process computes."""

import os
import signal
from collections.abc import Iterator

import pytest

from projects.forked import ForkedProcessDied, iterate_in_fork
from validation import InvalidInput


def test_gives_each_value_of_another_process_in_its_order():
    found = list(iterate_in_fork(lambda: ((number, os.getpid()) for number in range(50))))
    assert [number for number, _ in found] == list(range(50))
    assert len({pid for _, pid in found} - {os.getpid()}) == 1


def test_raises_what_the_other_process_raised():
    def values() -> Iterator[int]:
        yield 1
        raise InvalidInput("The file ends here.", field="file")

    found = iterate_in_fork(values)
    assert next(found) == 1
    with pytest.raises(InvalidInput, match="The file ends here") as raised:
        next(found)
    assert raised.value.field == "file"


def test_says_so_where_the_other_process_is_killed():
    def values() -> Iterator[int]:
        yield 1
        os.kill(os.getpid(), signal.SIGKILL)
        yield 2

    with pytest.raises(ForkedProcessDied):
        list(iterate_in_fork(values))


def test_a_caller_that_stops_leaves_no_process_behind():
    found = iterate_in_fork(lambda: iter(lambda: os.getpid(), 0))
    child = next(found)
    found.close()
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_a_process_whose_caller_is_killed_ends():
    """The caller is a process of its own here; the end of the pipe says when its child is gone."""
    inward, outward = os.pipe()
    caller = os.fork()
    if caller == 0:
        for _ in iterate_in_fork(lambda: iter(lambda: b"x" * 100_000, b"")):
            os.kill(os.getpid(), signal.SIGKILL)
    os.close(outward)
    os.waitpid(caller, 0)
    assert os.read(inward, 1) == b""  # nobody has the other end any more
    os.close(inward)
