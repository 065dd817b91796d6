"""What the live monitor of a version says, and what the version may answer without a person."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from analysis import live_monitor
from analysis.live_monitor import MonitoredLoss
from analysis.metrics.core.stored import StoredEstimate
from analysis.metrics.risk_control.certificate import VoidReason, rows_needed
from analysis.reports.kinds import monitor
from analysis.reports.stored import ComputedReport
from analysis.resolution_certificates import RULE, CertifiedShare, why_void
from analysis.views.performance_query import PerformanceQuery, items_url
from annotation import kinds
from projects.formatting import number, percent
from projects.models import Project


class WrittenMean(NamedTuple):
    """A mean loss or cost as the page writes it."""

    value: str
    low: str
    high: str
    n: int


@dataclass(frozen=True)
class LossPanel:
    """One loss of a version that is watched: its error or its cost. what: its name in a sentence."""

    version: str
    what: str
    is_cost: bool
    monitored: MonitoredLoss
    since_url: str

    @property
    def since(self) -> datetime | None:
        seconds = self.monitored.since
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)

    @property
    def before(self) -> WrittenMean | None:
        return self._written(self.monitored.reference)

    @property
    def after(self) -> WrittenMean | None:
        return self._written(self.monitored.after)

    @property
    def rise(self) -> str:
        """The rise that the monitor is made to find soonest."""
        shift = self.monitored.shift
        return number(shift, 3) if self.is_cost else f"{number(100 * shift, 0)} points"

    def _written(self, found: StoredEstimate | None) -> WrittenMean | None:
        if found is None:
            return None
        value, low, high = (self._figure(one) for one in (found.value, found.low, found.high))
        return WrittenMean(value, low, high, found.n)

    def _figure(self, value: float | None) -> str:
        return number(value, 3) if self.is_cost else percent(value)


@dataclass(frozen=True)
class MonitorPanel:
    """The newest report of the version that serves. void: why its certificate does not hold, None where it does."""

    version: str
    losses: tuple[LossPanel, ...]
    certified: CertifiedShare
    void: VoidReason | None
    all_url: str

    @property
    def first(self) -> int:
        """So many first labels make the mean that later ones are compared with."""
        return live_monitor.WATCHES[0].labels

    @property
    def later(self) -> list[int]:
        """So many first labels make those that a late rise is compared with too."""
        return [watch.labels for watch in live_monitor.WATCHES[1:]]

    @property
    def alarms(self) -> list[LossPanel]:
        return [one for one in self.losses if one.monitored.alarmed]

    @property
    def certified_at(self) -> datetime | None:
        made = self.certified.certificate
        return datetime.fromtimestamp(made.created, UTC) if made else None

    @property
    def least(self) -> int:
        """Labels without any error that a certificate needs."""
        return rows_needed(0, RULE.largest_error, RULE.delta)


def monitor_panel(
    project: Project, version: str, report: ComputedReport[monitor.MonitorBody] | None, *, serves: str
) -> MonitorPanel | None:
    """None for a version that does not serve, and before its report is made."""
    if not version or version != serves or report is None:
        return None
    if report.body.monitored is None or report.body.certified is None:
        return None
    error = "error" if kinds.class_names(project) else "mean loss (1 minus the score)"
    watched = [(error, False, report.body.monitored), ("cost per decision", True, report.body.cost)]
    return MonitorPanel(
        version=version,
        losses=tuple(
            LossPanel(version, what, is_cost, one, _since_url(project, version, one))
            for what, is_cost, one in watched
            if one is not None
        ),
        certified=report.body.certified,
        void=why_void(report.body.certified, report.body.watched, serves=serves),
        all_url=items_url(project, PerformanceQuery("all", "", version)),
    )


def _since_url(project: Project, version: str, monitored: MonitoredLoss) -> str:
    """The items since the rise began; none without an alarm."""
    if monitored.since is None:
        return ""
    since = datetime.fromtimestamp(monitored.since, UTC).isoformat()
    return items_url(project, PerformanceQuery("all", "", version), since=since)
