"""Differences between two versions of an input contract."""

from typing import Any

import pytest

from inputs.contract_changes import ChangeKind, ContractChange, contract_changes

BEFORE: dict[str, dict[str, Any]] = {"a": {"type": "number", "min": 0}, "b": {"type": "text"}, "c": {"type": "time"}}


def test_inputs_are_removed_changed_and_added() -> None:
    after: dict[str, dict[str, Any]] = {
        "a": {"type": "number", "max": 5},
        "d": {"type": "boolean"},
        "c": {"type": "text"},
    }
    assert contract_changes(BEFORE, after) == [
        ContractChange("a", ChangeKind.CHANGED, "min", 0, None),
        ContractChange("a", ChangeKind.CHANGED, "max", None, 5),
        ContractChange("b", ChangeKind.REMOVED, "", {"type": "text"}, None),
        ContractChange("c", ChangeKind.CHANGED, "type", "time", "text"),
        ContractChange("d", ChangeKind.ADDED, "", None, {"type": "boolean"}),
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
    after: dict[str, dict[str, Any]] = BEFORE | {"b": {"type": "text", **more}}
    assert [change.option for change in contract_changes(BEFORE, after)] == options
