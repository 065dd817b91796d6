"""Reports and findings: recomputable, honest about too little, fed by what people decide."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from analysis import findings, relabel
from analysis.labelled_samples import LabelledSample
from analysis.models import Finding, Report
from analysis.reports import refreshing, stored
from analysis.reports.kinds import performance
from analysis.reports.registry import ReportRows, report_kinds
from annotation.models import Item, Prediction, Queue, Resolution
from projects.models import AuditEvent, Project
from tests.analysis.scenarios import judged_project, make_finding, performance_body, quality_body, resolve
from tests.factories import NOW, make_item, make_prediction, make_project, make_user

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)


def test_the_same_rows_make_no_new_report() -> None:
    project, _ = judged_project()
    assert len(refreshing.refresh(project, at=NOW)) == sum(len(kind.windows) for kind in report_kinds())
    assert refreshing.refresh(project, at=NOW) == []


def test_performance_carries_interval_and_n() -> None:
    project, _ = judged_project(60, wrong=6)
    refreshing.refresh(project, at=NOW)
    body = performance_body(project, "v1")
    assert body.classes is not None
    assert body.score == body.classes.accuracy
    assert body.score.value == pytest.approx(0.9)
    assert body.score.low < 0.9 < body.score.high
    assert (body.n, body.audit) == (60, 60)
    assert np.sum(body.classes.counts) == 60
    assert [row.labelled for row in body.classes.per_class] == [30, 30]
    assert body.series


def test_nothing_to_judge_by_is_said_and_not_guessed() -> None:
    project = make_project(champion_version="v1")
    refreshing.refresh(project, at=NOW)
    assert performance_body(project, "v1").n == 0
    quality = quality_body(project)
    assert (quality.n, quality.problem, quality.share) == (0, "few_labels", None)


def noisy(n: int = 120, flips: int = 10) -> tuple[Project, list[int]]:
    """Labels of which the first `flips` are wrong, with confident out-of-fold scores of the truth."""
    project = make_project()
    rng = np.random.default_rng(0)
    ids = []
    for i in range(n):
        item, truth = make_item(project), i % 2
        sure = float(rng.uniform(0.85, 0.99))
        make_prediction(item, [sure, 1 - sure] if truth == 0 else [1 - sure, sure], source="out_of_fold")
        given = truth if i >= flips else 1 - truth
        Resolution.objects.create(
            project=project,
            item=item,
            value=["ham", "spam"][given],
            method="single",
            quality=1.0,
            votes=1,
            resolved_at=NOW,
        )
        ids.append(item.pk)
    return project, ids


def test_suspects_are_the_wrong_labels() -> None:
    project, ids = noisy()
    refreshing.refresh(project, at=NOW)
    suspects = Finding.objects.order_by("score")
    found = {finding.item_id for finding in suspects}
    assert found <= set(ids[:10])
    assert len(found) >= 9
    assert all(finding.given != finding.suggested for finding in suspects)


def test_fixing_settles_the_item_and_keeping_is_not_asked_again() -> None:
    project, _ = noisy()
    refreshing.refresh(project, at=NOW)
    ruth = make_user("ruth", project, "reviewer")
    first, second = Finding.objects.order_by("score")[:2]

    findings.record_decision(first, "fixed", by=ruth, at=NOW)
    findings.record_decision(second, "kept", by=ruth, at=NOW)
    refreshing.refresh(project, at=NOW)

    assert Resolution.objects.current().get(item=first.item).value == first.suggested
    assert not Finding.objects.filter(item__in=[first.item, second.item], decision="open").exists()
    assert AuditEvent.objects.filter(action="finding.decide").count() == 2


class TestRefresh:
    """A finding keeps its identity; a decision stays whenever it comes."""

    @pytest.fixture
    def project(self) -> Project:
        project, _ = noisy()
        refreshing.refresh(project, at=NOW)
        return project

    def test_updates_what_is_found_again(self, project: Project) -> None:
        before = {row.pk: row.score for row in Finding.objects.all()}
        Prediction.objects.filter(source="out_of_fold").first().delete()
        Finding.objects.update(score=0.5, suggested="x")
        refreshing.refresh(project, at=LATER)
        after = {row.pk: row for row in Finding.objects.filter(decision="open")}
        assert set(after) <= set(before)
        assert len(after) >= len(before) - 1
        assert all(row.score < 0.5 and row.suggested != "x" and row.found_at == NOW for row in after.values())

    def test_closes_what_is_no_longer_found_and_opens_it_again(self, project: Project) -> None:
        finding = Finding.objects.first()
        assert finding
        change_label(finding.item, finding.suggested)
        refreshing.refresh(project, at=LATER)
        finding.refresh_from_db()
        assert finding.decision == "gone"
        change_label(finding.item, finding.given)
        refreshing.refresh(project, at=LATER)
        finding.refresh_from_db()
        assert finding.decision == "open"

    def test_a_decision_about_what_a_refresh_has_closed_lands(self, project: Project) -> None:
        finding = Finding.objects.first()
        assert finding
        change_label(finding.item, finding.suggested)
        refreshing.refresh(project, at=LATER)
        findings.record_decision(finding, "kept", by=make_user("ruth", project, "reviewer"), at=LATER)
        refreshing.refresh(project, at=LATER)
        finding.refresh_from_db()
        assert (finding.decision, finding.decided_by.username) == ("kept", "ruth")

    def test_a_decision_while_it_computes_stays(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        finding = Finding.objects.first()
        assert finding
        ruth, compute = make_user("ruth", project, "reviewer"), findings.label_errors.suspected

        def slow(*arguments: Any, **options: Any) -> Any:
            findings.record_decision(finding, "unclear", by=ruth, at=LATER)
            return compute(*arguments, **options)

        monkeypatch.setattr(findings.label_errors, "suspected", slow)
        Prediction.objects.filter(source="out_of_fold").exclude(item=finding.item).first().delete()
        refreshing.refresh(project, at=LATER)
        finding.refresh_from_db()
        assert finding.decision == "unclear"

    def test_more_suspects_come_once_the_first_are_decided(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Finding.objects.all().delete()
        Report.objects.all().delete()
        monkeypatch.setattr(findings, "MOST", 3)
        refreshing.refresh(project, at=NOW)
        first = list(Finding.objects.filter(decision="open"))
        for finding in first:
            findings.record_decision(finding, "kept", by=make_user(project=project), at=LATER)
        refreshing.refresh(project, at=LATER)
        assert len(first) == 3
        assert Finding.objects.filter(decision="open").count() == 3

    def test_a_fix_sets_what_the_person_saw(self, project: Project) -> None:
        finding = Finding.objects.first()
        assert finding
        seen = finding.suggested
        Finding.objects.update(suggested=finding.given)  # a refresh found another one meanwhile
        findings.record_decision(finding, "fixed", by=make_user(project=project), at=LATER, value=seen)
        finding.refresh_from_db()
        assert finding.suggested == seen
        assert Resolution.objects.current().get(item=finding.item).value == seen

    def test_a_fix_of_a_label_that_was_changed_since_is_refused(self) -> None:
        project = make_project(labels=["ham", "spam", "eggs"])
        item = make_item(project)
        finding = make_finding(item, "ham", "spam")
        resolve(item, "eggs")
        with pytest.raises(findings.LabelChanged):
            findings.record_decision(finding, "fixed", by=make_user(project=project), at=LATER)
        finding.refresh_from_db()
        assert finding.decision == "open"
        assert Resolution.objects.current().get(item=item).value == "eggs"


def change_label(item: Item, value: str) -> None:
    Resolution.objects.current().filter(item=item).update(value=value)


def test_what_people_decide_feeds_the_shown_precision() -> None:
    project, _ = noisy()
    refreshing.refresh(project, at=NOW)
    before = quality_body(project)
    ruth = make_user("ruth", project, "reviewer")
    for finding in Finding.objects.order_by("score")[:5]:
        findings.record_decision(finding, "kept", by=ruth, at=NOW)
    refreshing.refresh(project, at=NOW)
    after = quality_body(project)
    assert (after.decided, after.wrong) == (5, 0)
    assert after.curve[5].precision.value < before.curve[5].precision.value


def test_labels_that_people_fixed_count_as_wrong_and_leave_the_list() -> None:
    """Seen: a fix made the label a reviewer's own, so only kept labels counted and every check said "not wrong"."""
    project, _ = noisy()
    refreshing.refresh(project, at=NOW)
    before = quality_body(project)
    suspects = list(Finding.objects.order_by("score"))
    for finding, decision in zip(suspects[:4], ("fixed", "fixed", "fixed", "kept"), strict=True):
        findings.record_decision(finding, decision, by=make_user(project=project, role="reviewer"), at=NOW)
    refreshing.refresh(project, at=LATER)
    after = quality_body(project)
    assert (after.n, after.decided, after.wrong) == (before.n, 4, 3)
    assert Finding.objects.filter(decision="open").count() == len(suspects) - 4
    assert after.curve[0].precision.value < 1  # of the first open suspect, not of one known to be wrong


