"""Side questions beside the decision: asked, refused, undone, revised, and agreed on apart."""

from typing import Any

import pytest

from annotation import labels, resolution
from annotation.models import Item, Label, LabelRevision, Resolution
from projects import specs
from projects.models import AuditEvent, LabelSchema, Project, SettingsVersion
from projects.project_settings import BadSpec
from projects.settings_versions import SIDE_QUESTIONS, change, fingerprint
from tests.annotation.labelling_scenario import LabellingScenario, make_scenario
from tests.factories import NOW, make_user

pytestmark = pytest.mark.django_db
FAILURE = {"name": "failure", "kind": "choices", "labels": [{"value": "price"}, {"value": "tone"}], "when": ["bad"]}
SEVERITY = {"name": "severity", "kind": "rating", "required": True, "when": ["bad"]}
REASON = {"name": "reason", "kind": "text"}


@pytest.fixture
def scenario() -> LabellingScenario:
    return make_scenario(labels=("good", "bad"), also_ask=[FAILURE, SEVERITY, REASON])


def give(scenario: LabellingScenario, value: Any, also: Any = None, *, who: str = "alice") -> labels.Submitted:
    person = getattr(scenario, who)
    token = scenario.token(person)
    return labels.submit(scenario.project, token, value=value, also=also, by=person, at=scenario.tick())


def agreed() -> Resolution:
    return Resolution.objects.current().get()


def test_side_answers_are_stored_with_the_label_its_revision_and_what_is_agreed(scenario: LabellingScenario) -> None:
    scenario.ask(1)

    assert give(scenario, "bad", {"failure": ["tone", "price"], "severity": 4.0}).status == "created"

    said = {"failure": ["price", "tone"], "severity": 4}
    assert Label.objects.get().also == LabelRevision.objects.get().also == said
    assert agreed().also == {
        name: {"value": value, "method": "single", "quality": 1.0, "votes": 1} for name, value in said.items()
    }


