"""The pure packages never read a clock: the same rows and seed give the same answer, whatever else the machine does."""

import ast
import configparser
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CLOCKS = {
    *("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time"),
    *("process_time_ns", "thread_time", "thread_time_ns", "now", "utcnow", "today", "localtime", "gmtime"),
    *("default_timer", "times", "getrusage", "clock_gettime"),
}
MODULES = {"time", "datetime", "timezone", "timeit", "date", "Timestamp", "pd", "os", "resource"}


def test_no_pure_module_reads_a_clock() -> None:
    modules = list(pure_modules())
    assert len(modules) > 150
    found = [f"{path.relative_to(ROOT)}:{line}" for path in modules for line in clock_readings(path.read_text())]
    assert not found, found


@pytest.mark.parametrize(
    "source",
    [
        "import time\ntime.monotonic()",
        "import time as t\nt.process_time()",
        "from time import perf_counter as tick\ntick()",
        "from datetime import datetime\ndatetime.now()",
        "import datetime as dt\ndt.datetime.now(dt.UTC)",
        "import pandas as pd\npd.Timestamp.now()",
        "import os\nos.times()",
        "from timeit import default_timer",
    ],
)
def test_a_reading_of_a_clock_is_found_however_it_is_imported(source: str) -> None:
    assert list(clock_readings(source))


def test_other_names_of_time_are_no_clock() -> None:
    assert not list(clock_readings("from datetime import datetime, timedelta\nat = datetime.fromtimestamp(0)\nx.time"))


def pure_modules() -> Iterator[Path]:
    """The modules that the contract `pure` keeps from the web."""
    contract = configparser.ConfigParser()
    contract.read(ROOT / ".importlinter")
    for name in contract["importlinter:contract:pure"]["source_modules"].split():
        place = ROOT / name.replace(".", "/")
        yield from place.rglob("*.py") if place.is_dir() else [place.with_suffix(".py")]


def clock_readings(source: str) -> Iterator[int]:
    """Lines that import or call a clock of the standard library or of pandas, under whatever name."""
    tree = ast.parse(source)
    known = set(MODULES)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            known |= {one.asname for one in node.names if one.asname and one.name.split(".")[0] in MODULES | {"pandas"}}
        if isinstance(node, ast.ImportFrom) and node.module in MODULES:
            known |= {one.asname for one in node.names if one.asname and one.name in MODULES}
            yield from [node.lineno for one in node.names if one.name in CLOCKS and one.name != "time"]
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in CLOCKS and _base(node.value) & known:
            yield node.lineno


def _base(node: ast.expr) -> set[str]:
    """The names on the way to an attribute: of `pd.Timestamp.now` these are `pd` and `Timestamp`."""
    names = set()
    while isinstance(node, ast.Attribute):
        names.add(node.attr)
        node = node.value
    return names | ({node.id} if isinstance(node, ast.Name) else set())
