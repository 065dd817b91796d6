"""Labels where two versions differ open the gate, are asked by themselves, and cost what the project says."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from annotation.models import Cause, RoutedItem
from jobs.models import Job, JobState
from projects.models import Project, User
from retraining import disagreement_window, disagreements, judging, registry, release
from retraining.judging import VerdictState
from retraining.learning.gate.disagreement import SequentialDecision
from retraining.models import DisagreementSample, ModelVersion, Release
from retraining.window_bodies import MistakeCosts
from tests.retraining.disagreement_scenarios import ada, label, said, sample, verdict_of, version, window_of
from tests.retraining.scenarios import judged, make_version, supersede

__all__ = ["ada", "sample", "version"]  # fixtures
pytestmark = pytest.mark.django_db
BY_ITSELF = {"promote": "by_gate", "gate": "disagreement"}


def state(version: ModelVersion) -> VerdictState:
    fresh = ModelVersion.objects.select_related("project", "judgement").get(pk=version.pk)
    return judging.state_of(fresh, registry.incumbent(fresh.project))


def look(run_jobs: Any, *, later: timedelta = timedelta(0)) -> None:
    disagreements.watch(timezone.now() + later)
    Job.objects.filter(due_at__gt=timezone.now()).update(due_at=timezone.now())
    run_jobs()


def policy(**settings: Any) -> None:
    Project.objects.update(retraining=settings)


class TestWhatOpensTheGate:
    def test_is_one_test_that_the_project_names(
        self, version: ModelVersion, sample: DisagreementSample, run_jobs: Any
    ) -> None:
        label(sample, range(20))
        look(run_jobs)
        assert verdict_of(sample).decision == SequentialDecision.PROMOTE
        assert state(version) == VerdictState.HOLD  # the audit decides unless the project says otherwise
        policy(gate="disagreement")
        assert state(version) == VerdictState.PROMOTE
        judged(version, {"decision": "promote"})
        DisagreementSample.objects.all().delete()
        assert state(version) == VerdictState.HOLD
        policy(gate="audit")
        assert state(version) == VerdictState.PROMOTE

    def test_is_closed_while_undecided_and_where_it_is_refused(
        self, version: ModelVersion, sample: DisagreementSample, run_jobs: Any
    ) -> None:
        policy(gate="disagreement")
        judged(version, {"decision": "promote"})
        assert state(version) == VerdictState.HOLD
        label(sample, range(20), right=False)
        look(run_jobs)
        assert state(version) == VerdictState.HOLD

    def test_is_void_against_a_former_champion(
        self, version: ModelVersion, sample: DisagreementSample, run_jobs: Any
    ) -> None:
        policy(gate="disagreement")
        label(sample, range(20))
        look(run_jobs)
        release.promote(make_version(version.project), by=None, reason="x", at=timezone.now())
        assert state(version) == VerdictState.VOID

    def test_leaves_slices_by_true_label_to_the_audit(self, version: ModelVersion, ada: User, run_jobs: Any) -> None:
        policy(gate="disagreement", protected=["label=spam"])
        disagreements.request(version, by=ada, at=timezone.now())
        run_jobs()
        label(version.disagreement_samples.get(), range(20))
        look(run_jobs)
        gate: dict[str, Any] = {"condition": "not_worse", "alpha": 0.05, "slice_name": "label=spam", "margin": 1.0}
        for passed, opened in ((False, VerdictState.HOLD), (True, VerdictState.PROMOTE)):
            judged(version, {"gates": [{**gate, "passed": passed}]})
            assert state(version) == opened

    def test_a_first_version_is_still_judged_against_the_naive_baseline(self, version: ModelVersion) -> None:
        ModelVersion.objects.exclude(pk=version.pk).update(stage=ModelVersion.Stage.RETIRED)
        version.project.predictions.all().delete()  # nothing is captured either
        Project.objects.update(champion_version="", retraining={"gate": "disagreement"})
        judged(ModelVersion.objects.get(pk=version.pk), {"decision": "promote"})
        assert registry.incumbent(version.project).tag == "" and state(version) == VerdictState.PROMOTE


class TestByItself:
    def test_draws_asks_and_promotes_with_its_reason(self, version: ModelVersion, run_jobs: Any) -> None:
        policy(**BY_ITSELF)
        look(run_jobs)
        sample = version.disagreement_samples.get()
        routed = RoutedItem.objects.filter(project=version.project, cause=Cause.DISAGREEMENT)
        assert sample.asked == routed.count() == disagreements.FIRST_ASKED
        label(sample, range(20))
        look(run_jobs)
        made = Release.objects.latest("pk")
        assert (made.version, made.automatic, made.by) == (version, True, None)
        assert made.reason.startswith("By the disagreement gate: +") and "at most 5%" in made.reason
        assert made.verdict["disagreement"]["decision"] == "promote" and made.verdict["decision"] == "hold"
        assert ModelVersion.objects.get(pk=version.pk).stage == ModelVersion.Stage.CHAMPION

    @pytest.mark.parametrize("given", [{}, {"promote": "by_gate"}, {"gate": "disagreement"}])
    def test_does_nothing_under_another_policy(
        self, version: ModelVersion, run_jobs: Any, given: dict[str, str], ada: User
    ) -> None:
        policy(**given)
        look(run_jobs)
        assert not DisagreementSample.objects.exists()
        disagreements.request(version, by=ada, at=timezone.now())
        run_jobs()
        sample = version.disagreement_samples.get()
        label(sample, range(20))
        look(run_jobs)
        assert verdict_of(sample).decision == SequentialDecision.PROMOTE
        assert ModelVersion.objects.get(pk=version.pk).stage == ModelVersion.Stage.CANDIDATE

    def test_asks_for_more_when_all_are_answered_and_not_before(self, version: ModelVersion, run_jobs: Any) -> None:
        policy(**BY_ITSELF)
        look(run_jobs)
        sample = version.disagreement_samples.get()
        total, first = len(window_of(sample).drawn), disagreements.FIRST_ASKED
        assert total > first
        for place in range(first - 1):
            label(sample, [place], right=place % 2 == 0)
        look(run_jobs)
        assert DisagreementSample.objects.get(pk=sample.pk).asked == first
        label(sample, [first - 1])
        look(run_jobs)
        assert DisagreementSample.objects.get(pk=sample.pk).asked > first

    def test_never_asks_for_more_than_its_limit(
        self, version: ModelVersion, run_jobs: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(disagreements, "MOST_BY_ITSELF", 32)
        policy(**BY_ITSELF)
        look(run_jobs)
        sample = version.disagreement_samples.get()
        for upto in (30, 32):
            start = 0 if upto == 30 else 30
            for place in range(start, upto):
                label(sample, [place], right=place % 2 == 0)
            look(run_jobs)
            assert DisagreementSample.objects.get(pk=sample.pk).asked == 32

    def test_asks_for_the_newest_candidate_alone(self, version: ModelVersion, run_jobs: Any) -> None:
        policy(**BY_ITSELF)
        newer = make_version(version.project)
        look(run_jobs)
        assert set(DisagreementSample.objects.values_list("version", flat=True)) == {newer.pk}

    def test_waits_an_hour_where_there_are_too_few_disagreements_and_spends_no_draw(
        self, version: ModelVersion, run_jobs: Any
    ) -> None:
        policy(**BY_ITSELF)
        kept = [item.pk for item in version.project.items.order_by("-pk")[:40]]
        version.project.items.filter(predictions__model_version="v1").exclude(pk__in=kept).delete()
        look(run_jobs)
        job = Job.objects.get(kind=disagreements.KIND)
        assert job.state == JobState.SUCCEEDED and 0 < job.result["disagreements"] < disagreements.FIRST_ASKED
        assert not DisagreementSample.objects.exists()
        look(run_jobs, later=timedelta(minutes=59))
        assert Job.objects.filter(kind=disagreements.KIND).count() == 1
        for place in range(40):
            said(version.project, 0.2 + place / 100, 3.0 + place)
        look(run_jobs, later=timedelta(minutes=61))
        assert version.disagreement_samples.get().asked == disagreements.FIRST_ASKED

    def test_a_version_that_was_rolled_back_is_not_promoted_again(self, version: ModelVersion, run_jobs: Any) -> None:
        policy(**BY_ITSELF)
        look(run_jobs)
        sample = version.disagreement_samples.get()
        label(sample, range(20))
        look(run_jobs)
        release.roll_back(version.project, by=None, reason="worse after all", at=timezone.now())
        label(sample, [20])
        look(run_jobs)
        assert ModelVersion.objects.get(pk=version.pk).stage == ModelVersion.Stage.RETIRED


def test_a_label_that_was_being_written_during_the_look_is_found_a_minute_later(
    sample: DisagreementSample, run_jobs: Any
) -> None:
    label(sample, [0])
    DisagreementSample.objects.update(judged_at=timezone.now() + timedelta(seconds=1))  # its time is before the look
    look(run_jobs)
    assert verdict_of(sample).labels == 0
    DisagreementSample.objects.update(judged_at=timezone.now() + timedelta(seconds=1))
    look(run_jobs, later=disagreements.WRITTEN_WITHIN + timedelta(seconds=2))
    assert verdict_of(sample).labels == 1


class TestCosts:
    @pytest.fixture
    def priced(self, version: ModelVersion, ada: User, run_jobs: Any) -> DisagreementSample:
        """All disagreements are ham by v1 and spam by v2."""
        Project.objects.update(positive="spam", costs={"false_positive": 1, "false_negative": 10})
        disagreements.request(version, by=ada, at=timezone.now())
        run_jobs()
        return version.disagreement_samples.get()

    def test_decide_where_the_project_has_them(self, priced: DisagreementSample, run_jobs: Any) -> None:
        places = range(30)
        for place in places:  # more often wrong than right, and yet cheaper
            label(priced, [place], right=place % 3 == 0)
        look(run_jobs)
        found = verdict_of(priced)
        assert (found.fixed, found.broken, found.dearest) == (10, 20, 10.0)
        assert found.difference is not None
        rate = found.disagreements / found.rows
        assert found.difference.value == pytest.approx(100 * rate * (10 * 10 - 20 * 1) / (10 * 30))

    def test_promote_what_costs_less_though_it_is_wrong_as_often(
        self, priced: DisagreementSample, run_jobs: Any
    ) -> None:
        label(priced, range(30), right=True)
        look(run_jobs)
        assert verdict_of(priced).decision == SequentialDecision.PROMOTE

    def test_are_those_of_the_draw_whatever_is_set_later(self, priced: DisagreementSample, run_jobs: Any) -> None:
        Project.objects.update(costs={"false_positive": 7, "false_negative": 1})
        label(priced, range(3))
        look(run_jobs)
        assert window_of(priced).costs == MistakeCosts(positive="spam", false_positive=1, false_negative=10)
        assert verdict_of(priced).dearest == 10

    def test_of_nothing_leave_the_share_of_right_answers(self, version: ModelVersion, ada: User, run_jobs: Any) -> None:
        Project.objects.update(positive="spam", costs={"false_positive": 0, "false_negative": 0})
        disagreements.request(version, by=ada, at=timezone.now())
        run_jobs()
        assert window_of(version.disagreement_samples.get()).costs is None

    def test_a_label_that_neither_version_gave_costs_as_its_kind_of_mistake(
        self, priced: DisagreementSample, run_jobs: Any
    ) -> None:
        label(priced, [0])
        first = window_of(priced).drawn[0].item
        resolved = priced.version.project.items.get(pk=first).resolutions.get()
        supersede(resolved, "a label since withdrawn", at=timezone.now())
        look(run_jobs)
        found = verdict_of(priced)
        assert (found.labels, found.fixed, found.broken) == (1, 0, 0)
        assert (
            found.difference is not None and found.difference.value < 0
        )  # spam is a false positive, ham costs nothing


def test_only_the_newest_answers_are_looked_at_and_the_window_says_so(
    version: ModelVersion, ada: User, run_jobs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disagreement_window, "MOST_ROWS", 50)
    disagreements.request(version, by=ada, at=timezone.now())
    run_jobs()
    window = window_of(version.disagreement_samples.get())
    newest = version.project.items.filter(predictions__model_version="v1").order_by("-at", "-pk")[:50]
    listed = [one.item for one in window.drawn] + (window.not_drawn_ids or []) + (window.alike_ids or [])
    assert (window.rows, window.limited) == (50, True) and set(listed) == {item.pk for item in newest}
