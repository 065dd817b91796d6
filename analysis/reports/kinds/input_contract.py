"""Input contract: rows that broke it in a window, by input, and how late rows of each version arrive."""

import hashlib

from msgspec import Struct

from analysis.contract_violations import (
    InputViolations,
    VersionFreshness,
    freshness,
    last_change,
    stretches,
    violation_counts,
)
from analysis.reports.registry import Computation, ReportKind, ReportRows
from analysis.windows import WINDOWS


class InputContractBody(Struct, frozen=True, tag_field="version", tag=1):
    """What a report stores. captured: items of the window; refused: rows that were refused by the contract."""

    captured: int = 0
    refused: int = 0
    inputs: list[InputViolations] = []
    versions: list[VersionFreshness] = []

    @property
    def rows(self) -> int:
        return self.captured + self.refused


class InputContractReport(ReportKind[InputContractBody]):
    name = "input_contract"
    body = InputContractBody
    windows = tuple(WINDOWS.values())

    def prepare(self, rows: ReportRows, version: str, days: int) -> Computation[InputContractBody]:
        project, window = rows.project, stretches(rows.project, days, at=rows.at)
        seen = f"{last_change(project)} {project.contract().version} {window[0][0]} {window[-1][1]}"

        def compute() -> InputContractBody:
            found = violation_counts(project, window)
            return InputContractBody(found.captured, found.refused, found.inputs, freshness(project))

        return Computation(hashlib.sha256(seen.encode()).hexdigest(), compute)


KIND = InputContractReport()