@pytest.mark.parametrize(
    ("value", "also", "why"),
    [
        ("bad", None, "`also.severity` is missing: it is required beside this answer."),
        ("bad", {"severity": 6}, "`also.severity`: A whole number from 1 to 5 is expected."),
        ("bad", {"severity": 1, "failure": ["size"]}, '`also.failure`: "size" is not one of the labels: price, tone.'),
        ("good", {"severity": 1}, "`also.severity` is not asked beside this answer, only beside bad."),
        ("good", {"mood": "x"}, 'There is no side question "mood"; there are failure, severity, reason.'),
        ("good", ["x"], "`also` takes an object: each side question with its answer."),
        ("good", {"reason": " "}, "`also.reason`: A text is expected, and it is not empty."),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_stored(
    scenario: LabellingScenario, value: str, also: Any, why: str
) -> None:
    scenario.ask(1)

    done = give(scenario, value, also)

    assert (done.status, done.error) == ("refused", why)
    assert not Label.objects.exists()


def test_an_optional_question_may_be_left_open(scenario: LabellingScenario) -> None:
    scenario.ask(1)

    assert give(scenario, "good", {"reason": None}).status == "created"
    assert (Label.objects.get().also, agreed().also) == (None, None)


def test_the_same_answer_again_is_existing_and_another_side_answer_is_refused(scenario: LabellingScenario) -> None:
    scenario.ask(1)
    token = scenario.token(scenario.alice)
    sent: dict[str, Any] = {"value": "bad", "also": {"severity": 2}, "by": scenario.alice}

    assert labels.submit(scenario.project, token, at=scenario.tick(), **sent).status == "created"
    assert labels.submit(scenario.project, token, at=scenario.tick(), **sent).status == "existing"
    other = labels.submit(scenario.project, token, at=scenario.tick(), **{**sent, "also": {"severity": 3}})
    assert other.status == "refused"


def test_undo_takes_both_back_and_a_revision_changes_one_of_them(scenario: LabellingScenario) -> None:
    scenario.ask(1)
    give(scenario, "bad", {"severity": 2})
    label = Label.objects.get()

    done = labels.revise(label, value="bad", also={"severity": 5}, by=scenario.alice, at=scenario.tick())
    assert done.status == "created"
    assert agreed().also["severity"]["value"] == 5
    again = labels.revise(label, value="bad", also={"severity": 5}, by=scenario.alice, at=scenario.tick())
    assert again.status == "existing"

    labels.undo(scenario.project, label.lease.token, by=scenario.alice, at=scenario.tick())
    assert not Resolution.objects.current().exists()
    assert list(LabelRevision.objects.order_by("number").values_list("state", "also")) == [
        ("given", {"severity": 2}),
        ("given", {"severity": 5}),
        ("undone", {"severity": 5}),
    ]


def test_each_question_is_settled_by_the_rule_of_its_own_kind(scenario: LabellingScenario) -> None:
    scenario.ask(1, overlap=3)
    give(scenario, "bad", {"severity": 4, "failure": ["price"], "reason": "dear"}, who="alice")
    give(scenario, "bad", {"severity": 5, "failure": ["price", "tone"], "reason": "rude"}, who="bob")
    give(scenario, "good", who="carol")

    made = agreed()

    assert (made.value, made.votes) == ("bad", 3)
    assert made.also["failure"] | {"quality": 0} == {"value": None, "method": "unsettled", "quality": 0, "votes": 2}
    assert made.also["severity"] == {"value": None, "method": "unsettled", "quality": 0.75, "votes": 2}
    assert made.also["reason"]["value"] is None


def test_what_is_not_asked_beside_the_agreed_answer_does_not_count(scenario: LabellingScenario) -> None:
    scenario.ask(1, overlap=3)
    give(scenario, "bad", {"severity": 4, "reason": "dear"}, who="alice")
    give(scenario, "good", {"reason": "dear"}, who="bob")
    give(scenario, "good", who="carol")

    assert agreed().also == {"reason": {"value": "dear", "method": "unanimous", "quality": 1.0, "votes": 2}}


def test_a_reviewer_decides_one_question_and_the_votes_decide_the_rest(scenario: LabellingScenario) -> None:
    [item] = scenario.ask(1, overlap=2)
    give(scenario, "bad", {"severity": 4, "failure": ["tone"]}, who="alice")
    give(scenario, "good", who="bob")

    made = resolution.resolve_by_person(
        Item.objects.get(pk=item.pk), value="bad", also={"severity": 1}, by=scenario.rita, at=scenario.tick()
    )

    assert made.also == {
        "failure": {"value": ["tone"], "method": "single", "quality": 1.0, "votes": 1},
        "severity": {"value": 1, "method": "reviewer", "quality": 1.0, "votes": 1},
    }


def test_an_answer_to_a_question_that_was_retired_meanwhile_is_kept(scenario: LabellingScenario) -> None:
    scenario.ask(2)
    scenario.project.also_ask = [FAILURE, {**SEVERITY, "retired": True}, REASON]

    assert give(scenario, "bad", {"severity": 3}).status == "created"
    assert give(scenario, "bad").status == "created"


def test_a_merged_label_brings_its_question_to_the_label_that_it_became(scenario: LabellingScenario) -> None:
    merged = [{"value": "good"}, {"value": "bad", "retired": True, "merged_into": "poor"}, {"value": "poor"}]
    LabelSchema.objects.create(project=scenario.project, version=2, labels=merged, created_at=NOW)
    scenario.ask(2)

    assert give(scenario, "poor").error == "`also.severity` is missing: it is required beside this answer."
    assert give(scenario, "bad", {"severity": 3}, who="bob").status == "created"
    assert (agreed().value, agreed().also["severity"]["value"]) == ("poor", 3)


def test_spans_of_a_side_question_fit_the_item() -> None:
    where = {"name": "where", "kind": "spans", "labels": [{"value": "wrong"}], "answer": {"input": "text"}}
    scenario = make_scenario(labels=("good", "bad"), also_ask=[where])
    scenario.ask(1)

    done = give(scenario, "bad", {"where": [{"start": 0, "end": 9_999, "label": "wrong"}]})

    assert done.error is not None
    assert done.error.startswith("`also.where`: A span goes to 9999")


def test_questions_of_a_spec_are_a_version_of_the_settings_once_they_change() -> None:
    root = make_user("root", is_superuser=True)
    spec = {
        "title": "Answers",
        "kind": "choice",
        "labels": ["good", "bad"],
        "inputs": {"text": {"type": "text"}},
        "also_ask": [{"name": "severity", "kind": "rating", "when": ["bad"]}],
    }
    made = specs.create_project("answers", spec, by=root, at=NOW)
    assert specs.parse_spec(specs.spec_of(made)).also_ask == spec["also_ask"]

    after = [*made.also_ask, REASON]
    edit: dict[str, Any] = {
        "base": fingerprint({"also_ask": made.also_ask}),
        "reason": "asked by Ada",
        "by": root,
        "at": NOW,
    }
    assert change(made, SIDE_QUESTIONS, {"also_ask": after}, **edit) is not None

    assert Project.objects.get(pk=made.pk).also_ask == after
    assert [row.value["also_ask"] for row in SettingsVersion.objects.order_by("version")] == [made.also_ask, after]
    event = AuditEvent.objects.get(action="settings.side_questions")
    assert event.details["also_ask"] == after
    with pytest.raises(BadSpec, match="'severity' is missing"):
        change(made, SIDE_QUESTIONS, {"also_ask": [REASON]}, **{**edit, "base": fingerprint({"also_ask": after})})
