"""The loop as seven stations: how much stands at each, how old the oldest is, where it is stuck, what to do next."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import Count, Max, Min, Q
from django.urls import reverse

from analysis.models import Finding
from annotation.models import Item, Label, LabelState, Resolution, RoutedItem
from projects.formatting import number, span
from projects.models import AuditEvent, Project
from retraining import new_labels
from retraining.models import ModelVersion, Release, RunState, TrainingRun
from retraining.triggers.rules.new_labels import labels_needed

SLA = {"label": timedelta(days=2), "review": timedelta(days=2)}
NOT_KNOWN = "not known"
ENOUGH_AUDITED = 60


@dataclass(frozen=True)
class Station:
    """One station of the loop. `late` is the broken promise in words, "" where none is broken."""

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


@dataclass(frozen=True)
class Action:
    """Something to do next: what, because, what it is expected to gain, and where."""

    words: str
    because: str
    gain: str
    button: str
    url: str


@dataclass(frozen=True)
class LoopFacts:
    """What the stations and actions are made of; one query or two each."""

    captured: int
    captured_before: int
    newest: datetime | None
    findings: int
    oldest_finding: datetime | None
    unrouted: int
    oldest_unrouted: datetime | None
    waiting: int
    oldest_waiting: datetime | None
    review: int
    oldest_review: datetime | None
    labels_hour: int
    labels_week: int
    audited: int
    run: TrainingRun | None
    last_run: TrainingRun | None
    failed_run: TrainingRun | None
    serves: str
    candidate: ModelVersion | None
    released: Release | None
    trigger_new: int


def collect(project: Project, *, at: datetime, serves: str) -> LoopFacts:
    """`serves` is the tag of the version that answers now, "" for none."""
    day, hour, week = at - timedelta(days=1), at - timedelta(hours=1), at - timedelta(days=7)
    items = Item.objects.filter(project=project)
    captured = items.aggregate(
        now=Count("pk", filter=Q(at__gte=day)),  # by when it happened, as the list behind the figure
        before=Count("pk", filter=Q(at__lt=day, at__gte=day - timedelta(days=1))),
        newest=Max("at"),
        unrouted=Count("pk", filter=Q(in_pool=True)),
        oldest=Min("captured_at", filter=Q(in_pool=True)),
    )
    findings = Finding.objects.filter(project=project, decision=Finding.Decision.OPEN)
    found = findings.aggregate(n=Count("pk"), oldest=Min("found_at"))
    routed = RoutedItem.objects.filter(project=project).aggregate(
        waiting=Count("pk", filter=Q(state="open")),
        oldest_waiting=Min("routed_at", filter=Q(state="open")),
        review=Count("pk", filter=Q(state="review")),
        oldest_review=Min("routed_at", filter=Q(state="review")),
    )
    labels = Label.objects.filter(project=project, state=LabelState.GIVEN).aggregate(
        hour=Count("pk", filter=Q(updated_at__gt=hour)), week=Count("pk", filter=Q(updated_at__gt=week))
    )
    runs = new_labels.recent_runs(project)
    last = next((run for run in runs if run.state == RunState.SUCCEEDED), None)
    resolved = (
        Resolution.objects.current()
        .filter(project=project)
        .aggregate(
            audited=Count("pk", filter=Q(evaluation=True)),
            new=Count("pk", filter=new_labels.is_new(project, runs)),
        )
    )
    released = Release.objects.filter(project=project).order_by("at", "pk").last()
    return LoopFacts(
        captured=captured["now"],
        captured_before=captured["before"],
        newest=captured["newest"],
        findings=found["n"],
        oldest_finding=found["oldest"],
        unrouted=captured["unrouted"],
        oldest_unrouted=captured["oldest"],
        **routed,
        labels_hour=labels["hour"],
        labels_week=labels["week"],
        audited=resolved["audited"],
        trigger_new=resolved["new"],
        run=next((run for run in runs if run.in_flight), None),
        last_run=last,
        failed_run=runs[0] if runs and runs[0].state == RunState.FAILED else None,
        serves=serves,
        candidate=_candidate(runs, released),
        released=released,
    )


def stations(project: Project, facts: LoopFacts, *, at: datetime) -> list[Station]:
    """The seven, with the bottleneck marked: the one whose oldest has waited longest against its promise."""
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
    """The station whose promise is broken worst; "" where every promise is kept."""
    late = [station for station in made if station.late]
    return max(late, key=lambda station: station.waits).key if late else ""


def _age(at: datetime, since: datetime | None) -> timedelta:
    return at - since if since else timedelta()


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
        _url("analysis:item-list", project, "window=1"),
    )


def _monitor(project: Project, facts: LoopFacts, at: datetime) -> Station:
    return Station(
        "monitor",
        "Monitor",
        number(facts.findings),
        "findings open",
        _oldest(at, facts.oldest_finding),
        "",
        _url("analysis:label-quality", project),
    )


def _select(project: Project, facts: LoopFacts, at: datetime) -> Station:
    return Station(
        "select",
        "Select",
        number(facts.unrouted),
        "candidates",
        _oldest(at, facts.oldest_unrouted),
        "",
        _url("analysis:item-list", project, "state=open"),
    )


def _label(project: Project, facts: LoopFacts, at: datetime) -> Station:
    waits = _age(at, facts.oldest_waiting)
    late = f"Late: promised within {span(SLA['label'])}" if waits > SLA["label"] else ""
    return Station(
        "label",
        "Label",
        number(facts.waiting),
        "waiting",
        _oldest(at, facts.oldest_waiting),
        f"{number(facts.labels_hour)} in the last hour",
        _url("annotation:queue-list", project),
        late,
        waits,
    )


def _review(project: Project, facts: LoopFacts, at: datetime) -> Station:
    waits = _age(at, facts.oldest_review)
    late = f"Late: promised within {span(SLA['review'])}" if waits > SLA["review"] else ""
    return Station(
        "review",
        "Review",
        number(facts.review),
        "disputes",
        _oldest(at, facts.oldest_review),
        "",
        _url("analysis:item-list", project, "state=review"),
        late,
        waits,
    )


def _train(project: Project, facts: LoopFacts, at: datetime) -> Station:
    url = _url("retraining:run-list", project)
    if facts.run:
        job = facts.run.job
        since = f"started {span(at - facts.run.started_at)} ago" if facts.run.started_at else "waits for a worker"
        words = f"run at {number(100 * job.progress if job else 0)}\u00a0%"
        return Station("train", "Train", "1", words, since, job.stage if job else "", url)
    needed = labels_needed(project)
    last = f"last {span(at - facts.last_run.finished_at)} ago" if facts.last_run and facts.last_run.finished_at else ""
    return Station("train", "Train", number(facts.trigger_new), f"of {number(needed)} new labels", last, "", url)


def _release(project: Project, facts: LoopFacts, at: datetime) -> Station:
    since = f"for {span(at - facts.released.at)}" if facts.released else ""
    unit = "serves" if project.champion_version else "is captured" if facts.serves else "no version serves"
    return Station("release", "Release", facts.serves or "0", unit, since, "", _url("retraining:release-list", project))


def _url(name: str, project: Project, query: str = "") -> str:
    return reverse(name, args=[project.slug]) + (f"?{query}" if query else "")


def actions(project: Project, facts: LoopFacts) -> list[Action]:
    """At most five, the one that unblocks most first."""
    return [*_decisions(project, facts), *_labelling(project, facts), *_checks(project, facts)][:5]


def _decisions(project: Project, facts: LoopFacts) -> Iterator[Action]:
    if facts.candidate:
        because = "It is trained and judged, and serves nobody until you decide."
        url = reverse("retraining:compare", args=[project.slug, facts.candidate.number])
        yield Action(f"Decide on {facts.candidate.tag}", because, NOT_KNOWN, "Compare", url)
    if facts.review:
        url = _url("analysis:item-list", project, "state=review")
        because = "Their labels count for nothing until then."
        yield Action(f"Resolve {_n(facts.review, 'dispute')}", because, NOT_KNOWN, "Open disputes", url)
    if facts.failed_run:
        url = reverse("retraining:run", args=[project.slug, facts.failed_run.number])
        because = f"{facts.failed_run.error[:120]} Its labels still count as new."
        yield Action(f"Look at run {facts.failed_run.number}, which failed", because, NOT_KNOWN, "Open run", url)
    if facts.run:
        because = (facts.run.job and facts.run.job.stage) or "It waits for a worker."
        yield Action("Watch the run", because, "a new candidate", "Open run", _url("retraining:run-list", project))


def _labelling(project: Project, facts: LoopFacts) -> Iterator[Action]:
    desk, after = _url("annotation:desk", project), labels_needed(project)
    needed = after - facts.trigger_new
    if facts.waiting and needed > 0 and not facts.run:
        yield _label_for_a_run(facts, desk, needed, after)
    elif facts.waiting:
        because = "Each says why it was chosen."
        yield Action(f"Label {_n(facts.waiting, 'waiting item')}", because, NOT_KNOWN, "Label", desk)
    if facts.audited < ENOUGH_AUDITED:
        because = f"{facts.audited} so far; {ENOUGH_AUDITED} give an interval of about ±10 points."
        words = f"Label {ENOUGH_AUDITED - facts.audited} more audit items"
        yield Action(words, because, "a narrower interval", "Label", desk)


def _label_for_a_run(facts: LoopFacts, desk: str, needed: int, after: int) -> Action:
    """Label what waits, and whether that is enough for the next training run."""
    so_far = f"{number(facts.trigger_new)} of {number(after)} new labels"
    if facts.waiting >= needed:
        words = f"Label {_n(needed, 'item')}"
        return Action(words, f"{so_far}; then a training run starts.", "a new candidate", "Label", desk)
    because = f"{so_far}; a training run needs {number(needed - facts.waiting)} more than wait now."
    return Action(f"Label {_n(facts.waiting, 'item')}", because, "none by itself", "Label", desk)


def _checks(project: Project, facts: LoopFacts) -> Iterator[Action]:
    if facts.findings:
        url, because = _url("analysis:label-quality", project), "The model, which never saw them, disagrees."
        yield Action(f"Check {_n(facts.findings, 'suspected label')}", because, NOT_KNOWN, "Open", url)
    if not facts.newest:
        because = "Nothing has been captured yet."
        yield Action("Send predictions", because, NOT_KNOWN, "Make a key", _url("projects:key-list", project))


def _n(count: int, noun: str) -> str:
    return f"{number(count)} {noun}" + ("" if count == 1 else "s")


def _candidate(runs: list[TrainingRun], released: Release | None) -> ModelVersion | None:
    """The newest version, while it waits for a decision: neither promoted nor older than what was released since."""
    newest: ModelVersion | None = next((run.version for run in runs if hasattr(run, "version")), None)
    if newest is None or newest.stage != ModelVersion.Stage.CANDIDATE:
        return None
    decided = released is not None and released.at >= newest.created_at
    return None if decided else newest


EVENT_WORDS = {
    "release.promote": "Promoted {version}",
    "release.roll_back": "Rolled back to {version}",
    "run.open": "Training began: {target}",
    "queue.create": "Queue {target} made",
    "finding.decide": "Suspected label {decision}",
    "guideline.publish": "Guideline {target} published",
    "member.role": "{target} became {role}",
    "key.create": "Key {target}… made",
    "key.revoke": "Key {target}… revoked",
    "project.create": "Project made",
    "item.decide": "Item resolved by hand",
    "job.requeue": "Requeued {target}",
    "job.cancel": "Stopped {target}",
}


@dataclass(frozen=True)
class Event:
    at: datetime
    words: str
    who: str


def events(project: Project, *, most: int = 6) -> list[Event]:
    """What happened lately, from the audit trail, in words."""
    rows = AuditEvent.objects.of(project).filter(action__in=EVENT_WORDS).order_by("-sequence")[:most]
    found = []
    for row in rows:
        given = {"target": row.target, "version": "", "decision": "decided", "role": "", **row.details}
        who = row.actor.partition(":")[2] or "Plumbline itself"
        found.append(Event(row.at, EVENT_WORDS[row.action].format(**given), who))
    return found
