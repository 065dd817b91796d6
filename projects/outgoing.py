"""HTTP to addresses that people entered: the one place from which this installation calls others.

Server-side request forgery: whoever may enter an address must not reach through it what only this machine can reach. So
every address that the name resolves to must be public, the connection goes to an address that was checked and to no
other (a name that resolves anew cannot move it), redirects are not followed, no proxy of the environment is used, and
both time and size are limited: one deadline holds from looking up the name to the last byte. OUTGOING_NETWORKS names
private networks that may be reached all the same; link-local addresses, where clouds keep the metadata of machines, may
never.
"""

import http.client
import ipaddress
import queue
import socket
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from validation import InvalidInput

TIMEOUT = 10.0  # seconds for one call, from looking up the name to the last byte of the answer
LARGEST_ANSWER = 64 * 2**10
LONGEST_URL = 500
IpAddress = IPv4Address | IPv6Address
IpNetwork = IPv4Network | IPv6Network
NAT64 = IPv6Network("64:ff9b::/96")


class AddressRefused(InvalidInput):
    """An address that is not called; the message says why, in words fit for a user."""


class NotReached(Exception):
    """The other side could not be reached, or did not answer in time."""


@dataclass(frozen=True)
class OutgoingAnswer:
    """What the other side answered: status, headers by their lower-case name, and the body up to a limit.

    `is_cut`: the time was over before the whole body had come.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_cut: bool = False


def post(
    url: str, *, body: bytes, headers: Mapping[str, str], timeout: float = TIMEOUT, largest: int = LARGEST_ANSWER
) -> OutgoingAnswer:
    """Send a POST and return the answer, of any status, cut at `largest` bytes. Raises AddressRefused, NotReached."""
    return _call("POST", parse_url(url), body, headers, timeout, largest)


def get(
    url: str,
    *,
    headers: Mapping[str, str],
    timeout: float = TIMEOUT,
    largest: int = LARGEST_ANSWER,
    longest: int = LONGEST_URL,
) -> OutgoingAnswer:
    """Send a GET to an address of at most `longest` characters and return the answer, as `post` does."""
    return _call("GET", parse_url(url, longest=longest), None, headers, timeout, largest)


def _call(
    method: str, parts: SplitResult, body: bytes | None, headers: Mapping[str, str], timeout: float, largest: int
) -> OutgoingAnswer:
    until = time.monotonic() + timeout
    port = parts.port or (443 if parts.scheme == "https" else 80)
    connection = _PinnedConnection(parts, port, resolve(parts, port, timeout=timeout), until)
    # A timeout of the socket begins anew with each byte; this one ends the whole call.
    deadline = threading.Timer(until - time.monotonic(), connection.cut)
    deadline.daemon = True
    deadline.start()
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(method, target, body=body, headers=dict(headers))
        with connection.getresponse() as answer:
            found = {name.lower(): value for name, value in answer.getheaders()}
            said = answer.read(largest)
        return OutgoingAnswer(answer.status, found, said, is_cut=connection.is_cut)
    except (OSError, http.client.HTTPException, ValueError) as why:
        is_late = connection.is_cut or isinstance(why, TimeoutError)
        raise NotReached(_late(timeout) if is_late else f"{type(why).__name__}: {why}") from None
    finally:
        deadline.cancel()
        connection.close()


def _late(timeout: float) -> str:
    return f"It did not answer within {timeout:.0f} s."


def parse_url(url: str, *, longest: int = LONGEST_URL) -> SplitResult:
    """The parts of an address that could be called. Raises AddressRefused."""
    if len(url) > longest or not url.isascii() or not url.isprintable() or " " in url:
        raise AddressRefused(f"An address has at most {longest:,} printable ASCII characters without spaces.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressRefused("This is not an address such as https://example.com/hooks.") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise AddressRefused("This is not an address such as https://example.com/hooks.")
    if parts.username is not None or parts.password is not None:
        raise AddressRefused("An address with a user name or a password in it is not called.")
    if parts.fragment or port == 0:
        raise AddressRefused("An address has no #fragment, and its port is not 0.")
    return parts


def resolve(parts: SplitResult, port: int, *, timeout: float = TIMEOUT) -> list[IpAddress]:
    """The addresses of the host, each of which may be reached. Raises AddressRefused, NotReached."""
    host = str(parts.hostname)
    addresses = _looked_up(host, port, timeout)
    for address in addresses:
        if why_refused := refusal(address, encrypted=parts.scheme == "https"):
            named = host if host == str(address) else f"{host} is {address}"
            raise AddressRefused(f"{named}: {why_refused}")
    return addresses


def _looked_up(host: str, port: int, timeout: float) -> list[IpAddress]:
    """The resolver of the system takes no timeout: it answers from a thread, which is left behind when it is late."""
    answers: queue.SimpleQueue[list[Any] | OSError | UnicodeError] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as why:
            answers.put(why)

    threading.Thread(target=look_up, name="resolver", daemon=True).start()
    try:
        found = answers.get(timeout=timeout)
    except queue.Empty:
        raise NotReached(f"The name {host} was not resolved within {timeout:.0f} s.") from None
    if isinstance(found, OSError | UnicodeError):
        raise NotReached(f"The name {host} cannot be resolved: {found}")
    return list(dict.fromkeys(ipaddress.ip_address(str(row[4][0]).partition("%")[0]) for row in found))


def refusal(address: IpAddress, *, encrypted: bool) -> str:
    """Why this address is not called, "" where it is."""
    reached = embedded(address)
    if any(one.is_link_local or one.is_multicast or one.is_unspecified for one in reached):
        return "link-local, multicast and unspecified addresses are never called."
    if all(any(one in network for network in allowed_networks()) for one in reached):
        return ""
    if not all(one.is_global for one in reached):
        return "private addresses are called only where OUTGOING_NETWORKS names their network."
    return "" if encrypted else "a public address is called by https alone."


def embedded(address: IpAddress) -> list[IpAddress]:
    """The address, and the one of IPv4 that a gateway would reach for it."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    inner = [address.sixtofour, address.teredo[1] if address.teredo else None]
    if address in NAT64:
        inner.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return [address, *(one for one in inner if one)]


