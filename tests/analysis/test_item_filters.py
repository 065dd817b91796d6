"""Filters, orders and pages of items: the page and the API find the same; these tests run on PostgreSQL too."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from analysis import item_answers, items, neighbours
from analysis.item_filters import NAMES, BadFilter, Filters, parse_filters
from analysis.item_pages import PageStart, parse_order
from annotation import tags
from annotation.models import Cause, Item
from projects import members
from projects.models import Project
from tests.analysis.scenarios import make_finding, resolve, route
from tests.factories import NOW, make_item, make_prediction, make_project, make_user

pytestmark = pytest.mark.django_db
ODD = 'odd "name" é'
INPUTS = {
    "text": {"type": "text"},
    "amount": {"type": "number", "required": False},
    "country": {"type": "category", "required": False},
    "vip": {"type": "boolean", "required": False},
    "opened": {"type": "time", "required": False},
    ODD: {"type": "number", "required": False},
    "0": {"type": "number", "required": False},
}
"""Names also that a JSON path would read in another way."""
LABELS = ("ham", "spam", "egg")
SCORES = {0: [0.6, 0.3, 0.1], 1: [0.2, 0.7, 0.1], 2: [0.1, 0.1, 0.8], 3: [0.5, 0.25, 0.25], 4: [0.34, 0.33, 0.33]}
"""Of the first items, by v1; the others have no answer. The fifth one was answered again, by v2, which serves."""


@pytest.fixture
def project() -> Project:
    project = make_project(labels=LABELS, inputs=INPUTS, champion_version="v2")
    for n in range(8):
        inputs = {
            "text": f"Card number {n}",
            "amount": n * 10 if n % 2 else n * 10.5,
            "country": ["DE", "FR", "IT"][n % 3],
            "vip": n < 2,
            "opened": f"2026-11-{n + 1:02d}T08:00:00Z",
            ODD: -n,
            "0": n,
        }
        if n == 7:
            inputs = {"text": "lonely 100%", "amount": None, "vip": None}
        item = make_item(
            project, f"k{n}", inputs=inputs, at=NOW + timedelta(hours=n), segment={"channel": "app" if n % 2 else "web"}
        )
        if n in SCORES:
            make_prediction(item, SCORES[n])
    made = list(Item.objects.filter(project=project).order_by("pk"))
    make_prediction(made[4], [0.1, 0.8, 0.1], model_version="v2", at=made[4].at - timedelta(days=1))
    resolve(made[0], "spam")
    resolve(made[1], "spam")
    route(project, made[:2], Cause.UNCERTAIN, probability=1.0)
    for name, tagged in (("look again", made[5:8]), ("late", made[7:8])):
        tags.add_tag(project, [item.pk for item in tagged], name, by=make_user(), at=NOW)
    make_finding(made[0], "spam", "ham")
    return project


CASES: dict[str, tuple[str, set[int]]] = {
    "resolved": ("resolved=yes", {0, 1}),
    "not resolved": ("resolved=no", {2, 3, 4, 5, 6, 7}),
    "state": ("state=resolved", {0, 1}),
    "cause": ("cause=uncertain", {0, 1}),
    "truth": ("truth=spam", {0, 1}),
    "says": ("says=spam", {1, 4}),
    "says what is not shown": ("says=ham", {0, 3}),
    "says of one version": ("says=ham&version=v1", {0, 3, 4}),
    "version": ("version=v2", {4}),
    "confidence": ("confidence=0.6..0.85", {0, 1, 2, 4}),
    "confidence below": ("confidence=..0.55", {3}),
    "any confidence": ("confidence=..", {0, 1, 2, 3, 4}),
    "confidence and says": ("confidence=0.75..&says=egg", {2}),
    "margin": ("margin=..0.35", {0, 3}),
    "scores": ("scores=spam:0.3..0.7", {0, 1}),
    "scores of two": ("scores=spam:0.2..0.3&scores=egg:0.2..", {3}),
    "disagree": ("disagree=yes", {0}),
    "suspected": ("suspected=yes", {0}),
    "segment": ("segment=channel%3Dapp", {1, 3, 5, 7}),
    "number": ("input=amount:10..30", {1, 2, 3}),
    "number from": ("input=amount:50..", {5, 6}),
    "one number": ("input=amount:21", {2}),
    "number up to": ("input=amount:10..<30", {1, 2}),
    "missing": ("input=amount:", {7}),
    "category": ("input=country:DE|FR", {0, 1, 3, 4, 6}),
    "boolean": ("input=vip:yes", {0, 1}),
    "boolean no": ("input=vip:no", {2, 3, 4, 5, 6}),
    "time": ("input=opened:2026-11-02..2026-11-04", {1, 2}),
    "time up to": ("input=opened:2026-11-02..<2026-11-03T08:00:00Z", {1}),
    "text": ("input=text:NUMBER 3", {3}),
    "part of a word": ("input=text:umber", {0, 1, 2, 3, 4, 5, 6}),
    "whole word": ('input=text:"lonely"', {7}),
    "no whole word": ('input=text:"lone"', set()),
    "text of signs": ("input=text:100%25", {7}),
    "an odd name": (f"input={ODD}:-2..-1", {1, 2}),
    "a name that is a number": ("input=0:5..6", {5, 6}),
    "two inputs": ("input=amount:10..30&input=country:DE", {3}),
    "tag": ("tag=look again", {5, 6, 7}),
    "two tags": ("tag=look again&tag=late", {7}),
    "since": (f"since={(NOW + timedelta(hours=6)).strftime('%Y-%m-%dT%H:%M:%SZ')}", {6, 7}),
    "until": (f"until={NOW.strftime('%Y-%m-%dT%H:%M:%SZ')}", {0}),
}


def page_keys(browser: Client, project: Project, query: str) -> Iterator[str]:
    """The keys of every page of the list of items."""
    after = ""
    while True:
        address = f"{reverse('analysis:item-list', args=[project.slug])}?{query}"
        page = browser.get(f"{address}&after={after}" if after else address).context
        yield from (row.key for row in page["rows"])
        if not (after := page["page"].next):
            return


def test_the_page_and_the_api_find_the_same_by_every_filter(project: Project) -> None:
    emil = make_user("emil", project, "engineer")
    _, secret = members.create_key(project, emil, ["read"], by=None, at=NOW)
    browser, headers = Client(), {"Authorization": f"Bearer {secret}"}
    browser.force_login(emil, backend="django.contrib.auth.backends.ModelBackend")
    for name, (query, expected) in CASES.items():
        wanted = sorted(f"k{n}" for n in expected)
        assert sorted(page_keys(browser, project, query)) == wanted, name
        page = browser.get(f"{reverse('analysis:item-list', args=[project.slug])}?{query}").context
        assert page["total"] == len(expected), name
        call = page["call"].removeprefix("http://testserver")
        assert sorted(row["key"] for row in browser.get(call, headers=headers).json()["items"]) == wanted, name
    asked = {part.partition("=")[0] for query, _ in CASES.values() for part in query.split("&")}
    # These have tests of their own.
    elsewhere = {
        "queue",
        "judges",
        "served",
        "drawn",
        "signal",
        "actor",
        "commented",
        "violation",
        "q",
        "window",
        "similar",
    }
    assert asked | elsewhere == set(NAMES)


@pytest.mark.parametrize("most", [2, 10_001], ids=["too many", "few"])
def test_items_resolved_as_asked_are_counted_as_they_are_listed(
    project: Project, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(items, "MOST_COUNTED", most)
    for query in ("truth=spam", "truth=spam&confidence=0.6.."):
        selection = items.ItemSelection(project, parse_filters(QueryDict(query), project), NOW)
        assert set(selection.matching().values_list("key", flat=True)) == {"k0", "k1"}
        assert selection.count() == 2
        assert (selection.narrowed is None) == (most == 2)


def test_answers_of_items_are_looked_up_by_the_item_alone(project: Project) -> None:
    """Seen: 9 s at 200,000 items, when SQLite took the index by project, label and score for each item."""
    answers = item_answers.ShownAnswers(project, parse_filters(QueryDict("says=spam&confidence=0.3.."), project))
    asked = str(answers.fitting_of(item__in=[1, 2]).query)
    assert '"item_id" IN' in asked and '"project_id" =' not in asked
    assert '"project_id" =' in str(answers.candidates().query)


def test_the_items_most_like_one_come_nearest_first_on_the_page_and_from_the_api(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    emil = make_user("emil", project, "engineer")
    _, secret = members.create_key(project, emil, ["read"], by=None, at=NOW)
    browser, headers = Client(), {"Authorization": f"Bearer {secret}"}
    browser.force_login(emil, backend="django.contrib.auth.backends.ModelBackend")
    address = reverse("analysis:item-list", args=[project.slug])
    first = Item.objects.get(project=project, key="k0")
    query = f"similar={first.uid}&sort=similar"

    page = browser.get(f"{address}?{query}")
    found = [row.key for row in page.context["rows"]]
    assert (len(found), page.context["total"], found[0], found[-1]) == (7, 7, "k1", "k6")  # by its numbers
    assert [chip["value"] for chip in page.context["active"]] == ["k0"]
    assert page.context["active"][0]["url"] == address
    call = page.context["call"].removeprefix("http://testserver")
    assert [row["key"] for row in browser.get(call, headers=headers).json()["items"]] == found
    assert set(page_keys(browser, project, f"{query}&tag=look again&tag=late")) == {"k7"}

    monkeypatch.setattr(neighbours, "COMPARED", 3)
    assert set(page_keys(browser, project, query)) == {"k7", "k6", "k5"}
    monkeypatch.setattr(neighbours, "MOST_SIMILAR", 2)
    assert len(list(page_keys(browser, project, query))) == 2
    for refused in ("similar=item_other", "sort=similar", f"similar={make_item(make_project()).uid}"):
        assert browser.get(f"{address}?{refused}").status_code == 400


@pytest.mark.parametrize("limit", [3, 10_001], ids=["a walk through many", "few that are at hand"])
@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("", [7, 6, 5, 4, 3, 2, 1, 0]),
        ("time", [0, 1, 2, 3, 4, 5, 6, 7]),
        ("score", [3, 0, 1, 2, 4]),
        ("-score", [4, 2, 1, 0, 3]),
        ("margin", [3, 0, 1, 2, 4]),
        ("input:amount", [0, 1, 2, 3, 4, 5, 6]),
        (f"-input:{ODD}", [0, 1, 2, 3, 4, 5, 6]),
        ("-input:opened", [6, 5, 4, 3, 2, 1, 0]),
    ],
)
def test_pages_of_every_order_lead_through_all_items_once_in_both_directions(
    project: Project, monkeypatch: pytest.MonkeyPatch, sort: str, expected: list[int], limit: int
) -> None:
    monkeypatch.setattr(items, "MOST_COUNTED", limit)
    monkeypatch.setattr(items, "BLOCK", 2)
    order, seen, place, ends = parse_order(sort, project), [], PageStart(), []
    while True:
        page = items.find_page(items.ItemSelection(project, Filters(), NOW), order, place, size=3)
        seen.append([row.key for row in page.rows])
        ends.append(page.previous)
        if not page.next:
            break
        place = PageStart(after=page.next)
    forward = [key for keys in seen for key in keys]
    if "score" in sort or "margin" in sort:  # 4 and 2 have nearly the same
        assert set(forward) == {f"k{n}" for n in expected} and len(forward) == len(expected)
    else:
        assert forward == [f"k{n}" for n in expected]
    assert not ends[0] and all(ends[1:])
    for number in range(len(seen) - 1, 0, -1):
        page = items.find_page(
            items.ItemSelection(project, Filters(), NOW), order, PageStart(before=ends[number]), size=3
        )
        assert [row.key for row in page.rows] == seen[number - 1]


def test_the_order_by_score_is_that_of_the_scores_shown(project: Project) -> None:
    page = items.find_page(items.ItemSelection(project, Filters(), NOW), parse_order("score", project))
    assert [row.score for row in page.rows] == sorted(row.score for row in page.rows)
    assert page.total == 5


@pytest.mark.parametrize(
    "query",
    [
        "confidence=high",
        "confidence=0.9..0.1",
        "confidence=nan",
        "confidence=1e999",
        "margin=",
        "scores=0.2..0.5",
        "scores=bacon:0..1",
        "input=amount",
        "input=gone:5",
        "input=amount:DE",
        "input=vip:maybe",
        "input=opened:yesterday",
        "&".join(f"input=amount:{n}" for n in range(21)),
    ],
)
def test_a_condition_that_cannot_be_read_is_refused_in_words(project: Project, query: str) -> None:
    if query == "margin=":
        assert parse_filters(QueryDict(query), project) == Filters()
        return
    with pytest.raises(BadFilter, match=r"\w{4,}.*\.$"):
        parse_filters(QueryDict(query), project)


@pytest.mark.parametrize("sort", ["pk", "input:text", "input:gone", "--score", "-"])
def test_an_order_that_there_is_not_is_refused(project: Project, sort: str) -> None:
    with pytest.raises(BadFilter, match="it takes time, score, margin"):
        parse_order(sort, project)


def test_more_than_can_be_counted_are_found_in_their_order(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(items, "MOST_COUNTED", 2)
    filters = parse_filters(QueryDict("confidence=0.5.."), project)
    page = items.find_page(items.ItemSelection(project, filters, NOW))
    assert ([row.key for row in page.rows], page.total) == (["k4", "k3", "k2", "k1", "k0"], 2)


def test_a_search_by_score_of_many_labels_goes_without_them(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(item_answers, "MOST_LABELS", 1)
    found: Any = items.select(project, Filters(confidence="0.75.."), at=NOW)
    assert {row.key for row in found} == {"k2", "k4"}


def test_a_form_that_adds_a_condition_leads_to_the_view_with_it(project: Project) -> None:
    browser = Client()
    browser.force_login(make_user("emil", project, "engineer"), backend="django.contrib.auth.backends.ModelBackend")
    given = {"condition_on": "input:amount", "condition": "10..30", "input": "country:DE", "cause": ""}
    answer = browser.get(reverse("analysis:item-list", args=[project.slug]), given)
    assert answer.status_code == 302
    page = browser.get(answer["Location"])
    assert [row.key for row in page.context["rows"]] == ["k3"]
    assert [chip["name"] for chip in page.context["active"]] == ["country", "amount"]
    fewer = browser.get(page.context["active"][0]["url"])
    assert {row.key for row in fewer.context["rows"]} == {"k1", "k2", "k3"}


def test_a_view_has_the_columns_of_its_address(project: Project) -> None:
    browser = Client()
    browser.force_login(make_user("emil", project, "engineer"), backend="django.contrib.auth.backends.ModelBackend")
    address = reverse("analysis:item-list", args=[project.slug])
    page = browser.get(address, {"columns": "input:country|score|key"})
    assert [column.name for column in page.context["columns"]] == ["input:country", "score", "key"]
    assert browser.get(address, {"columns": "password"}).status_code == 400
    assert b'class="cards items"' in browser.get(address, {"layout": "grid"}).content
