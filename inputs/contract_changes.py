"""What differs between two versions of an input contract."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Rules = Mapping[str, Mapping[str, Any]]


class ChangeKind(StrEnum):
    """What became of an input."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True)
class ContractChange:
    """One difference. `option` is "" where a whole input was added or removed; before, after: None where absent."""

    input: str
    kind: ChangeKind
    option: str
    before: Any
    after: Any


def contract_changes(before: Rules, after: Rules) -> list[ContractChange]:
    """The differences by input: first those that were removed or changed, in the order of the former contract, then
    those that were added. A rule that says what holds anyway, such as `required: true`, is no difference."""
    found: list[ContractChange] = []
    for name, rule in before.items():
        if name in after:
            found += _changed_options(name, _complete(rule), _complete(after[name]))
        else:
            found.append(ContractChange(name, ChangeKind.REMOVED, "", dict(rule), None))
    added = [name for name in after if name not in before]
    return found + [ContractChange(name, ChangeKind.ADDED, "", None, dict(after[name])) for name in added]


def _changed_options(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[ContractChange]:
    for option in dict.fromkeys([*before, *after]):
        if before.get(option) != after.get(option):
            yield ContractChange(name, ChangeKind.CHANGED, option, before.get(option), after.get(option))


def _complete(rule: Mapping[str, Any]) -> dict[str, Any]:
    """The rule with `required` and `nullable` as they hold where it does not name them."""
    required = rule.get("required", True)
    return {"required": required, "nullable": not required} | dict(rule)