def allowed_networks() -> Sequence[IpNetwork]:
    return [ipaddress.ip_network(one) for one in settings.OUTGOING_NETWORKS]


class _PinnedConnection(http.client.HTTPConnection):
    """Connects to the addresses that were checked; the certificate is checked for the name.

    `until`: the moment of the monotonic clock at which no further address is tried.
    """

    def __init__(self, parts: SplitResult, port: int, addresses: Sequence[IpAddress], until: float) -> None:
        super().__init__(str(parts.hostname), port)
        self._parts, self._addresses, self._until = parts, addresses, until
        self._socket: socket.socket | None = None  # http.client forgets its own where an answer ends the connection
        self._exchange = threading.Lock()  # of the socket, which another thread may cut
        self.is_cut = False

    def connect(self) -> None:
        plain = self._take(self._connected())
        if self._parts.scheme == "https":
            self.default_port = http.client.HTTPS_PORT  # for the Host header
            context = ssl.create_default_context()
            encrypted = context.wrap_socket(plain, server_hostname=self.host, do_handshake_on_connect=False)
            self._take(encrypted)
            encrypted.do_handshake()

    def _take(self, made: socket.socket) -> socket.socket:
        """Go on with this socket, which `cut` ends from now on. Raises TimeoutError where it was called already."""
        self.sock = made
        with self._exchange:
            self._socket = made
            if self.is_cut:
                raise TimeoutError
        return made

    def _connected(self) -> socket.socket:
        failure: OSError = OSError("no address")
        for address in self._addresses:
            left = self._until - time.monotonic()
            if left <= 0:
                raise TimeoutError
            try:
                return socket.create_connection((str(address), self.port), left)
            except OSError as why:
                failure = why
        raise failure

    def cut(self) -> None:
        """End the call from another thread."""
        with self._exchange:
            self.is_cut = True
            if self._socket is not None:
                with suppress(OSError):
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
