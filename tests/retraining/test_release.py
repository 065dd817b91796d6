"""Releases: one champion, each act once with its row and event, none on a stale view or a broken artifact."""

import json
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from analysis import release_events
from annotation.models import Prediction, Source
from jobs import execution, registry
from jobs.models import Job, JobState, WebhookEvent
from projects.models import AuditEvent, Project, User
from retraining import artifacts, release, rule_release
from retraining.learning.decision_rules import ThresholdBody
from retraining.models import ModelVersion, Release, TrainingRun
from tests.factories import NOW, make_endpoint, make_item, make_prediction, make_user
from tests.retraining.scenarios import judged, learn, make_champion, make_numeric_project, make_version
from validation.registry import Registry

pytestmark = pytest.mark.django_db
Stage = ModelVersion.Stage


@pytest.fixture
def ada() -> User:
    return make_user("ada")


@pytest.fixture
def project(artifact_home: Any) -> Project:
    """v1 is live; v2 and v3 are candidates."""
    project = make_numeric_project()
    learn(project, 5)
    make_champion(project)
    for _ in range(2):
        learn(project, 1, at=timezone.now())
        make_version(project)
    return project


def version(project: Project, number: int) -> ModelVersion:
    return ModelVersion.objects.get(project=project, number=number)


def live(project: Project) -> str:
    project.refresh_from_db()
    champions = [row.tag for row in ModelVersion.objects.filter(project=project, stage=Stage.CHAMPION)]
    assert champions == [project.champion_version]
    return project.champion_version


def promote(project: Project, number: int, by: User, **options: Any) -> Release:
    return release.promote(version(project, number), by=by, reason="better", at=timezone.now(), **options)


def judge_and_promote(project: Project, number: int, by: User) -> Release:
    """What follows a release by another one: the verdict against the former champion is void."""
    judged(version(project, number))
    return promote(project, number, by)


def roll_back(project: Project, by: User, **options: Any) -> Release:
    return release.roll_back(project, by=by, reason="complaints", at=timezone.now(), **options)


def test_releases_are_sent_to_webhooks_with_what_served_before(project: Project, ada: User) -> None:
    make_endpoint(project)
    promote(project, 2, ada)
    roll_back(project, ada)

    sent = [json.loads(event.body) for event in WebhookEvent.objects.order_by("pk")]
    assert [one["type"] for one in sent] == ["version.promoted", "version.rolled_back"]
    assert [(one["data"]["version"], one["data"]["previous"]) for one in sent] == [("v2", "v1"), ("v1", "v2")]


