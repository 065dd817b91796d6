"""Labels where a candidate and what serves differ: found once, drawn, asked blind, and judged after each label."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from annotation import blinding
from annotation.models import Cause, Item, Prediction, RoutedItem, RoutedState, Source
from jobs import faults, queue
from jobs.models import Job, JobState
from projects.models import Project, Role, User
from retraining import datasets, disagreements, judging, registry, release
from retraining.disagreement_window import labelled_draws, paired_traffic
from retraining.learning.gate.disagreement import SequentialDecision
from retraining.models import DisagreementSample, ModelVersion
from tests.factories import make_user
from tests.retraining.disagreement_scenarios import (
    ITEMS,
    ada,
    label,
    said,
    sample,
    verdict_of,
    version,
    window_of,
)
from tests.retraining.scenarios import Crash, crash_at, make_version, resolve, supersede

__all__ = ["ada", "sample", "version"]  # fixtures
pytestmark = pytest.mark.django_db


class TestTheDraw:
    def test_counts_where_they_differ_over_traffic_that_the_candidate_answers_for_it(
        self, version: ModelVersion, sample: DisagreementSample
    ) -> None:
        window = window_of(sample)
        scored = Prediction.objects.filter(project=version.project, model_version="v2", source=Source.RESCORED)
        assert scored.count() == window.rows == ITEMS
        differ = {item.pk for item in version.project.items.all() if 0.1 < item.inputs["x"] <= 1 and not resolved(item)}
        assert differ <= {one.item for one in window.drawn}
        assert window.disagreements == len(window.drawn) and 20 < window.disagreements < 60
        assert {(one.champion, one.candidate) for one in window.drawn} == {("ham", "spam")}

    def test_asks_the_first_blind_in_the_order_of_the_draw_and_never_to_be_trained_on(
        self, version: ModelVersion, sample: DisagreementSample
    ) -> None:
        rows = RoutedItem.objects.filter(project=version.project, cause=Cause.DISAGREEMENT).order_by("-priority")
        drawn = [one.item for one in window_of(sample).drawn]
        assert sample.asked == rows.count() == disagreements.FIRST_ASKED
        assert [row.item_id for row in rows] == drawn[: sample.asked]
        assert all(row.evaluation and blinding.is_evaluation(row) for row in rows)
        assert {row.numbers["rank"] for row in rows} == set(range(1, sample.asked + 1))
        assert rows[0].inclusion_probability == pytest.approx(sample.asked / len(drawn))
        label(sample, [0])
        plan = datasets.plan_dataset(version.project, at=timezone.now())
        assert [row.split for row in plan.rows if row.item_id == drawn[0]] == ["evaluation"]

    def test_asked_items_stand_for_themselves_and_the_audit_for_the_rest(self, sample: DisagreementSample) -> None:
        items = Item.objects.filter(pk__in=[one.item for one in window_of(sample).drawn[: sample.asked]])
        assert all(item.asked_at is not None and not item.in_pool for item in items)

    def test_what_the_audit_drew_keeps_its_random_place_in_the_audit(
        self, version: ModelVersion, ada: User, run_jobs: Any
    ) -> None:
        Item.objects.filter(project=version.project, audit_number=0.5).update(audit_number=0.001)
        disagreements.request(version, by=ada, at=timezone.now())
        run_jobs()
        asked = RoutedItem.objects.filter(project=version.project, state=RoutedState.OPEN)
        assert set(asked.values_list("cause", flat=True)) == {Cause.AUDIT}

    def test_is_made_by_a_job_that_an_older_release_enqueued(self, version: ModelVersion, run_jobs: Any) -> None:
        payload = {"version": version.tag, "draw": True}
        queue.enqueue(disagreements.KIND, key="x", project=version.project, payload=payload, at=timezone.now())
        run_jobs()
        assert version.disagreement_samples.get().asked == disagreements.FIRST_ASKED

    def test_leaves_out_what_a_version_learnt_from_and_repeated_items(
        self, version: ModelVersion, ada: User, run_jobs: Any
    ) -> None:
        learnt = version.project.items.order_by("pk").first()
        assert learnt is not None
        said(version.project, learnt.inputs["x"], learnt.inputs["y"])
        for _ in range(3):
            said(version.project, 0.5, 0.25)
        disagreements.request(version, by=ada, at=timezone.now())
        run_jobs()
        window = window_of(version.disagreement_samples.get())
        assert (window.rows, window.learnt, window.copies) == (ITEMS + 1, 1, 2)

    def test_is_one_however_often_it_is_asked_for(self, version: ModelVersion, ada: User, run_jobs: Any) -> None:
        assert len({disagreements.request(version, by=ada, at=timezone.now()).pk for _ in range(3)}) == 1
        assert disagreements.waiting(version) is not None
        run_jobs()
        disagreements.request(version, by=ada, at=timezone.now())
        run_jobs()
        assert version.disagreement_samples.count() == 1
        assert RoutedItem.objects.filter(project=version.project).count() == disagreements.FIRST_ASKED

    @pytest.mark.parametrize("point", ["before_commit", "inside_commit"])
    def test_killed_leaves_no_half_of_it(
        self, version: ModelVersion, ada: User, run_jobs: Any, monkeypatch: pytest.MonkeyPatch, point: str
    ) -> None:
        disagreements.request(version, by=ada, at=timezone.now())
        monkeypatch.setattr(faults, "point", crash_at(point))
        with pytest.raises(Crash):
            run_jobs()
        assert not DisagreementSample.objects.exists() and not RoutedItem.objects.filter(state="open").exists()

    @pytest.mark.simulation
    def test_a_slice_by_segment_is_counted_and_one_by_true_label_is_left_to_the_audit(
        self, version: ModelVersion, ada: User, run_jobs: Any
    ) -> None:
        Project.objects.update(retraining={"protected": ["channel=web", "label=spam"]})
        Item.objects.filter(project=version.project).update(segment={"channel": "web"})
        disagreements.request(version, by=ada, at=timezone.now())
        run_jobs()
        sample = version.disagreement_samples.get()
        window = window_of(sample)
        assert window.slices == {"channel=web": (ITEMS, window.disagreements)} and window.not_asked == ["label=spam"]
        label(sample, range(25))
        disagreements.watch(timezone.now())
        run_jobs()
        found = verdict_of(sample)
        assert found.decision == SequentialDecision.PROMOTE and found.slices[0].passed

    def test_there_must_be_another_version_that_serves(self, version: ModelVersion, ada: User) -> None:
        release.promote(version, by=None, reason="x", at=timezone.now())
        with pytest.raises(disagreements.NoDisagreement, match="no other version"):
            disagreements.request(version, by=ada, at=timezone.now())


def resolved(item: Item) -> bool:
    return item.resolutions.exists()


class TestTheVerdict:
    def test_follows_each_label(self, version: ModelVersion, sample: DisagreementSample, run_jobs: Any) -> None:
        assert (verdict_of(sample).labels, verdict_of(sample).decision) == (0, SequentialDecision.UNDECIDED)
        decisions = []
        for upto in (3, 20):
            label(sample, range(0 if upto == 3 else 3, upto))
            disagreements.watch(timezone.now())
            run_jobs()
            decisions.append((verdict_of(sample).labels, verdict_of(sample).decision))
        assert decisions == [(3, SequentialDecision.UNDECIDED), (20, SequentialDecision.PROMOTE)]
        found = verdict_of(sample)
        assert found.difference is not None and found.difference.low > 0
        assert found.difference.value == pytest.approx(100 * found.disagreements / found.rows)

    def test_refuses_a_worse_candidate(self, sample: DisagreementSample, run_jobs: Any) -> None:
        label(sample, range(20), right=False)
        disagreements.watch(timezone.now())
        run_jobs()
        assert verdict_of(sample).decision == SequentialDecision.REFUSE

    def test_counts_labels_in_the_order_of_the_draw(self, sample: DisagreementSample) -> None:
        label(sample, [0, 1, 3, 4])
        found = labelled_draws(window_of(sample), asked=sample.asked)
        assert (found.places, found.settled, found.later) == ([0, 1], 2, 2)
        assert found.waiting == disagreements.FIRST_ASKED - 4
        assert disagreements.next_count(verdict_of(sample), sample) == 2

    def test_goes_on_after_an_item_that_no_label_fits(self, sample: DisagreementSample, ada: User) -> None:
        from annotation import resolution

        label(sample, [0, 2])
        item = Item.objects.get(pk=window_of(sample).drawn[1].item)
        resolution.decide_no_label(item, reason="neither", by=ada, at=timezone.now())
        assert labelled_draws(window_of(sample), asked=sample.asked).places == [0, 2]

    def test_changes_with_a_label_that_is_changed(self, sample: DisagreementSample, run_jobs: Any) -> None:
        label(sample, [0])
        item = Item.objects.get(pk=window_of(sample).drawn[0].item)
        supersede(item.resolutions.get(), "ham", at=timezone.now())
        disagreements.watch(timezone.now())
        run_jobs()
        assert (verdict_of(sample).fixed, verdict_of(sample).broken) == (0, 1)

    def test_nothing_is_judged_again_without_a_new_label_or_against_a_former_champion(
        self, version: ModelVersion, sample: DisagreementSample
    ) -> None:
        disagreements.watch(timezone.now())
        assert not Job.objects.filter(kind=disagreements.KIND, state=JobState.QUEUED).exists()
        release.promote(make_version(version.project), by=None, reason="x", at=timezone.now())
        label(sample, [0])
        disagreements.watch(timezone.now())
        assert not Job.objects.filter(key__endswith=":judge").exists()

    def test_stands_beside_the_gate_on_audit_items(self, version: ModelVersion, sample: DisagreementSample) -> None:
        judging.judge_again(version, by=None, at=timezone.now())
        verdict = ModelVersion.objects.get(pk=version.pk).verdict
        assert verdict is not None and verdict.decision == "hold"
        assert verdict.disagreement == verdict_of(sample)

    def test_the_window_is_given_to_the_gate_with_its_counts(self, sample: DisagreementSample) -> None:
        window = window_of(sample)
        paired = paired_traffic(window, {"ham": 0, "spam": 1})
        assert (paired.n, int(paired.differs.sum())) == (window.rows, window.disagreements)


class TestAskingForMore:
    def test_goes_on_with_the_draw_and_stops_at_its_end(
        self, version: ModelVersion, sample: DisagreementSample, ada: User
    ) -> None:
        total = len(window_of(sample).drawn)
        put = disagreements.request_more(sample, count=5000, by=ada, at=timezone.now())
        assert put == total - disagreements.FIRST_ASKED
        with pytest.raises(disagreements.NoDisagreement, match="Every disagreement"):
            disagreements.request_more(sample, count=1, by=ada, at=timezone.now())

    def test_an_item_that_waits_elsewhere_is_measured_with_from_now_on(
        self, version: ModelVersion, ada: User, run_jobs: Any
    ) -> None:
        from annotation import queues

        at = timezone.now()
        entries = [queues.Entry(pk, "x", {}, 1.0, 0.5) for pk in version.project.items.values_list("pk", flat=True)]
        queues.add_entries(queues.ensure(version.project, Cause.UNCERTAIN, at=at), entries, at=at)
        disagreements.request(version, by=ada, at=at)
        run_jobs()
        drawn = [one.item for one in window_of(version.disagreement_samples.get()).drawn[:30]]
        rows = RoutedItem.objects.filter(item__in=drawn)
        assert {(row.cause, row.evaluation) for row in rows} == {(Cause.UNCERTAIN, True)}


class TestThePage:
    @pytest.fixture
    def engineer(self, version: ModelVersion, client: Any) -> Any:
        client.force_login(make_user("eve", version.project, Role.ENGINEER))
        return client

    def url(self, version: ModelVersion, part: str = "") -> str:
        return f"/p/{version.project.slug}/compare/{version.number}/{part}"

    def test_finds_shows_and_asks(self, version: ModelVersion, engineer: Any, run_jobs: Any) -> None:
        assert "Label where they differ" in engineer.get(self.url(version)).content.decode()
        engineer.post(self.url(version, "disagreements/find/"))
        assert "v2 is answering recent traffic." in engineer.get(self.url(version)).content.decode()
        run_jobs()
        sample = version.disagreement_samples.get()
        page = " ".join(engineer.get(self.url(version)).content.decode().split())
        window = window_of(sample)
        assert "Where they differ: not decided yet" in page
        assert f">{window.disagreements}</a> of <a" in page and f">{ITEMS}</a> items of the last 30 days" in page
        label(sample, range(20))
        disagreements.watch(timezone.now())
        run_jobs()
        page = " ".join(engineer.get(self.url(version)).content.decode().split())
        assert "v2 is better than v1" in page and "Hold" in page

    def test_puts_more_before_people(self, version: ModelVersion, engineer: Any, sample: DisagreementSample) -> None:
        answer = engineer.post(self.url(version, "disagreements/ask/"), {"count": 3})
        assert answer.status_code == 302
        assert DisagreementSample.objects.get(pk=sample.pk).asked == disagreements.FIRST_ASKED + 3
        assert engineer.post(self.url(version, "disagreements/ask/"), {"count": "x"}).status_code == 422
        engineer.post(self.url(version, "disagreements/ask/"), {"count": 5000})
        assert engineer.post(self.url(version, "disagreements/ask/"), {"count": 1}).status_code == 409

    def test_says_why_nothing_can_be_found(self, version: ModelVersion, engineer: Any) -> None:
        assert engineer.post(self.url(version, "disagreements/ask/"), {"count": 1}).status_code == 409
        release.promote(version, by=None, reason="x", at=timezone.now())
        assert engineer.post(self.url(version, "disagreements/find/")).status_code == 409


def test_a_sample_against_a_former_champion_is_not_the_one_that_counts(
    version: ModelVersion, sample: DisagreementSample
) -> None:
    assert disagreements.sample_of(version, registry.incumbent(version.project)) == sample
    release.promote(make_version(version.project), by=None, reason="x", at=timezone.now() + timedelta(seconds=1))
    assert disagreements.sample_of(version, registry.incumbent(version.project)) is None


def test_evaluation_labels_of_the_audit_count_as_well(version: ModelVersion, ada: User, run_jobs: Any) -> None:
    for item in version.project.items.filter(resolutions=None):
        resolve(item, "spam" if item.inputs["x"] > 0 else "ham", evaluation=True, audit_probability=0.5)
    disagreements.request(version, by=ada, at=timezone.now())
    run_jobs()
    found = verdict_of(version.disagreement_samples.get())
    assert found.labels == found.disagreements > 20
    assert found.decision == SequentialDecision.PROMOTE
    assert not RoutedItem.objects.filter(project=version.project, state=RoutedState.OPEN).exists()
