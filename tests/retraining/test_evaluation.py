"""The report and the verdict: on items that neither side was trained on, weighted, with their intervals."""

from datetime import timedelta
from typing import Any

import msgspec
import numpy as np
import pytest
from django.utils import timezone

from annotation.models import Item
from projects.models import Project
from retraining import datasets, evaluation, registry, sides
from retraining.datasets import Split
from retraining.models import EvaluatedItem, ModelVersion, Outcome
from retraining.verdict_words import verdict_words
from tests.factories import NOW, make_item, make_prediction
from tests.retraining.scenarios import fitted, learn, make_champion, make_numeric_project, make_version, resolve

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(artifact_home: Any) -> Project:
    project = make_numeric_project()
    learn(project, 10)
    return project


def judge(
    project: Project,
    champion: ModelVersion | None,
    *,
    wrong: bool = False,
    incumbent: registry.Incumbent | None = None,
) -> evaluation.Judged:
    """The scenarios' own model as the candidate, or one that answers the opposite."""
    dataset = datasets.freeze(project, at=timezone.now() + timedelta(days=1))
    train = datasets.examples(dataset, Split.TRAIN)
    packed = registry.pack(fitted(), train.types, project=project)
    candidate = registry.unpack(packed, project=project, tag="", schema_version=1)
    if wrong:
        candidate = registry.Loaded(
            "", candidate.estimator, ("spam", "ham"), train.types, candidate.frame_parameters, 1
        )
    out_of_fold = np.eye(2)[train.targets] * 0.8 + 0.1
    incumbent = incumbent or (registry.Incumbent(champion.tag, champion) if champion else registry.Incumbent())
    held_out = datasets.examples(dataset, Split.EVALUATION)
    return evaluation.compare_with_incumbent(project, held_out, candidate, train, out_of_fold, incumbent)


class TestWithoutAChampion:
    def test_judges_on_out_of_fold_predictions_while_there_are_few_evaluation_items(self, project: Project) -> None:
        learn(project, 29, evaluation=True)
        judged = judge(project, None)
        assert (judged.verdict.basis, judged.evaluation.n) == ("out_of_fold", 10)
        assert judged.verdict.against == "" and "held-out training labels" in verdict_words(judged.verdict)

    def test_judges_on_evaluation_items_once_there_are_enough(self, project: Project) -> None:
        learn(project, 30, evaluation=True, seed=2)
        judged = judge(project, None)
        assert (judged.verdict.basis, judged.evaluation.n, judged.promoted) == ("evaluation", 30, True)

    def test_items_with_equal_inputs_count_once_and_promote_nothing(self, project: Project) -> None:
        points = np.random.default_rng(3).normal(size=(5, 2)) / 10
        for point in points:
            for _ in range(8):
                label = "spam" if point[0] > 0 else "ham"
                resolve(make_item(project, inputs={"x": point[0], "y": point[1]}), label, evaluation=True)
        judged = judge(project, None)
        assert (judged.verdict.basis, judged.evaluation.n, judged.evaluation.copies) == ("evaluation", 40, 35)
        assert judged.evaluation.accuracy.effective_n == pytest.approx(5)
        assert judged.evaluation.accuracy.high - judged.evaluation.accuracy.low > 0.3
        assert not judged.promoted

    def test_the_naive_baseline_answers_the_commonest_training_label(self, project: Project) -> None:
        for _ in range(20):
            resolve(make_item(project, inputs={"x": 1.0, "y": 0.0}), "spam")
        learn(project, 30, evaluation=True, seed=2)
        found = judge(project, None).evaluation
        assert found.naive_label == "spam"
        spam = sum(row.value == "spam" for row in project.resolutions.filter(evaluation=True))
        assert found.accuracy_naive.value == pytest.approx(spam / 30)


