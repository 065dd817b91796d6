"""Answers are bounded: nothing that was sent comes back at length, and pages end by size as well as by number."""

import json
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from analysis import items
from analysis.item_filters import Filters
from analysis.item_story import MOST_OF_A_STORY
from annotation import leases, queues
from annotation.models import Cause, Lease, Signal, Slot, SlotState
from projects import members
from projects.models import Project, Role, Scope
from projects.problems import LONGEST_DETAIL, MOST_ERRORS, problem
from tests.factories import NOW, make_item, make_project, make_user

pytestmark = pytest.mark.django_db
LONG = "x" * 500_000
CALLS: dict[str, tuple[str, Any]] = {
    "a label": ("predictions", [{"key": "a", "inputs": {"text": "t"}, "label": LONG}]),
    "a key": ("predictions", [{"key": LONG, "inputs": {"text": "t"}}]),
    "an unknown field": ("predictions", [{"key": "a", "inputs": {"text": "t"}, LONG: 1}]),
    "an unknown input": ("predictions", [{"key": "a", "inputs": {LONG: "t"}}]),
    "a score's label": ("predictions", [{"key": "a", "inputs": {"text": "t"}, "scores": {LONG: 1}}]),
    "a score": ("predictions", [{"key": "a", "inputs": {"text": "t"}, "scores": {"ham": LONG}}]),
    "a segment": ("predictions", [{"key": "a", "inputs": {"text": "t"}, "segment": {LONG: "a"}}]),
    "a time": ("predictions", [{"key": "a", "inputs": {"text": "t"}, "at": LONG}]),
    "a known label": ("predictions", [{"key": "a", "inputs": {"text": "t"}, "label_known": [LONG]}]),
    "a row": ("predictions", [LONG]),
    "a signal's kind": ("signals", [{"id": "a", "key": "a", "kind": LONG}]),
    "a signal's id": ("signals", [{"id": LONG, "key": "a", "kind": "comment"}]),
    "a correction": ("signals", [{"id": "a", "key": "a", "kind": "correction", "value": LONG}]),
    "an unknown field of a signal": ("signals", [{"id": "a", "key": "a", "kind": "comment", LONG: 1}]),
    "a lease": ("labels", {"labels": [{"lease": LONG, "value": "ham"}]}),
    "an unknown field of a label": ("labels", {"labels": [{"lease": "a", LONG: "ham"}]}),
    "a queue": ("leases", {"count": 1, "queue": LONG}),
    "an unknown field of a call": ("leases", {"count": 1, LONG: 1}),
    "an input to predict": ("predict", {"inputs": [{LONG: "t"}, {"text": [LONG]}]}),
    "a key to predict": ("predict", {"inputs": [{"text": "t"}], "keys": [LONG]}),
    "many inputs to predict": ("predict", {"inputs": [{LONG[:1000]: "t"}] * 1000}),
    "an unknown field to predict": ("predict", {"inputs": [{"text": "t"}], LONG: 1}),
}


@pytest.fixture
def project() -> Project:
    return make_project("bounded")


@pytest.fixture
def key(project: Project) -> str:
    engineer = make_user("engineer", project, Role.ENGINEER)
    return members.create_key(project, engineer, list(Scope), by=engineer, at=timezone.now())[1]


@pytest.mark.parametrize("what", CALLS)
def test_what_was_sent_is_not_repeated_at_length(key: str, what: str) -> None:
    call, body = CALLS[what]
    answer = Client().post(
        f"/api/v1/projects/bounded/{call}",
        json.dumps(body),
        content_type="application/json",
        headers={"Authorization": f"Bearer {key}"},
    )
    assert answer.status_code in (200, 404, 413, 422), answer.content[:300]
    assert len(answer.content) < 250_000 if what.startswith("many") else len(answer.content) < 3_000


def test_a_problem_cuts_its_sentence_and_its_errors() -> None:
    body = json.loads(problem(422, LONG, errors=[{"index": n, "error": LONG} for n in range(500)]).content)
    assert len(body["detail"]) == LONGEST_DETAIL
    assert (len(body["errors"]), body["errors_in_all"]) == (MOST_ERRORS, 500)
    assert len(body["errors"][0]["error"]) == LONGEST_DETAIL


def test_a_page_of_long_items_ends_before_it_is_too_long_and_the_next_goes_on(project: Project, key: str) -> None:
    made = [make_item(project, inputs={"text": "long " * 200_000}) for _ in range(9)]
    seen, sizes, after = [], [], ""
    while True:
        answer = Client().get(
            "/api/v1/projects/bounded/items", {"next": after}, headers={"Authorization": f"Bearer {key}"}
        )
        seen += [row["id"] for row in answer.json()["items"]]
        sizes.append(len(answer.content))
        if not (after := answer.json()["next"]):
            break
    assert seen == [item.uid for item in reversed(made)]
    assert max(sizes) < items.PAGE_CHARACTERS + 10_000


def test_an_item_longer_than_a_page_is_a_page_of_its_own(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(items, "PAGE_CHARACTERS", 10)
    make_item(project)
    make_item(project)
    page = items.find_page(items.ItemSelection(project, Filters(), NOW))
    assert (len(page.rows), bool(page.next)) == (1, True)


def test_a_claim_of_long_items_leases_fewer_and_leaves_the_others_to_be_leased(project: Project) -> None:
    person = make_user("alice", project)
    long = [make_item(project, inputs={"text": "long " * 200_000}) for _ in range(6)]
    entries = [queues.Entry(item.pk, "long", {}, 1.0, 0.5) for item in long]
    queues.add_entries(queues.ensure(project, Cause.UNCERTAIN, at=NOW), entries, at=NOW)
    first = leases.claim(project, by=person, count=6, at=NOW)
    assert len(first) == 3
    assert Slot.objects.filter(state=SlotState.OPEN).count() == 3
    assert Lease.objects.filter(ended_at=None).count() == 3
    assert len(leases.claim(project, by=person, count=6, at=NOW)) == 3


def test_the_story_of_an_item_shows_its_newest_signals_and_says_how_many_there_are(project: Project, key: str) -> None:
    item = make_item(project)
    Signal.objects.bulk_create(
        Signal(
            project=project,
            key=f"s{n}",
            prediction_key=item.key,
            item=item,
            kind="comment",
            body_hash="",
            at=NOW,
            captured_at=NOW,
        )
        for n in range(MOST_OF_A_STORY + 5)
    )
    answer = Client().get(f"/api/v1/projects/bounded/items/{item.uid}", headers={"Authorization": f"Bearer {key}"})
    body = answer.json()
    assert (len(body["signals"]), body["signals_in_all"]) == (200, 205)
    assert body["signals"][-1]["id"] == "s204"
