"""The registry of report kinds: what each one reads, and the typed body that it stores.

A kind is one module of `analysis.reports.kinds` with a subclass of `ReportKind` as `KIND`; nothing else names it but
the pages that show it.
"""

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from msgspec import Struct

from analysis import samples
from analysis.samples import EvaluationSample
from projects.models import Project

ALL_TIME = 0
Body = TypeVar("Body", bound=Struct)


@dataclass
class ReportRows:
    """What the reports of one refresh read: the project at one moment, each evaluation sample once."""

    project: Project
    at: datetime
    _samples: dict[tuple[str, int], EvaluationSample] = field(default_factory=dict)

    def sample(self, version: str, days: int) -> EvaluationSample:
        """What judges this version, or what was served then (AS_SERVED), in the last `days`."""
        if (version, days) not in self._samples:
            self._samples[version, days] = samples.live(self.project, version, at=self.at, days=days)
        return self._samples[version, days]


@dataclass(frozen=True)
class Computation(Generic[Body]):
    """How a report is made. inputs: of all that it reads; equal inputs make an equal report, which is not stored."""

    inputs: str
    compute: Callable[[], Body]


class ReportKind(ABC, Generic[Body]):
    """One kind of report. Its body is a msgspec struct whose integer tag, in the field `version`, is its format:

        class MyBody(Struct, frozen=True, tag_field="version", tag=1): ...

    A change of the fields takes the next number: stored bodies of another one are computed again, never misread.
    """

    name: str
    """As stored."""

    body: type[Body]

    of_version: bool = False
    """Whether there is one for each model version."""

    windows: tuple[int, ...] = (ALL_TIME,)
    """Windows in days that there is a report of."""

    @abstractmethod
    def prepare(self, rows: ReportRows, version: str, days: int) -> Computation[Body]:
        """Read what the report of this version ("" where it is of none) and window is made of."""


_kinds: dict[str, ReportKind[Any]] = {}


def register(kind: ReportKind[Any]) -> None:
    """Add a kind to every project's reports. Raises ValueError where another one has its name."""
    if type(_kinds.setdefault(kind.name, kind)) is not type(kind):
        raise ValueError(f"There is another report kind {kind.name}.")


def unregister(name: str) -> None:
    """Remove a kind, as tests do that added one."""
    _kinds.pop(name)


def report_kinds() -> list[ReportKind[Any]]:
    """All kinds by name."""
    return [_kinds[name] for name in sorted(_kinds)]


def discover() -> None:
    """Register the kind of every module of `analysis.reports.kinds`."""
    package = importlib.import_module("analysis.reports.kinds")
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        register(importlib.import_module(module.name).KIND)
