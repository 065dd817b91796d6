"""Errors of what was served: the slices in which they gather, and what moved when accuracy changed."""

import hashlib
import json

from msgspec import Struct

from analysis.change_explanations import StoredExplanation, find_explanation
from analysis.changes import StoredChange, find_change, segments_of
from analysis.error_slices import ErrorSlices, find_error_slices
from analysis.evaluation_design import AS_SERVED, represented_items
from analysis.moved_inputs import MovedInputs, find_moved_inputs
from analysis.reports.registry import Computation, ReportKind, ReportRows
from analysis.windows import WINDOWS


class ErrorsBody(Struct, frozen=True, tag_field="version", tag=2):
    """What a report stores. n labelled items judge what was served; found: None where answers are not classes.

    change: since when accuracy is another one, None where no change is significant; moved: the inputs that moved then;
    explanation: its parts.
    """

    n: int
    found: ErrorSlices | None = None
    change: StoredChange | None = None
    moved: MovedInputs | None = None
    explanation: StoredExplanation | None = None


class ErrorsReport(ReportKind[ErrorsBody]):
    name = "errors"
    body = ErrorsBody
    windows = tuple(WINDOWS.values())

    def prepare(self, rows: ReportRows, version: str, days: int) -> Computation[ErrorsBody]:
        """Of all labelled items that were served, whichever version answered."""
        sample = rows.sample(AS_SERVED, days)
        segments = segments_of(rows.project, sample)
        types = rows.project.contract().types()

        def compute() -> ErrorsBody:
            if not len(sample):
                return ErrorsBody(0)
            change = find_change(rows.project, sample)
            since = change.at if change else None
            found = find_error_slices(rows.project, sample, segments, days=days, since=since, at=rows.at)
            served = represented_items(rows.project, AS_SERVED, at=rows.at, days=days)
            moved = None if since is None else find_moved_inputs(rows.project, served, since=since)
            parts = None if change is None else find_explanation(rows.project, sample, segments, change)
            return ErrorsBody(len(sample), found, change, moved, parts)

        content = json.dumps([sample.hash, segments, types])
        return Computation(hashlib.sha256(content.encode()).hexdigest(), compute)


KIND = ErrorsReport()
