"""Training runs: from why one begins to the version that it leaves, whatever is killed on the way.

Nothing but a file under its own hash exists before the run's one commit; an attempt that dies leaves nothing half,
and the next one starts again from the frozen dataset.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from importlib.metadata import version as library

import numpy as np
from django.db import IntegrityError, transaction
from django.db.models import Max, Q

from annotation import capture, text_vectors
from annotation.models import Source
from jobs import faults, queue
from jobs.execution import Attempt, PermanentFailure
from jobs.models import Job, JobState
from projects import audit
from projects.models import Project, User
from retraining import artifacts, bodies, datasets, evaluation, judging, registry, release, run_records
from retraining.bodies import CandidateBody, OutOfFoldBody, RunReportBody
from retraining.datasets import Examples
from retraining.learning.fitted import Candidate, Fitted
from retraining.models import Dataset, ModelVersion, RunState, TrainingRun
from retraining.release_record import LONGEST_REASON
from retraining.rollout import CanaryRuns
from retraining.run_ends import end_run
from retraining.run_records import StageEntry, StagesBody, TriggerEvidence
from retraining.trainers import registry as trainers
from retraining.verdict_words import release_reason
from validation import InvalidInput

IN_FLIGHT = (RunState.WAITING, RunState.RUNNING)
LIBRARIES = ("scikit-learn", "numpy", "scipy", "pandas", "skops")
# In order, with the share of the whole that is done when each begins.
STAGES = {
    "Freeze the dataset": 0.0,
    "Read the inputs": 0.05,
    "Fit and choose": 0.10,
    "Write the artifact": 0.80,
    "Compare on held-out items": 0.88,
    "Keep the version": 0.97,
}
Clock = Callable[[], datetime]


class RunInFlight(InvalidInput):
    """One run at a time; the message names it."""


def open_run(project: Project, *, reason: str, evidence: TriggerEvidence, by: User | None, at: datetime) -> TrainingRun:
    """Begin a run and enqueue its job. Raises RunInFlight where one waits or runs already."""
    reconcile(at=at)
    try:
        with transaction.atomic():
            newest = TrainingRun.objects.filter(project=project).aggregate(number=Max("number"))["number"] or 0
            run = TrainingRun.objects.create(
                project=project,
                number=newest + 1,
                reason=reason[:300],
                evidence=run_records.dump(evidence),
                seed=newest + 1,
                trainer=trainers.of_project(project).name,
                created_by=by,
                created_at=at,
            )
            run.job, _ = queue.enqueue(
                "retraining.train", key=f"train:{run.pk}", project=project, payload={"run": run.pk}, by=by, at=at
            )
            run.save(update_fields=["job"])
            audit.record("run.open", by=by, at=at, project=project, target=f"run {run.number}", details=run.evidence)
            return run
    except IntegrityError:
        other = TrainingRun.objects.filter(project=project, state__in=IN_FLIGHT).first()
        name = f"Run {other.number}" if other else "Another run"
        raise RunInFlight(f"{name} is in flight already; one run at a time.") from None


@transaction.atomic
def stop(run: TrainingRun, *, by: User, at: datetime) -> bool:
    """Stop a run that has not ended; its worker learns of it at its next sign of progress. False where it has ended."""
    mine = TrainingRun.objects.filter(pk=run.pk, state__in=IN_FLIGHT)
    changed = end_run(mine, state=RunState.STOPPED, at=at, error=f"Stopped by {by.name()}.")
    if changed and run.job:
        queue.cancel(run.job, by=by, at=at)
    return changed


def died(job: Job, why: str) -> None:
    """The job's last attempt has failed: so has the run. Called in the transaction that fails the job."""
    ended = Job.objects.values_list("finished_at", flat=True).get(pk=job.pk)
    runs = TrainingRun.objects.filter(pk=job.payload.get("run"), state__in=IN_FLIGHT)
    end_run(runs, state=RunState.FAILED, at=ended or job.due_at, error=why)


def reconcile(*, at: datetime) -> int:
    """End the runs whose job has ended without them: cancelled, failed or removed from the pages of jobs."""
    ended = {JobState.CANCELLED: RunState.STOPPED, JobState.DEAD: RunState.FAILED}
    lost = TrainingRun.objects.filter(Q(job__state__in=ended) | Q(job=None), state__in=IN_FLIGHT).select_related("job")
    for run in lost:
        state = ended[JobState(run.job.state)] if run.job else RunState.FAILED
        why = run.job.error or "Its job was cancelled." if run.job else "Its job was removed."
        end_run(TrainingRun.objects.filter(pk=run.pk, state__in=IN_FLIGHT), state=state, at=at, error=why)
    return len(lost)


