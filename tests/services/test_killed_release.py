"""SIGKILL at every write of every act of a release leaves the state of before or that of after."""

from pathlib import Path

import pytest

from tests.chaos import servers

pytestmark = pytest.mark.services


def test_no_release_is_left_half_done(tmp_path: Path) -> None:
    found = servers.run_module("tests.services.killed_release", home=tmp_path / "home", url="")

    assert {name: one["between"] for name, one in found["acts"].items()} == dict.fromkeys(found["acts"], 0)
    assert all(one["changed"] for one in found["acts"].values()), found
    assert sum(one["kills"] for one in found["acts"].values()) >= 30, found
    assert found["releases"] == 1 + len(found["acts"])
