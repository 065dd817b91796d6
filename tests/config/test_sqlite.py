"""The wait for SQLite's write lock: as patient as the limit says, and no more."""

import fcntl
import multiprocessing
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from config.sqlite.base import Cursor, queued


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "t.sqlite3"
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE t (n INTEGER)")
    connection.close()
    return file


def opened(path: Path, milliseconds: int = 5000) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=milliseconds / 1000, check_same_thread=False)
    return connection


@pytest.fixture
def held(path: Path) -> Iterator[sqlite3.Connection]:
    """Another connection that holds the write lock."""
    other = opened(path)
    other.execute("BEGIN IMMEDIATE")
    yield other
    other.close()


@pytest.mark.parametrize("query", ["BEGIN IMMEDIATE", "INSERT INTO t VALUES (1)", "\nUPDATE t SET n = 2"])
def test_a_write_waits_until_the_lock_is_free(path: Path, held: sqlite3.Connection, query: str) -> None:
    freed = threading.Event()

    def free() -> None:
        freed.set()
        held.rollback()

    threading.Timer(0.15, free).start()
    mine = opened(path)

    mine.cursor(factory=Cursor).execute(query)

    assert freed.is_set()
    mine.close()


def test_a_write_gives_up_at_the_limit_and_the_limit_stands_after(path: Path, held: sqlite3.Connection) -> None:
    mine = opened(path, 100)

    started = time.monotonic()
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        mine.cursor(factory=Cursor).execute("BEGIN IMMEDIATE")

    assert time.monotonic() - started >= 0.1
    assert mine.execute("PRAGMA busy_timeout").fetchone() == (100,)
    mine.close()


def test_reading_and_other_errors_do_not_wait(path: Path, held: sqlite3.Connection) -> None:
    mine = opened(path)
    cursor = mine.cursor(factory=Cursor)

    assert cursor.execute("SELECT count(*) FROM t").fetchone() == (0,)
    held.rollback()
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        cursor.execute("INSERT INTO nowhere VALUES (1)")
    mine.close()


def _waits(path: Path, start: Any, looks: Any) -> None:
    """Begin a transaction in turn, and say how often the lock was looked at and found taken."""
    mine = opened(path, 60_000)
    cursor = mine.cursor(factory=Cursor)
    cursor.queue_path = f"{path}-turn"
    with mock.patch("config.sqlite.base.time.sleep", side_effect=time.sleep) as slept:
        start.wait()
        cursor.execute("BEGIN IMMEDIATE")
        mine.commit()
    looks.put(slept.call_count)


def group(path: Path, size: int) -> tuple[list[Any], Any, Any]:
    """Processes that wait at the barrier; forked from a process of their own, in which no test has run."""
    fork = multiprocessing.get_context("forkserver")
    fork.set_forkserver_preload([__name__])
    start, looks = fork.Barrier(size + 1, timeout=60), fork.Queue()
    people = [fork.Process(target=_waits, args=(path, start, looks)) for _ in range(size)]
    for one in people:
        one.start()
    return people, start, looks


def test_many_processes_wait_without_work_and_all_get_in(path: Path) -> None:
    people, start, looks = group(path, 12)
    holder = opened(path)
    holder.execute("BEGIN IMMEDIATE")
    start.wait()
    time.sleep(0.5)
    holder.rollback()

    looked = sorted(looks.get(timeout=120) for _ in people)
    for one in people:
        one.join()
    holder.close()

    assert looked[5] < looked[-1] / 2  # only the one at the head looks, all others sleep


def test_a_killed_process_leaves_the_turnstile_open(path: Path) -> None:
    (stuck,), start, _ = group(path, 1)
    holder = opened(path)
    holder.execute("BEGIN IMMEDIATE")
    start.wait()
    time.sleep(0.1)
    os.kill(stuck.pid, signal.SIGKILL)
    stuck.join()
    holder.rollback()
    cursor = holder.cursor(factory=Cursor)
    cursor.queue_path = f"{path}-turn"

    cursor.execute("BEGIN IMMEDIATE")

    assert holder.in_transaction
    holder.close()


