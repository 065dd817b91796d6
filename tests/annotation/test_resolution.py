"""Agreement: single, unanimous, majority; disagreement is asked again; a reviewer decides; nothing agreed is lost."""

from typing import Any

import pytest

from annotation import answers, kinds, labels, queue_counts, queues, resolution
from annotation.models import Cause, Item, Label, Resolution
from projects.models import AuditEvent, User
from tests.annotation.labelling_scenario import LabellingScenario, make_entry, make_scenario
from tests.factories import make_item, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def scenario() -> LabellingScenario:
    return make_scenario(labels=("ham", "spam", "eggs"))


def answer(scenario: LabellingScenario, user: User, value: str, **options: Any) -> str:
    token = scenario.token(user)
    assert (
        labels.submit(scenario.project, token, value=value, by=user, at=scenario.tick(), **options).status == "created"
    )
    return token


def agreed(item: Item) -> tuple[Any, str, float, int] | None:
    found = Resolution.objects.current().filter(item=item).first()
    return (found.value, found.method, round(found.quality, 3), found.votes) if found else None


def states(item: Item) -> list[tuple[str, str]]:
    return list(item.routed_items.order_by("pk").values_list("cause", "state"))


def test_one_label_settles_where_one_is_asked(scenario: LabellingScenario) -> None:
    (item,) = scenario.ask(1)

    answer(scenario, scenario.alice, "ham")

    assert agreed(item) == ("ham", "single", 1.0, 1)
    assert states(item) == [("uncertain", "done")]


def test_nothing_is_settled_before_the_last_slot(scenario: LabellingScenario) -> None:
    (item,) = scenario.ask(1, overlap=2)

    answer(scenario, scenario.alice, "ham")
    assert agreed(item) is None
    answer(scenario, scenario.bob, "ham")

    assert agreed(item) == ("ham", "unanimous", 1.0, 2)


def test_a_majority_settles(scenario: LabellingScenario) -> None:
    (item,) = scenario.ask(1, overlap=3)

    for user, value in ((scenario.alice, "ham"), (scenario.bob, "spam"), (scenario.carol, "ham")):
        answer(scenario, user, value)

    assert agreed(item) == ("ham", "majority", 0.667, 3)


def test_disagreement_goes_to_review_and_is_asked_again_as_disputed(scenario: LabellingScenario) -> None:
    (item,) = scenario.ask(1, overlap=2, inclusion_probability=0.2)

    answer(scenario, scenario.alice, "ham")
    answer(scenario, scenario.bob, "spam")

    assert agreed(item) is None
    assert states(item) == [("uncertain", "review"), ("disputed", "open")]
    again = item.routed_items.get(cause=Cause.DISPUTED)
    assert again.reason == "two people disagreed: ham, spam"
    assert again.numbers == {"votes": {"ham": 1, "spam": 1}, "agreement": 0.0}
    assert again.inclusion_probability == 0.2


def test_an_item_in_dispute_is_in_review_and_not_listed_again_for_labelling(scenario: LabellingScenario) -> None:
    scenario.ask(1, overlap=2)
    answer(scenario, scenario.alice, "ham")
    answer(scenario, scenario.bob, "spam")
    assert scenario.claim(scenario.carol, 5) == scenario.claim(scenario.rita, 5) == []
    disputed = next(
        row for row in queue_counts.count_queues(scenario.project, at=scenario.now) if row.queue.cause == Cause.DISPUTED
    )
    assert (disputed.waiting, disputed.review) == (0, 1)


def test_the_votes_of_a_dispute_count_together(scenario: LabellingScenario) -> None:
    (item,) = scenario.ask(1, overlap=2)
    answer(scenario, scenario.alice, "ham")
    answer(scenario, scenario.bob, "spam")

    answer(scenario, scenario.carol, "spam")

    assert agreed(item) == ("spam", "majority", 0.667, 3)
    assert states(item) == [("uncertain", "done"), ("disputed", "done")]


def test_a_dispute_asks_one_person_more_at_a_time_whatever_the_projects_overlap() -> None:
    scenario = make_scenario(overlap=2)
    (item,) = scenario.ask(1, overlap=2)

    answer(scenario, scenario.alice, "ham")
    answer(scenario, scenario.bob, "spam")

    assert item.routed_items.get(cause=Cause.DISPUTED).slots.count() == 1


def test_a_dispute_without_a_majority_is_asked_again(scenario: LabellingScenario) -> None:
    (item,) = scenario.ask(1, overlap=2)
    answer(scenario, scenario.alice, "ham")
    answer(scenario, scenario.bob, "spam")
    answer(scenario, scenario.carol, "eggs")

    assert agreed(item) is None
    assert states(item) == [("uncertain", "review"), ("disputed", "review"), ("disputed", "open")]
    answer(scenario, make_user("dora", scenario.project), "eggs")
    assert agreed(item) is None
    answer(scenario, make_user("emil", scenario.project), "eggs")
    assert agreed(item) == ("eggs", "majority", 0.6, 5)


