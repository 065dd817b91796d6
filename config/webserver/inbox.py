"""Receive buffer of one connection; a request is whole once its head and its body are there."""

import re
import socket
import tempfile

HEAD_LIMIT = 64 * 1024  # bytes of request line and headers
IN_MEMORY = 1024 * 1024  # bytes of a body that are kept in memory; beyond it goes to an unnamed temporary file
END = b"\r\n\r\n"
LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,18})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
CHUNKED = re.compile(rb"^transfer-encoding:", re.IGNORECASE | re.MULTILINE)
EXPECTS = re.compile(rb"^expect:[ \t]*100-continue", re.IGNORECASE | re.MULTILINE)


class HeadTooLarge(Exception):
    """The head of a request does not end within the limit."""


class Inbox:
    """The bytes of one connection in order. To gunicorn's parser it is the socket that they came from.

    A body longer than `body_limit`, or one without a length, is not waited for: the application refuses it by its head,
    or reads a file that is uploaded as it comes, once it knows who sends it.
    """

    def __init__(self, sock: socket.socket, *, body_limit: int) -> None:
        self.sock = sock
        self.body_limit = body_limit
        self._bytes = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  closed with the connection
        self._start = 0  # of what was not parsed yet
        self._end = 0
        self._need: int | None = None  # bytes of the request that comes next, once its head is there
        self.expects_continue = False
        self.takes_all = True  # False where the body of this request is not waited for

    def __len__(self) -> int:
        return self._end - self._start

    def add(self, data: bytes) -> None:
        self._bytes.seek(self._end)
        self._bytes.write(data)
        self._end += len(data)

    def has_head(self) -> bool:
        return self._need is not None

    def is_whole(self) -> bool:
        """Whether a whole request is there. Raises HeadTooLarge."""
        if self._need is None:
            self._look_for_head()
        return self._need is not None and len(self) >= self._need

    def _look_for_head(self) -> None:
        self._bytes.seek(self._start)
        head, end, _ = self._bytes.read(min(len(self), HEAD_LIMIT)).partition(END)
        if not end:
            if len(self) >= HEAD_LIMIT:
                raise HeadTooLarge
            return
        stated, chunked = LENGTH.search(head), CHUNKED.search(head)
        length = int(stated[1]) if stated else 0
        self.takes_all = not chunked and length <= self.body_limit
        waited_for = length if self.takes_all else 0
        self._need = len(head) + len(END) + waited_for
        self.expects_continue = bool(waited_for and EXPECTS.search(head))

    def recv(self, size: int) -> bytes:
        """As a socket's: first what is here, then, for a body of unstated length, what the socket brings."""
        if not len(self):
            return self.sock.recv(size)
        self._bytes.seek(self._start)
        data = self._bytes.read(min(size, len(self)))
        self._start += len(data)
        return data

    def begin_next(self, surplus: bytes) -> None:
        """After a request: what its parser read beyond its end is the beginning of the next."""
        self._bytes.seek(self._start)
        rest = surplus + self._bytes.read(len(self))
        self._bytes.close()
        self._bytes = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115
        self._start = self._end = 0
        self._need, self.expects_continue, self.takes_all = None, False, True
        self.add(rest)

    def gettimeout(self) -> float | None:
        return self.sock.gettimeout()

    def settimeout(self, seconds: float | None) -> None:
        self.sock.settimeout(seconds)

    def close(self) -> None:
        self._bytes.close()
