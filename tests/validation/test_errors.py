"""One base class for everything that a caller can be refused for, and one home for the tolerance of probabilities."""

import ast
import re
from pathlib import Path

import pytest

from validation import InvalidInput

ROOT = Path(__file__).parents[2]
PACKAGES = ("config", "overview", "retraining", "analysis", "annotation", "jobs", "projects", "inputs")
SOURCES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def test_a_refusal_is_a_value_error_that_may_name_its_row_and_field() -> None:
    refusal = InvalidInput("The age is -1.", row=3, field="age")
    assert isinstance(refusal, ValueError)
    assert (str(refusal), refusal.row, refusal.field) == ("The age is -1.", 3, "age")


@pytest.mark.parametrize("package", PACKAGES)
def test_every_class_of_refusals_has_the_one_base_class(package: str) -> None:
    for path in sorted((ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
                assert "ValueError" not in bases, f"{path.relative_to(ROOT)}: {node.name} should be an InvalidInput"


def test_no_other_module_has_a_tolerance_for_sums_of_probabilities() -> None:
    assert len(SOURCES) > 200
    for path in SOURCES:
        assert not re.search(r"SUM_TOLERANCE|sum\(axis=1\) - 1", path.read_text()), path.relative_to(ROOT)