def test_a_reviewers_answer_to_a_disputed_item_decides(scenario: LabellingScenario) -> None:
    (item,) = scenario.ask(1, overlap=2)
    answer(scenario, scenario.alice, "ham")
    answer(scenario, scenario.bob, "spam")

    answer(scenario, scenario.rita, "eggs")

    assert agreed(item) == ("eggs", "reviewer", 1.0, 3)
    assert Resolution.objects.current().get().resolved_by == scenario.rita


def test_a_reviewers_answer_elsewhere_is_a_vote_like_any(scenario: LabellingScenario) -> None:
    (item,) = scenario.ask(1, overlap=2)

    answer(scenario, scenario.rita, "ham")
    answer(scenario, scenario.bob, "spam")

    assert agreed(item) is None


def test_what_was_measured_with_is_marked_and_stays_so_through_a_dispute(scenario: LabellingScenario) -> None:
    (item,) = scenario.ask(1, cause=Cause.AUDIT, overlap=2, evaluation=True)
    answer(scenario, scenario.alice, "ham")
    answer(scenario, scenario.bob, "spam")
    answer(scenario, scenario.rita, "ham")

    assert Resolution.objects.current().get(item=item).evaluation


def test_a_human_resolution_supersedes_the_one_known_at_capture(scenario: LabellingScenario) -> None:
    (item,) = scenario.ask(1)
    known(scenario, item)

    answer(scenario, scenario.alice, "spam")

    assert agreed(item) == ("spam", "single", 1.0, 1)
    assert Resolution.objects.count() == 2


def known(scenario: LabellingScenario, item: Item) -> None:
    at = item.routed_items.get().routed_at
    Resolution.objects.create(
        project=scenario.project, item=item, value="ham", method="known", quality=1.0, votes=0, resolved_at=at
    )


def test_undoing_brings_back_what_stood_before(scenario: LabellingScenario) -> None:
    (item,) = scenario.ask(1)
    known(scenario, item)
    token = answer(scenario, scenario.alice, "spam")

    labels.undo(scenario.project, token, by=scenario.alice, at=scenario.tick())

    assert agreed(item) == ("ham", "known", 1.0, 0)
    assert Resolution.objects.count() == 3


def test_undoing_after_a_revision_brings_back_what_stood_before_both(scenario: LabellingScenario) -> None:
    (item,) = scenario.ask(1)
    known(scenario, item)
    token = answer(scenario, scenario.alice, "spam")
    labels.revise(Label.objects.get(), value="eggs", by=scenario.alice, at=scenario.tick())
    assert agreed(item) == ("eggs", "single", 1.0, 1)

    labels.undo(scenario.project, token, by=scenario.alice, at=scenario.tick())

    assert agreed(item) == ("ham", "known", 1.0, 0)


def test_undoing_one_of_two_votes_withdraws_the_dispute_that_nobody_answered(scenario: LabellingScenario) -> None:
    (item,) = scenario.ask(1, overlap=2)
    answer(scenario, scenario.alice, "ham")
    token = answer(scenario, scenario.bob, "spam")

    labels.undo(scenario.project, token, by=scenario.bob, at=scenario.tick())

    assert states(item) == [("uncertain", "open"), ("disputed", "withdrawn")]
    labels.submit(scenario.project, token, value="ham", by=scenario.bob, at=scenario.tick())
    assert agreed(item) == ("ham", "unanimous", 1.0, 2)


def test_revising_one_of_two_votes_into_agreement_settles(scenario: LabellingScenario) -> None:
    (item,) = scenario.ask(1, overlap=2)
    answer(scenario, scenario.alice, "ham")
    answer(scenario, scenario.bob, "spam")

    labels.revise(Label.objects.get(user=scenario.alice), value="spam", by=scenario.alice, at=scenario.tick())

    assert agreed(item) == ("spam", "unanimous", 1.0, 2)
    assert states(item) == [("uncertain", "done"), ("disputed", "withdrawn")]


def test_revising_one_of_two_votes_into_disagreement_unsettles(scenario: LabellingScenario) -> None:
    (item,) = scenario.ask(1, overlap=2)
    answer(scenario, scenario.alice, "ham")
    answer(scenario, scenario.bob, "ham")

    labels.revise(Label.objects.get(user=scenario.alice), value="spam", by=scenario.alice, at=scenario.tick())

    assert agreed(item) is None
    assert states(item) == [("uncertain", "review"), ("disputed", "open")]


def test_undoing_the_vote_that_settled_a_dispute_disputes_it_again(scenario: LabellingScenario) -> None:
    (item,) = scenario.ask(1, overlap=2)
    answer(scenario, scenario.alice, "ham")
    answer(scenario, scenario.bob, "spam")
    token = answer(scenario, scenario.carol, "spam")

    labels.undo(scenario.project, token, by=scenario.carol, at=scenario.tick())

    assert agreed(item) is None
    assert states(item) == [("uncertain", "review"), ("disputed", "open")]
    labels.submit(scenario.project, token, value="ham", by=scenario.carol, at=scenario.tick())
    assert agreed(item) == ("ham", "majority", 0.667, 3)


