"""The web server: clients that send nothing, or half of something, hold no thread; whole requests arrive whole."""

import hashlib
import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from config.webserver import memory
from config.webserver.inbox import HEAD_LIMIT, HeadTooLarge, Inbox

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 20.0  # less than what 45 silent clients cost two threads that wait five seconds for each


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """One process with two threads behind the worker class."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "tests.config.echo", "--bind", f"127.0.0.1:{port}"]
    command += ["--worker-class", "config.webserver.BufferedWorker", "--threads", "2", "--log-level", "error"]
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "PLUMBLINE_HOME": home, "DJANGO_SETTINGS_MODULE": "config.settings"}
        server = subprocess.Popen([*command, "--no-control-socket"], cwd=ROOT, env=environment)
        try:
            wait_for(port)
            yield port
        finally:
            server.terminate()
            server.wait(30)


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            time.sleep(0.1)
    raise AssertionError("The server did not start.")


clients: list[socket.socket | Inbox] = []


@pytest.fixture(autouse=True)
def _close_clients() -> Iterator[None]:
    yield
    while clients:
        clients.pop().close()


def connect(port: int, sent: bytes = b"") -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    clients.append(client)
    client.sendall(sent)
    return client


def answers(client: socket.socket, number: int = 1) -> list[bytes]:
    """The bodies of so many answers of one connection; the first line of one that is not 200."""
    found = []
    with client.makefile("rb") as file:
        for _ in range(number):
            status, length = file.readline(), 0
            while (line := file.readline().strip()) != b"":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.partition(b":")[2])
            body = file.read(length)
            found.append(body if b" 200 " in status else status.strip())
    return found


HEAD = b"GET /a HTTP/1.1\r\nHost: x\r\n"
UNFINISHED = {
    "nothing": b"",
    "half a head": HEAD,
    "half a body": b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf",
    "an answered request": HEAD + b"\r\n",
    "an answered request and half of the next": HEAD + b"\r\n" + HEAD,
    "a body of unstated length": b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhal",
    "a body beyond the limit": b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\nhalf",
    "a request after which it asks for the end and stays": HEAD + b"Connection: close\r\n\r\n",
}


@pytest.mark.parametrize("what", UNFINISHED)
def test_forty_five_clients_that_stay_silent_after_it_do_not_stop_the_site(port: int, what: str) -> None:
    for _ in range(45):
        connect(port, UNFINISHED[what])
    for _ in range(3):
        assert answers(connect(port, HEAD + b"\r\n"))[0].startswith(b"/a 0 ")


def test_more_clients_than_are_kept_make_way_for_each_other_and_the_process_lives(port: int) -> None:
    before = answers(connect(port, HEAD + b"\r\n"))[0].split()[-1]
    for _ in range(700):
        connect(port, HEAD)
    assert answers(connect(port, HEAD + b"\r\n"))[0].split()[-1] == before


@pytest.mark.parametrize("size", [0, 1, 70_000, 3_000_000])
def test_a_body_that_comes_in_pieces_arrives_whole(port: int, size: int) -> None:
    body = os.urandom(size)
    client = connect(port, f"POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n".encode())
    client.sendall(b"\r\n")
    for start in range(0, size, size // 3 + 1):
        client.sendall(body[start : start + size // 3 + 1])
    assert answers(client)[0].startswith(f"/b {size} {hashlib.sha256(body).hexdigest()}".encode())


def test_requests_sent_without_waiting_for_their_answers_are_all_answered_in_order(port: int) -> None:
    body = b"POST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
    client = connect(port, HEAD + b"\r\n" + body + b"GET /3 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert [answer.split()[:2] for answer in answers(client, 3)] == [[b"/a", b"0"], [b"/2", b"5"], [b"/3", b"0"]]


def test_a_connection_serves_one_request_after_another(port: int) -> None:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    for number in range(3):
        client.request("POST", f"/{number}", body=b"x" * number)
        assert client.getresponse().read().startswith(f"/{number} {number} ".encode())
    client.close()


def test_a_client_that_asks_whether_to_send_its_body_gets_an_answer(port: int) -> None:
    client = connect(port, b"POST /e HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
    assert client.recv(100).startswith(b"HTTP/1.1 100 Continue")
    client.sendall(b"hello")
    received = b""
    while b"/e 5 " not in received:
        assert (part := client.recv(1000)), received
        received += part


def test_a_head_without_an_end_is_refused(port: int) -> None:
    client = connect(port, b"GET / HTTP/1.1\r\nX: " + b"x" * HEAD_LIMIT)
    assert answers(client) == [b"HTTP/1.1 431 Request Header Fields Too Large"]


def inbox(*parts: bytes) -> Inbox:
    made = Inbox(sock := socket.socket(), body_limit=1000)
    clients.extend([sock, made])
    for part in parts:
        made.add(part)
    return made


def test_an_inbox_is_whole_with_the_last_byte_of_the_body() -> None:
    made = inbox(b"POST / HTTP/1.1\r\ncontent-LENGTH:  3\r\n\r\nab")
    assert (made.is_whole(), made.has_head()) == (False, True)
    made.add(b"c")
    assert made.is_whole()
    assert made.recv(5) == b"POST "


def test_an_inbox_refuses_a_head_that_does_not_end() -> None:
    with pytest.raises(HeadTooLarge):
        inbox(b"x" * HEAD_LIMIT).is_whole()


def test_what_was_read_beyond_a_request_begins_the_next() -> None:
    made = inbox(b"GET / HTTP/1.1\r\n\r\nGET /n", b"ext HTTP/1.1\r\n\r\n")
    assert made.is_whole()
    taken = made.recv(24)
    made.begin_next(taken[18:])
    assert made.is_whole()
    assert made.recv(100) == b"GET /next HTTP/1.1\r\n\r\n"


def test_a_process_that_has_grown_by_more_than_its_limit_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[int] = [100]
    monkeypatch.setattr(memory, "resident_bytes", lambda: held[0])
    monkeypatch.setattr(memory, "LOOK_SECONDS", 0.0)
    growth = memory.Growth(50)
    growth.begin()
    held[0] = 150
    assert not growth.exceeded()
    held[0] = 151
    assert growth.exceeded()


def test_the_memory_of_this_process_is_known_on_linux() -> None:
    assert 10 * 2**20 < memory.resident_bytes() < 100 * 2**30


def test_a_worker_that_has_grown_too_much_ends_after_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    from config.webserver.worker import BufferedWorker

    closed: list[Any] = []
    monkeypatch.setattr(BufferedWorker, "__init__", lambda self: None)
    monkeypatch.setattr(BufferedWorker, "_close_gently", lambda self, conn: closed.append(conn))
    worker: Any = BufferedWorker()
    worker.alive, worker.log = True, SimpleNamespace(info=lambda words: None)
    worker.growth = SimpleNamespace(exceeded=lambda: True)
    worker.finish_request("conn", SimpleNamespace(result=lambda: False, cancelled=lambda: False))
    assert (worker.alive, closed) == (False, ["conn"])