def perform(attempt: Attempt, *, clock: Clock) -> None:
    """Do the run of this job: freeze, read, fit, write, compare, and keep all of it in one commit."""
    run = _begin(attempt, at=clock())
    if run is None:
        return
    log = _Log(attempt, run, clock)
    log.stage("Freeze the dataset")
    dataset = _frozen(run)
    if learnt := _learnt_the_same(run.project, dataset):
        _end_unchanged(attempt, run, dataset, learnt, at=clock())
        return
    log.stage("Read the inputs")
    train = datasets.examples(dataset, datasets.Split.TRAIN)
    available = text_vectors.available_vectors(run.project, train.columns, train.types)
    train = replace(train, texts=available.texts)
    log.stage("Fit and choose")
    started = time.monotonic()
    fitted = _fit(train, run, log)
    without = "" if available.texts else available.words
    report = _report(train, fitted, without=without, seconds=time.monotonic() - started)
    log.stage("Write the artifact")
    packed = _packed(fitted, train, run)
    faults.point("after_artifact")
    log.stage("Compare on held-out items")
    incumbent = registry.incumbent(run.project)
    # Read back through every check: what is compared is what will be served.
    candidate = registry.unpack(packed, project=run.project, tag="", schema_version=dataset.schema_version)
    held_out = datasets.examples(dataset, datasets.Split.EVALUATION)
    judged = evaluation.compare_with_incumbent(run.project, held_out, candidate, train, fitted.out_of_fold, incumbent)
    log.stage("Keep the version")
    _create_version(attempt, run, dataset, packed, judged, train, fitted, report, at=clock())


def _begin(attempt: Attempt, *, at: datetime) -> TrainingRun | None:
    """The run, marked as running; None where it has ended already. A requeued job takes a failed run up again."""
    mine = TrainingRun.objects.filter(pk=attempt.payload["run"])
    try:
        with transaction.atomic():
            mine.filter(started_at=None).update(started_at=at)
            taken = mine.filter(state__in=(*IN_FLIGHT, RunState.FAILED)).update(
                state=RunState.RUNNING, error="", finished_at=None
            )
    except IntegrityError:
        raise PermanentFailure("Another run of this project is in flight; start a new one when it has ended.") from None
    return mine.select_related("project", "dataset").get() if taken else None


class _Log:
    """Says on the job's row how far the run is, and on the run's what it did when."""

    def __init__(self, attempt: Attempt, run: TrainingRun, clock: Clock) -> None:
        self.attempt, self.run, self.clock = attempt, run, clock
        self.began = 0.0

    def stage(self, name: str) -> None:
        self.began = STAGES[name]
        entry = StageEntry(stage=name, attempt=self.attempt.number, at=self.clock())
        self.run.stages = run_records.dump(StagesBody(entries=(*self.run.load_stages().entries, entry)))
        # Only the attempt that holds the job may write: one that was overtaken must not tell its story.
        held = Job.objects.filter(pk=self.attempt.job.pk, state=JobState.RUNNING, attempt=self.attempt.number)
        TrainingRun.objects.filter(pk=self.run.pk, job__in=held).update(stages=self.run.stages)
        self.attempt.progress(self.began, name)

    def fitting(self, share: float, words: str) -> None:
        end = STAGES["Write the artifact"]
        self.attempt.progress(self.began + share * (end - self.began), words.rstrip("."))


def _frozen(run: TrainingRun) -> Dataset:
    """The run's dataset: frozen by its first attempt as of its start, read again by every later one."""
    if run.dataset is None:
        assert run.started_at is not None  # set by _begin
        run.dataset = datasets.freeze(run.project, at=run.started_at)
        TrainingRun.objects.filter(pk=run.pk).update(dataset=run.dataset)
    return run.dataset


def _learnt_the_same(project: Project, dataset: Dataset) -> TrainingRun | None:
    """The run that has learnt from this dataset by the text encoder in use."""
    encoder = text_vectors.digest_in_use(project.contract().types())
    learnt = TrainingRun.objects.filter(dataset=dataset, state=RunState.SUCCEEDED)
    return next((run for run in learnt if bodies.load_run_report(run.report).encoder == encoder), None)


