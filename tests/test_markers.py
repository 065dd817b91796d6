"""The markers of the tests: each is declared, described, used, and left out by the fast run."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OPTIONS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
MARKERS = [line.partition(":")[0] for line in OPTIONS["markers"]]
TESTS = {path: path.read_text() for path in (ROOT / "tests").rglob("*.py")}


def run_of(target: str) -> str:
    """The commands of a target of the Makefile."""
    found = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert found
    return found[1]


def test_a_marker_that_nobody_declared_is_an_error() -> None:
    assert "--strict-markers" in OPTIONS["addopts"].split()


@pytest.mark.parametrize("marker", MARKERS)
def test_each_is_used_and_described(marker: str) -> None:
    assert any(f"pytest.mark.{marker}" in text for text in TESTS.values())
    assert f"`{marker}`" in (ROOT / "CONTRIBUTING.md").read_text()


def test_the_fast_run_leaves_out_all_of_them_and_the_whole_run_none() -> None:
    fast = re.search(r'-m "([^"]+)"', run_of("test-fast"))
    assert fast and fast[1].split(" and ") == [f"not {marker}" for marker in MARKERS]
    assert " -m " not in run_of("test").replace("-m pytest", "")


def test_a_module_that_is_called_a_simulation_is_marked_as_one() -> None:
    modules = {path.name: text for path, text in TESTS.items() if path.stem.endswith("_simulation")}
    assert modules
    assert [name for name, text in modules.items() if "pytest.mark.simulation" not in text] == []
