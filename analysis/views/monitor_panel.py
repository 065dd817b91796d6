"""What the live monitor of a version says, and what the version may answer without a person."""

from dataclasses import dataclass
from datetime import UTC, datetime

from analysis import live_monitor
from analysis.live_monitor import MonitoredError
from analysis.metrics.risk_control.certificate import VoidReason, rows_needed
from analysis.reports.kinds import monitor
from analysis.reports.stored import newest
from analysis.resolution_certificates import RULE, CertifiedShare, why_void
from analysis.views.performance_query import PerformanceQuery, items_url
from annotation import kinds
from projects.models import Project


@dataclass(frozen=True)
class MonitorPanel:
    """The newest report of the version that serves. void: why its certificate does not hold, None where it does."""

    version: str
    has_classes: bool
    monitored: MonitoredError
    certified: CertifiedShare
    void: VoidReason | None
    all_url: str
    since_url: str

    @property
    def reference(self) -> int:
        """So many first labels make the error that later ones are compared with."""
        return live_monitor.REFERENCE

    @property
    def since(self) -> datetime | None:
        seconds = self.monitored.since
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)

    @property
    def certified_at(self) -> datetime | None:
        made = self.certified.certificate
        return datetime.fromtimestamp(made.created, UTC) if made else None

    @property
    def least(self) -> int:
        """Labels without any error that a certificate needs."""
        return rows_needed(0, RULE.largest_error, RULE.delta)

    @property
    def points(self) -> float:
        """The rise that the monitor is made to find soonest, in hundredths."""
        return 100 * self.monitored.shift

    @property
    def what(self) -> str:
        return "error" if self.has_classes else "mean loss (1 minus the score)"


def monitor_panel(project: Project, version: str, *, serves: str) -> MonitorPanel | None:
    """None for a version that does not serve, and before its report is made."""
    report = newest(project, monitor.KIND, version=version) if version and version == serves else None
    if report is None or report.body.monitored is None or report.body.certified is None:
        return None
    monitored, certified = report.body.monitored, report.body.certified
    state, seconds = PerformanceQuery("all", "", version), monitored.since
    since = "" if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()
    return MonitorPanel(
        version=version,
        has_classes=bool(kinds.class_names(project)),
        monitored=monitored,
        certified=certified,
        void=why_void(certified, monitored, serves=serves),
        all_url=items_url(project, state),
        since_url=items_url(project, state, since=since) if since else "",
    )
