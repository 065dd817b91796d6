"""What is known of one item: where it stands, in words, and the comments of people beside their labels."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from analysis import items
from analysis.item_filters import parse_filters
from analysis.item_story import ItemStatus, comments, story
from annotation import labels
from annotation.models import Item
from projects import members
from tests.annotation.labelling_scenario import LabellingScenario, make_scenario
from tests.factories import NOW, make_item

pytestmark = pytest.mark.django_db


@pytest.fixture
def scenario() -> LabellingScenario:
    return make_scenario()


def submit(scenario: LabellingScenario, user: Any, **answer: Any) -> None:
    labels.submit(scenario.project, scenario.token(user), by=user, at=scenario.tick(), **answer)


def answer_of(scenario: LabellingScenario, item: Item) -> str:
    """The sentence under the question on the item's page."""
    client = Client()
    client.force_login(scenario.rita)
    page = client.get(reverse("analysis:item", args=[scenario.project.slug, item.uid])).content.decode()
    return " ".join(page.split('<p class="answer">')[1].split("</p>")[0].split())


def test_an_item_that_was_never_asked_says_so(scenario: LabellingScenario) -> None:
    item = make_item(scenario.project)

    assert story(item)["standing"] == ItemStatus.NEVER_ASKED
    assert answer_of(scenario, item).endswith("nobody has been asked about it.")


def test_an_item_that_waits_was_not_answered_yet(scenario: LabellingScenario) -> None:
    (item,) = scenario.ask()

    assert story(item)["standing"] == ItemStatus.WAITING
    assert answer_of(scenario, item).endswith("it waits for a label.")


def test_a_flagged_item_waits_for_a_reviewer_and_names_who_flagged_it(scenario: LabellingScenario) -> None:
    (item,) = scenario.ask()
    submit(scenario, scenario.alice, value="ham", flagged=True, comment="Two labels fit")

    assert story(item)["standing"] == ItemStatus.IN_REVIEW
    assert answer_of(scenario, item).endswith("it waits for a reviewer, flagged by alice.")


def test_a_flag_that_was_undone_names_nobody(scenario: LabellingScenario) -> None:
    (item,) = scenario.ask()
    token = scenario.token(scenario.alice)
    labels.submit(scenario.project, token, value="ham", flagged=True, by=scenario.alice, at=scenario.tick())
    labels.undo(scenario.project, token, by=scenario.alice, at=scenario.tick())

    assert story(item)["flagged_by"] == [] and story(item)["standing"] == ItemStatus.WAITING


@pytest.mark.parametrize(
    ("overlap", "answer", "expected", "words"),
    [
        (1, {"value": "ham"}, ItemStatus.RESOLVED, "resolved as <b>ham</b>."),
        (2, {"value": "ham"}, ItemStatus.LABELLED, "1 label so far and is not resolved yet."),
        (1, {"skip": True}, ItemStatus.SKIPPED, "skipped, and nobody has labelled it yet."),
    ],
)
def test_an_answered_item_says_what_became_of_it(
    scenario: LabellingScenario, overlap: int, answer: dict[str, Any], expected: ItemStatus, words: str
) -> None:
    (item,) = scenario.ask(overlap=overlap)
    submit(scenario, scenario.alice, **answer)

    assert story(item)["standing"] == expected
    assert answer_of(scenario, item).endswith(words)


def test_comments_stand_beside_the_labels_they_came_with(scenario: LabellingScenario) -> None:
    (item,) = scenario.ask()
    submit(scenario, scenario.alice, value="ham", comment="  Reads like <spam>, is not  ")

    result = story(item)

    assert result["comments"] == {result["labels"][0].pk: ["Reads like <spam>, is not"]}
    assert comments(result["labels"][0]) == ["Reads like <spam>, is not"]
    client = Client()
    client.force_login(scenario.rita)
    page = client.get(reverse("analysis:item", args=[scenario.project.slug, item.uid])).content.decode()
    assert '<small class="comment">Reads like &lt;spam&gt;, is not</small>' in page
    _, secret = members.create_key(scenario.project, scenario.rita, ["read"], by=None, at=NOW)
    address = f"/api/v1/projects/{scenario.project.slug}/items/{item.uid}"
    body = client.get(address, headers={"Authorization": f"Bearer {secret}"}).json()
    assert body["labels"][0]["comments"] == ["Reads like <spam>, is not"]


def test_items_with_a_comment_are_found(scenario: LabellingScenario) -> None:
    first, second = scenario.ask(2)
    submit(scenario, scenario.alice, value="ham", comment="Look again")
    submit(scenario, scenario.alice, value="spam")

    found = items.select(scenario.project, parse_filters({"commented": "yes"}, scenario.project), at=scenario.now)

    assert [item.pk for item in found] == [first.pk]
    assert second.labels.exists()
