"""A registry holds each name once, and finds what the modules of a package define."""

import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

import pytest

from validation.registry import Registry, concrete_classes, import_modules


@dataclass(frozen=True)
class Shape:
    name: str
    sides: int


def test_another_part_of_a_name_is_refused_and_the_same_one_changes_nothing() -> None:
    shapes = Registry[Shape]("shape")
    square = shapes.register(Shape("square", 4))
    assert shapes.register(Shape("square", 4)) == square
    with pytest.raises(ValueError, match="another shape square"):
        shapes.register(Shape("square", 5))
    assert list(shapes) == [square] and shapes["square"] is square


def test_a_part_that_was_removed_is_gone_and_its_name_free() -> None:
    shapes = Registry[Shape]("shape")
    shapes.register(Shape("square", 4))
    shapes.unregister("square")
    assert "square" not in shapes and shapes.get("square") is None
    with pytest.raises(KeyError):
        shapes.unregister("square")
    assert shapes.register(Shape("square", 5)).sides == 5


class Solver(ABC):
    @abstractmethod
    def solve(self) -> int: ...


def test_the_classes_of_a_package_are_found_but_for_abstract_and_imported_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "solvers_of_a_test"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "half.py").write_text(f"from {__name__} import Solver\nclass Half(Solver): ...\n")
    (folder / "whole.py").write_text(
        "from solvers_of_a_test.half import Half\nclass Whole(Half):\n    def solve(self): return 7\n"
    )
    (folder / "again.py").write_text("from solvers_of_a_test.whole import Whole\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = concrete_classes(import_modules("solvers_of_a_test"), Solver)
    for name in [name for name in sys.modules if name.startswith("solvers_of_a_test")]:
        monkeypatch.delitem(sys.modules, name)
    assert [kind().solve() for kind in found] == [7]
