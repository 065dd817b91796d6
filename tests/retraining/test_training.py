"""Runs: one at a time, whole or not at all, whatever is killed on the way."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from annotation.models import Prediction, Source
from jobs import faults, queue
from jobs.execution import Attempt
from jobs.models import Job, JobState
from projects.models import AuditEvent, Project
from retraining import artifacts, training
from retraining.learning.model_selection import fitting
from retraining.models import Dataset, EvaluatedItem, ModelVersion, Release, RunState, TrainingRun
from retraining.verdict_words import verdict_words
from tests.factories import make_item, make_prediction, make_user
from tests.retraining.scenarios import Crash, crash_at, do, learn, make_champion, make_numeric_project, open_run, train

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(artifact_home: Any) -> Project:
    project = make_numeric_project()
    learn(project, 40)
    return project


class TestOpening:
    def test_enqueues_one_job_on_the_train_queue(
        self, project: Project, django_capture_on_commit_callbacks: Any, sent: list[int]
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            run = open_run(project)
        assert run.job is not None
        assert (run.state, run.number, run.job.queue, run.job.payload) == (
            RunState.WAITING,
            1,
            "train",
            {"run": run.pk},
        )
        assert sent == [run.job.pk]
        assert AuditEvent.objects.filter(action="run.open", target="run 1").exists()

    def test_refuses_a_second_run_in_flight_by_name(self, project: Project) -> None:
        open_run(project)
        with pytest.raises(training.RunInFlight, match="Run 1 is in flight already"):
            open_run(project)
        assert Job.objects.count() == 1

    def test_other_projects_do_not_wait(self, project: Project) -> None:
        open_run(project)
        assert open_run(make_numeric_project()).number == 1

    @pytest.mark.parametrize("end", ["cancelled", "removed"])
    def test_is_not_blocked_by_a_run_whose_job_ended_without_it(self, project: Project, end: str) -> None:
        run = open_run(project)
        assert run.job is not None
        if end == "cancelled":
            queue.cancel(run.job, by=make_user(), at=timezone.now())
        else:
            run.job.delete()
        assert open_run(project).number == 2
        run.refresh_from_db()
        assert (run.state, run.in_flight) == (RunState.STOPPED if end == "cancelled" else RunState.FAILED, False)


class TestARun:
    def test_leaves_a_version_with_report_evaluation_and_scores(self, project: Project) -> None:
        learn(project, 35, evaluation=True, seed=1)
        run = do(open_run(project))
        version = run.version
        assert (run.state, run.error, version.tag) == (RunState.SUCCEEDED, "", "v1")
        assert [entry.stage for entry in run.load_stages().entries] == list(training.STAGES)
        assert run.report["family"] == version.family and run.report["candidates"]
        assert run.report["out_of_fold"]["accuracy"]["n"] == 40
        assert version.evaluation.n == 35 and version.judgement.evaluated.count() == 35
        assert artifacts.path_of(version.artifact_sha256).stat().st_size == version.artifact_size

    def test_records_out_of_fold_probabilities_of_what_it_learnt_from(self, project: Project) -> None:
        train(project)
        rows = Prediction.objects.filter(source=Source.OUT_OF_FOLD, model_version="v1")
        assert rows.count() == 40 and all(row.out_of_sample for row in rows)
        sums = [np.frombuffer(row.scores, dtype="<f4").sum() for row in rows]
        assert np.allclose(sums, 1, atol=1e-5)

    def test_does_not_promote_what_cannot_be_distinguished_from_the_naive_baseline(self, artifact_home: Any) -> None:
        project = make_numeric_project()
        learn(project, 40, noise=0.5)
        version = train(project)
        assert version.stage == ModelVersion.Stage.CANDIDATE and not Release.objects.exists()

    def test_promotes_by_itself_the_first_version_that_beats_the_naive_baseline(self, project: Project) -> None:
        version = train(project)
        project.refresh_from_db()
        assert (version.stage, project.champion_version) == (ModelVersion.Stage.CHAMPION, "v1")
        assert version.verdict.basis == "out_of_fold"
        release = Release.objects.get()
        assert release.automatic and release.by is None and "held-out training labels" in release.reason

    @pytest.mark.simulation
    @pytest.mark.parametrize(("promote", "champion"), [("by_gate", "v2"), ("ask", "v1")])
    def test_promotes_a_better_version_by_the_gate_only_where_the_spec_says_so(
        self, project: Project, promote: str, champion: str
    ) -> None:
        weak = make_numeric_project(retraining={"promote": promote})
        learn(weak, 12, noise=0.2, seed=3)
        learn(weak, 300, evaluation=True, seed=1)
        first = train(weak)
        assert first.stage == ModelVersion.Stage.CHAMPION
        learn(weak, 150, seed=5, at=timezone.now())
        second = train(weak)
        weak.refresh_from_db()
        assert second.verdict.decision == "promote", verdict_words(second.verdict)
        assert (weak.champion_version, second.verdict.champion) == (champion, "v1")

    @pytest.mark.parametrize(("promote", "champion"), [("by_gate", "v1"), ("ask", "")])
    def test_a_captured_version_is_the_one_to_beat_and_only_the_spec_lets_the_gate_replace_it(
        self, artifact_home: Any, promote: str, champion: str
    ) -> None:
        project = make_numeric_project(retraining={"promote": promote})
        learn(project, 40)
        for item in learn(project, 60, evaluation=True, seed=1):
            make_prediction(item, [0.9, 0.1], model_version="router-7")  # it says ham whatever comes
        version = train(project)
        project.refresh_from_db()
        assert (version.verdict.champion, version.verdict.decision) == ("router-7", "promote")
        assert version.evaluation.n == 60
        assert (project.champion_version, Release.objects.count()) == (champion, bool(champion))

    def test_beating_the_naive_baseline_replaces_no_captured_version(self, artifact_home: Any) -> None:
        project = make_numeric_project(retraining={"promote": "by_gate"})
        learn(project, 40)
        for item in learn(project, 60, evaluation=True, seed=1):
            spam = item.inputs["x"] > 0  # the captured version is always right
            make_prediction(item, [0.1, 0.9] if spam else [0.9, 0.1], model_version="router-7")
        version = train(project)
        assert version.verdict.decision == "hold" and not Release.objects.exists()

    def test_a_captured_version_without_labelled_answers_is_not_replaced(self, artifact_home: Any) -> None:
        project = make_numeric_project(retraining={"promote": "by_gate"})
        learn(project, 40)
        learn(project, 60, evaluation=True, seed=1)
        make_prediction(make_item(project), label="ham", model_version="")
        version = train(project)
        assert (version.verdict.champion, version.evaluation.n) == ("unnamed", 0)
        assert version.verdict.decision == "hold" and not Release.objects.exists()

    def test_is_not_promoted_where_another_version_was_released_meanwhile(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        learn(project, 35, evaluation=True, seed=1)

        def released(name: str) -> None:
            if name == "before_commit" and not Release.objects.exists():
                make_champion(project)

        monkeypatch.setattr(faults, "point", released)
        run = do(open_run(project))
        assert run.version.verdict.decision == "promote" and run.version.stage == ModelVersion.Stage.CANDIDATE
        assert Release.objects.get().version != run.version
        assert run.job is not None and Job.objects.get(pk=run.job.pk).result["promoted"] is False

    def test_holds_a_version_that_is_no_better(self, project: Project) -> None:
        learn(project, 60, evaluation=True, seed=1)
        Project.objects.update(retraining={"promote": "by_gate"})
        train(project)
        learn(project, 1, seed=9, at=timezone.now())
        second = train(project)
        project.refresh_from_db()
        assert second.verdict.decision == "hold" and project.champion_version == "v1"

    def test_ends_unchanged_where_the_dataset_is_the_same(self, project: Project) -> None:
        train(project)
        run = do(open_run(project))
        assert run.state == RunState.UNCHANGED and "run 1" in run.report["why"]
        assert ModelVersion.objects.count() == 1

    def test_fails_at_once_with_a_sentence_where_all_labels_agree(self, artifact_home: Any) -> None:
        project = make_numeric_project()
        for item in learn(project, 3):
            item.resolutions.update(value="ham")
        run = do(open_run(project))
        assert run.state == RunState.FAILED and "every label so far is 'ham'" in run.error
        assert run.job is not None and run.job.attempt == 1 and run.finished_at is not None

    def test_fails_with_a_sentence_without_labels(self, artifact_home: Any) -> None:
        run = do(open_run(make_numeric_project()))
        assert run.error == "There is no resolved label to train on yet."

    def test_freezes_what_was_known_when_it_began(self, project: Project) -> None:
        run = open_run(project)
        learn(project, 5, at=timezone.now() + timedelta(hours=1))
        do(run)
        run.refresh_from_db()
        assert run.dataset is not None and run.dataset.train_rows == 40

    def test_never_compares_on_an_item_that_the_champion_learnt_from(self, project: Project) -> None:
        first = train(project)
        held_out = learn(project, 40, evaluation=True, seed=1, at=timezone.now())
        assert first.run.dataset is not None
        first.run.dataset.rows.create(
            item=held_out[0], resolution=held_out[0].resolutions.get(), split="train", inclusion_probability=1.0
        )
        second = train(project)
        assert second.evaluation.n in (38, 39)
        assert not second.judgement.evaluated.filter(item=held_out[0]).exists()

    def test_holds_where_the_champion_cannot_be_loaded(self, project: Project) -> None:
        Project.objects.update(retraining={"promote": "by_gate"})
        first = train(project)
        artifacts.path_of(first.artifact_sha256).write_bytes(b"tampered")
        learn(project, 60, evaluation=True, at=timezone.now())
        second = train(project)
        assert second.verdict.decision == "hold" and "v1 cannot be loaded" in verdict_words(second.verdict)


class TestStopping:
    def test_ends_a_waiting_run_and_its_job(self, project: Project) -> None:
        run, person = open_run(project), make_user("ada")
        assert training.stop(run, by=person, at=timezone.now())
        run.refresh_from_db()
        assert run.job is not None
        assert (run.state, run.error, run.job.state) == (RunState.STOPPED, "Stopped by ada.", JobState.CANCELLED)
        assert do(run).state == RunState.STOPPED and not ModelVersion.objects.exists()

    def test_ends_a_running_fit_at_its_next_progress(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        run, person, fit = open_run(project), make_user(), fitting.fit
        seen: list[float] = []

        def stopped_meanwhile(*args: Any, search: fitting.ModelSearch, **options: Any) -> Any:
            def tell(share: float, words: str) -> None:
                seen.append(share)
                training.stop(run, by=person, at=timezone.now())
                monkeypatch.setattr(Attempt, "_reported_at", 0.0, raising=False)
                search.progress(share, words)

            return fit(*args, search=replace(search, progress=tell), **options)

        monkeypatch.setattr(fitting, "fit", stopped_meanwhile)
        monkeypatch.setattr("jobs.execution.time.monotonic", _hurried())
        do(run)
        assert run.state == RunState.STOPPED and len(seen) == 1
        assert not ModelVersion.objects.exists()

    def test_says_when_there_is_nothing_to_stop(self, project: Project) -> None:
        version = train(project)
        assert not training.stop(version.run, by=make_user(), at=timezone.now())


def _hurried() -> Callable[[], float]:
    """A clock that runs fast, so that no progress is held back by the limit of one write a second."""
    now = [0.0]

    def tick() -> float:
        now[0] += 10
        return now[0]

    return tick


class TestBeingKilled:
    """Each point where the chaos test kills, here as an exception that nothing catches."""

    @pytest.mark.parametrize(
        "point", ["after_claim", "before_work", "after_artifact", "before_commit", "inside_commit", "after_commit"]
    )
    def test_leaves_exactly_one_version_after_the_next_attempt(
        self, project: Project, monkeypatch: pytest.MonkeyPatch, point: str
    ) -> None:
        learn(project, 35, evaluation=True, seed=1)
        run = open_run(project)
        monkeypatch.setattr(faults, "point", crash_at(point))
        with pytest.raises(Crash):
            do(run)
        kept = point == "after_commit"
        assert ModelVersion.objects.count() == Release.objects.count() == kept
        assert EvaluatedItem.objects.exists() == Prediction.objects.exists() == kept
        if not kept:
            _lease_ends(run)
        do(run)
        assert run.state == RunState.SUCCEEDED and not run.in_flight
        assert (ModelVersion.objects.count(), Dataset.objects.count(), Release.objects.count()) == (1, 1, 1)
        assert (EvaluatedItem.objects.count(), Prediction.objects.count()) == (35, 40 + 35)

    def test_the_second_attempt_reads_the_dataset_of_the_first(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = open_run(project)
        monkeypatch.setattr(faults, "point", crash_at("after_artifact"))
        with pytest.raises(Crash):
            do(run)
        resolve_more(project)
        _lease_ends(run)
        do(run)
        assert run.dataset is not None and run.dataset.train_rows == 40
        assert {entry.attempt for entry in run.load_stages().entries} == {1, 2}

    def test_an_attempt_that_was_overtaken_leaves_nothing(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = open_run(project)

        def overtaken(name: str) -> None:
            if name == "after_artifact":
                Job.objects.filter(payload__run=run.pk).update(attempt=2)

        monkeypatch.setattr(faults, "point", overtaken)
        do(run)
        assert run.state == RunState.RUNNING and not ModelVersion.objects.exists()
        assert [entry.stage for entry in run.load_stages().entries][-1] == "Write the artifact"

    def test_the_run_fails_with_its_last_attempt_and_a_requeue_takes_it_up_again(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = open_run(project)
        with monkeypatch.context() as broken:
            broken.setattr(fitting, "fit", _broken)
            for _ in range(3):
                do(run)
        assert run.job is not None
        run.job.refresh_from_db()
        assert (run.state, run.job.state) == (RunState.FAILED, JobState.DEAD)
        assert "the disk is full" in run.error and run.finished_at is not None
        queue.requeue(run.job, by=make_user(), at=timezone.now())
        assert do(run).state == RunState.SUCCEEDED

    def test_a_requeued_run_gives_way_to_one_in_flight(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        run = open_run(project)
        with monkeypatch.context() as broken:
            broken.setattr(fitting, "fit", _broken)
            for _ in range(3):
                do(run)
        other = open_run(project)
        assert run.job is not None
        run.job.refresh_from_db()
        queue.requeue(run.job, by=make_user(), at=timezone.now())
        do(run)
        run.job.refresh_from_db()
        other.refresh_from_db()
        assert "Another run of this project is in flight" in run.job.error
        assert (run.state, other.state) == (RunState.FAILED, RunState.WAITING)


def _broken(*args: Any, **options: Any) -> Any:
    raise OSError("the disk is full")


def _lease_ends(run: TrainingRun) -> None:
    """What the reaper sees when the worker has been dead for a while."""
    Job.objects.filter(payload__run=run.pk).update(
        state=JobState.QUEUED, lease_until=None, due_at=timezone.now() - timedelta(seconds=1)
    )


def resolve_more(project: Project) -> None:
    learn(project, 5, seed=8, at=timezone.now())


def test_a_report_is_plain_data(project: Project) -> None:
    version = train(project)
    assert json.loads(json.dumps(version.run.report)) == version.run.report
