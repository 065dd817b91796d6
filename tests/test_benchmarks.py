"""Every benchmark can be started: a renamed function must not be noticed only when somebody measures again."""

import ast
import importlib
import os
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import benchmarks

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


def test_benchmarks_import_where_django_is_not_set_up_as_their_commands_do() -> None:
    code = f"import importlib\nfor name in {NAMES}: importlib.import_module(f'benchmarks.{{name}}')"
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
