"""What can be asked of an item: one module for each kind of task, looked up by the project's `kind`.

A kind says which values it takes, how two values agree, when votes are settled, and how the desk asks. Adding one is
adding a module with the names of `TaskKind` and its template.
"""

from collections.abc import Sequence
from importlib import import_module
from typing import Any, Protocol, cast

from annotation.kinds.verdict import BadValue, Verdict

__all__ = ["BadValue", "TaskKind", "Verdict", "of"]

Labels = Sequence[dict[str, Any]]


class TaskKind(Protocol):
    """What a module of this package has. `labels` is a label schema's list of {value, title?, key?, hint?}."""

    TEMPLATE: str

    def check(self, value: Any, labels: Labels) -> Any:
        """The value as it is stored. Raises BadValue with a sentence that says what is taken."""

    def words(self, value: Any, labels: Labels) -> str:
        """The value as a person reads it."""

    def agreement(self, values: Sequence[Any]) -> float | None:
        """Share of the pairs of votes that agree, 0 to 1; None with fewer than two votes."""

    def resolve(self, values: Sequence[Any]) -> Verdict | None:
        """What the votes settle, or None where they do not."""

    def form(self, labels: Labels) -> dict[str, Any]:
        """What the kind's template and the desk's script need to ask."""


def of(kind: str) -> TaskKind:
    """The module of this kind."""
    return cast(TaskKind, import_module(f"annotation.kinds.{kind}"))