def test_deciding_twice_the_same_way_is_no_error_and_another_way_is() -> None:
    project, _ = noisy()
    refreshing.refresh(project, at=NOW)
    ruth, finding = make_user("ruth", project, "reviewer"), Finding.objects.first()
    assert finding
    findings.record_decision(finding, "kept", by=ruth, at=NOW)
    findings.record_decision(finding, "kept", by=ruth, at=NOW)
    with pytest.raises(findings.AlreadyDecided, match="decided before: kept"):
        findings.record_decision(finding, "fixed", by=ruth, at=NOW)


def test_suspects_become_a_queue_of_their_own() -> None:
    project, _ = noisy()
    refreshing.refresh(project, at=NOW)
    suspects = list(Finding.objects.order_by("score"))
    queue, put = relabel.queue_findings(project, suspects, by=make_user("emil", project, "engineer"), at=NOW)
    assert (queue.cause, put.created) == ("suspected", len(suspects))
    assert not Item.objects.filter(routed_items__queue=queue, asked_at__isnull=False).exists()
    assert not Finding.objects.filter(decision="open").exists()


def test_what_somebody_decided_meanwhile_is_not_queued_again() -> None:
    project, _ = noisy()
    refreshing.refresh(project, at=NOW)
    emil, (kept, *rest) = make_user("emil", project, "engineer"), list(Finding.objects.order_by("score"))
    findings.record_decision(Finding.objects.get(pk=kept.pk), "kept", by=emil, at=NOW)

    queue, put = relabel.queue_findings(project, [kept, *rest], by=emil, at=NOW)

    assert put.created == len(rest)
    assert not Item.objects.filter(routed_items__queue=queue, pk=kept.item_id).exists()
    assert Finding.objects.get(pk=kept.pk).decision == "kept"
    relabel.queue_finding(rest[0], by=emil, at=NOW)  # a double click
    assert Queue.objects.filter(cause="suspected").count() == 1
    with pytest.raises(findings.AlreadyDecided, match="kept"):
        relabel.queue_finding(kept, by=emil, at=NOW)


