"""A line to the server that takes its time: what comes back is held for a while, whatever it is."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def slow_line(port: int, *, seconds: float) -> Iterator[str]:
    """An address that leads to 127.0.0.1:`port`; each answer arrives `seconds` late."""
    line = Line(port, seconds)
    try:
        yield f"http://127.0.0.1:{line.listener.getsockname()[1]}"
    finally:
        line.close()


class Line:
    def __init__(self, port: int, seconds: float) -> None:
        self.port, self.seconds = port, seconds
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.sockets, self.threads = [self.listener], [threading.Thread(target=self.accept, daemon=True)]
        self.threads[0].start()

    def accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:  # the socket was closed
                return
            server = socket.create_connection(("127.0.0.1", self.port))
            self.sockets += [client, server]
            for source, target, late in ((client, server, 0.0), (server, client, self.seconds)):
                self.threads.append(threading.Thread(target=self.pump, args=(source, target, late), daemon=True))
                self.threads[-1].start()

    def pump(self, source: socket.socket, target: socket.socket, late: float) -> None:
        """Pass on what comes; the first piece after a pause is held, the rest of an answer follows at once."""
        last = 0.0
        try:
            while data := source.recv(65_536):
                if time.monotonic() - last > late / 2:
                    time.sleep(late)
                last = time.monotonic()
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:  # one end is gone, so the other goes too
            for one in (source, target):
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        for one in self.sockets:
            with suppress(OSError):  # gone already
                one.shutdown(socket.SHUT_RDWR)
        for thread in list(self.threads):
            thread.join(5)
        for one in self.sockets:
            one.close()
