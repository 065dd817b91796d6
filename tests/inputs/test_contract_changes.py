"""Differences between two versions of an input contract."""

from typing import Any

import pytest

from inputs.contract_changes import ContractChange, contract_changes

BEFORE: dict[str, dict[str, Any]] = {"a": {"type": "number", "min": 0}, "b": {"type": "text"}, "c": {"type": "time"}}


def test_inputs_are_removed_changed_and_added() -> None:
    after = {"a": {"type": "number", "max": 5}, "d": {"type": "boolean"}, "c": {"type": "text"}}
    assert contract_changes(BEFORE, after) == [
        ContractChange("a", "changed", "min", 0, None),
        ContractChange("a", "changed", "max", None, 5),
        ContractChange("b", "removed", "", {"type": "text"}, None),
        ContractChange("c", "changed", "type", "time", "text"),
        ContractChange("d", "added", "", None, {"type": "boolean"}),
    ]


@pytest.mark.parametrize(
    ("more", "options"),
    [
        ({}, []),
        ({"required": True}, []),
        ({"required": True, "nullable": False}, []),
        ({"required": False}, ["required", "nullable"]),
        ({"required": False, "nullable": False}, ["required"]),
        ({"nullable": True}, ["nullable"]),
    ],
)
def test_what_holds_anyway_is_no_difference(more: dict[str, bool], options: list[str]) -> None:
    after = BEFORE | {"b": {"type": "text", **more}}
    assert [change.option for change in contract_changes(BEFORE, after)] == options
