"""Task kinds: one package for each kind of answer, looked up by the project's `kind`.

Adding one is adding a package with a subclass of `TaskKind` and its templates; nothing else names a kind.
"""

from annotation.kinds.base import AnswerKeys, InvalidLabel, Labels, SettledValue, TaskKind, offered, successors
from projects import task_kinds
from projects.models import Project
from validation.registry import Registry, import_modules

__all__ = [
    "AnswerKeys",
    "InvalidLabel",
    "Labels",
    "SettledValue",
    "TaskKind",
    "class_names",
    "of",
    "of_project",
    "offered",
    "register",
    "successors",
    "titles",
    "unregister",
]

_kinds: Registry[TaskKind] = Registry("task kind")


def register(kind: TaskKind) -> TaskKind:
    """Make a kind available to projects. Raises ValueError where another one has its name."""
    _kinds.register(kind)
    task_kinds.register(
        kind.name,
        needs_labels=kind.needs_labels,
        fewest_labels=kind.fewest_labels,
        complete_options=kind.complete_options,
        answer_parts=lambda options, labels: kind.with_options(options).answer_parts(labels),
    )
    return kind


def unregister(name: str) -> None:
    """Remove a kind, as tests do that added one."""
    _kinds.unregister(name)
    task_kinds.unregister(name)


def of(name: str) -> TaskKind:
    """The kind of this name."""
    return _kinds[name]


def titles() -> list[tuple[str, str]]:
    """Name and title of each kind, the simplest first."""
    ordered = sorted(map(of, task_kinds.names()), key=lambda kind: (kind.place, kind.name))
    return [(kind.name, kind.title or kind.name.capitalize()) for kind in ordered]


def of_project(project: Project) -> TaskKind:
    """The kind of the project under its options."""
    return _kinds[project.kind].with_options(project.answer)


def class_names(project: Project) -> tuple[str, ...]:
    """The classes of the project's labels in their order; none for a kind whose answers are not classes."""
    return of_project(project).classes(project.schema().labels)


def discover() -> None:
    """Register the kind of every package in this one."""
    for module in import_modules(__name__):
        if hasattr(module, "__path__"):  # a package
            register(module.KIND)
