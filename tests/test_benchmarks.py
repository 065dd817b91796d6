"""Every benchmark can be imported: a renamed function must not be noticed only when somebody measures again."""

import importlib
import pkgutil

import pytest

import benchmarks


@pytest.mark.parametrize("name", [module.name for module in pkgutil.iter_modules(benchmarks.__path__)])
def test_a_benchmark_imports(name: str) -> None:
    importlib.import_module(f"benchmarks.{name}")