def test_an_empty_selection_makes_no_queue() -> None:
    project = make_project()
    with pytest.raises(relabel.NothingToQueue):
        relabel.queue_items(project, [], title="x", reason="y", by=make_user(), at=NOW)
    assert not Queue.objects.exists()


def test_eight_of_a_hundred_flipped_digits_are_ranked_first() -> None:
    bundle, rng = load_digits(), np.random.default_rng(3)
    x, truth = bundle.data[:600] / 16, bundle.target[:600]
    wrong = rng.random(600) < 0.08
    given = np.where(wrong, (truth + rng.integers(1, 10, 600)) % 10, truth)
    p = cross_val_predict(LogisticRegression(max_iter=500), x, given, cv=5, method="predict_proba")
    project = make_project(labels=[str(digit) for digit in range(10)])
    items = [make_item(project) for _ in range(600)]
    frame = LabelledSample(
        tuple(project.schema().values()), np.array([i.pk for i in items]), given, p, ("v1",), lambda: np.arange(600)
    )

    body = findings.find_suspects(project, frame, {}, at=NOW)

    surest = list(Finding.objects.order_by("score").values_list("item_id", flat=True)[:30])
    flipped = {item.pk for item, is_wrong in zip(items, wrong, strict=True) if is_wrong}
    assert sum(pk in flipped for pk in surest) >= 27
    assert body.flagged >= 30


def test_old_reports_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "KEPT", 2)
    project, items = judged_project(20)
    for item in items[:4]:
        Resolution.objects.filter(item=item).update(value="ham")
        refreshing.refresh_one(ReportRows(project, NOW), performance.KIND, "v1")
        Resolution.objects.filter(item=item).update(value="spam")
        refreshing.refresh_one(ReportRows(project, NOW), performance.KIND, "v1")
    assert Report.objects.filter(window_days=0, kind="performance").count() == 2


class TestHistory:
    """What was served then stays, whatever is released later."""

    def series(self, project: Project, version: str) -> list[tuple[int, float]]:
        return [(point.score.n, point.score.value or 0.0) for point in performance_body(project, version).series]

    def test_a_promotion_and_its_scores_redraw_no_curve_of_the_past(self) -> None:
        project, items = judged_project(60, wrong=20)
        refreshing.refresh(project, at=NOW)
        before = self.series(project, "v1")
        assert before[0][1] < before[-1][1] == 1.0  # the drop that happened: the first items were wrong
        for i, item in enumerate(items):  # v2 goes live: it is right on all that v1 got wrong
            truth = (i % 2) if i >= 20 else 1 - i % 2
            make_prediction(
                item, [0.9, 0.1] if truth == 0 else [0.1, 0.9], model_version="v2", source="rescored", at=NOW
            )
        Project.objects.filter(pk=project.pk).update(champion_version="v2")
        project.refresh_from_db()
        refreshing.refresh(project, at=NOW)
        assert self.series(project, "v2") == self.series(project, "v1") == before
        body = performance_body(project, "v2")
        assert body.score.value == 1.0  # what v2 says of these items is its own figure

    def test_joins_the_versions_that_served_one_after_the_other(self) -> None:
        project, items = judged_project(60, wrong=0)
        for item in items[30:]:
            item.predictions.update(model_version="v2", source="served")
        Project.objects.filter(pk=project.pk).update(champion_version="v2")
        project.refresh_from_db()
        refreshing.refresh(project, at=NOW)
        assert sum(n for n, _ in self.series(project, "v2")) == 60
