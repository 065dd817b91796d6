"""The package: what it needs, what it brings, and that its examples are code that runs."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "client" / "pyproject.toml").read_text())


def test_httpx_is_all_that_it_needs() -> None:
    assert [re.split("[<>=]", one)[0] for one in PROJECT["project"]["dependencies"]] == ["httpx"]
    allowed = sys.stdlib_module_names | {"httpx", "plumbline_client", "pandas"}
    for path in (ROOT / "client" / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert {name.split(".")[0] for name in names} <= allowed, path


def test_it_imports_without_pandas_and_scikit_learn() -> None:
    code = (
        "import sys, plumbline_client, plumbline_client.asgi; print({'pandas', 'sklearn', 'numpy'} & set(sys.modules))"
    )
    source = str(ROOT / "client" / "src")
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": source}, capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr


def test_it_builds_with_its_types(tmp_path: Path) -> None:
    source = tmp_path / "client"  # a build writes beside its source
    shutil.copytree(ROOT / "client", source)
    code = "import setuptools; setuptools.setup()"
    command = [sys.executable, "-W", "ignore", "-c", code, "--quiet", "build", "--build-lib", str(tmp_path / "built")]

    done = subprocess.run(command, capture_output=True, text=True, cwd=source)

    assert done.returncode == 0, done.stderr
    built = {path.name for path in (tmp_path / "built" / "plumbline_client").iterdir()}
    assert built == {path.name for path in (source / "src" / "plumbline_client").iterdir() if path.suffix}


def test_the_product_does_not_need_the_client_nor_fastapi() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        assert not re.search("^(fastapi|plumbline)", (ROOT / name).read_text(), re.MULTILINE)
