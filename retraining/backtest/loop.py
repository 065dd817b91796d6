"""One repetition of the loop: route, lease, label, resolve, train and release, by the functions that the product calls.

The clock is the replay's: it stands still but for the seconds that an answer takes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from annotation import labels, leases, routing
from annotation.models import Cause, Lease, Queue, Resolution
from annotation.routing.capacity import Places
from jobs import execution
from jobs.execution import Attempt, PermanentFailure
from jobs.models import Job, JobState
from projects.models import Project, User
from retraining import registry, release, training
from retraining.backtest.annotator import SimulatedPeople
from retraining.backtest.curves import HeldOutScore, held_out_score
from retraining.backtest.installation import ENGINEER, REVIEWER, SLUG, annotators
from retraining.backtest.options import BacktestOptions
from retraining.backtest.source import LabelledFile
from retraining.models import ModelVersion, RunState, TrainingRun
from retraining.run_records import TriggerEvidence
from validation.arrays import Ints

SECONDS = 5.0
"""Of the replay's clock, for one answer."""

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class HeldOutRows:
    """The rows that measure: their stored inputs and the codes (n,) of their labels."""

    inputs: list[dict[str, Any]]
    truth: Ints

    def score(self, project: Project, version: ModelVersion) -> HeldOutScore:
        """What the version reaches here."""
        said = registry.load(version).score(project, self.inputs)
        return held_out_score(self.truth, said.argmax(axis=1))

    def score_constant(self, code: int) -> HeldOutScore:
        """What a model reaches that always says the same."""
        return held_out_score(self.truth, np.full(len(self.truth), code, dtype=np.int64))


class Loop:
    """A project with its simulated people and its clock, in the database as it is now."""

    def __init__(
        self, file: LabelledFile, options: BacktestOptions, test: HeldOutRows, *, seed: int, at: datetime
    ) -> None:
        self.project = Project.objects.get(slug=SLUG)
        self.options, self.test, self.seed, self.at = options, test, seed, at
        self.file = file
        self.truth: Mapping[str, str] = {row.key: file.classes[row.label] for row in file.rows}
        self.people = SimulatedPeople(options.annotator_accuracy, file.classes)
        users = User.objects.in_bulk(field_name="username")
        self.annotators = [users[name] for name in annotators(options)]
        self.engineer, self.reviewer = users[ENGINEER], users[REVIEWER]
        self.given = 0

    def now(self) -> datetime:
        """The replay's clock."""
        return self.at

    def move_to(self, at: datetime) -> None:
        """Set the clock, which never goes back."""
        self.at = max(self.at, at)

    def collect_labels(self, places: Places) -> None:
        """Route so many items and have each person answer them; a reviewer decides where people differ."""
        routing.route(self.project, at=self.at, seed=1000 * self.seed + self.given, places=places)
        items = places.active + places.audit
        for person in self.annotators:
            self._label_all(person, None, most=items)
        disputed = Queue.objects.filter(project=self.project, cause=Cause.DISPUTED).first()
        if disputed:
            self._label_all(self.reviewer, disputed, most=items)

    def _label_all(self, person: User, queue: Queue | None, *, most: int) -> None:
        left = most
        while left and (held := leases.claim(self.project, by=person, count=left, queue=queue, at=self.at)):
            for lease in held:
                self._submit_label(lease, person)
            left -= len(held)

    def _submit_label(self, lease: Lease, person: User) -> None:
        self.at += timedelta(seconds=SECONDS)
        key = lease.item.key
        value = self.people.label_of(person.username, key, self.truth[key])
        labels.submit(self.project, lease.token, value=value, seconds=SECONDS, by=person, at=self.at)
        self.given += 1

    def train(self) -> TrainingRun:
        """A run of the product's trainer on what is labelled now."""
        evidence = TriggerEvidence()
        run = training.open_run(self.project, reason="A round of the backtest.", evidence=evidence, by=None, at=self.at)
        return self.perform(run)

    def perform(self, run: TrainingRun) -> TrainingRun:
        """Do an open run here and now."""
        assert run.job is not None  # an open run has its job
        self.run_job(run.job, lambda attempt: training.perform(attempt, clock=self.now))
        run.refresh_from_db()
        return run

    def run_job(self, job: Job, handler: Callable[[Attempt], None]) -> None:
        """Do a job by its domain call under the replay's clock, as a worker would."""
        attempt = execution.claim(job.pk, at=self.at, worker="backtest")
        if attempt is None:
            return
        try:
            handler(attempt)
        except PermanentFailure as why:
            execution.fail(attempt.job, attempt.number, str(why), at=self.at, final=True)
        Job.objects.filter(pk=job.pk, finished_at__isnull=False).update(finished_at=self.at)

    def promote(self, version: ModelVersion) -> None:
        """Let this version serve, and score with it what may be asked next."""
        release.promote(version, by=self.engineer, reason="The newest of the backtest.", at=self.at, verified=True)
        self.rescore()

    def rescore(self) -> None:
        """Score every item with what serves, as after a release."""
        waiting = Job.objects.filter(kind="retraining.rescore", state=JobState.QUEUED).order_by("pk")
        for job in waiting:
            self.run_job(job, lambda attempt: release.rescore(attempt, clock=self.now))
        self.project.refresh_from_db()
        # Routing and reports are asked for by the replay when their turn comes.
        Job.objects.filter(state=JobState.QUEUED, kind__in=("annotation.route", "analysis.report")).delete()

    def commonest(self) -> int:
        """The code of the label that most resolutions have: what nobody needs a model to say."""
        values = list(Resolution.objects.current().filter(project=self.project).values_list("value", flat=True))
        codes = [self.file.classes.index(value) for value in values]
        return int(np.bincount(codes).argmax()) if codes else 0


def play_round(loop: Loop, until: int) -> HeldOutScore:
    """One round up to `until` labels: ask, train, and let the new version serve; what it reaches on the test part."""
    if until > loop.given:
        loop.collect_labels(Places(active=max(1, (until - loop.given) // loop.options.overlap), audit=0))
    run = loop.train()
    if run.state == RunState.SUCCEEDED:
        loop.promote(run.version)
    return score_newest(loop)


def score_newest(loop: Loop) -> HeldOutScore:
    """The score of what serves; that of the commonest label where nothing does."""
    serving = registry.champion(loop.project)
    return loop.test.score(loop.project, serving) if serving else loop.test.score_constant(loop.commonest())
