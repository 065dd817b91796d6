"""Names say what things are: a class name occurs once, and no function is called by a word that says nothing."""

import ast
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).parent.parent
SHARED = {"Meta", "Command", "Migration"}  # Django finds these by name
VAGUE = {"read", "check", "decide", "told", "answer", "look", "ask", "again", "given", "found", "say", "said", "mend"}


def test_no_class_name_occurs_twice() -> None:
    places = defaultdict(list)
    for path, node in definitions(ast.ClassDef):
        places[node.name].append(path)
    twice = {name: where for name, where in places.items() if len(where) > 1 and name not in SHARED}
    assert not twice


def test_no_function_has_a_vague_name() -> None:
    vague = [
        f"{path}:{node.lineno} {node.name}"
        for path, node in definitions(ast.FunctionDef)
        if node.name.strip("_") in VAGUE
    ]
    assert not vague, "\n".join(vague)


Definition = TypeVar("Definition", ast.ClassDef, ast.FunctionDef)


def definitions(kind: type[Definition]) -> Iterator[tuple[str, Definition]]:
    """Every definition of this kind in the product, its benchmarks and scripts, with the path of its file."""
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True)
    for path in listed.stdout.split():
        if path.startswith("tests/") or "/migrations/" in path:
            continue
        for node in ast.walk(ast.parse((ROOT / path).read_text())):
            if isinstance(node, kind):
                yield path, node
