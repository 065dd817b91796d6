"""Answers: once per lease, kept when late, undone, revised; nothing is lost and nothing counts twice."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from annotation import answers, guidelines, labels
from annotation.models import Cause, Label, LabelRevision, Lease, Queue, Resolution, RoutedItem, Slot
from jobs import broker
from projects.models import Project, User
from tests.annotation.labelling_scenario import LATER, LabellingScenario, make_scenario
from tests.factories import make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def scenario() -> LabellingScenario:
    return make_scenario()


def submit(scenario: LabellingScenario, token: str, user: User, value: Any = "ham", **options: Any) -> labels.Submitted:
    if options.get("skip"):
        value = None
    return labels.submit(scenario.project, token, value=value, by=user, at=scenario.tick(), **options)


def undo(scenario: LabellingScenario, token: str, user: User) -> Lease:
    return labels.undo(scenario.project, token, by=user, at=scenario.tick())


def test_an_answer_fills_the_slot_and_knows_where_it_comes_from(scenario: LabellingScenario) -> None:
    (item,) = scenario.ask(1, inclusion_probability=0.25)
    token = scenario.token(scenario.alice)

    answer = submit(scenario, token, scenario.alice, seconds=2.5, comment=" looks odd ")

    assert answer == labels.Submitted(token, "created")
    label = Label.objects.get()
    assert (label.item, label.user, label.value, label.state) == (item, scenario.alice, "ham", "given")
    assert (label.cause, label.inclusion_probability, label.guideline_version) == ("uncertain", 0.25, 1)
    assert (label.seconds, label.extra, label.revision) == (2.5, False, 1)
    assert label.slot.state == "filled"
    assert label.revisions.get().comment == "looks odd"
    assert Lease.objects.get().ended_at == scenario.now


def test_the_guideline_of_an_answer_is_the_one_of_its_lease(scenario: LabellingScenario) -> None:
    scenario.ask(1)
    token = scenario.token(scenario.alice)
    guidelines.publish(scenario.project, text="Look three times.", by=None, at=scenario.tick())

    submit(scenario, token, scenario.alice)

    assert Label.objects.get().guideline_version == 1


def test_the_same_answer_again_is_replayed_and_changes_nothing(scenario: LabellingScenario) -> None:
    scenario.ask(1)
    token = scenario.token(scenario.alice)
    submit(scenario, token, scenario.alice, seconds=2.0)
    before = Label.objects.values().get()

    again = submit(scenario, token, scenario.alice, seconds=3.0)

    assert again.status == "existing"
    assert Label.objects.values().get() == before
    assert LabelRevision.objects.count() == 1


@pytest.mark.parametrize("other", [{"value": "spam"}, {"skip": True}, {"flagged": True}, {"comment": "hm"}])
def test_another_answer_to_the_same_lease_is_refused_until_the_first_is_undone(
    scenario: LabellingScenario, other: dict[str, Any]
) -> None:
    scenario.ask(1)
    token = scenario.token(scenario.alice)
    submit(scenario, token, scenario.alice)

    refused = submit(scenario, token, scenario.alice, **other)

    assert refused.status == "refused"
    assert refused.error == "This lease was answered otherwise before; undo that answer first."
    undo(scenario, token, scenario.alice)
    assert submit(scenario, token, scenario.alice, **other).status == "created"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"value": "eggs"}, '"eggs" is not one of the labels: ham, spam.'),
        ({"value": None}, "No label is given; the labels are ham, spam."),
        ({"value": "ham", "seconds": float("nan")}, "`seconds` takes a number from 0 to 86,400."),
        ({"value": "ham", "seconds": -1}, "`seconds` takes a number from 0 to 86,400."),
        ({"value": "ham", "seconds": True}, "`seconds` takes a number from 0 to 86,400."),
        ({"value": "ham", "comment": "x" * 2001}, "`comment` takes a text of at most 2,000 characters."),
        ({"value": "ham", "comment": "a\x00b"}, "`comment` takes a text of at most 2,000 characters."),
        ({"value": "ham", "comment": "\ud800"}, "`comment` takes a text of at most 2,000 characters."),
        ({"value": "ham", "comment": 5}, "`comment` takes a text of at most 2,000 characters."),
        ({"value": "ham", "skip": True}, "A skip carries no value; send one or the other."),
        ({"value": "ham", "skip": "yes"}, "`skip` and `flagged` take true or false."),
    ],
)
def test_an_answer_that_cannot_be_stored_is_refused_in_one_sentence(
    scenario: LabellingScenario, answer: dict[str, Any], said: str
) -> None:
    scenario.ask(1)
    token = scenario.token(scenario.alice)

    refused = labels.submit(scenario.project, token, by=scenario.alice, at=scenario.tick(), **answer)

    assert refused == labels.Submitted(token, "refused", said)
    assert not Label.objects.exists()


def test_a_lease_of_another_person_is_refused(scenario: LabellingScenario) -> None:
    scenario.ask(1)
    token = scenario.token(scenario.alice)

    refused = submit(scenario, token, scenario.bob)

    assert (refused.status, refused.error) == ("refused", "This lease belongs to another person.")


def test_a_lease_of_another_project_is_refused_as_if_it_were_not_there(scenario: LabellingScenario) -> None:
    scenario.ask(1)
    token = scenario.token(scenario.alice)

    refused = labels.submit(make_project(), token, value="ham", by=scenario.alice, at=scenario.now)

    assert (refused.status, refused.error) == ("refused", "There is no such lease in this project.")


def test_a_late_answer_fills_the_slot_that_nobody_took(scenario: LabellingScenario) -> None:
    scenario.ask(1)
    token = scenario.token(scenario.alice)
    scenario.tick(LATER)

    assert submit(scenario, token, scenario.alice).status == "created"


def test_a_late_answer_fills_the_slot_that_another_only_holds_and_theirs_becomes_the_extra(
    scenario: LabellingScenario,
) -> None:
    scenario.ask(1)
    late = scenario.token(scenario.alice)
    scenario.tick(LATER)
    live = scenario.token(scenario.bob)

    assert submit(scenario, late, scenario.alice).status == "created"
    assert submit(scenario, live, scenario.bob).status == "extra"
    assert Label.objects.filter(state="given", extra=False).count() == 1


def test_a_late_answer_to_a_filled_slot_is_kept_as_an_extra_judgement(scenario: LabellingScenario) -> None:
    scenario.ask(1)
    late = scenario.token(scenario.alice)
    scenario.tick(LATER)
    submit(scenario, scenario.token(scenario.bob), scenario.bob)

    assert submit(scenario, late, scenario.alice, "spam").status == "extra"
    extra = Label.objects.get(user=scenario.alice)
    assert (extra.extra, extra.slot, extra.value) == (True, None, "spam")
    assert Resolution.objects.current().get().value == "ham"


def test_a_person_who_filled_a_slot_late_cannot_fill_a_second_one_of_the_item(scenario: LabellingScenario) -> None:
    scenario.ask(1, overlap=2)
    late = scenario.token(scenario.alice)
    scenario.tick(LATER)
    scenario.claim(scenario.bob)
    second = scenario.token(scenario.alice)

    assert submit(scenario, late, scenario.alice).status == "created"
    assert submit(scenario, second, scenario.alice).status == "extra"
    assert Label.objects.filter(extra=False).count() == 1


def test_a_skip_gives_the_slot_to_others_and_not_to_the_one_who_skipped(scenario: LabellingScenario) -> None:
    scenario.ask(1)

    assert submit(scenario, scenario.token(scenario.alice), scenario.alice, skip=True).status == "created"

    assert Label.objects.get().state == "skipped"
    assert scenario.claim(scenario.alice) == []
    assert len(scenario.claim(scenario.bob)) == 1


def test_two_skips_of_different_people_send_the_item_to_review(scenario: LabellingScenario) -> None:
    scenario.ask(1)

    submit(scenario, scenario.token(scenario.alice), scenario.alice, skip=True)
    assert RoutedItem.objects.get().state == "open"
    submit(scenario, scenario.token(scenario.bob), scenario.bob, skip=True)

    assert RoutedItem.objects.get().state == "review"
    assert Slot.objects.get().state == "closed"
    assert scenario.claim(scenario.carol) == []


def test_a_flagged_skip_goes_to_review_at_once(scenario: LabellingScenario) -> None:
    scenario.ask(1)

    submit(scenario, scenario.token(scenario.alice), scenario.alice, skip=True, flagged=True, comment="No label fits")

    assert RoutedItem.objects.get().state == "review"


def test_a_flagged_label_is_asked_again_instead_of_settling(scenario: LabellingScenario) -> None:
    (item,) = scenario.ask(1)

    submit(scenario, scenario.token(scenario.alice), scenario.alice, flagged=True, comment="Two labels fit")

    assert not Resolution.objects.exists()
    again = item.routed_items.get(cause=Cause.DISPUTED)
    assert again.reason == "flagged by one person who answered ham"
    assert scenario.claim(scenario.alice) == []
    submit(scenario, scenario.token(scenario.bob), scenario.bob)
    assert Resolution.objects.get().method == "unanimous"


def test_an_answer_takes_twelve_statements_at_most(scenario: LabellingScenario) -> None:
    scenario.ask(1)
    token = scenario.token(scenario.alice)
    scenario.project = Project.objects.get(pk=scenario.project.pk)

    with CaptureQueriesContext(connection) as captured:
        submit(scenario, token, scenario.alice)

    asked = [query["sql"] for query in captured if not query["sql"].startswith(("SAVEPOINT", "RELEASE", "BEGIN"))]
    assert len(asked) <= 10, "\n".join(asked)


def test_an_answer_is_taken_with_the_broker_down(scenario: LabellingScenario, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: Any, **__: Any) -> None:
        raise AssertionError("the path of an answer talks to the broker")

    monkeypatch.setattr(broker, "send", down)
    scenario.ask(1)

    assert submit(scenario, scenario.token(scenario.alice), scenario.alice).status == "created"


def test_undo_gives_the_lease_back_with_its_slot(scenario: LabellingScenario) -> None:
    scenario.ask(1)
    token = scenario.token(scenario.alice)
    submit(scenario, token, scenario.alice)

    lease = undo(scenario, token, scenario.alice)

    assert (lease.slot.state, lease.slot.leased_to, lease.slot.lease_until) == (
        "leased",
        scenario.alice,
        scenario.now + timedelta(seconds=600),
    )
    assert Label.objects.get().state == "undone"
    assert scenario.claim(scenario.bob) == []
    assert not Resolution.objects.current().exists()
    assert RoutedItem.objects.get().state == "open"


def test_every_step_is_a_revision_and_none_is_changed(scenario: LabellingScenario) -> None:
    scenario.ask(1)
    token = scenario.token(scenario.alice)

    submit(scenario, token, scenario.alice)
    undo(scenario, token, scenario.alice)
    submit(scenario, token, scenario.alice, "spam")

    result = LabelRevision.objects.order_by("number").values_list("number", "state", "value")
    assert list(result) == [(1, "given", "ham"), (2, "undone", "ham"), (3, "given", "spam")]
    assert Label.objects.get().revision == 3


def test_undoing_twice_is_no_error(scenario: LabellingScenario) -> None:
    scenario.ask(1)
    token = scenario.token(scenario.alice)
    submit(scenario, token, scenario.alice)
    undo(scenario, token, scenario.alice)

    undo(scenario, token, scenario.alice)

    assert LabelRevision.objects.count() == 2


def test_there_is_nothing_to_undo_before_an_answer(scenario: LabellingScenario) -> None:
    scenario.ask(1)
    token = scenario.token(scenario.alice)

    with pytest.raises(answers.AnswerRefused, match="There is no answer to undo"):
        undo(scenario, token, scenario.alice)


@pytest.mark.parametrize(("who", "status"), [("bob", 403), ("rita", 403)])
def test_nobody_undoes_another_persons_answer(scenario: LabellingScenario, who: str, status: int) -> None:
    scenario.ask(1)
    token = scenario.token(scenario.alice)
    submit(scenario, token, scenario.alice)

    with pytest.raises(answers.AnswerRefused) as refused:
        undo(scenario, token, getattr(scenario, who))

    assert refused.value.status == status


def test_an_undone_skip_takes_the_slot_back_while_it_is_free(scenario: LabellingScenario) -> None:
    scenario.ask(1)
    token = scenario.token(scenario.alice)
    submit(scenario, token, scenario.alice, skip=True)

    undo(scenario, token, scenario.alice)

    assert Slot.objects.get().leased_to == scenario.alice
    assert submit(scenario, token, scenario.alice).status == "created"


def test_an_undone_skip_leaves_the_slot_with_whom_it_went_to(scenario: LabellingScenario) -> None:
    scenario.ask(1)
    token = scenario.token(scenario.alice)
    submit(scenario, token, scenario.alice, skip=True)
    other = scenario.token(scenario.bob)

    undo(scenario, token, scenario.alice)

    assert Slot.objects.get().leased_to == scenario.bob
    submit(scenario, other, scenario.bob)
    assert submit(scenario, token, scenario.alice).status == "extra"


def test_undoing_the_second_skip_takes_the_item_out_of_review(scenario: LabellingScenario) -> None:
    scenario.ask(1)
    submit(scenario, scenario.token(scenario.alice), scenario.alice, skip=True)
    token = scenario.token(scenario.bob)
    submit(scenario, token, scenario.bob, skip=True)

    undo(scenario, token, scenario.bob)

    assert RoutedItem.objects.get().state == "open"
    assert Slot.objects.get().leased_to == scenario.bob


def test_an_undone_answer_that_is_not_given_again_goes_to_others(scenario: LabellingScenario) -> None:
    scenario.ask(1)
    token = scenario.token(scenario.alice)
    submit(scenario, token, scenario.alice)
    undo(scenario, token, scenario.alice)
    scenario.tick(LATER)

    assert submit(scenario, scenario.token(scenario.bob), scenario.bob, "spam").status == "created"
    assert submit(scenario, token, scenario.alice).status == "extra"


def test_revising_appends_and_settles_anew_under_the_guideline_in_force(scenario: LabellingScenario) -> None:
    scenario.ask(1)
    submit(scenario, scenario.token(scenario.alice), scenario.alice)
    guidelines.publish(scenario.project, text="New.", by=None, at=scenario.tick())

    done = labels.revise(Label.objects.get(), value="spam", by=scenario.alice, at=scenario.tick())

    assert done.status == "created"
    label = Label.objects.get()
    assert (label.value, label.revision, label.guideline_version) == ("spam", 2, 2)
    assert [r.value for r in Resolution.objects.order_by("pk")] == ["ham", "spam"]
    assert Resolution.objects.current().get().value == "spam"
    assert RoutedItem.objects.get().state == "done"


def test_revising_to_the_same_value_changes_nothing(scenario: LabellingScenario) -> None:
    scenario.ask(1)
    submit(scenario, scenario.token(scenario.alice), scenario.alice)

    assert labels.revise(Label.objects.get(), value="ham", by=scenario.alice, at=scenario.tick()).status == "existing"
    assert LabelRevision.objects.count() == 1


def test_a_late_copy_of_the_first_answer_is_replayed_after_a_revision(scenario: LabellingScenario) -> None:
    scenario.ask(1)
    token = scenario.token(scenario.alice)
    submit(scenario, token, scenario.alice)
    labels.revise(Label.objects.get(), value="spam", by=scenario.alice, at=scenario.tick())

    assert submit(scenario, token, scenario.alice).status == "existing"
    assert Label.objects.get().value == "spam"


@pytest.mark.parametrize(("who", "value"), [("bob", "spam"), ("alice", "eggs")])
def test_a_revision_by_another_or_to_no_label_is_refused(scenario: LabellingScenario, who: str, value: str) -> None:
    scenario.ask(1)
    submit(scenario, scenario.token(scenario.alice), scenario.alice)

    done = labels.revise(Label.objects.get(), value=value, by=getattr(scenario, who), at=scenario.tick())

    assert done.status == "refused"
    assert Label.objects.get().value == "ham"


def test_a_skip_is_not_revised_but_undone(scenario: LabellingScenario) -> None:
    scenario.ask(1)
    submit(scenario, scenario.token(scenario.alice), scenario.alice, skip=True)

    done = labels.revise(Label.objects.get(), value="ham", by=scenario.alice, at=scenario.tick())

    assert done.error == "This answer was undone or skipped; answer the item again instead."


def test_answers_to_a_queue_that_was_paused_meanwhile_are_taken(scenario: LabellingScenario) -> None:
    scenario.ask(1)
    token = scenario.token(scenario.alice)
    Queue.objects.update(paused=True)

    assert submit(scenario, token, scenario.alice).status == "created"


def test_the_constraint_refuses_a_second_label_in_a_slot_even_if_the_code_were_wrong(
    scenario: LabellingScenario,
) -> None:
    scenario.ask(1, overlap=2)
    submit(scenario, scenario.token(scenario.alice), scenario.alice)
    submit(scenario, scenario.token(scenario.bob), scenario.bob)
    first, second = Label.objects.order_by("pk")

    with pytest.raises(IntegrityError, match=r"slot"), transaction.atomic():
        Label.objects.filter(pk=second.pk).update(slot=first.slot_id)
