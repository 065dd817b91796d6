"""Live monitor of the version that serves, and what it may answer without a person."""

import hashlib
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from analysis.live_monitor import MonitoredError, monitored_error
from analysis.reports.registry import Computation, ReportKind, ReportRows
from analysis.resolution_certificates import CertifiedShare, certified_share
from annotation import versions
from jobs.models import EventType
from jobs.webhooks import outbox
from projects.models import Project


class MonitorBody(Struct, frozen=True, tag_field="version", tag=1):
    """What a report stores: nothing of a version that does not serve."""

    monitored: MonitoredError | None = None
    certified: CertifiedShare | None = None


class MonitorReport(ReportKind[MonitorBody]):
    name = "monitor"
    body = MonitorBody
    of_version = True

    def prepare(self, rows: ReportRows, version: str, days: int) -> Computation[MonitorBody]:
        """Of the version's labelled rows of all time."""
        if versions.serving(rows.project) != version:
            return Computation("", MonitorBody)
        sample = rows.sample(version, days)

        def compute() -> MonitorBody:
            monitored = monitored_error(sample)
            return MonitorBody(monitored, certified_share(sample, monitor=monitored.key, at=rows.at))

        return Computation(hashlib.sha256(f"{sample.hash}|monitor".encode()).hexdigest(), compute)

    def announce(self, project: Project, version: str, body: MonitorBody, *, at: datetime) -> None:
        """One event for each alarm: a later report of the same monitor tells of the same rise."""
        monitored = body.monitored
        if monitored is None or monitored.since is None or monitored.reference is None:
            return
        data = {
            "version": version,
            "since": datetime.fromtimestamp(monitored.since, UTC).isoformat(),
            "error_before": msgspec.to_builtins(monitored.reference),
            "error_after": msgspec.to_builtins(monitored.after),
        }
        subject = f"monitor {monitored.key}"
        outbox.add_event(EventType.DRIFT_FOUND, project=project, subject=subject, data=data, at=at)


KIND = MonitorReport()
