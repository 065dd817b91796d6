"""Names of the task kinds that a project can have; the packages of annotation.kinds register theirs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Complete = Callable[[Any, dict[str, dict[str, Any]]], dict[str, Any]]
Parts = Callable[[dict[str, Any], list[dict[str, Any]]], list[Any]]


@dataclass(frozen=True)
class RegisteredKind:
    """What a spec is held against: whether it names labels, how many, how its options are completed, and what parts of
    answers can be named."""

    needs_labels: bool
    fewest_labels: int
    complete_options: Complete
    answer_parts: Parts


_kinds: dict[str, RegisteredKind] = {}


def register(
    name: str, *, needs_labels: bool, fewest_labels: int, complete_options: Complete, answer_parts: Parts
) -> None:
    _kinds[name] = RegisteredKind(needs_labels, fewest_labels, complete_options, answer_parts)


def unregister(name: str) -> None:
    _kinds.pop(name)


def names() -> list[str]:
    return sorted(_kinds)


def needs_labels(name: str) -> bool:
    """Whether a spec of this kind must name its labels. Raises KeyError for a name that there is not."""
    return _kinds[name].needs_labels


def fewest_labels(name: str) -> int:
    """How many labels a spec of this kind names at least, where it names any."""
    return _kinds[name].fewest_labels


def complete_options(name: str, given: Any, inputs: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The options under `answer` of a spec with these inputs, as a project stores them. Raises BadSpec."""
    return _kinds[name].complete_options(given, inputs)


def answer_parts(name: str, options: dict[str, Any], labels: list[dict[str, Any]]) -> list[Any]:
    """What answers under these options and labels are made of, as far as it can be named: labels, points of a scale."""
    return _kinds[name].answer_parts(options, labels)
