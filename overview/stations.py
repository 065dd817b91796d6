"""The seven stations of the loop: how much stands at each, how old the oldest is, and what is overdue."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from annotation.queue_counts import OldestWaiting, is_late
from overview.links import project_url
from overview.loop import LoopFacts
from projects.formatting import number, span
from projects.models import Project
from retraining.triggers.rules.new_labels import labels_needed

LONG_WAIT = timedelta(days=2)  # where a queue sets no limit


@dataclass(frozen=True)
class Station:
    """One station of the loop. `late` says in words that its oldest is overdue, "" where it is not."""

    key: str
    name: str
    count: str
    unit: str
    since: str = ""
    rate: str = ""
    url: str = ""
    late: str = ""
    waits: timedelta = timedelta()
    bottleneck: bool = False


def stations(project: Project, facts: LoopFacts, *, at: datetime) -> list[Station]:
    """The seven, with the bottleneck marked: the one whose oldest has waited longest beyond its due time."""
    made = [
        _predict(project, facts, at),
        _monitor(project, facts, at),
        _select(project, facts, at),
        _label(project, facts, at),
        _review(project, facts, at),
        _train(project, facts, at),
        _release(project, facts, at),
    ]
    stuck = bottleneck(made)
    return [replace(station, bottleneck=station.key == stuck) for station in made]


def bottleneck(made: list[Station]) -> str:
    """The station whose oldest is overdue the longest; "" where nothing is overdue."""
    late = [station for station in made if station.late]
    return max(late, key=lambda station: station.waits).key if late else ""


def _oldest(at: datetime, since: datetime | None) -> str:
    return f"oldest {span(at - since)}" if since else ""


def _predict(project: Project, facts: LoopFacts, at: datetime) -> Station:
    change = ""
    if facts.captured_before:
        share = 100 * (facts.captured - facts.captured_before) / facts.captured_before
        change = ("+" if share > 0 else "") + number(share) + "\u00a0% against the day before"
    newest = f"newest {span(at - facts.newest)}" if facts.newest else ""
    return Station(
        "predict",
        "Predict",
        number(facts.captured),
        "in 24 hours",
        newest,
        change,
        project_url("analysis:item-list", project, "window=1"),
    )


def _monitor(project: Project, facts: LoopFacts, at: datetime) -> Station:
    return Station(
        "monitor",
        "Monitor",
        number(facts.findings),
        "findings open",
        _oldest(at, facts.oldest_finding),
        "",
        project_url("analysis:label-quality", project),
    )


def _select(project: Project, facts: LoopFacts, at: datetime) -> Station:
    return Station(
        "select",
        "Select",
        number(facts.unrouted),
        "candidates",
        _oldest(at, facts.oldest_unrouted),
        "",
        project_url("analysis:item-list", project, "state=open"),
    )


def _label(project: Project, facts: LoopFacts, at: datetime) -> Station:
    rate = f"{number(facts.labels_hour)} in the last hour"
    url = project_url("annotation:queue-list", project)
    return _of_people("label", "Label", facts.waiting, "waiting", facts.oldest_waiting, rate, url, facts, at)


def _review(project: Project, facts: LoopFacts, at: datetime) -> Station:
    url = project_url("annotation:review", project)
    return _of_people("review", "Review", facts.review, "disputes", facts.oldest_review, "", url, facts, at)


def _of_people(
    name: str,
    title: str,
    n: int,
    unit: str,
    oldest: datetime | None,
    rate: str,
    url: str,
    facts: LoopFacts,
    at: datetime,
) -> Station:
    """A station where people are waited for: late where a queue is, or where something waits long without a limit."""
    late = [row for row in facts.oldest_by_queue if row.to_review == (name == "review") and _waits_too_long(row, at)]
    worst = max(late, key=lambda row: (row.sla_hours is not None, at - row.oldest), default=None)
    waits = max((at - row.oldest for row in late), default=timedelta())
    return Station(name, title, number(n), unit, _oldest(at, oldest), rate, url, _late_words(worst), waits)


def _waits_too_long(row: OldestWaiting, at: datetime) -> bool:
    return at - row.oldest > LONG_WAIT if row.sla_hours is None else is_late(row.sla_hours, row.oldest, at)


def _late_words(row: OldestWaiting | None) -> str:
    if row is None:
        return ""
    if row.sla_hours is None:
        return f"{row.title} waits for more than {span(LONG_WAIT)}"
    return f"Late: {row.title} is due within {span(timedelta(hours=row.sla_hours))}"


def _train(project: Project, facts: LoopFacts, at: datetime) -> Station:
    url = project_url("retraining:run-list", project)
    if facts.run:
        job = facts.run.job
        since = f"started {span(at - facts.run.started_at)} ago" if facts.run.started_at else "waits for a worker"
        words = f"run at {number(100 * job.progress if job else 0)}\u00a0%"
        return Station("train", "Train", "1", words, since, job.stage if job else "", url)
    if not facts.trainable:
        return Station("train", "Train", "0", "runs: answers are not classes", url=url)
    needed = labels_needed(project)
    last = f"last {span(at - facts.last_run.finished_at)} ago" if facts.last_run and facts.last_run.finished_at else ""
    return Station("train", "Train", number(facts.trigger_new), f"of {number(needed)} new labels", last, "", url)


def _release(project: Project, facts: LoopFacts, at: datetime) -> Station:
    since = f"for {span(at - facts.released.at)}" if facts.released else ""
    unit = "serves" if project.champion_version else "is captured" if facts.serves else "no version serves"
    return Station(
        "release", "Release", facts.serves or "0", unit, since, "", project_url("retraining:release-list", project)
    )
