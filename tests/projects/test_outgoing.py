"""Calls to addresses that people entered: only public ones, the one that was checked, no redirect, all limited."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from types import SimpleNamespace
from typing import Any

import pytest

from projects import outgoing
from projects.outgoing import AddressRefused, NotReached

PRIVATE = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "100.100.100.200",
    "192.0.2.1",
    "198.18.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::1",
    "fc00::1",
    "fd00:ec2::254",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "2002:7f00:0001::1",
    "64:ff9b::a00:1",
    "2001:db8::1",
]
NEVER = ["169.254.169.254", "169.254.170.2", "fe80::1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "0.0.0.0", "::"]
NEVER += ["224.0.0.1", "ff02::1", "2002:a9fe:a9fe::1"]
PUBLIC = ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "8.8.8.8"]


@pytest.mark.parametrize("address", [*PRIVATE, *NEVER])
@pytest.mark.parametrize("encrypted", [True, False])
def test_private_addresses_are_refused_however_they_are_written(address: str, encrypted: bool) -> None:
    assert outgoing.refusal(ip_address(address), encrypted=encrypted)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_called_by_https_alone(address: str) -> None:
    assert not outgoing.refusal(ip_address(address), encrypted=True)
    assert "https" in outgoing.refusal(ip_address(address), encrypted=False)


@pytest.mark.parametrize("address", NEVER)
def test_no_setting_opens_the_addresses_of_metadata(settings: Any, address: str) -> None:
    settings.OUTGOING_NETWORKS = ["0.0.0.0/0", "::/0"]
    assert "never" in outgoing.refusal(ip_address(address), encrypted=True)


def test_a_network_of_the_setting_is_reached_and_no_other(settings: Any) -> None:
    settings.OUTGOING_NETWORKS = ["10.0.0.0/8"]
    assert not outgoing.refusal(ip_address("10.1.2.3"), encrypted=False)
    assert not outgoing.refusal(ip_address("::ffff:10.1.2.3"), encrypted=False)
    assert outgoing.refusal(ip_address("192.168.1.1"), encrypted=True)
    assert outgoing.refusal(ip_address("2002:a01:203::1"), encrypted=True), "its own address is in no named network"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "file:///etc/passwd",
        "https://",
        "//example.com",
        "example.com/hooks",
        "https://user:secret@example.com/",
        "https://example.com:99999/",
        "https://example.com:0/",
        "https://example.com/#part",
        "https://exa mple.com/",
        "https://example.com/\r\nHost: other",
        "https://[::1/",
        "https://exämple.com/",
        "https://example.com/" + "x" * 500,
    ],
)
def test_what_is_no_address_to_call_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        outgoing.parse_url(url)


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1", "localhost", "0177.0.0.1"])
def test_other_ways_to_write_this_machine_are_refused_too(host: str) -> None:
    with pytest.raises((AddressRefused, NotReached)):
        outgoing.post(f"http://{host}:9/", body=b"", headers={})


def test_one_private_address_of_a_name_refuses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    names(monkeypatch, ["93.184.216.34", "10.0.0.1"])
    with pytest.raises(AddressRefused, match="10.0.0.1"):
        outgoing.post("https://example.com/", body=b"", headers={})


def names(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Every look-up of a name gives the next of these answers; returns the names that were looked up."""
    looked: list[str] = []

    def getaddrinfo(host: str, port: int, *_: Any, **more: Any) -> list[Any]:
        if looked and host[0].isdigit():  # the connection to an address that was checked
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))]
        looked.append(host)
        found = answers[min(len(looked), len(answers)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return looked


Answer = Callable[[socket.socket], None]


@contextmanager
def server(answer: Answer) -> Iterator[int]:
    """A server that answers each connection so; gives its port."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                try:
                    answer(connection)
                except OSError:
                    pass

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()


def says(text: bytes, received: list[bytes] | None = None) -> Answer:
    def answer(connection: socket.socket) -> None:
        found = connection.recv(65536)
        if received is not None:
            received.append(found)
        connection.sendall(text)

    return answer


@pytest.fixture
def local(settings: Any) -> None:
    settings.OUTGOING_NETWORKS = ["127.0.0.0/8"]


def test_the_connection_goes_to_the_address_that_was_checked(local: None, monkeypatch: pytest.MonkeyPatch) -> None:
    received: list[bytes] = []
    with server(says(b"HTTP/1.1 204 No Content\r\nX-Part: 1\r\n\r\n", received)) as port:
        looked = names(monkeypatch, ["127.0.0.1"], ["10.0.0.1"])  # a name that resolves otherwise the second time
        answer = outgoing.post(f"http://hooks.example:{port}/a?b=c", body=b"{}", headers={"X-One": "1"})

    assert looked == ["hooks.example"]
    assert answer.status == 204 and answer.headers["x-part"] == "1"
    head = received[0].decode()
    assert head.startswith("POST /a?b=c HTTP/1.1\r\n") and f"Host: hooks.example:{port}" in head


def test_a_redirect_is_an_answer_and_is_not_followed(local: None) -> None:
    with server(says(b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n")) as port:
        assert outgoing.post(f"http://127.0.0.1:{port}/", body=b"", headers={}).status == 302


def test_a_large_answer_is_read_up_to_a_limit(local: None) -> None:
    with server(says(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 10**6)) as port:
        answer = outgoing.post(f"http://127.0.0.1:{port}/", body=b"", headers={})
    assert len(answer.body) == outgoing.LARGEST_ANSWER


def test_a_proxy_of_the_environment_is_not_used(local: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with server(says(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) as port:
        assert outgoing.post(f"http://127.0.0.1:{port}/", body=b"", headers={}).status == 200


def drip(connection: socket.socket) -> None:
    connection.recv(65536)
    for _ in range(300):
        connection.sendall(b"H")
        time.sleep(0.02)


@pytest.mark.parametrize("answer", [drip, lambda connection: time.sleep(3)])
def test_who_does_not_answer_in_time_is_not_reached(local: None, answer: Answer) -> None:
    """Both end the connection by themselves after seconds; without a deadline the words would be of that."""
    with server(answer) as port, pytest.raises(NotReached, match="did not answer within"):
        outgoing.post(f"http://127.0.0.1:{port}/", body=b"", headers={}, timeout=0.5)


def test_who_speaks_no_http_is_not_reached(local: None) -> None:
    with server(says(b"no http\r\n\r\n")) as port, pytest.raises(NotReached):
        outgoing.post(f"http://127.0.0.1:{port}/", body=b"", headers={})


def drip_body(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 300\r\n\r\n")
    for _ in range(300):
        connection.sendall(b"x")
        time.sleep(0.02)


def test_a_body_that_drips_is_cut_also_where_it_ends_the_connection(local: None) -> None:
    with server(drip_body) as port:
        answer = outgoing.post(f"http://127.0.0.1:{port}/", body=b"", headers={}, timeout=0.3)
    assert answer.is_cut and len(answer.body) < 300


def drip_handshake(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc")  # a record of the handshake that goes on and on
    for _ in range(300):
        connection.sendall(b"\x03")
        time.sleep(0.02)


@pytest.mark.parametrize("answer", [drip_handshake, lambda connection: time.sleep(3)])
def test_the_deadline_holds_during_the_handshake(local: None, answer: Answer) -> None:
    """A drip of 6 seconds, and silence of 3; the end of either without a deadline is another error."""
    with server(answer) as port, pytest.raises(NotReached, match="did not answer within"):
        outgoing.get(f"https://127.0.0.1:{port}/", headers={}, timeout=0.4)


def test_the_deadline_holds_over_all_addresses_of_a_name(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.OUTGOING_NETWORKS = ["192.0.2.0/24"]
    tried: list[float] = []
    clock = SimpleNamespace(now=1000.0)

    def silent(address: tuple[str, int], timeout: float) -> socket.socket:
        tried.append(timeout)
        clock.now += 10.0
        raise TimeoutError("timed out")

    monkeypatch.setattr(outgoing, "time", SimpleNamespace(monotonic=lambda: clock.now))

    names(monkeypatch, [f"192.0.2.{number}" for number in range(1, 30)])
    monkeypatch.setattr(socket, "create_connection", silent)
    with pytest.raises(NotReached, match="did not answer within"):
        outgoing.get("https://many.example/", headers={}, timeout=25.0)
    assert tried == [25.0, 15.0, 5.0]


def test_the_deadline_holds_while_a_name_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(10) and [])
    with pytest.raises(NotReached, match="not resolved within"):
        outgoing.get("https://slow.example/", headers={}, timeout=0.1)
    over.set()


def test_a_closed_port_and_an_unknown_name_are_not_reached(local: None) -> None:
    with server(says(b"")) as port:
        pass
    with pytest.raises(NotReached):
        outgoing.post(f"http://127.0.0.1:{port}/", body=b"", headers={})
    with pytest.raises(NotReached, match="resolved"):
        outgoing.post("https://no-such-name.invalid/", body=b"", headers={})


def test_only_the_guard_calls_out() -> None:
    """No module of the product but this one opens a connection to an address that it did not choose itself."""
    import ast
    from pathlib import Path

    root = Path(outgoing.__file__).parents[1]
    clients = {"http.client", "urllib.request", "requests", "httpx", "urllib3", "aiohttp", "ftplib", "smtplib"}
    allowed = {"projects/outgoing.py", "config/supervisor.py"}  # the supervisor asks its own web server
    found = set()
    for app in (
        "annotation",
        "analysis",
        "config",
        "inputs",
        "jobs",
        "overview",
        "projects",
        "retraining",
        "validation",
    ):
        for path in (root / app).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                if clients & set(names):
                    found.add(str(path.relative_to(root)))
    assert found <= allowed