def test_an_answer_that_others_have_built_on_cannot_be_taken_back(scenario: LabellingScenario) -> None:
    (item,) = scenario.ask(1, overlap=2)
    token = answer(scenario, scenario.alice, "ham")
    answer(scenario, scenario.bob, "spam")
    answer(scenario, scenario.rita, "ham")

    with pytest.raises(answers.AnswerRefused, match="asked again since"):
        labels.undo(scenario.project, token, by=scenario.alice, at=scenario.tick())
    revised = labels.revise(Label.objects.get(user=scenario.alice), value="spam", by=scenario.alice, at=scenario.tick())

    assert revised.status == "refused"
    assert agreed(item) == ("ham", "reviewer", 1.0, 3)


def test_a_decision_settles_whatever_was_voted_and_is_on_the_audit_trail(scenario: LabellingScenario) -> None:
    (item,) = scenario.ask(1, overlap=2)
    answer(scenario, scenario.alice, "ham")

    made = resolution.resolve_by_person(item, value="eggs", by=scenario.rita, at=scenario.tick())

    assert (made.value, made.method, made.votes, made.resolved_by) == ("eggs", "reviewer", 1, scenario.rita)
    assert states(item) == [("uncertain", "done")]
    assert scenario.claim(scenario.bob) == []
    event = AuditEvent.objects.get(action="item.decide")
    assert (event.actor, event.target, event.details) == ("user:rita", item.uid, {"value": "eggs"})


def test_an_answer_cannot_be_undone_after_a_reviewers_decision(scenario: LabellingScenario) -> None:
    (item,) = scenario.ask(1)
    token = answer(scenario, scenario.alice, "ham")
    resolution.resolve_by_person(item, value="eggs", by=scenario.rita, at=scenario.tick())

    with pytest.raises(answers.AnswerRefused, match="A reviewer decided"):
        labels.undo(scenario.project, token, by=scenario.alice, at=scenario.tick())

    assert agreed(item) == ("eggs", "reviewer", 1.0, 1)


def test_an_answer_that_comes_after_a_decision_is_an_extra_judgement(scenario: LabellingScenario) -> None:
    (item,) = scenario.ask(1)
    token = scenario.token(scenario.alice)
    resolution.resolve_by_person(item, value="eggs", by=scenario.rita, at=scenario.tick())

    late = labels.submit(scenario.project, token, value="ham", by=scenario.alice, at=scenario.tick())

    assert late.status == "extra"
    assert agreed(item) == ("eggs", "reviewer", 1.0, 0)


def test_a_decision_on_an_item_that_was_measured_with_stays_out_of_training(scenario: LabellingScenario) -> None:
    (item,) = scenario.ask(1, cause=Cause.AUDIT, evaluation=True)

    assert resolution.resolve_by_person(item, value="ham", by=scenario.rita, at=scenario.tick()).evaluation


def test_a_decision_for_no_label_is_refused(scenario: LabellingScenario) -> None:
    item = make_item(scenario.project)

    with pytest.raises(kinds.InvalidLabel):
        resolution.resolve_by_person(item, value="bacon", by=scenario.rita, at=scenario.tick())

    assert not Resolution.objects.exists()


def test_a_second_look_by_another_person_supersedes_the_first(scenario: LabellingScenario) -> None:
    (item,) = scenario.ask(1)
    answer(scenario, scenario.alice, "ham")
    queues.add_entries(scenario.queue(Cause.SUSPECTED), [make_entry(item)], at=scenario.tick())
    assert agreed(item) == ("ham", "single", 1.0, 1)

    answer(scenario, scenario.bob, "spam")

    assert agreed(item) == ("spam", "single", 1.0, 1)
    with pytest.raises(answers.AnswerRefused):
        labels.undo(
            scenario.project, Label.objects.get(user=scenario.alice).lease.token, by=scenario.alice, at=scenario.tick()
        )


def test_undoing_the_second_look_brings_back_the_first(scenario: LabellingScenario) -> None:
    (item,) = scenario.ask(1)
    answer(scenario, scenario.alice, "ham")
    queues.add_entries(scenario.queue(Cause.SUSPECTED), [make_entry(item)], at=scenario.tick())
    token = answer(scenario, scenario.bob, "spam")

    labels.undo(scenario.project, token, by=scenario.bob, at=scenario.tick())

    assert agreed(item) == ("ham", "single", 1.0, 1)


def test_settle_agrees_on_an_item_whose_votes_are_all_in(scenario: LabellingScenario) -> None:
    (item,) = scenario.ask(1)
    answer(scenario, scenario.alice, "ham")
    Resolution.objects.all().delete()
    item.routed_items.update(state="open")

    made = resolution.settle(item, at=scenario.tick())

    assert made is not None and made.value == "ham"
    assert resolution.settle(item, at=scenario.tick()) is None
    assert resolution.settle(make_item(scenario.project), at=scenario.now) is None
