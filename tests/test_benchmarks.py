"""Every benchmark can be started: a renamed function must not be noticed only when somebody measures again."""

import ast
import gzip
import importlib
import json
import os
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import benchmarks
from benchmarks import data
from benchmarks.__main__ import QUICK, startable
from benchmarks.__main__ import main as every_benchmark

NAMES = [module.name for module in pkgutil.iter_modules(benchmarks.__path__) if module.name != "__main__"]
ROOT = Path(__file__).resolve().parents[1]


def imported_names(path: Path) -> Iterator[tuple[str, str]]:
    """(module, name) of every `from module import name`, those within functions too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.module, alias.name) for alias in node.names)


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_imports_only_names_that_exist(name: str) -> None:
    importlib.import_module(f"benchmarks.{name}")

    missing = [
        f"{module}.{wanted}"
        for module, wanted in imported_names(ROOT / "benchmarks" / f"{name}.py")
        if not hasattr(importlib.import_module(module), wanted) and not is_module(f"{module}.{wanted}")
    ]
    assert not missing


def is_module(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        return False
    return True


def test_every_benchmark_is_run_by_make_bench_and_no_part_of_one() -> None:
    assert {"monitor", "votes"} <= set(startable()) < set(NAMES)
    assert "simulated_votes" not in startable()
    assert set(QUICK) <= set(startable())


def test_the_exit_of_each_benchmark_is_said_and_the_worst_is_that_of_all(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("benchmarks.__main__.startable", lambda: ["cases", "monitor_exact"])
    monkeypatch.setattr("benchmarks.__main__.QUICK", {"monitor_exact": "--none"})
    assert every_benchmark(["--quick"]) == 2
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [(line["benchmark"], line["exit"]) for line in lines] == [("cases", 0), ("monitor_exact", 2)]


@pytest.mark.simulation
def test_benchmarks_import_where_django_is_not_set_up_as_their_commands_do() -> None:
    started = [name for name in NAMES if name != "bare_urls"]  # a URLconf is imported by Django alone
    code = f"import importlib\nfor name in {started}: importlib.import_module(f'benchmarks.{{name}}')"
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr[-2000:]


NAMED = re.compile(r"(?:python -m (benchmarks\.\w+|tests[\w.]*)|`?((?:tests|docs|scripts)/[\w./-]+\.(?:py|md|sh)))")


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))], ids=lambda path: path.name
)
def test_a_page_names_only_benchmarks_tests_and_files_that_exist(page: Path) -> None:
    named = [module.replace(".", "/") + ".py" if module else path for module, path in NAMED.findall(page.read_text())]

    assert [name for name in named if not (ROOT / name).exists()] == []


class TestAPublicDataSet:
    def test_that_is_absent_is_said_in_one_line_with_what_helps(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.delenv(data.VARIABLE, raising=False)
        with pytest.raises(data.Absent) as without:
            data.rows_of("sms_spam")
        monkeypatch.setenv(data.VARIABLE, str(tmp_path))
        with pytest.raises(data.Absent) as elsewhere:
            data.rows_of("sms_spam")
        assert str(without.value).startswith("BENCHMARK_DATA is not set: it names a folder with sms_spam/items.csv.gz")
        assert str(elsewhere.value).startswith(f"{tmp_path} has no sms_spam/items.csv.gz: ")
        assert all("UCI" in str(one.value) and "\n" not in str(one.value) for one in (without, elsewhere))
        lacking = data.lines_or_absent((data.rows_of(name) for name in ["elec2"]), case="elec2")
        assert [line["case"] for line in lacking] == ["elec2"]

    def test_is_read_from_the_folder_that_is_named(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        (tmp_path / "sms_spam").mkdir()
        (tmp_path / "sms_spam" / "items.csv.gz").write_bytes(gzip.compress(b"id,text,label\n1,hello,ham\n"))
        monkeypatch.setenv(data.VARIABLE, str(tmp_path))
        assert data.rows_of("sms_spam").to_dict("records") == [{"id": 1, "text": "hello", "label": "ham"}]
        assert data.is_there("sms_spam") and not data.is_there("elec2")

    def test_has_its_files_and_columns_in_the_docs(self) -> None:
        page = (ROOT / "docs" / "benchmarks" / "data.md").read_text()
        assert [name for name in data.PUBLIC if f"`{name}`" not in page] == []


def test_nothing_names_a_folder_beside_the_repository() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    texts = [
        path for path in listed if path.endswith((".py", ".md", ".toml", ".txt")) and path != "tests/test_benchmarks.py"
    ]
    beside = re.compile(r"\.\./shared|parents\[\d\] / \"shared\"")
    assert [path for path in texts if beside.search((ROOT / path).read_text())] == []
