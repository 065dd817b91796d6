"""Triggers: when a run begins by itself, and in words why it does not."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, Q, QuerySet

from annotation.models import Resolution
from jobs import queue, registry
from jobs.execution import Attempt
from projects.models import Project
from projects.project_settings import RetrainingSettings
from retraining import datasets, training
from retraining.models import TrainingRun, TriggerCheck

NEW_LABELS = "new_labels"


@dataclass(frozen=True)
class Facts:
    """What a trigger looks at: counts of labels resolved since the last run began, and that run.

    `same` is the number of the run whose dataset nothing has changed since; None where something has, or where nobody
    has looked.
    """

    training: int
    evaluation: int
    in_flight: int | None
    last: int | None
    last_ended_at: datetime | None
    classes: int | None = None
    same: int | None = None

    @property
    def new(self) -> int:
        return self.training + self.evaluation


@dataclass(frozen=True)
class Answer:
    """Whether a run should begin. `code` names the reason; `words` says it."""

    code: str
    words: str

    @property
    def fires(self) -> bool:
        return self.code == "fires"


def decide(facts: Facts, rule: RetrainingSettings, *, at: datetime) -> Answer:
    """Why a run begins now, or why not. Reads nothing."""
    count, needed = f"{facts.new:,} of {rule.after_labels:,} new labels", rule.after_labels
    if facts.in_flight:
        return Answer("in_flight", f"Run {facts.in_flight} is in flight; {count} for the next one so far.")
    if facts.new < needed:
        return Answer("too_few", f"{count}; a run starts at {needed:,}.")
    ends = facts.last_ended_at + rule.cooldown if facts.last_ended_at else None
    if ends and ends > at:
        return Answer("cooldown", f"{count}, but run {facts.last} has just ended; a run starts at {ends:%H:%M} UTC.")
    if facts.same:
        return Answer(
            "unchanged", f"{count}, but nothing would change: they agree with the dataset of run {facts.same}."
        )
    if facts.classes is not None and facts.classes < 2:
        return Answer("one_class", f"{count}, but they are all alike; a model needs labels of at least two kinds.")
    since = f" since run {facts.last} began" if facts.last else ""
    return Answer("fires", f"{facts.new:,} new labels{since}; a run starts at {needed:,}.")


def look(project: Project) -> Facts:
    """The cheap facts: a few indexed counts, fit for every few seconds."""
    runs = TrainingRun.objects.filter(project=project).order_by("-number")
    last = runs.exclude(state__in=training.IN_FLIGHT).first()
    flying = runs.filter(state__in=training.IN_FLIGHT).first()
    counts = new_labels(project, flying or last).aggregate(
        training=Count("pk", filter=Q(evaluation=False)), evaluation=Count("pk", filter=Q(evaluation=True))
    )
    return Facts(
        **counts,
        in_flight=flying.number if flying else None,
        last=last.number if last else None,
        last_ended_at=last.finished_at if last else None,
    )


def new_labels(project: Project, since: TrainingRun | None) -> QuerySet[Resolution]:
    """What was resolved after this run began; everything where there was none."""
    known = Resolution.objects.current().filter(project=project)
    return known.filter(resolved_at__gt=since.started_at or since.created_at) if since else known


def look_closely(project: Project, *, at: datetime) -> Facts:
    """The cheap facts, and whether a dataset frozen now would differ from the last run's."""
    facts, planned = look(project), datasets.plan(project, at=at)
    newest = TrainingRun.objects.filter(project=project, dataset__isnull=False).order_by("-number")
    last = newest.select_related("dataset").first()
    same = last.number if last and last.dataset and last.dataset.hash == planned.hash else None
    return Facts(**{**vars(facts), "same": same, "classes": len(planned.train_labels())})


def check(project: Project, *, at: datetime) -> TriggerCheck:
    """Open a run if it is time, and keep the answer with its evidence."""
    facts = look_closely(project, at=at)
    answer = decide(facts, project.retraining_settings(), at=at)
    run = None
    if answer.fires:
        try:
            run = training.open_run(project, reason=answer.words, evidence=_evidence(facts, answer), by=None, at=at)
        except training.RunInFlight as why:
            answer = Answer("in_flight", str(why))
    return _keep(project, facts, answer, run, at=at)


def watch(*, at: datetime) -> None:
    """Look at every project; where it seems time, a job looks closely, for that may take long."""
    training.reconcile(at=at)
    registry.for_each_project("retraining.triggers", _watch, at=at)


def _watch(project: Project, at: datetime) -> None:
    facts = look(project)
    answer = decide(facts, project.retraining_settings(), at=at)
    if not answer.fires:
        _keep(project, facts, answer, None, at=at)
    elif not _asked_already(project, facts):
        queue.enqueue("retraining.check", key=f"check:{project.pk}", project=project, at=at)


def checked(attempt: Attempt, *, at: datetime) -> None:
    """The job of a close look."""
    project = attempt.job.project
    assert project is not None  # a look is always enqueued for one
    check(project, at=at)


def newest(project: Project) -> TriggerCheck | None:
    return TriggerCheck.objects.filter(project=project, trigger=NEW_LABELS).order_by("-at", "-pk").first()


def _asked_already(project: Project, facts: Facts) -> bool:
    """A close look has answered for exactly these counts: looking again would say the same."""
    last = newest(project)
    held = last is not None and last.evidence.get("code") in ("unchanged", "one_class")
    return held and last is not None and _counts(last.evidence) == _counts(_evidence(facts, Answer("", "")))


def _evidence(facts: Facts, answer: Answer) -> dict[str, Any]:
    return {"code": answer.code, "training": facts.training, "evaluation": facts.evaluation, "last_run": facts.last}


def _counts(evidence: dict[str, Any]) -> tuple[Any, ...]:
    return evidence.get("training"), evidence.get("evaluation"), evidence.get("last_run")


@transaction.atomic
def _keep(project: Project, facts: Facts, answer: Answer, run: TrainingRun | None, *, at: datetime) -> TriggerCheck:
    """A new row where the answer is another one; where only its counts moved, the newest row moves with them."""
    evidence = _evidence(facts, answer)
    last = newest(project)
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
