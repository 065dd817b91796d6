"""Live monitor of the version that serves, and what it may answer without a person."""

import hashlib
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from analysis import decision_costs
from analysis.live_monitor import MonitoredLoss, key_of, monitored_cost, monitored_error
from analysis.reports.registry import Computation, ReportKind, ReportRows
from analysis.resolution_certificates import CertifiedShare, certified_share
from annotation import versions
from jobs.models import EventType
from jobs.webhooks import outbox
from projects.models import Project


class MonitorBody(Struct, frozen=True, tag_field="version", tag=1):
    """What a report stores: nothing of a version that does not serve; cost: None where the project names none."""

    monitored: MonitoredLoss | None = None
    certified: CertifiedShare | None = None
    cost: MonitoredLoss | None = None

    @property
    def watched(self) -> list[MonitoredLoss]:
        """All that is watched."""
        return [one for one in (self.monitored, self.cost) if one is not None]


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
            error, cost = monitored_error(sample), monitored_cost(sample, rows.project)
            key = key_of([one for one in (error, cost) if one is not None])
            return MonitorBody(error, certified_share(sample, monitor=key, at=rows.at), cost)

        content = f"{sample.hash}|monitor|{decision_costs.fingerprint(rows.project)}".encode()
        return Computation(hashlib.sha256(content).hexdigest(), compute)

    def announce(self, project: Project, version: str, body: MonitorBody, *, at: datetime) -> None:
        """One event for each alarm: a later report of the same monitor tells of the same rise."""
        for name, monitored in (("error", body.monitored), ("cost", body.cost)):
            if monitored is not None and monitored.since is not None:
                data = {
                    "version": version,
                    "since": datetime.fromtimestamp(monitored.since, UTC).isoformat(),
                    f"{name}_before": msgspec.to_builtins(monitored.reference),
                    f"{name}_after": msgspec.to_builtins(monitored.after),
                }
                subject = f"monitor {monitored.key}"
                outbox.add_event(EventType.DRIFT_FOUND, project=project, subject=subject, data=data, at=at)


KIND = MonitorReport()
