"""The registry of report kinds: what each one reads, and the typed body that it stores.

A kind is one module of `analysis.reports.kinds` with a subclass of `ReportKind` as `KIND`; nothing else names it but
the pages that show it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from msgspec import Struct

from analysis import samples
from analysis.samples import EvaluationSample
from projects.models import Project
from validation.registry import Registry, import_modules

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


class StoredKind(ABC, Generic[Body]):
    """What is stored as a report. Its body is a msgspec struct whose integer tag, the field `version`, is its format:

        class MyBody(Struct, frozen=True, tag_field="version", tag=1): ...

    A change of the fields takes the next number: stored bodies of another one are computed again, never misread.
    """

    name: str
    """As stored."""

    body: type[Body]

    def announce(self, project: Project, version: str, body: Body, *, at: datetime) -> None:  # noqa: B027
        """Pass on what a new report found, as to webhooks, in the transaction that stores it; most find nothing."""


class ReportKind(StoredKind[Body]):
    """One kind of report that is made of the project's own rows, and made again when they change."""

    of_version: bool = False
    """Whether there is one for each model version."""

    windows: tuple[int, ...] = (ALL_TIME,)
    """Windows in days that there is a report of."""

    @abstractmethod
    def prepare(self, rows: ReportRows, version: str, days: int) -> Computation[Body]:
        """Read what the report of this version ("" where it is of none) and window is made of."""


_kinds: Registry[ReportKind[Any]] = Registry("report kind")
register, unregister = _kinds.register, _kinds.unregister


def report_kinds() -> list[ReportKind[Any]]:
    """All kinds by name."""
    return sorted(_kinds, key=lambda kind: kind.name)


def discover() -> None:
    """Register the kind of every module of `analysis.reports.kinds`."""
    for module in import_modules("analysis.reports.kinds"):
        register(module.KIND)