class TestAgainstAChampion:
    def test_counts_who_was_right(self, project: Project) -> None:
        champion = make_champion(project)
        learn(project, 40, evaluation=True, seed=2)
        same = judge(project, champion)
        assert msgspec.to_builtins(same.evaluation.counts) == {
            "both_right": pytest.approx(40, abs=2),
            "fixed": 0,
            "broken": 0,
            "both_wrong": pytest.approx(0, abs=2),
        }
        opposite = judge(project, champion, wrong=True)
        assert opposite.evaluation.counts.broken >= 38 and not opposite.promoted

    def test_says_what_one_item_each_side_said(self, project: Project) -> None:
        champion = make_champion(project)
        learn(project, 20, evaluation=True, seed=2)
        judged = judge(project, champion, wrong=True)
        assert {(row.label, row.champion_label) for row in judged.rows} == {("ham", "spam"), ("spam", "ham")}
        assert all(0.5 <= row.confidence <= 1 for row in judged.rows)

    def test_holds_without_evaluation_items_and_says_why(self, project: Project) -> None:
        judged = judge(project, make_champion(project))
        assert (judged.verdict.decision, judged.evaluation.n, judged.rows) == ("hold", 0, [])
        assert judged.evaluation.accuracy is None and "no audit label yet" in verdict_words(judged.verdict)

    def test_weighs_by_the_chance_of_being_drawn(self, project: Project) -> None:
        champion = make_champion(project)
        for _ in range(90):  # what the draw with probability 0.1 left out
            make_item(project, audit_probability=0.1, audit_number=0.5)
        for x, value, chance in ((1.0, "spam", 1.0), (1.0, "ham", 0.1)):
            for _ in range(10):
                resolve(make_item(project, inputs={"x": x, "y": 0.0}), value, evaluation=True, audit_probability=chance)
        accuracy = judge(project, champion).evaluation.accuracy
        assert accuracy.value == pytest.approx(10 / 110)
        assert accuracy.n == 20 and accuracy.low < 10 / 110 < accuracy.high

    def test_those_answered_stand_for_those_drawn_that_wait(self, project: Project) -> None:
        """Right on the first day, where all 20 drawn are labelled; wrong on the second, where 5 of 20 are."""
        champion = make_champion(project)
        for day, value, labelled in ((0, "spam", 20), (1, "ham", 5)):
            for place in range(40):
                at = NOW + timedelta(days=day)
                item = make_item(project, inputs={"x": 1.0, "y": 0.0}, at=at, audit_probability=0.5)
                Item.objects.filter(pk=item.pk).update(audit_number=0.1 if place >= 20 else 0.9)
                if place >= 40 - labelled:
                    resolve(item, value, evaluation=True, audit_probability=0.5)
        found = judge(project, champion)
        assert found.evaluation.accuracy.value == pytest.approx(0.5)  # by the draw alone 20 / 25
        assert {round(row.inclusion_probability, 3) for row in found.rows} == {0.5, 0.125}

    def test_compares_by_segment_and_label_and_marks_what_is_too_few(self, project: Project) -> None:
        champion = make_champion(project)
        for item in learn(project, 25, evaluation=True, seed=2):
            item.segment = {"channel": "app"}
            item.save(update_fields=["segment"])
        learn(project, 3, evaluation=True, seed=3)
        rows = judge(project, champion).evaluation.rows
        app = next(row for row in rows if row.segment)
        assert (app.segment, app.difference.n, app.small) == ("channel=app", 25, False)
        labels = {row.label: row.difference.n for row in rows if row.label}
        assert sum(labels.values()) == 28 and set(labels) == {"ham", "spam"}
        assert (rows[0].difference.n, rows[0].measure) == (28, "accuracy")

    def test_a_protected_slice_is_a_condition_of_the_gate(self, project: Project) -> None:
        champion = make_champion(project)
        learn(project, 40, evaluation=True)
        Project.objects.filter(pk=project.pk).update(retraining={"protected": ["label=spam", "channel=app"]})
        project.refresh_from_db()
        verdict = judge(project, champion).verdict
        slices = {gate.slice_name: gate for gate in verdict.gates if gate.condition == "not_worse"}
        assert set(slices) == {"label=spam", "channel=app"}
        assert (slices["channel=app"].passed, slices["channel=app"].difference) == (False, None)
        assert verdict.decision == "hold"

    def test_measures_how_long_one_row_takes(self, project: Project) -> None:
        latency = judge(project, None).evaluation.latency
        assert 0 < latency.median_ms <= latency.slowest_ms and latency.n == 10


