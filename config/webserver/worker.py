"""A gunicorn worker whose threads get whole requests only.

gunicorn's own threaded worker gives a new connection to a thread at once, and the thread waits for what the client
sends: as many silent clients as there are threads stop the site. Here one loop reads all connections without waiting,
and a thread is taken once a request is there with its body. The number of connections and the time and size of what
they may leave unfinished are bounded; at the bound the one that has waited longest makes way.
"""

import errno
import socket
import struct
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from django.conf import settings
from gunicorn import http, util
from gunicorn.workers import gthread

from config.webserver import memory
from config.webserver.inbox import HeadTooLarge, Inbox

CONNECTIONS = 300  # of one process
HEAD_SECONDS = 10.0  # from the first look at a connection to the end of the head
BODY_SECONDS = 30.0  # that a body may pause
CLOSE_SECONDS = 2.0  # that a client is given to take the end of its answer
SEND_SECONDS = 60  # that a client may take no byte of its answer
BUFFERED = 512 * 2**20  # bytes of all unfinished requests of one process
CHUNK = 256 * 1024
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection(gthread.TConn):
    """One client: its socket, what it has sent, and until when the loop waits for more."""

    def __init__(self, cfg: Any, sock: socket.socket, client: Any, server: Any) -> None:
        super().__init__(cfg, sock, client, server)
        self.initialized: bool = False
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", SEND_SECONDS, 0))
        # Only for a body that a thread reads itself; the loop waits for nothing.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", int(BODY_SECONDS), 0))
        self.inbox = Inbox(sock, body_limit=settings.BODY_LIMIT)
        self.deadline = 0.0
        self.data_ready = True  # a thread sees it only then

    def init(self) -> None:
        if not self.initialized:
            self.initialized = True
            self.parser = http.get_parser(self.cfg, self.inbox, self.client)

    def close(self, graceful: bool = False) -> None:
        self.inbox.close()
        util.close(self.sock)


class BufferedWorker(gthread.ThreadWorker):
    """Reads requests in its loop, answers them in threads, and ends after its memory has grown by too much."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.alive: bool = True
        self.waiting: dict[Connection, None] = {}  # watched by the loop, oldest first
        self.silent_until: float | None = None  # set once the worker ends
        self.growth = memory.Growth(settings.WEB_MEMORY_GROWTH_MIB * 2**20)

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:
        if cfg.is_ssl:
            raise ValueError("TLS ends at a proxy in front of this server; leave gunicorn's --certfile away.")

    def init_process(self) -> None:
        self.growth.begin()
        super().init_process()

    def accept(self, listener: socket.socket) -> None:
        """Take a connection into the loop; beyond the bound another one makes way for it."""
        try:
            sock, client = listener.accept()
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK):
                return
            raise
        self.nr_conns += 1
        if self.nr_conns > CONNECTIONS and self.waiting:
            oldest = next(iter(self.waiting))
            self._drop(next((conn for conn in self.waiting if not conn.inbox.has_head()), oldest))
        conn = Connection(self.cfg, sock, client, listener.getsockname())
        self._watch(conn, HEAD_SECONDS, self._receive)

    def _watch(self, conn: Connection, seconds: float, act: Callable[[Connection, socket.socket], None]) -> None:
        conn.deadline = time.monotonic() + seconds
        self.waiting[conn] = None
        self.poller.register(conn.sock, gthread.selectors.EVENT_READ, partial(self._on_event, conn, act))

    def _on_event(
        self, conn: Connection, act: Callable[[Connection, socket.socket], None], sock: socket.socket
    ) -> None:
        """One look brings many events; an earlier one may have closed this connection, to make way for another."""
        if conn in self.waiting:
            act(conn, sock)

    def _release(self, conn: Connection) -> None:
        del self.waiting[conn]
        self.poller.unregister(conn.sock)

    def _drop(self, conn: Connection) -> None:
        """Close a connection that the loop watches."""
        self._release(conn)
        self.nr_conns -= 1
        conn.close()

    def _receive(self, conn: Connection, sock: socket.socket) -> None:
        """Take what has come, and hand the connection to a thread once it holds a whole request."""
        try:
            data = sock.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            return self._drop(conn)
        conn.inbox.add(data)
        self._act_on_inbox(conn)

    def _act_on_inbox(self, conn: Connection) -> None:
        had_head = conn.inbox.has_head()
        try:
            whole = conn.inbox.is_whole()
        except HeadTooLarge:
            return self._refuse(conn, 431, "Request Header Fields Too Large", "The head of the request is too large.")
        if whole:
            self._release(conn)
            self.enqueue_req(conn)
        elif sum(len(other.inbox) for other in self.waiting) > BUFFERED:
            self._refuse(conn, 503, "Service Unavailable", "Too many requests are being received; try again soon.")
        elif conn.inbox.has_head():
            conn.deadline = time.monotonic() + BODY_SECONDS
            if conn.inbox.expects_continue and not had_head:
                self._send(conn, CONTINUE)

    def _refuse(self, conn: Connection, status: int, reason: str, detail: str) -> None:
        try:
            util.write_error(conn.sock, status, reason, detail)
        except OSError:
            pass
        self._release(conn)
        self._close_gently(conn)

    def _send(self, conn: Connection, data: bytes) -> None:
        try:
            conn.sock.send(data)
        except OSError:
            self._drop(conn)

    def finish_request(self, conn: Connection, future: Any) -> None:
        """After an answer: wait for the next request of a connection that stays, close one that does not."""
        if self.growth.exceeded() and self.alive:
            self.log.info("Memory has grown by more than WEB_MEMORY_GROWTH_MIB; another process takes over.")
            self.alive = False
        try:
            stays = bool(future.result()) if not future.cancelled() else False
        except Exception:
            stays = False
        if not stays:
            return self._close_gently(conn)
        conn.inbox.begin_next(conn.parser.unreader.take_buffered())
        conn.sock.setblocking(False)
        self._watch(conn, self.cfg.keepalive, self._receive_next)
        if len(conn.inbox):
            self._begin(conn)

    def _keepalive_after(self, conn: Connection, keepalive: bool) -> bool:
        """No thread waits for the rest of a body that was refused: such a connection ends."""
        return conn.inbox.takes_all and super()._keepalive_after(conn, keepalive)

    def _receive_next(self, conn: Connection, sock: socket.socket) -> None:
        """The first bytes of another request on a connection that stayed."""
        self._release(conn)
        self._watch(conn, HEAD_SECONDS, self._receive)
        self._receive(conn, sock)

    def _begin(self, conn: Connection) -> None:
        """A client that did not wait for its answer has sent the beginning of its next request already."""
        self._release(conn)
        self._watch(conn, HEAD_SECONDS, self._receive)
        self._act_on_inbox(conn)

    def _close_gently(self, conn: Connection) -> None:
        """End our side and let the client take the rest of its answer; the loop does not wait for it."""
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.setblocking(False)
        except OSError:
            self.nr_conns -= 1
            return conn.close()
        self._watch(conn, CLOSE_SECONDS, self._discard)

    def _discard(self, conn: Connection, sock: socket.socket) -> None:
        try:
            data = sock.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(conn)

    def murder_pending(self) -> None:
        """Close what has waited too long. A worker that ends waits less for those that have sent nothing yet."""
        now = time.monotonic()
        if not self.alive and self.silent_until is None:
            self.silent_until = now + gthread.STOP_KEEPALIVE_LINGER
        for conn in list(self.waiting):
            silent_too_long = self.silent_until is not None and now > self.silent_until and not len(conn.inbox)
            if now > conn.deadline or silent_too_long:
                self._drop(conn)
