"""Retraining triggers: whether a run begins by itself, with the reason in words."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from django.db import transaction

from jobs import queue, registry
from jobs.execution import Attempt
from projects.models import Project
from projects.project_settings import RetrainingSettings
from retraining import datasets, new_labels, training
from retraining.models import RunState, TrainingRun, TriggerCheck

NEW_LABELS = "new_labels"
SHORTEST_RETRY, LONGEST_RETRY = timedelta(minutes=1), timedelta(hours=6)
CLOCK_SKEW = timedelta(seconds=5)


@dataclass(frozen=True)
class TriggerEvidence:
    """What a trigger looks at: how many labels are new, and how the runs before ended.

    `last` is the newest run that has ended. `failures` counts the runs that failed since the last one that learnt.
    `since_stop` counts the labels since the last run began, where a person stopped that run. `same` is the number of
    the run that learnt from the dataset which a run would freeze now; None where something has changed, or where nobody
    has looked.
    """

    training: int
    evaluation: int
    in_flight: int | None
    last: int | None
    last_ended_at: datetime | None
    failures: int = 0
    since_stop: int | None = None
    classes: int | None = None
    same: int | None = None

    @property
    def new(self) -> int:
        return self.training + self.evaluation


@dataclass(frozen=True)
class TriggerDecision:
    """Whether a run should begin. `code` names the reason; `words` says it."""

    code: str
    words: str

    @property
    def fires(self) -> bool:
        return self.code == "fires"


def evaluate_trigger(facts: TriggerEvidence, rule: RetrainingSettings, *, at: datetime) -> TriggerDecision:
    """Why a run begins now, or why not. Reads nothing."""
    count, needed = f"{facts.new:,} of {rule.after_labels:,} new labels", rule.after_labels
    if facts.in_flight:
        return TriggerDecision("in_flight", f"Run {facts.in_flight} is in flight; {count} for the next one so far.")
    if facts.new < needed:
        return TriggerDecision("too_few", f"{count}; a run starts at {needed:,}.")
    if facts.since_stop is not None and facts.since_stop < needed:
        more = needed - facts.since_stop
        return TriggerDecision(
            "stopped", f"{count}, but run {facts.last} was stopped; a run starts by itself after {more:,} more."
        )
    # A run that ended in the future ended before the clock was set back, and holds nothing up.
    ended = facts.last_ended_at if facts.last_ended_at and facts.last_ended_at <= at + CLOCK_SKEW else None
    ends = ended + pause(rule, facts.failures) if ended else None
    if ends and ends > at and facts.failures:
        times = "failed" if facts.failures == 1 else f"failed, as did {facts.failures - 1:,} before it"
        return TriggerDecision(
            "failed", f"{count}, but run {facts.last} {times}; it is tried again at {_moment(ends, at)} UTC."
        )
    if ends and ends > at:
        words = f"{count}, but run {facts.last} has just ended; a run starts at {_moment(ends, at)} UTC."
        return TriggerDecision("cooldown", words)
    if facts.same:
        return TriggerDecision(
            "unchanged", f"{count}, but nothing would change: they agree with the dataset of run {facts.same}."
        )
    if facts.classes is not None and facts.classes < 2:
        return TriggerDecision(
            "one_class", f"{count}, but they are all alike; a model needs labels of at least two kinds."
        )
    since = f" since run {facts.last} began" if facts.last and not facts.failures and facts.since_stop is None else ""
    return TriggerDecision("fires", f"{facts.new:,} new labels{since}; a run starts at {needed:,}.")


def pause(rule: RetrainingSettings, failures: int) -> timedelta:
    """How long no run begins by itself after the last: the cooldown, doubled with each failure in a row."""
    if not failures:
        return rule.cooldown
    first = max(rule.cooldown, SHORTEST_RETRY)
    return min(first * 2 ** min(failures - 1, 20), max(first, LONGEST_RETRY))


def _moment(moment: datetime, at: datetime) -> str:
    return f"{moment:%H:%M}" if moment.date() == at.date() else f"{moment:%-d %b %H:%M}"


def gather_evidence(project: Project) -> TriggerEvidence:
    """The cheap facts: a few indexed counts, fit for every few seconds."""
    runs = new_labels.recent_runs(project)
    ended = [run for run in runs if not run.in_flight]
    last = ended[0] if ended else None
    flying = next((run for run in runs if run.in_flight), None)
    counted = new_labels.count(project, runs)
    return TriggerEvidence(
        training=counted.training,
        evaluation=counted.evaluation,
        in_flight=flying.number if flying else None,
        last=last.number if last else None,
        last_ended_at=last.finished_at if last else None,
        failures=_failures(ended),
        since_stop=_since_stop(project, runs, last),
    )


def _failures(ended: Sequence[TrainingRun]) -> int:
    """Runs that failed since the last one that learnt; what a person stopped says nothing either way."""
    tried = [run for run in ended if run.state != RunState.STOPPED]
    return len(list(takewhile(lambda run: run.state == RunState.FAILED, tried)))


def _since_stop(project: Project, runs: Sequence[TrainingRun], last: TrainingRun | None) -> int | None:
    if last is None or last.state != RunState.STOPPED:
        return None
    return new_labels.waiting(project, runs).filter(resolved_at__gt=last.began_at).count()


def gather_full_evidence(project: Project, *, at: datetime) -> TriggerEvidence:
    """The cheap facts, and whether a dataset frozen now would differ from that of the last run that learnt."""
    facts, planned = gather_evidence(project), datasets.plan_dataset(project, at=at)
    learnt = TrainingRun.objects.filter(project=project, dataset__isnull=False, state__in=new_labels.LEARNT)
    last = learnt.order_by("-number").select_related("dataset").first()
    same = last.number if last and last.dataset and last.dataset.hash == planned.hash else None
    return replace(facts, same=same, classes=len(planned.train_labels()))


def run_if_due(project: Project, *, at: datetime) -> TriggerCheck:
    """Open a run if it is time, and keep the answer with its evidence."""
    facts = gather_full_evidence(project, at=at)
    answer = evaluate_trigger(facts, project.retraining_settings(), at=at)
    run = None
    if answer.fires:
        try:
            run = training.open_run(project, reason=answer.words, evidence=_evidence(facts, answer), by=None, at=at)
        except training.RunInFlight as why:
            answer = TriggerDecision("in_flight", str(why))
    return _keep(project, facts, answer, run, at=at)


def check_all_projects(*, at: datetime) -> None:
    """Look at every project; where it seems time, a job looks closely, for that may take long."""
    training.reconcile(at=at)
    registry.for_each_project("retraining.triggers", _check_project, at=at)


def _check_project(project: Project, at: datetime) -> None:
    facts = gather_evidence(project)
    answer = evaluate_trigger(facts, project.retraining_settings(), at=at)
    if not answer.fires:
        _keep(project, facts, answer, None, at=at)
    elif not _is_known(project, facts):
        queue.enqueue("retraining.check", key=f"check:{project.pk}", project=project, at=at)


def perform_check(attempt: Attempt, *, at: datetime) -> None:
    """The job of a close look."""
    project = attempt.job.project
    assert project is not None  # a look is always enqueued for one
    run_if_due(project, at=at)


def newest_check(project: Project) -> TriggerCheck | None:
    return TriggerCheck.objects.filter(project=project, trigger=NEW_LABELS).order_by("-at", "-pk").first()


def _is_known(project: Project, facts: TriggerEvidence) -> bool:
    """A close look has answered for exactly these counts: looking again would say the same."""
    last = newest_check(project)
    held = last is not None and last.evidence.get("code") in ("unchanged", "one_class")
    return held and last is not None and _counts(last.evidence) == _counts(_evidence(facts, TriggerDecision("", "")))


def _evidence(facts: TriggerEvidence, answer: TriggerDecision) -> dict[str, Any]:
    return {"code": answer.code, "training": facts.training, "evaluation": facts.evaluation, "last_run": facts.last}


def _counts(evidence: dict[str, Any]) -> tuple[Any, ...]:
    return evidence.get("training"), evidence.get("evaluation"), evidence.get("last_run")


@transaction.atomic
def _keep(
    project: Project, facts: TriggerEvidence, answer: TriggerDecision, run: TrainingRun | None, *, at: datetime
) -> TriggerCheck:
    """A new row where the answer is another one; where only its counts moved, the newest row moves with them."""
    evidence = _evidence(facts, answer)
    last = newest_check(project)
    if last is None or last.fired or run or last.evidence.get("code") != answer.code:
        return TriggerCheck.objects.create(
            project=project,
            trigger=NEW_LABELS,
            fired=run is not None,
            words=answer.words,
            evidence=evidence,
            run=run,
            at=at,
        )
    if (last.words, last.evidence) != (answer.words, evidence):
        last.words, last.evidence = answer.words, evidence
        last.save(update_fields=["words", "evidence"])
    return last