class TestPromote:
    def test_makes_one_champion_with_a_row_an_event_and_work_for_the_rest(self, project: Project, ada: User) -> None:
        made = promote(project, 2, ada)
        assert live(project) == "v2" and version(project, 1).stage == Stage.RETIRED
        assert (made.act, made.by, made.previous, made.automatic) == ("promote", ada, version(project, 1), False)
        event = AuditEvent.objects.get(action="release.promote", details__version="v2")
        assert (event.actor, event.target, event.details["previous"]) == ("user:ada", "v2", "v1")
        assert Job.objects.filter(kind="retraining.rescore", payload__version="v2").count() == 1

    def test_of_the_champion_changes_nothing(self, project: Project, ada: User) -> None:
        first = promote(project, 2, ada, expected="v1")
        assert promote(project, 2, ada, expected="v1") == first
        assert Release.objects.filter(version__number=2).count() == 1

    def test_refuses_what_was_decided_on_a_stale_view(self, project: Project, ada: User) -> None:
        promote(project, 2, ada, expected="v1")
        with pytest.raises(release.Stale, match="v2 is live now, not v1"):
            promote(project, 3, ada, expected="v1")
        assert live(project) == "v2"

    @pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
    def test_asks_for_a_reason(self, project: Project, ada: User, reason: str) -> None:
        with pytest.raises(release.CannotRelease, match="Say why"):
            release.promote(version(project, 2), by=ada, reason=reason, at=NOW)

    def test_refuses_a_version_that_could_not_be_served(self, project: Project, ada: User) -> None:
        artifacts.path_of(version(project, 2).artifact_sha256).write_bytes(b"tampered")
        with pytest.raises(artifacts.ArtifactRefused, match="v2 cannot be loaded"):
            promote(project, 2, ada)
        assert live(project) == "v1"

    def test_keeps_all_or_nothing(self, project: Project, ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuses(*args: Any, **options: Any) -> None:
            raise RuntimeError("the audit trail is read-only")

        monkeypatch.setattr("retraining.release.audit.record", refuses)
        with pytest.raises(RuntimeError):
            promote(project, 2, ada)
        assert live(project) == "v1" and Release.objects.count() == 1

    def test_two_champions_are_impossible(self, project: Project) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            ModelVersion.objects.filter(project=project, number=2).update(stage=Stage.CHAMPION)


class TestAVerdictAgainstAFormerChampion:
    def test_opens_nothing_and_leaves_no_trace(self, project: Project, ada: User) -> None:
        judged(version(project, 2), {"decision": "promote"})
        judged(version(project, 3), {"decision": "promote"})
        promote(project, 3, ada)
        events = AuditEvent.objects.count()
        with pytest.raises(
            release.VoidVerdict, match="v2 was judged against v1, but v3 serves now: that verdict is void"
        ):
            promote(project, 2, ada)
        assert live(project) == "v3"
        assert (Release.objects.count(), AuditEvent.objects.count()) == (2, events)

    def test_is_refused_for_an_automatic_release_too(self, project: Project) -> None:
        candidate = judged(version(project, 2), {"decision": "promote"})
        release.promote(judged(version(project, 3)), by=None, reason="a test", at=timezone.now())
        with pytest.raises(release.VoidVerdict):
            release.promote(candidate, by=None, reason="x", at=timezone.now(), automatic=True, verified=True)
        assert live(project) == "v3"

    def test_counts_again_once_that_champion_is_back(self, project: Project, ada: User) -> None:
        promote(project, 3, ada)
        roll_back(project, ada)
        assert promote(project, 2, ada).previous == version(project, 1)

    def test_is_not_opened_by_an_old_release_of_the_same_version(self, project: Project, ada: User) -> None:
        promote(project, 2, ada)
        with pytest.raises(release.VoidVerdict, match="v1 was judged against the naive baseline, but v2 serves now"):
            promote(project, 1, ada)

    def test_is_void_against_nothing_where_another_model_is_captured_meanwhile(self, artifact_home: Any) -> None:
        project = make_numeric_project()
        learn(project, 5)
        candidate = make_version(project, verdict={"decision": "promote"})
        make_prediction(make_item(project), [0.9, 0.1], model_version="router-7")
        with pytest.raises(release.VoidVerdict, match="the naive baseline, but router-7 serves now"):
            release.promote(candidate, by=None, reason="x", at=timezone.now())
        assert release.promote(judged(candidate), by=None, reason="x", at=timezone.now()).previous is None

    def test_a_version_that_was_never_judged_is_not_promoted(self, project: Project, ada: User) -> None:
        ModelVersion.objects.filter(number=2).update(judgement=None)
        with pytest.raises(release.VoidVerdict, match="v2 was never judged, and v1 serves now"):
            promote(project, 2, ada)

    def test_a_person_may_overrule_one_that_holds_and_both_stay_in_the_release(
        self, project: Project, ada: User
    ) -> None:
        made = promote(project, 2, ada)
        assert (made.verdict["decision"], made.reason, made.automatic) == ("hold", "better", False)


class TestRollBack:
    def test_brings_back_what_was_live_before(self, project: Project, ada: User) -> None:
        promote(project, 2, ada)
        made = roll_back(project, ada)
        assert live(project) == "v1"
        assert (made.act, made.version.tag, made.previous.tag) == ("roll_back", "v1", "v2")
        assert AuditEvent.objects.filter(action="release.roll_back", details__version="v1").exists()

    def test_has_its_mark_in_the_history_as_each_promotion_has(self, project: Project, ada: User) -> None:
        promote(project, 2, ada)
        roll_back(project, ada)
        marks = [(mark.version, mark.act) for mark in release_events.list_releases(project)]
        assert marks[-2:] == [("v2", "promoted"), ("v1", "rolled back to")]

    def test_goes_further_back_each_time(self, project: Project, ada: User) -> None:
        promote(project, 2, ada)
        judge_and_promote(project, 3, ada)
        seen = [roll_back(project, ada).version.tag for _ in range(2)]
        assert seen == ["v2", "v1"]

    def test_twice_from_the_same_view_is_once(self, project: Project, ada: User) -> None:
        promote(project, 2, ada)
        judge_and_promote(project, 3, ada)
        first = roll_back(project, ada, expected="v3")
        assert roll_back(project, ada, expected="v3") == first
        assert live(project) == "v2"

    def test_refuses_what_was_decided_on_a_stale_view(self, project: Project, ada: User) -> None:
        promote(project, 2, ada)
        with pytest.raises(release.Stale, match="v2 is live now, not v1"):
            roll_back(project, ada, expected="v1")

    def test_says_when_there_is_nothing_to_go_back_to(self, project: Project, ada: User) -> None:
        with pytest.raises(release.CannotRelease, match="no earlier version"):
            roll_back(project, ada)

    def test_says_so_without_any_version(self, ada: User) -> None:
        with pytest.raises(release.CannotRelease, match="no earlier version"):
            roll_back(make_numeric_project(), ada)

    def test_refuses_to_go_back_to_a_broken_artifact(self, project: Project, ada: User) -> None:
        promote(project, 2, ada)
        artifacts.path_of(version(project, 1).artifact_sha256).unlink()
        with pytest.raises(artifacts.ArtifactRefused, match="v1 cannot be loaded"):
            roll_back(project, ada)
        assert live(project) == "v2"


class TestRescore:
    @pytest.fixture(autouse=True)
    def others(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The jobs that follow belong to other apps."""
        ours: Registry[registry.JobKind] = Registry("kind of job")
        for kind in registry._kinds:
            if kind.name.startswith("retraining."):
                ours.register(kind)
        monkeypatch.setattr(registry, "_kinds", ours)
        for name in ("annotation.route", "analysis.report"):
            registry.handles(name)(lambda attempt: None)

    def work(self) -> Job:
        job = Job.objects.filter(kind="retraining.rescore").latest("pk")
        Job.objects.filter(pk=job.pk).update(due_at=NOW - timedelta(days=1))
        execution.run(job.pk)
        job.refresh_from_db()
        return job

    def test_scores_every_item_and_marks_what_was_trained_on(self, project: Project, ada: User) -> None:
        unseen = make_item(project, inputs={"x": 2.0, "y": 0.0})
        promote(project, 2, ada)
        job = self.work()
        rows = Prediction.objects.filter(model_version="v2", source=Source.RESCORED)
        trained = version(project, 2).run.dataset
        assert trained is not None
        assert (job.state, job.result) == (JobState.SUCCEEDED, {"scored": project.items.count()})
        assert rows.count() == project.items.count()
        assert rows.filter(out_of_sample=False).count() == trained.train_rows == 6
        row = rows.get(item=unseen)
        assert row.label == "spam" and np.frombuffer(row.scores, dtype="<f4").argmax() == 1

    def test_follows_the_threshold_in_force_as_answers_do(self, project: Project, ada: User) -> None:
        unseen = make_item(project, inputs={"x": 2.0, "y": 0.0})
        rule_release.release_rule(project, ThresholdBody({"spam": 1.0}), by=ada, reason="x", at=NOW)
        promote(project, 2, ada)
        self.work()
        row = Prediction.objects.get(model_version="v2", source=Source.RESCORED, item=unseen)
        assert row.label == "ham" and np.frombuffer(row.scores, dtype="<f4").argmax() == 1

    def test_has_the_items_routed_and_reported_again(self, project: Project, ada: User) -> None:
        promote(project, 2, ada)
        self.work()
        assert set(
            Job.objects.filter(kind__in=["annotation.route", "analysis.report"]).values_list("kind", flat=True)
        ) == {
            "annotation.route",
            "analysis.report",
        }

    def test_goes_on_where_a_killed_attempt_was(
        self, project: Project, ada: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(release, "CHUNK", 2)
        promote(project, 2, ada)
        done = list(project.items.order_by("pk")[:3])
        for item in done:
            Prediction.objects.create(
                project=project, item=item, model_version="v2", source=Source.RESCORED, schema_version=1, at=NOW
            )
        assert self.work().result == {"scored": project.items.count() - 3}

    def test_ends_early_when_another_release_overtakes_it(self, project: Project, ada: User) -> None:
        promote(project, 2, ada)
        late = Job.objects.get(kind="retraining.rescore", payload__version="v2")
        judge_and_promote(project, 3, ada)
        execution.run(late.pk)
        late.refresh_from_db()
        assert late.result == {"scored": 0} and not Prediction.objects.filter(source=Source.RESCORED).exists()

    def test_gives_up_on_a_broken_artifact_with_a_sentence(self, project: Project, ada: User) -> None:
        promote(project, 2, ada)
        artifacts.path_of(version(project, 2).artifact_sha256).unlink()
        job = self.work()
        assert job.state == JobState.DEAD and "v2 cannot be loaded" in job.error
        assert TrainingRun.objects.count() == 3