def _end_unchanged(attempt: Attempt, run: TrainingRun, dataset: Dataset, learnt: TrainingRun, *, at: datetime) -> None:
    why = f"Nothing would change: run {learnt.number} has learnt from the same dataset {dataset.number}."
    report = bodies.dump(RunReportBody(why=why))
    with attempt.commit(unchanged=True):
        end_run(TrainingRun.objects.filter(pk=run.pk), state=RunState.UNCHANGED, at=at, report=report)


def _fit(train: Examples, run: TrainingRun, log: _Log) -> Fitted:
    if not train.classes:
        raise PermanentFailure(datasets.NOT_TRAINABLE)
    if not len(train):
        raise PermanentFailure("There is no resolved label to train on yet.")
    try:
        return trainers.find(run.trainer).fit(train, seed=run.seed, progress=log.fitting)
    except InvalidInput as why:
        raise PermanentFailure(str(why)) from None


def _packed(fitted: Fitted, train: Examples, run: TrainingRun) -> registry.Packed:
    try:
        return registry.pack(fitted, train.types, project=run.project)
    except artifacts.ArtifactRefused as why:  # too large, and it will be as large the next time
        raise PermanentFailure(str(why)) from None


def _report(train: Examples, fitted: Fitted, *, without: str, seconds: float) -> RunReportBody:
    """What was tried and why one was taken, with the quality that held-out folds show; `without`: why no vectors of
    texts were tried, as a sentence."""
    right = fitted.out_of_fold.argmax(axis=1) == train.targets
    chosen = [one.log_loss for one in fitted.candidates if one.log_loss is not None]
    return RunReportBody(
        family=fitted.family,
        calibrator=fitted.calibrator,
        why=f"{fitted.why} {without}".strip(),
        candidates=[_candidate(one) for one in fitted.candidates],
        out_of_fold=OutOfFoldBody(
            accuracy=evaluation.share(right, np.ones(len(train)), train.groups()),
            log_loss=min(chosen) if chosen else None,
        ),
        fit_seconds=round(seconds, 2),
        libraries={name: library(name) for name in LIBRARIES},
        encoder=train.texts.digest if train.texts else "",
    )


def _candidate(tried: Candidate) -> CandidateBody:
    return CandidateBody(
        family=tried.family,
        config=dict(tried.config),
        calibrator=tried.calibrator,
        log_loss=tried.log_loss,
        work=tried.work,
        note=tried.note,
    )


def _create_version(
    attempt: Attempt,
    run: TrainingRun,
    dataset: Dataset,
    packed: registry.Packed,
    judged: evaluation.Judged,
    train: Examples,
    fitted: Fitted,
    report: RunReportBody,
    *,
    at: datetime,
) -> None:
    """The one transaction in which the version begins to exist, with its rows, its scores and maybe its release."""
    with attempt.commit() as result:
        version = registry.create(run, dataset, packed, at=at)
        judging.store_judgement(version, judged, schema_version=dataset.schema_version, at=at)
        capture.record_scores(
            run.project,
            item_ids=train.item_ids,
            probabilities=fitted.out_of_fold,
            model_version=version.tag,
            schema_version=dataset.schema_version,
            source=Source.OUT_OF_FOLD,
            out_of_sample=np.ones(len(train), dtype=bool),
            at=at,
        )
        mine = TrainingRun.objects.filter(pk=run.pk)
        end_run(mine, state=RunState.SUCCEEDED, at=at, report=bodies.dump(report), error="")
        result |= {"version": version.tag, "promoted": _release(version, judged, at=at)}


def _release(version: ModelVersion, judged: evaluation.Judged, *, at: datetime) -> bool:
    """Promote by itself what beats the naive baseline where nothing serves, and what beats what serves by the spec."""
    version = ModelVersion.objects.select_related("project", "judgement").get(pk=version.pk)
    serves = registry.incumbent(version.project)
    if judging.state_of(version, serves) != judging.VerdictState.PROMOTE:  # held, or something else serves since
        return False
    if serves.tag and not version.project.retraining_settings().by_gate:
        return False
    reason = release_reason(judged.verdict)[:LONGEST_REASON]
    try:
        release.promote(version, by=None, reason=reason, at=at, automatic=True, verified=True)
    except (release.VoidVerdict, CanaryRuns):  # something else serves since the comparison
        return False
    return True