def rows(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM t").fetchone()[0])


def test_one_who_waits_long_gets_in_among_many_who_come_and_go(path: Path) -> None:
    stop, before_me = threading.Event(), []

    def hurry() -> None:
        mine = opened(path)
        cursor = mine.cursor(factory=Cursor)
        while not stop.is_set():
            cursor.execute("BEGIN IMMEDIATE")
            cursor.execute("INSERT INTO t VALUES (1)")
            mine.commit()
        mine.close()

    group = [threading.Thread(target=hurry) for _ in range(8)]
    for one in group:
        one.start()
    mine = opened(path)
    for _ in range(10):
        came = rows(mine)
        mine.cursor(factory=Cursor).execute("BEGIN IMMEDIATE")
        before_me.append(rows(mine) - came)
        mine.rollback()
    stop.set()
    for one in group:
        one.join()
    mine.close()

    assert max(before_me) < 8 * 100  # of the rows that the others wrote meanwhile: turns, not seconds


def _pass(queue_path: str, times: int, errors: Any) -> None:
    try:
        for _ in range(times):
            with queued(queue_path):
                time.sleep(0.0003)
    except OSError as error:
        errors.put(str(error))


def _pass_in_threads(queue_path: str, times: int, errors: Any) -> None:
    threads = [threading.Thread(target=_pass, args=(queue_path, times, errors)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_threads_of_several_processes_are_never_refused_at_the_turnstile(tmp_path: Path) -> None:
    fork = multiprocessing.get_context("fork")
    errors = fork.SimpleQueue()
    group = [fork.Process(target=_pass_in_threads, args=(str(tmp_path / "turn"), 100, errors)) for _ in range(3)]
    for one in group:
        one.start()
    for one in group:
        one.join()

    assert errors.empty()


def test_threads_of_one_process_pass_the_turnstile_one_after_the_other(tmp_path: Path) -> None:
    inside, queue_path = threading.Event(), str(tmp_path / "turn")

    def enter() -> None:
        with queued(queue_path):
            inside.set()

    with queued(queue_path):
        other = threading.Thread(target=enter)
        other.start()
        assert not inside.wait(0.1)
    other.join()

    assert inside.is_set()


def test_a_child_forked_at_the_turnstile_does_not_keep_it(tmp_path: Path) -> None:
    queue_path = str(tmp_path / "turn")
    with queued(queue_path):
        child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(30,))
        child.start()

    other = threading.Thread(target=_pass, args=(queue_path, 1, None))
    other.start()
    other.join(10)
    child.kill()
    child.join()

    assert not other.is_alive()


def _hold_and_fork(queue_path: str, forked: Any) -> None:
    """A thread holds the queue's lock for ever, while another one forks a child that lives on."""
    held = threading.Event()

    def hold() -> None:
        with queued(queue_path):
            held.set()
            time.sleep(60)

    threading.Thread(target=hold, daemon=True).start()
    held.wait(10)
    child = os.fork()
    if child == 0:
        time.sleep(60)
        os._exit(0)
    forked.put(child)
    time.sleep(60)


def test_a_killed_process_leaves_the_queue_free_though_its_child_lives_on(tmp_path: Path) -> None:
    fork, queue_path = multiprocessing.get_context("fork"), str(tmp_path / "turn")
    forked = fork.SimpleQueue()
    parent = fork.Process(target=_hold_and_fork, args=(queue_path, forked))
    parent.start()
    child = forked.get()
    try:
        with open(queue_path) as file:
            with pytest.raises(BlockingIOError):  # the parent holds it
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            parent.kill()
            parent.join(10)
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.kill(child, 0)  # it is there still
    finally:
        os.kill(child, signal.SIGKILL)
