"""Names and sizes: a class name occurs once, no function has a vague name or many parameters, no module is long."""

import ast
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).parent.parent
SHARED = {"Meta", "Command", "Migration"}  # Django finds these by name
VAGUE = {
    *("read", "check", "decide", "told", "answer", "look", "ask", "again", "given", "found", "say", "said", "mend"),
    *("tell", "put", "keep", "kept", "holds", "parts", "surest", "carry", "do", "doing", "back"),
}
MOST_PARAMETERS = 9
MOST_LINES = 300


def test_no_class_name_occurs_twice() -> None:
    places = defaultdict(list)
    for path, node in nodes(ast.ClassDef):
        places[node.name].append(path)
    twice = {name: where for name, where in places.items() if len(where) > 1 and name not in SHARED}
    assert not twice


def test_no_function_has_a_vague_name() -> None:
    vague = [
        f"{path}:{node.lineno} {node.name}" for path, node in nodes(ast.FunctionDef) if node.name.strip("_") in VAGUE
    ]
    assert not vague, "\n".join(vague)


def test_no_function_takes_more_parameters_than_a_caller_can_see() -> None:
    long = {f"{path} {node.name}" for path, node in nodes(ast.FunctionDef) if _parameters(node) > MOST_PARAMETERS}
    assert not long


def test_no_module_is_longer_than_one_can_read_at_a_sitting() -> None:
    assert not [path for path in modules() if len((ROOT / path).read_text().splitlines()) > MOST_LINES]


def _parameters(node: ast.FunctionDef) -> int:
    """How many there are besides self."""
    names = [one.arg for one in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    return len(names) - (names[:1] in (["self"], ["cls"]))


def test_no_quantile_of_the_normal_law_is_written_as_a_number() -> None:
    """Intervals take `intervals.normal_quantile`; questions with one side, the function of scipy."""
    quantiles = {1.64, 1.645, 1.96, 2.576, 2.58}
    written = [
        f"{path}:{number.lineno} {number.value}"
        for path, number in nodes(ast.Constant)
        if isinstance(number.value, float) and any(abs(number.value - one) < 5e-4 for one in quantiles)
    ]
    assert not written, "\n".join(written)


Node = TypeVar("Node", bound=ast.AST)


def nodes(kind: type[Node]) -> Iterator[tuple[str, Node]]:
    """Every node of this kind in the product, its benchmarks and scripts, with the path of its file."""
    for path in modules():
        for node in ast.walk(ast.parse((ROOT / path).read_text())):
            if isinstance(node, kind):
                yield path, node


def modules() -> list[str]:
    """The paths of the product's modules, its benchmarks and scripts, without migrations."""
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [path for path in listed.stdout.split() if not path.startswith("tests/") and "/migrations/" not in path]
