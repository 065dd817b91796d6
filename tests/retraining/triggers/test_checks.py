"""Triggers: when a run begins by itself, and in words why it does not."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs import execution
from jobs.execution import PermanentFailure
from jobs.models import Job
from overview import actions, loop, stations
from projects.models import Project
from projects.project_settings import RetrainingSettings
from retraining import new_labels, run_records, training
from retraining.learning.model_selection import fitting
from retraining.models import RunState, TrainingRun, TriggerCheck
from retraining.new_labels import NewLabels
from retraining.run_records import TriggerEvidence
from retraining.triggers import checks
from retraining.triggers.checks import DatasetFacts, TriggerDecision, decide_trigger
from retraining.triggers.history import RunHistory, load_history, pause
from retraining.triggers.rules.new_labels import RULE, assess, labels_needed
from tests.factories import NOW, make_user
from tests.retraining.scenarios import do, learn, make_numeric_project, make_version, open_run, supersede

SETTINGS = RetrainingSettings(cooldown_minutes=5)


def decide(
    training: int = 40,
    evaluation: int = 12,
    since_stop: int | None = None,
    same: int | None = None,
    classes: int = 2,
    settings: RetrainingSettings = SETTINGS,
    **history: Any,
) -> TriggerDecision:
    """What the rule of new labels says at 50 of these counts, after run 7."""
    past = RunHistory(**{"in_flight": None, "last": 7, "last_ended_at": None, **history})
    finding = assess(NewLabels(training, evaluation), 50, past, since_stop=since_stop)
    return decide_trigger(finding, past, settings, at=NOW, dataset=DatasetFacts(same, classes))


class TestDecide:
    @pytest.mark.parametrize(
        ("given", "code", "words"),
        [
            ({"training": 19}, "too_few", "31 of 50 new labels; a run starts at 50."),
            ({}, "fires", "52 new labels since run 7 began; a run starts at 50."),
            ({"last": None}, "fires", "52 new labels; a run starts at 50."),
            ({"training": 38}, "fires", "50 new labels since run 7 began; a run starts at 50."),
            ({"in_flight": 8}, "in_flight", "Run 8 is in flight; 52 of 50 new labels for the next one so far."),
            (
                {"last_ended_at": NOW - timedelta(minutes=1)},
                "cooldown",
                "52 of 50 new labels, but run 7 has just ended; a run starts at 12:04 UTC.",
            ),
            ({"last_ended_at": NOW - timedelta(minutes=5)}, "fires", None),
            (
                {"same": 7},
                "unchanged",
                "52 of 50 new labels, but nothing would change: the labels agree with the dataset of run 7.",
            ),
            (
                {"classes": 1},
                "one_class",
                "52 of 50 new labels, but all labels are alike; a model needs labels of at least two kinds.",
            ),
            (
                {"failures": 1, "last_ended_at": NOW - timedelta(minutes=1)},
                "failed",
                "52 of 50 new labels, but run 7 failed; it is tried again at 12:04 UTC.",
            ),
            (
                {"failures": 3, "last_ended_at": NOW - timedelta(minutes=1)},
                "failed",
                "52 of 50 new labels, but run 7 failed, as did 2 before it; it is tried again at 12:19 UTC.",
            ),
            (
                {"failures": 9, "last_ended_at": NOW - timedelta(hours=1)},
                "failed",
                "52 of 50 new labels, but run 7 failed, as did 8 before it; it is tried again at 17:00 UTC.",
            ),
            (
                {"failures": 1, "last_ended_at": NOW - timedelta(minutes=5)},
                "fires",
                "52 new labels; a run starts at 50.",
            ),
            (
                {"since_stop": 12},
                "stopped",
                "52 of 50 new labels, but run 7 was stopped; a run starts by itself after 38 more.",
            ),
            ({"since_stop": 50}, "fires", None),
        ],
    )
    def test_says_why(self, given: dict[str, Any], code: str, words: str | None) -> None:
        answer = decide(**given)
        assert (answer.code, answer.fires) == (code, code == "fires")
        assert words is None or answer.words == words

    def test_names_the_day_where_it_is_another(self) -> None:
        settings = RetrainingSettings(cooldown_minutes=1440)
        words = decide(last_ended_at=NOW - timedelta(hours=9), settings=settings).words
        assert words.endswith("a run starts at 24 Nov 03:00 UTC.")

    @pytest.mark.parametrize("back", [timedelta(seconds=95), timedelta(days=1)])
    def test_fires_after_the_clock_was_set_back(self, back: timedelta) -> None:
        assert decide(last_ended_at=NOW + back).fires


class TestPause:
    def test_doubles_with_each_failure_up_to_a_limit(self) -> None:
        minutes = [pause(SETTINGS, n).total_seconds() / 60 for n in (0, 1, 2, 3, 4, 7, 8, 1000)]
        assert minutes == [5, 5, 10, 20, 40, 320, 360, 360]

    def test_is_never_nothing_after_a_failure_and_never_shorter_than_the_cooldown(self) -> None:
        eager, patient = RetrainingSettings(cooldown_minutes=0), RetrainingSettings(cooldown_minutes=600)
        assert pause(eager, 0) == timedelta(0)
        assert pause(eager, 1) == timedelta(minutes=1)
        assert pause(patient, 5) == timedelta(minutes=600)


@pytest.mark.django_db
class TestPolicy:
    def test_has_the_defaults_that_a_spec_may_leave_out(self) -> None:
        project = make_numeric_project()
        rule = project.retraining_settings()
        assert (labels_needed(project), rule.cooldown, rule.by_gate) == (50, timedelta(minutes=5), False)

    def test_is_the_projects_own(self) -> None:
        given = {"after_labels": 20, "cooldown_minutes": 0.5, "promote": "by_gate"}
        project = make_numeric_project(retraining=given)
        rule = project.retraining_settings()
        assert (labels_needed(project), rule.cooldown, rule.by_gate) == (20, timedelta(seconds=30), True)


@pytest.fixture
def project(db: None, artifact_home: Any) -> Project:
    return make_numeric_project(retraining={"after_labels": 10, "cooldown_minutes": 5})


def check(project: Project, **options: Any) -> TriggerCheck:
    [row] = checks.run_if_due(project, at=options.get("at", timezone.now()))
    return row


class TestLook:
    def test_counts_every_current_resolution_before_the_first_run(self, project: Project) -> None:
        items = learn(project, 3)
        learn(project, 2, evaluation=True)
        supersede(items[0].resolutions.get(), "ham", at=NOW)
        learn(make_numeric_project(), 4)
        found = new_labels.count(project)
        assert (found.training, found.evaluation, found.total) == (3, 2, 5)
        assert load_history(project).last is None

    def test_counts_from_the_beginning_of_the_last_run(self, project: Project) -> None:
        learn(project, 40)
        make_version(project, at=timezone.now())
        learn(project, 3, at=timezone.now())
        found = load_history(project)
        assert (new_labels.count(project).total, found.last, found.in_flight) == (3, 1, None)
        assert found.last_ended_at is not None

    def test_counts_for_the_next_run_while_one_is_in_flight(self, project: Project) -> None:
        learn(project, 12)
        run = open_run(project)
        learn(project, 2, at=timezone.now())
        assert (load_history(project).in_flight, new_labels.count(project).total) == (run.number, 2)

    def test_knows_when_the_labels_agree_with_the_last_dataset(self, project: Project) -> None:
        items = learn(project, 40)
        make_version(project, at=timezone.now())
        for item in items[:12]:
            resolution = item.resolutions.get()
            supersede(resolution, resolution.value, at=timezone.now())
        assert new_labels.count(project).total == 12
        assert checks.load_dataset_facts(project, at=timezone.now()).same_as_run == 1

    def test_a_stopped_run_spends_no_label_and_none_begins_by_itself_until_as_many_came_again(
        self, project: Project
    ) -> None:
        learn(project, 12)
        run = open_run(project)
        training.stop(run, by=make_user(), at=timezone.now())
        later = timezone.now() + timedelta(hours=1)
        assert new_labels.count(project).total == 12
        assert check(project, at=later).evidence["code"] == "stopped"
        learn(project, 9, at=timezone.now())
        assert check(project, at=later).evidence["code"] == "stopped"
        learn(project, 1, at=timezone.now())
        assert check(project, at=later).fired


class TestAFailedRun:
    """Seen: 0 of 50 new labels after a run that left nothing."""

    @pytest.fixture
    def failed(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
        """40 labels, a run that learnt from them, 12 more, and a run that failed."""
        learn(project, 40)
        make_version(project, at=timezone.now())
        learn(project, 12, at=timezone.now())
        self.fail(project, monkeypatch)
        return project

    def fail(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> TrainingRun:
        def breaks(*args: Any, **options: Any) -> None:
            raise PermanentFailure("the disk is full")

        with monkeypatch.context() as broken:
            broken.setattr(fitting, "fit", breaks)
            run = do(open_run(project))
        assert run.state == RunState.FAILED and run.dataset is not None
        return run

    def test_spends_no_label(self, failed: Project) -> None:
        found = load_history(failed)
        assert (new_labels.count(failed).total, found.last, found.failures) == (12, 2, 1)
        learn(failed, 2, at=timezone.now())
        assert new_labels.count(failed).total == 14

    def test_is_tried_again_by_itself_after_a_pause(self, failed: Project) -> None:
        assert run_records.load_evidence(check(failed).evidence).code == "failed"
        again = check(failed, at=timezone.now() + timedelta(minutes=6))
        assert again.fired and again.run is not None
        assert do(again.run).state == RunState.SUCCEEDED
        assert new_labels.count(failed).total == 0

    def test_is_tried_less_often_the_more_often_it_fails(
        self, failed: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.fail(failed, monkeypatch)
        assert check(failed, at=timezone.now() + timedelta(minutes=6)).evidence["code"] == "failed"
        assert check(failed, at=timezone.now() + timedelta(minutes=11)).fired

    def test_is_known_behind_any_number_of_others(self, failed: Project) -> None:
        for number in range(3, 30):
            TrainingRun.objects.create(
                project=failed, number=number, state="failed", reason="r", created_at=NOW, finished_at=timezone.now()
            )
        assert new_labels.count(failed).total == 12

    def test_watch_asks_for_a_close_look_when_the_pause_is_over(self, failed: Project) -> None:
        Job.objects.all().delete()
        checks.check_all_projects(at=timezone.now())
        assert not Job.objects.exists()
        checks.check_all_projects(at=timezone.now() + timedelta(minutes=6))
        assert Job.objects.get().kind == "retraining.check"

    def test_every_page_counts_the_same_labels(self, failed: Project, client: Client) -> None:
        learn(failed, 3, evaluation=True, at=timezone.now())
        client.force_login(make_user("emil", failed, "engineer"))
        runs = client.get(reverse("retraining:run-list", args=[failed.slug])).content.decode()
        assert "15 of 10 new labels" in runs
        facts = loop.collect(failed, at=timezone.now(), serves="")
        train = next(one for one in stations.stations(failed, facts, at=timezone.now()) if one.key == "train")
        assert (facts.trigger_new, train.count, train.unit) == (15, "15", "of 10 new labels")
        assert "Look at run 2, which failed" in [action.words for action in actions.actions(failed, facts)]
        for name, n in (("new-train", 12), ("new-evaluation", 3)):
            page = client.get(reverse(f"retraining:{name}", args=[failed.slug])).content.decode()
            assert page.count('<li class="card">') == n

    def test_a_run_that_found_nothing_to_learn_has_seen_its_labels(self, project: Project) -> None:
        items = learn(project, 40)
        make_version(project, at=timezone.now())
        for item in items[:12]:
            supersede(item.resolutions.get(), item.resolutions.get().value, at=timezone.now())
        assert new_labels.count(project).total == 12
        assert do(open_run(project)).state == RunState.UNCHANGED
        assert new_labels.count(project).total == 0


class TestCheck:
    def test_opens_a_run_with_its_evidence(self, project: Project) -> None:
        learn(project, 8)
        learn(project, 3, evaluation=True)
        row = check(project)
        run = TrainingRun.objects.get()
        assert (row.fired, row.run, run.reason) == (True, run, "11 new labels; a run starts at 10.")
        assert run_records.load_evidence(run.evidence) == TriggerEvidence(
            code="fires", figures={"training": 8, "evaluation": 3}
        )

    def test_says_why_not(self, project: Project) -> None:
        learn(project, 4)
        row = check(project)
        assert (row.fired, row.words) == (False, "4 of 10 new labels; a run starts at 10.")
        assert not TrainingRun.objects.exists()

    def test_writes_a_row_only_when_the_answer_is_another_one(self, project: Project) -> None:
        for _ in range(3):
            learn(project, 2)
            check(project)
        assert TriggerCheck.objects.count() == 1
        newest = checks.newest_check(project, RULE)
        assert newest is not None and newest.words == "6 of 10 new labels; a run starts at 10."
        learn(project, 5)
        check(project)
        check(project)
        assert list(TriggerCheck.objects.order_by("pk").values_list("fired", flat=True)) == [False, True, False]

    def test_waits_for_the_cooldown(self, project: Project) -> None:
        learn(project, 40)
        make_version(project, at=timezone.now())
        learn(project, 12, at=timezone.now())
        assert "has just ended" in check(project).words
        assert check(project, at=timezone.now() + timedelta(minutes=6)).fired

    def test_does_not_fire_where_nothing_would_change(self, project: Project) -> None:
        items = learn(project, 40)
        make_version(project, at=timezone.now())
        for item in items[:12]:
            resolution = item.resolutions.get()
            supersede(resolution, resolution.value, at=timezone.now())
        row = check(project, at=timezone.now() + timedelta(minutes=6))
        assert (row.fired, run_records.load_evidence(row.evidence).code) == (False, "unchanged")

    def test_does_not_fire_on_labels_that_are_all_alike(self, project: Project) -> None:
        for item in learn(project, 12):
            item.resolutions.update(value="ham")
        assert run_records.load_evidence(check(project).evidence).code == "one_class"

    def test_a_row_knows_since_when_it_holds_and_of_when_its_figures_are(self, project: Project) -> None:
        learn(project, 2)
        check(project, at=NOW)
        check(project, at=NOW + timedelta(minutes=1))
        learn(project, 2)
        later = NOW + timedelta(minutes=30)
        row = check(project, at=later)
        assert (row.at, row.changed_at, row.words[:7]) == (NOW, later, "4 of 10")
        assert TriggerCheck.objects.count() == 1


class TestWatch:
    def test_lets_a_job_look_closely_only_where_it_seems_time(self, project: Project) -> None:
        learn(project, 12)
        make_numeric_project()
        checks.check_all_projects(at=timezone.now())
        job = Job.objects.get()
        assert (job.kind, job.project) == ("retraining.check", project)
        execution.run(job.pk)
        assert TrainingRun.objects.get().project == project

    def test_one_look_is_enough_for_the_same_labels(self, project: Project) -> None:
        for item in learn(project, 12):
            item.resolutions.update(value="ham")
        checks.check_all_projects(at=timezone.now())
        execution.run(Job.objects.get().pk)
        checks.check_all_projects(at=timezone.now())
        assert Job.objects.count() == 1
        learn(project, 1)
        checks.check_all_projects(at=timezone.now())
        assert Job.objects.count() == 2

    def test_broken_settings_of_one_project_stop_no_other(self, project: Project) -> None:
        Project.objects.filter(pk=make_numeric_project("a-first").pk).update(retraining={"after_labels": "many"})
        broken = make_numeric_project(retraining={"cooldown_minutes": None})
        learn(broken, 1)
        learn(project, 12)
        checks.check_all_projects(at=timezone.now())
        assert Job.objects.get().project == project

    def test_costs_few_queries(self, project: Project, django_assert_max_num_queries: Any) -> None:
        learn(project, 4)
        checks.check_all_projects(at=timezone.now())
        with django_assert_max_num_queries(10):
            checks.check_all_projects(at=timezone.now())

    def test_ends_runs_whose_job_ended_without_them(self, project: Project) -> None:
        learn(project, 12)
        run = open_run(project)
        Job.objects.update(state="cancelled")
        checks.check_all_projects(at=timezone.now())
        assert do(run).state == RunState.STOPPED
