"""Small projects whose truth is known: two numbers decide between two labels."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
from django.utils import timezone

from annotation.models import Cause, Item, Queue, Resolution, RoutedItem, RoutedState
from jobs import execution
from jobs.models import Job
from projects.models import Project
from retraining import datasets, evaluation, judging, registry, release, training
from retraining.bodies import EvaluationBody, OutcomeCounts, RuleBody, VerdictBody
from retraining.learning.fitted import Fitted
from retraining.learning.model_selection import fitting
from retraining.models import ModelVersion, RunState, TrainingRun
from retraining.run_records import TriggerEvidence
from tests.factories import NOW, make_item, make_project

NUMBERS = {"x": {"type": "number"}, "y": {"type": "number"}}
LABELS = ("ham", "spam")


def make_numeric_project(slug: str = "", **fields: Any) -> Project:
    return make_project(slug, labels=LABELS, inputs=NUMBERS, **fields)


def resolve(
    item: Item, value: str, *, evaluation: bool = False, at: datetime = NOW, audit_probability: float | None = None
) -> Resolution:
    """An agreed value; an evaluation one comes from the uniform audit draw."""
    if evaluation:
        queue, _ = Queue.objects.get_or_create(
            project=item.project, slug="audit", defaults={"title": "Audit", "cause": Cause.AUDIT, "created_at": at}
        )
        RoutedItem.objects.create(
            project=item.project,
            queue=queue,
            item=item,
            cause=Cause.AUDIT,
            reason="drawn uniformly",
            routed_at=at,
            inclusion_probability=1.0,
            audit_probability=audit_probability,
            evaluation=True,
            priority=1.0,
            state=RoutedState.DONE,
        )
        chance = audit_probability or 1.0
        Item.objects.filter(pk=item.pk).update(audit_probability=chance, audit_number=chance / 2)
    return Resolution.objects.create(
        project=item.project,
        item=item,
        value=value,
        method=Resolution.Method.SINGLE,
        quality=1.0,
        votes=1,
        evaluation=evaluation,
        resolved_at=at,
    )


def supersede(resolution: Resolution, value: str, *, at: datetime, evaluation: bool | None = None) -> Resolution:
    Resolution.objects.filter(pk=resolution.pk).update(superseded_at=at)
    return Resolution.objects.create(
        project=resolution.project,
        item=resolution.item,
        value=value,
        method=Resolution.Method.REVIEWER,
        quality=1.0,
        votes=1,
        evaluation=resolution.evaluation if evaluation is None else evaluation,
        resolved_at=at,
    )


def learn(
    project: Project, n: int, *, evaluation: bool = False, noise: float = 0.0, seed: int = 0, at: datetime = NOW
) -> list[Item]:
    """`n` resolved items; spam where x is above 0, with a share of wrong labels."""
    rng = np.random.default_rng(seed)
    items = []
    for x, y in rng.normal(size=(n, 2)):
        item = make_item(project, inputs={"x": round(float(x), 4), "y": round(float(y), 4)})
        wrong = rng.random() < noise
        resolve(item, LABELS[int((x > 0) != wrong)], evaluation=evaluation, at=at)
        items.append(item)
    return items


def open_run(project: Project, *, at: datetime | None = None) -> TrainingRun:
    return training.open_run(
        project, reason="31 new labels", evidence=TriggerEvidence(), by=None, at=at or timezone.now()
    )


def do(run: TrainingRun) -> TrainingRun:
    """Do the run's job here and now, as its worker would."""
    assert run.job is not None
    Job.objects.filter(pk=run.job.pk).update(due_at=timezone.now() - timedelta(seconds=1))
    execution.run(run.job.pk)
    run.refresh_from_db()
    return run


def train(project: Project) -> ModelVersion:
    """A run from beginning to end."""
    run = do(open_run(project))
    assert run.state == RunState.SUCCEEDED, run.error
    return run.version


@lru_cache
def fitted() -> Fitted:
    """A model of the scenarios' truth, fitted once for all tests that only need some model."""
    x = np.linspace(-2, 2, 40)
    columns = {"x": x.tolist(), "y": [0.0] * 40}
    types = {"x": "number", "y": "number"}
    return fitting.fit(
        columns, types, (x > 0).astype(int), classes=LABELS, search=fitting.ModelSearch(budget=0.0, seed=1)
    )


def make_version(project: Project, *, at: datetime = NOW, verdict: dict[str, Any] | None = None) -> ModelVersion:
    """A candidate with its artifact, without the work of a run."""
    number = project.runs.count() + 1
    dataset = datasets.freeze(project, at=timezone.now())
    run = TrainingRun.objects.create(
        project=project,
        number=number,
        state=RunState.SUCCEEDED,
        reason="a test",
        dataset=dataset,
        created_at=at,
        started_at=at,
        finished_at=at,
    )
    packed = registry.pack(fitted(), {"x": "number", "y": "number"}, project=project)
    version = registry.create(run, dataset, packed, at=at)
    return judged(version, verdict, at=at)


def judged(version: ModelVersion, verdict: dict[str, Any] | None = None, *, at: datetime = NOW) -> ModelVersion:
    """The version with one more judgement, against what serves now, without the work of comparing."""
    tag = registry.incumbent(version.project).tag
    fields = {"champion": tag, "against": tag} | (verdict or {})
    found = evaluation.Judged(make_evaluation(against=tag), make_verdict(**fields), [])
    judging.store_judgement(version, found, schema_version=1, at=at)
    return version


def make_evaluation(**fields: Any) -> EvaluationBody:
    """An evaluation on no item."""
    nothing: dict[str, Any] = {
        "basis": "evaluation",
        "n": 0,
        "copies": 0,
        "against": "",
        "against_champion": False,
        "captured_only": False,
        "accuracy": None,
        "accuracy_against": None,
        "accuracy_naive": None,
        "naive_label": "",
        "log_loss": None,
        "counts": OutcomeCounts(),
        "labels": [],
        "rows": [],
        "latency": None,
    }
    return EvaluationBody(**nothing | fields)


def make_verdict(**fields: Any) -> VerdictBody:
    """A verdict that holds for want of labels."""
    nothing: dict[str, Any] = {
        "decision": "hold",
        "champion": "",
        "against": "",
        "basis": "evaluation",
        "rule": RuleBody(alpha=0.05, power=0.8, margin=0.01),
        "difference": None,
        "p": None,
        "gates": [],
        "needed": None,
    }
    return VerdictBody(**nothing | fields)


def make_champion(project: Project) -> ModelVersion:
    version = make_version(project)
    release.promote(version, by=None, reason="a test", at=timezone.now(), automatic=True)
    version.refresh_from_db()
    project.refresh_from_db()
    return version


def crash_at(point: str) -> Callable[[str], None]:
    """A stand-in for `faults.point` that dies, once, where the chaos test would kill the process."""
    left = [point]

    def fault(name: str) -> None:
        if name in left:
            left.remove(name)
            raise Crash(name)

    return fault


class Crash(BaseException):
    """Not an Exception: nothing that a handler catches may hide it, as with SIGKILL."""
