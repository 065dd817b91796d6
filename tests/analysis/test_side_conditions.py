"""Items by what was agreed of their side questions: the list, the count, the address and its refusals."""

from typing import Any

import pytest

from analysis import item_filters, items
from analysis.item_filters import BadFilter, Filters
from annotation import labels
from projects.models import Role
from tests.annotation.labelling_scenario import LabellingScenario, make_scenario
from tests.factories import make_user

pytestmark = pytest.mark.django_db
QUESTIONS = [
    {"name": "failure", "kind": "choices", "labels": [{"value": "price"}, {"value": 'Über "tone"'}]},
    {"name": "severity", "kind": "rating"},
    {"name": "where", "kind": "spans", "labels": [{"value": "wrong"}], "answer": {"input": "text"}},
    {"name": "reason", "kind": "text"},
]
SAID: list[dict[str, Any]] = [
    {"failure": ["price"], "severity": 4},
    {"failure": ["price", 'Über "tone"'], "where": [{"start": 0, "end": 1, "label": "wrong"}], "severity": 2},
    {"failure": [], "reason": "dear"},
    {},
]


@pytest.fixture
def scenario() -> LabellingScenario:
    made = make_scenario(also_ask=QUESTIONS)
    for place, also in enumerate(SAID):
        made.ask(1)
        token = made.token(made.alice)
        done = labels.submit(made.project, token, value="ham", also=also, by=made.alice, at=made.tick())
        assert done.status == "created", done.error
        assert place == made.project.labels.count() - 1
    return made


def found(scenario: LabellingScenario, **given: str) -> list[int]:
    """Places in SAID of the items that pass, which the list, the count and the API's query agree on."""
    filters = item_filters.parse_filters(given, scenario.project)
    selection = items.ItemSelection(scenario.project, filters, scenario.now)
    order = list(scenario.project.labels.order_by("pk").values_list("item", flat=True))
    listed = sorted(order.index(row.pk) for row in items.find_page(selection).rows)
    assert selection.count() == len(listed)
    passing = selection.matching([*order]).values_list("pk", flat=True)
    assert sorted(order.index(pk) for pk in passing) == listed
    return listed


@pytest.mark.parametrize(
    ("given", "places"),
    [
        ({"also.failure": "price"}, [0, 1]),
        ({"also.failure": 'Über "tone"'}, [1]),
        ({"also.failure": "any"}, [0, 1, 2]),
        ({"also.severity": "4"}, [0]),
        ({"also.failure": "price", "also.severity": "2"}, [1]),
        ({"also.where": "wrong"}, [1]),
        ({"also.reason": "any"}, [2]),
        ({"also.severity": "unsettled"}, []),
        ({"also.severity": "4", "truth": "spam"}, []),
    ],
)
def test_items_are_found_by_an_agreed_side_answer(
    scenario: LabellingScenario, given: dict[str, str], places: list[int]
) -> None:
    assert found(scenario, **given) == places


def test_items_are_found_whose_votes_on_a_side_question_differ(scenario: LabellingScenario) -> None:
    scenario.ask(1, overlap=2)
    for person, severity in ((scenario.alice, 1), (scenario.bob, 5)):
        token = scenario.token(person)
        sent: dict[str, Any] = {"value": "ham", "also": {"severity": severity}}
        labels.submit(scenario.project, token, **sent, by=person, at=scenario.tick())
    filters = item_filters.parse_filters({"also.severity": "unsettled"}, scenario.project)

    assert items.ItemSelection(scenario.project, filters, scenario.now).count() == 1


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"also.mood": "x"}, "Side question is 'mood'; this project has failure, severity, where, reason."),
        ({"also.severity": "9"}, "also.severity is '9'; it takes 1, 2, 3, 4, 5, any, unsettled."),
        ({"also.reason": "dear"}, "also.reason is 'dear'; it takes any, unsettled."),
        ({"also.failure": "\x00"}, "also.failure is '\\x00'; it takes price"),
    ],
)
def test_an_address_that_cannot_be_answered_is_refused(
    scenario: LabellingScenario, given: dict[str, str], why: str
) -> None:
    with pytest.raises(BadFilter) as refused:
        item_filters.parse_filters(given, scenario.project)

    assert why in str(refused.value)


def test_the_filters_are_the_address(scenario: LabellingScenario) -> None:
    given = {"also.failure": "price", "truth": "ham"}
    filters = item_filters.parse_filters(given, scenario.project)

    assert dict(filters.active()) == given
    assert filters.query() == "truth=ham&also.failure=price"
    assert filters.reveal
    assert filters.without("also.failure", "price") == Filters(truth="ham")


def test_the_page_offers_and_names_them(scenario: LabellingScenario, client: Any) -> None:
    client.force_login(make_user("eva", scenario.project, Role.ENGINEER))

    page = client.get(f"/p/{scenario.project.slug}/items/?also.failure=price").content.decode()

    assert '<select id="f-also.severity" name="also.severity">' in page
    assert "Failure" in page and '<option value="price" selected>' in page
