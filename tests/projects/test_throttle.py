"""The address by which sign-ins are throttled."""

from typing import Any

import pytest

from projects.throttle import client_address


@pytest.mark.parametrize(
    ("remote", "forwarded", "behind_proxy", "expected"),
    [
        ("10.0.0.1", None, False, "10.0.0.1"),
        ("10.0.0.1", "6.6.6.6", False, "10.0.0.1"),  # without a proxy the header is the client's own word
        ("127.0.0.1", "6.6.6.6, 203.0.113.7", True, "203.0.113.7"),  # the last is what the proxy saw
        ("127.0.0.1", None, True, "127.0.0.1"),
        ("127.0.0.1", "nonsense", True, None),
        ("2001:db8:1:2:aaaa::1", None, False, "2001:db8:1:2::"),  # one subscriber has a whole network of 64 bits
        ("::ffff:10.0.0.1", None, False, "10.0.0.1"),
    ],
)
def test_the_address_is_the_one_that_cannot_be_chosen_by_who_asks(
    rf: Any, settings: Any, remote: str, forwarded: str | None, behind_proxy: bool, expected: str | None
) -> None:
    settings.BEHIND_PROXY = behind_proxy
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    assert client_address(rf.get("/", REMOTE_ADDR=remote, headers=headers)) == expected
