"""The two threads behind `log`: one writes what was logged to the spool, the other sends it.

They start with the first row, and anew in a forked child: the child forgets its parent's rows, which the parent sends.
"""

import atexit
import logging
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from plumbline_client.buffer import Buffer
from plumbline_client.delivery import Courier, Meaning, wait_after
from plumbline_client.encoding import to_line
from plumbline_client.memory_spool import MemorySpool, Spool
from plumbline_client.options import LARGEST_ROW, DeliveryOptions
from plumbline_client.reports import Delivered, Reporter

try:
    # Now and not by the thread that needs it: a child that is forked while a thread imports waits for it for ever.
    from plumbline_client.folder_spool import FolderSpool
except ImportError:  # no fcntl on Windows
    FolderSpool = None  # type: ignore[assignment, misc]

log = logging.getLogger("plumbline_client")
ADOPT_EVERY = 30.0
CLOSE_WITHIN = 5.0
_all: "weakref.WeakSet[Background]" = weakref.WeakSet()


class Background:
    """Takes rows at once, and brings them to the server in the end."""

    def __init__(
        self,
        path: str,
        make_http: Callable[[], httpx.Client],
        *,
        spool: Path | None,
        options: DeliveryOptions,
        reporter: Reporter,
    ) -> None:
        self._folder, self._options, self._make_http = spool, options, make_http
        self.reporter = reporter
        self._courier = Courier(lambda: self._http, path, reporter)
        self._closed = False
        self._reset()
        _all.add(self)
        # The exit must not keep the object alive, nor fail where it is gone.
        atexit.register(_close, weakref.ref(self))
        if spool is not None and _has_entries(spool):
            self._start()  # what an earlier process left must not wait for the first row of this one

    def _reset(self) -> None:
        self._buffer = Buffer(self._options.buffer_bytes)
        self._unwritten: dict[str, list[bytes]] = {}
        self._spool: Spool | None = None
        self._http: httpx.Client = None  # type: ignore[assignment]  # made with the threads
        self._starting = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._stop, self._kick, self._written = threading.Event(), threading.Event(), threading.Event()
        self._writing = False
        self.failures = 0

    def log(self, kind: str, row: dict[str, Any]) -> None:
        """Take the row. Never raises, and never waits for disk or network."""
        try:
            line = to_line(row)
        except Exception as why:
            self._refuse(kind, row, f"The row cannot be written as JSON: {why}")
            return
        if len(line) > LARGEST_ROW:
            self._refuse(kind, row, f"The row has {len(line):,} bytes; at most {LARGEST_ROW:,} can be sent.")
            return
        try:
            if self._closed:
                self.reporter.drop(1, "the client is closed")
                return
            self._buffer.add(kind, line)
            if not self._threads:
                self._start()
        except Exception:
            log.exception("A row could not be logged.")

    def _refuse(self, kind: str, row: dict[str, Any], error: str) -> None:
        try:
            self.reporter.refuse(kind, row, error)
        except Exception:
            log.exception("A row could not be logged, nor its refusal be reported.")

    def _start(self) -> None:
        """Start the threads, once."""
        if self._closed or not self._starting.acquire(blocking=False):
            return
        try:
            if not self._threads:
                self._http = self._make_http()
                self._threads = [
                    threading.Thread(target=self._write, name="plumbline-writer", daemon=True),
                    threading.Thread(target=self._send, name="plumbline-sender", daemon=True),
                ]
                for thread in self._threads:
                    thread.start()
                _close_with_multiprocessing(self)
        finally:
            self._starting.release()

    def _write(self) -> None:
        self._spool = self._open_spool()
        self._written.set()  # there may be something to adopt
        while not self._stop.is_set():
            if not self._unwritten:
                self._buffer.wait()
            self._stop.wait(self._options.write_every)
            self._write_taken()
        self._write_taken()

    def _open_spool(self) -> Spool:
        if self._folder is not None:
            try:
                if FolderSpool is None:
                    raise OSError("this system has no fcntl")
                return FolderSpool(self._folder, self._options)
            except OSError as why:
                log.warning("Rows wait in memory only, since %s cannot be used: %s", self._folder, why)
        return MemorySpool(self._options)

    def _write_taken(self) -> None:
        """Move what was logged to the spool; what does not fit there waits here, as far as the buffer's limit."""
        assert self._spool is not None
        self._writing = True
        try:
            taken = self._buffer.take()
            self.reporter.drop(taken.overflow, "they came faster than they could be written")
            for kind, lines in taken.lines.items():
                self._unwritten.setdefault(kind, []).extend(lines)
            for kind, lines in list(self._unwritten.items()):
                left = lines[self._spool.append(kind, lines) :]
                self._unwritten[kind] = fitting = _fitting(left, self._options.buffer_bytes)
                self.reporter.drop(len(left) - len(fitting), "the spool is full")
                if not fitting:
                    del self._unwritten[kind]
        except Exception:
            log.exception("Rows could not be written; they wait in memory.")
        finally:
            self._writing = False
            self._written.set()

    def _send(self) -> None:
        adopted_at = -ADOPT_EVERY
        while not self._stop.is_set():
            self._written.wait(ADOPT_EVERY)
            if self._spool is None:
                continue
            try:
                if time.monotonic() - adopted_at >= ADOPT_EVERY:
                    adopted_at = time.monotonic()
                    self.reporter.counts.torn += self._spool.adopt()
                self._send_next(self._spool)
            except Exception:
                log.exception("Rows could not be sent; they wait.")
                self._stop.wait(self._options.first_wait)

    def _send_next(self, spool: Spool) -> None:
        self._written.clear()
        segment = spool.take(0.0 if self._kick.is_set() else self._options.send_every)
        if segment is None:
            if not spool.is_empty():
                self._kick.wait(self._options.send_every / 4)
                self._written.set()
            return
        self._written.set()
        judgement = self._courier.deliver(segment)
        if judgement.meaning is not Meaning.LATER:
            segment.finish()
            self.failures = 0
            return
        self.failures += 1
        wait = wait_after(self.failures, self._options)
        if judgement.retry_after is not None:
            wait = max(wait, judgement.retry_after)
        self.reporter.fail(judgement.why, wait)
        self._stop.wait(wait)

    def flush(self, timeout: float | None = None, *, until_failure: bool = False) -> bool:
        """Wait until every row logged so far has its answer; whether that was within the time."""
        end = None if timeout is None else time.monotonic() + timeout
        self._kick.set()
        try:
            self._buffer.wake()
            while not self.is_empty():
                late = end is not None and time.monotonic() >= end
                if late or (until_failure and self.failures) or self._stop.wait(0.005):
                    return self.is_empty()
            return True
        finally:
            self._kick.clear()

    def is_empty(self) -> bool:
        """Whether no row waits, here or in the spool of this process."""
        if not self._threads:
            return self._buffer.is_empty()
        if self._spool is None or not self._buffer.is_empty() or self._writing or self._unwritten:
            return False
        return self._spool.is_empty()

    def close(self, timeout: float = CLOSE_WITHIN) -> None:
        """Send what waits, unless the server is away; what is left stays in the spool for the next process."""
        if self._closed:
            return
        self._closed = True
        if self._threads:
            self.flush(timeout, until_failure=True)
            self._stop.set()
            self._kick.set()
            self._written.set()
            self._buffer.wake()
            for thread in self._threads:
                thread.join(timeout)
            if self._spool is not None and not any(thread.is_alive() for thread in self._threads):
                left = self._spool.close() + sum(map(len, self._unwritten.values()))
                self.reporter.drop(left, "the program ended before they could be sent, and no folder keeps them")
                self._http.close()

    def forget_parent(self) -> None:
        """In a forked child: begin with nothing."""
        if self._spool is not None:
            self._spool.abandon()
        self.reporter.counts = Delivered()
        self._reset()

    def counts(self) -> Delivered:
        """What became of the rows so far."""
        return replace(self.reporter.counts, logged=self._buffer.logged)


def _has_entries(folder: Path) -> bool:
    try:
        return any(folder.iterdir())
    except OSError:
        return False


def _fitting(lines: list[bytes], most_bytes: int) -> list[bytes]:
    """The first lines that fit into so many bytes."""
    total = 0
    for number, line in enumerate(lines):
        total += len(line)
        if total > most_bytes:
            return lines[:number]
    return lines


def _close(reference: "weakref.ref[Background]") -> None:
    background = reference()
    if background is not None:
        background.close()


def _close_with_multiprocessing(background: Background) -> None:
    """A child of multiprocessing ends without atexit, but calls its own finalizers."""
    if "multiprocessing.util" in sys.modules:
        sys.modules["multiprocessing.util"].Finalize(None, _close, args=(weakref.ref(background),), exitpriority=10)


def _forget_parents() -> None:
    for background in list(_all):
        background.forget_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_parents)
