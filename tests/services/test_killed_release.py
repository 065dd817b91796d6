"""SIGKILL at every write of every act of a release leaves the state of before or that of after."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.services


def test_no_release_is_left_half_done(on_both: tuple[str, Callable[..., Any]]) -> None:
    database, run = on_both

    found = run("tests.services.killed_release")

    assert found["database"] == database
    assert {name: one["between"] for name, one in found["acts"].items()} == dict.fromkeys(found["acts"], 0)
    assert all(one["changed"] for one in found["acts"].values()), found
    assert sum(one["kills"] for one in found["acts"].values()) >= 30, found
    assert found["releases"] == 1 + len(found["acts"])
