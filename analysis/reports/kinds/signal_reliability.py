"""Reliability of signals over all time: what routing reads to decide what a signal may do."""

import hashlib
from datetime import datetime

from analysis import signal_reliability
from analysis.evaluation_design import AS_SERVED
from analysis.reports.registry import ALL_TIME, Computation, ReportKind, ReportRows
from annotation.signals import reliability
from annotation.signals.reliability import ReliabilityBody
from projects.models import Project


class SignalReliabilityReport(ReportKind[ReliabilityBody]):
    name = "signal_reliability"
    body = ReliabilityBody

    def prepare(self, rows: ReportRows, version: str, days: int) -> Computation[ReliabilityBody]:
        """Of what was served, whatever serves now."""
        project, sample = rows.project, rows.sample(AS_SERVED, ALL_TIME)
        judged = signal_reliability.judged_signals(project, sample, at=rows.at)
        inputs = hashlib.sha256(f"{sample.hash} {judged}".encode()).hexdigest()
        return Computation(inputs, lambda: signal_reliability.reliability(judged, sample))

    def announce(self, project: Project, version: str, body: ReliabilityBody, *, at: datetime) -> None:
        """Let routing read it, as a version of its own."""
        reliability.store(project, body, at=at)


KIND = SignalReliabilityReport()
