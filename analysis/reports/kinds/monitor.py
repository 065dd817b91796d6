"""Live monitor of the version that serves, and what it may answer without a person."""

import hashlib

from msgspec import Struct

from analysis.live_monitor import MonitoredError, monitored_error
from analysis.reports.registry import Computation, ReportKind, ReportRows
from analysis.resolution_certificates import CertifiedShare, certified_share
from annotation import versions


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


KIND = MonitorReport()
