"""Judging again: against what serves now, on all that is held out by now, each judgement kept for good."""

from typing import Any

import pytest
from django.utils import timezone

from jobs import faults
from jobs.models import Job, JobState
from projects.models import AuditEvent, Project, User
from retraining import artifacts, judging, registry, release
from retraining.judging import VerdictState
from retraining.models import Judgement, ModelVersion
from tests.factories import make_user
from tests.retraining.scenarios import Crash, crash_at, judged, learn, make_champion, make_numeric_project, make_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(db: None) -> User:
    return make_user("ada")


@pytest.fixture
def version(artifact_home: Any) -> ModelVersion:
    """v2, held against v1, which serves."""
    project = make_numeric_project()
    learn(project, 12)
    make_champion(project)
    return make_version(project)


def state(version: ModelVersion) -> VerdictState:
    return judging.state_of(version, registry.incumbent(version.project))


class TestTheStateOfAVerdict:
    def test_is_what_the_gate_said_while_the_same_version_serves(self, version: ModelVersion) -> None:
        assert state(version) == VerdictState.HOLD
        assert state(judged(version, {"decision": "promote"})) == VerdictState.PROMOTE

    def test_is_void_when_another_one_serves(self, version: ModelVersion) -> None:
        release.promote(make_version(version.project), by=None, reason="x", at=timezone.now())
        assert state(version) == VerdictState.VOID

    def test_is_void_where_there_is_none(self, version: ModelVersion) -> None:
        version.judgement = None
        assert state(version) == VerdictState.VOID


class TestJudgingAgain:
    def test_compares_with_what_serves_now_on_all_that_is_held_out_by_now(
        self, version: ModelVersion, ada: User
    ) -> None:
        before = version.judgement
        learn(version.project, 40, evaluation=True, seed=2, at=timezone.now())
        made = judging.judge_again(version, by=ada, at=timezone.now())
        assert (made.against, made.load_evaluation().n, made.evaluated.count()) == ("v1", 40, 40)
        assert Judgement.objects.filter(version=version).count() == 2 and before != made
        assert ModelVersion.objects.get(pk=version.pk).judgement == made
        assert AuditEvent.objects.get(action="version.judge").target == "v2"

    def test_leaves_out_what_either_side_was_trained_on(self, version: ModelVersion) -> None:
        held_out = learn(version.project, 5, evaluation=True, seed=2, at=timezone.now())
        assert version.run.dataset is not None
        version.run.dataset.rows.create(
            item=held_out[0], resolution=held_out[0].resolutions.get(), split="train", inclusion_probability=1.0
        )
        assert judging.judge_version(version, at=timezone.now()).evaluation.n == 4

    def test_writes_nothing_into_datasets(self, version: ModelVersion) -> None:
        learn(version.project, 5, evaluation=True, seed=2, at=timezone.now())
        before = version.project.datasets.count()
        judging.judge_again(version, by=None, at=timezone.now())
        assert version.project.datasets.count() == before


class TestTheJob:
    def test_is_one_however_often_it_is_asked_for(self, version: ModelVersion, ada: User) -> None:
        jobs = {judging.request(version, by=ada, at=timezone.now()).pk for _ in range(3)}
        assert len(jobs) == 1 and AuditEvent.objects.filter(action="version.judge").count() == 1
        assert judging.waiting(version) == Job.objects.get(pk=jobs.pop())

    def test_judges_and_promotes_nothing(self, version: ModelVersion, ada: User, run_jobs: Any) -> None:
        Project.objects.update(retraining={"promote": "by_gate"})
        learn(version.project, 40, evaluation=True, seed=2, at=timezone.now())
        Job.objects.all().delete()
        job = judging.request(version, by=ada, at=timezone.now())
        run_jobs()
        job.refresh_from_db()
        assert (job.state, job.result) == (JobState.SUCCEEDED, {"decision": "hold", "against": "v1"})
        assert judging.waiting(version) is None
        assert ModelVersion.objects.get(stage="champion").tag == "v1"

    @pytest.mark.parametrize("point", ["before_commit", "inside_commit"])
    def test_killed_leaves_the_judgement_before_it(
        self, version: ModelVersion, ada: User, run_jobs: Any, monkeypatch: pytest.MonkeyPatch, point: str
    ) -> None:
        Job.objects.all().delete()
        judging.request(version, by=ada, at=timezone.now())
        monkeypatch.setattr(faults, "point", crash_at(point))
        with pytest.raises(Crash):
            run_jobs()
        assert ModelVersion.objects.get(pk=version.pk).judgement == version.judgement
        assert Judgement.objects.filter(version=version).count() == 1

    def test_says_why_a_version_cannot_be_judged(self, version: ModelVersion, ada: User, run_jobs: Any) -> None:
        Job.objects.all().delete()
        artifacts.path_of(version.artifact_sha256).unlink()
        job = judging.request(version, by=ada, at=timezone.now())
        run_jobs()
        job.refresh_from_db()
        assert job.state == JobState.DEAD and "v2 cannot be loaded" in job.error