class TestAgainstACapturedVersion:
    def judge(self, project: Project, tag: str = "router-7") -> evaluation.Judged:
        return judge(project, None, incumbent=registry.Incumbent(tag))

    def test_compares_on_the_items_that_it_answered_by_what_it_said_then(self, project: Project) -> None:
        items = learn(project, 40, evaluation=True, seed=2)
        for item in items[:25]:
            make_prediction(item, label="ham", model_version="router-7")
        judged = self.judge(project)
        assert (judged.evaluation.n, judged.verdict.against) == (25, "router-7")
        assert (judged.evaluation.against_champion, judged.evaluation.captured_only) == (True, True)
        assert {(row.champion_label, row.champion_confidence) for row in judged.rows} == {("ham", None)}
        assert [row.measure for row in judged.evaluation.rows if not row.segment and not row.label] == ["accuracy"]

    def test_uses_the_scores_where_they_came(self, project: Project) -> None:
        for item in learn(project, 25, evaluation=True, seed=2):
            make_prediction(item, [0.8, 0.2], model_version="router-7")
        judged = self.judge(project)
        assert [row.champion_confidence for row in judged.rows] == pytest.approx([0.8] * 25)
        assert "truth_probability" in [row.measure for row in judged.evaluation.rows]

    def test_takes_no_answer_of_another_version_or_made_afterwards(self, project: Project) -> None:
        first, second, third, *_ = learn(project, 40, evaluation=True, seed=2)
        make_prediction(first, [0.8, 0.2], model_version="router-6")
        make_prediction(second, [0.8, 0.2], model_version="router-7", source="rescored")
        make_prediction(third, [0.8, 0.2], model_version="router-7")
        assert [row.item_id for row in self.judge(project).rows] == [third.pk]

    def test_answers_without_a_version_are_one_version(self, project: Project) -> None:
        item = learn(project, 1, evaluation=True, seed=5)[0]
        make_prediction(item, [0.8, 0.2], model_version="")
        assert registry.incumbent(project).tag == "unnamed"
        assert self.judge(project, "unnamed").evaluation.n == 1

    def test_a_label_that_is_none_any_more_is_wrong(self, project: Project) -> None:
        for item in learn(project, 25, evaluation=True, seed=2):
            make_prediction(item, label="retired", model_version="router-7")
        judged = self.judge(project)
        assert judged.evaluation.accuracy_against.value == 0 and judged.promoted


def test_outcomes_partition_the_items(project: Project) -> None:
    version = make_version(project)
    for i, (label, theirs) in enumerate([("ham", "ham"), ("ham", "spam"), ("spam", "ham"), ("spam", "spam")]):
        EvaluatedItem.objects.create(
            judgement=version.judgement,
            item=project.items.all()[i],
            truth="ham",
            label=label,
            confidence=0.9,
            champion_label=theirs,
            champion_confidence=0.8,
            inclusion_probability=1.0,
        )
    found = {one: EvaluatedItem.objects.outcome(one).get() for one in Outcome}
    assert {one: (row.label, row.champion_label) for one, row in found.items()} == {
        Outcome.BOTH_RIGHT: ("ham", "ham"),
        Outcome.FIXED: ("ham", "spam"),
        Outcome.BROKEN: ("spam", "ham"),
        Outcome.BOTH_WRONG: ("spam", "spam"),
    }


@pytest.mark.parametrize(
    ("segment", "wanted", "inside"),
    [
        ({"channel": "app"}, "channel=app", True),
        ({"channel": "web"}, "channel=app", False),
        ({}, "channel=app", False),
        ({"size": 3}, "size=3", True),
        ({"query": "a=b"}, "query=a=b", True),
    ],
)
def test_finds_the_items_of_a_segment(segment: dict[str, Any], wanted: str, inside: bool) -> None:
    assert sides.in_segment(segment, wanted) is inside
