"""The desk's page and calls, and the queues' pages: what they show, what they hide, and whom they let in."""

import json
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from annotation import guidelines, labels, queues
from annotation.item_display import display_item
from annotation.markdown_html import guideline_html
from annotation.models import Cause, Label, Media, Queue, Resolution, Slot
from projects import zones
from projects.models import Role
from tests.annotation.labelling_scenario import LabellingScenario, make_entry, make_scenario
from tests.factories import NOW, make_item, make_prediction, make_project, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def scenario(monkeypatch: pytest.MonkeyPatch) -> LabellingScenario:
    made = make_scenario()
    monkeypatch.setattr("django.utils.timezone.now", lambda: made.now)
    return made


def browser(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def url(scenario: LabellingScenario, name: str, *more: str) -> str:
    return reverse(f"annotation:{name}", args=[scenario.project.slug, *more])


def call(client: Client, address: str, body: Any) -> tuple[int, Any]:
    answer = client.post(address, json.dumps(body), content_type="application/json")
    return answer.status_code, answer.json()


def lease(scenario: LabellingScenario, client: Client, count: int = 1, **more: Any) -> list[dict[str, Any]]:
    status, body = call(client, url(scenario, "desk-leases"), {"count": count, **more})
    assert status == 200, body
    return body["leases"]


def answers(scenario: LabellingScenario, client: Client, *rows: Any) -> list[dict[str, Any]]:
    status, body = call(client, url(scenario, "desk-answers"), {"answers": list(rows)})
    assert status == 200, body
    return body["results"]


def test_opening_the_page_shows_the_ways_to_answer_and_leases_nothing(scenario: LabellingScenario) -> None:
    scenario.ask(3)

    page = browser(scenario.alice).get(url(scenario, "desk")).content.decode()

    assert 'data-value="ham"' in page and 'data-value="spam"' in page
    assert "Look twice." in page and "version 1" in page
    assert not Slot.objects.filter(state="leased").exists()


def test_the_page_takes_few_queries(scenario: LabellingScenario, django_assert_max_num_queries: Any) -> None:
    scenario.ask(25)
    for given in scenario.claim(scenario.alice, 20):
        labels.submit(scenario.project, given.token, value="ham", by=scenario.alice, at=scenario.tick())

    client = browser(scenario.alice)

    with django_assert_max_num_queries(15):
        client.get(url(scenario, "desk"))


@pytest.mark.parametrize("name", ["nowhere", "a\x00b"])
def test_a_queue_that_is_not_there_is_404(scenario: LabellingScenario, name: str) -> None:
    assert browser(scenario.alice).get(url(scenario, "desk"), {"queue": name}).status_code == 404


def test_a_lease_shows_the_item_with_its_reason_where_the_project_shows_reasons(scenario: LabellingScenario) -> None:
    scenario.show_reasons()
    (item,) = scenario.ask(1)

    (given,) = lease(scenario, browser(scenario.alice))

    assert item.inputs["text"] in given["html"]
    assert 'class="cause uncertain"' in given["html"] and "margin 0.03" in given["html"]
    assert given["guideline"] == 1


@pytest.mark.parametrize("reasons", [False, True])
def test_items_look_alike_whatever_they_are_asked_for(scenario: LabellingScenario, reasons: bool) -> None:
    if reasons:
        scenario.show_reasons()
    scenario.ask(1, cause=Cause.UNCERTAIN)
    scenario.ask(1, cause=Cause.AUDIT, evaluation=True)
    scenario.ask(1, cause=Cause.DRIFTED, evaluation=True, reason="ham against spam, margin 0.03")

    given = lease(scenario, browser(scenario.alice), 3)

    assert [row["html"].count('class="reason"') for row in given] == [int(reasons)] * 3
    assert sum("margin" in row["html"] for row in given) == int(reasons)  # of the uncertain one alone
    assert len({tuple(row) for row in given}) == 1


@pytest.mark.parametrize("cause", [Cause.AUDIT, Cause.GOLD])
def test_an_evaluation_item_carries_no_reason_cause_or_suggestion_anywhere(
    scenario: LabellingScenario, cause: Cause
) -> None:
    (item,) = scenario.ask(1, cause=cause, evaluation=True, reason="drawn uniformly, probability 0.100")
    # Words too long to turn up by chance in the random tokens of the page.
    make_prediction(item, [0.9137, 0.0863], model_version="walnut-seven")
    client = browser(scenario.alice)

    (given,) = lease(scenario, client)
    again = client.get(url(scenario, "desk-lease", given["lease"])).content.decode()
    page = client.get(url(scenario, "desk")).content.decode()

    secrets = ("uniformly", "audit", "gold", "Audit", "Gold", "walnut-seven", "0.91", "91 %")
    for output in (json.dumps(given), again, page):
        assert not [word for word in secrets if word in output]


def test_the_text_of_an_item_is_escaped(scenario: LabellingScenario) -> None:
    item = make_item(scenario.project, inputs={"text": "<img src=x onerror=alert(1)>"})
    queues.add_entries(scenario.queue(), [make_entry(item)], at=scenario.now)

    (given,) = lease(scenario, browser(scenario.alice))

    assert "<img" not in given["html"] and "&lt;img" in given["html"]


def test_after_a_reload_the_desk_gets_what_it_held(scenario: LabellingScenario) -> None:
    scenario.ask(8)
    client = browser(scenario.alice)
    held = [given["lease"] for given in lease(scenario, client, 5)]

    again = lease(scenario, client, 5, resume=[held[2], held[0]])

    assert [given["lease"] for given in again][:2] == [held[2], held[0]]
    assert len(again) == 5 and not {given["lease"] for given in again[2:]} & set(held)


def test_an_empty_queue_says_so_and_names_the_next(scenario: LabellingScenario) -> None:
    scenario.ask(4, cause=Cause.DRIFTED)
    scenario.ask(1, cause=Cause.AUDIT)
    scenario.queue()
    client = browser(scenario.alice)
    labels.submit(scenario.project, scenario.token(scenario.alice), value="ham", by=scenario.alice, at=scenario.tick())

    status, body = call(client, url(scenario, "desk-leases"), {"count": 5, "queue": "uncertain"})

    assert (status, body["leases"]) == (200, [])
    assert "Nothing waits here" in body["nothing"] and "You labelled 1" in body["nothing"]
    assert "?queue=drifted" in body["nothing"] and "Next queue: Drifted, 3" in body["nothing"]


def test_an_empty_queue_says_what_needs_another_person(scenario: LabellingScenario) -> None:
    scenario.ask(3, overlap=5)
    for lease in scenario.claim(scenario.alice, 3):
        labels.submit(scenario.project, lease.token, value="ham", by=scenario.alice, at=scenario.tick())

    _, body = call(browser(scenario.alice), url(scenario, "desk-leases"), {"count": 5})

    words = " ".join(body["nothing"].split())
    assert "3\u00a0items wait for another person: you have answered or skipped them." in words.replace(
        " items", "\u00a0items"
    )
    assert "5 people answer each item, and" in words and "another member is needed" in words


def test_a_desk_that_holds_items_is_not_said_that_nothing_waits(scenario: LabellingScenario) -> None:
    scenario.ask(1)

    _, body = call(browser(scenario.alice), url(scenario, "desk-leases"), {"count": 5, "have": 0})
    _, more = call(browser(scenario.alice), url(scenario, "desk-leases"), {"count": 5, "have": 1})

    assert len(body["leases"]) == 1 and more["leases"] == [] and "nothing" not in more


def test_an_empty_queue_says_how_much_is_with_others(scenario: LabellingScenario) -> None:
    scenario.ask(2)
    scenario.token(scenario.bob)
    scenario.token(scenario.alice)

    _, body = call(browser(scenario.alice), url(scenario, "desk-leases"), {"count": 5})

    words = re.sub(r"[ \n]+", " ", body["nothing"])
    assert "1\u00a0item is with other people and comes back here if not answered." in words


def test_a_paused_queue_says_that_it_is_paused(scenario: LabellingScenario) -> None:
    scenario.ask(1)
    Queue.objects.update(paused=True)

    _, body = call(browser(scenario.alice), url(scenario, "desk-leases"), {"count": 5, "queue": "uncertain"})

    assert "This queue is paused" in body["nothing"]


def test_answers_undoings_and_corrections_are_done_in_order(scenario: LabellingScenario) -> None:
    scenario.ask(2)
    client = browser(scenario.alice)
    first, second = (given["lease"] for given in lease(scenario, client, 2))

    results = answers(
        scenario,
        client,
        {"op": "submit", "lease": first, "value": "ham", "skip": False, "flagged": False, "comment": "", "seconds": 1},
        {"op": "submit", "lease": second, "value": None, "skip": True, "flagged": False, "comment": ""},
        {"op": "undo", "lease": first},
        {"op": "submit", "lease": first, "value": "spam"},
        {"op": "revise", "lease": first, "value": "ham"},
        {"op": "submit", "lease": first, "value": "spam"},
        {"op": "revise", "lease": second, "value": "eggs"},
        {"op": "undo", "lease": "lease_none-1"},
        {"op": "dance", "lease": first},
        "nonsense",
    )

    assert [row["status"] for row in results] == [
        "created",
        "created",
        "undone",
        "created",
        "created",
        "existing",
        "refused",
        "refused",
        "refused",
        "refused",
    ]
    assert Label.objects.get(lease__token=first).value == "ham"
    assert all(row["error"] for row in results if row["status"] == "refused")


def test_nobody_corrects_another_persons_answer(scenario: LabellingScenario) -> None:
    scenario.ask(1)
    token = scenario.token(scenario.bob)
    labels.submit(scenario.project, token, value="ham", by=scenario.bob, at=scenario.tick())

    (result,) = answers(scenario, browser(scenario.alice), {"op": "revise", "lease": token, "value": "spam"})

    assert result["error"] == "There is no answer of yours to correct for this lease."
    assert browser(scenario.alice).get(url(scenario, "desk-lease", token)).status_code == 404


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("desk-leases", "{", 400),
        ("desk-leases", "[]", 422),
        ("desk-leases", '{"count": 0}', 422),
        ("desk-leases", '{"count": 51}', 422),
        ("desk-leases", '{"count": 1, "have": -1}', 422),
        ("desk-leases", '{"count": 1, "resume": "x"}', 422),
        ("desk-leases", '{"count": 1, "resume": [1]}', 422),
        ("desk-leases", '{"count": 1, "queue": "nowhere"}', 404),
        ("desk-answers", '{"answers": 5}', 422),
        ("desk-answers", '{"what": 5}', 422),
        ("desk-beat", '{"tokens": 5}', 422),
        ("desk-back", "\xff", 400),
    ],
)
def test_a_body_that_does_not_fit_has_its_status(
    scenario: LabellingScenario, name: str, body: str, status: int
) -> None:
    answer = browser(scenario.alice).post(url(scenario, name), body.encode("latin-1"), content_type="application/json")

    assert answer.status_code == status


def test_a_heartbeat_names_what_is_held_and_a_break_gives_it_back(scenario: LabellingScenario) -> None:
    scenario.ask(2)
    client = browser(scenario.alice)
    tokens = [given["lease"] for given in lease(scenario, client, 2)]

    assert call(client, url(scenario, "desk-beat"), {"tokens": [*tokens, "x\x00"]})[1] == {"held": tokens}
    assert call(client, url(scenario, "desk-back"), {"tokens": tokens})[1] == {"freed": 2}
    assert call(client, url(scenario, "desk-beat"), {"tokens": tokens})[1] == {"held": []}


def test_the_history_tells_the_last_twenty_answers_and_which_were_edited(scenario: LabellingScenario) -> None:
    scenario.ask(22)
    tokens = [given.token for given in [*scenario.claim(scenario.alice, 20), *scenario.claim(scenario.alice, 2)]]
    for token in tokens:
        labels.submit(scenario.project, token, value="ham", by=scenario.alice, at=scenario.tick())
    labels.revise(Label.objects.get(lease__token=tokens[-1]), value="spam", by=scenario.alice, at=scenario.tick())
    labels.undo(scenario.project, tokens[-2], by=scenario.alice, at=scenario.tick())

    page = browser(scenario.alice).get(url(scenario, "desk"))
    history = json.loads(page.context["config"])["history"]

    assert [entry["lease"] for entry in history] == [*tokens[1:20], tokens[-1]]
    assert (history[-1]["words"], history[-1]["edited"]) == ("spam", True)
    assert not history[0]["edited"]


def test_the_guideline_is_cleaned_of_what_could_run_or_load(scenario: LabellingScenario) -> None:
    text = '# Top\n\n<script>alert(1)</script><img src="https://x"> [a](javascript:alert(1)) <kbd>Space</kbd> **bold**'
    guidelines.publish(scenario.project, text=text, by=scenario.rita, at=scenario.tick())

    output = browser(scenario.alice).get(url(scenario, "desk-guideline")).content.decode()

    assert "<h3>Top</h3>" in output and "<kbd>Space</kbd>" in output and "<strong>bold</strong>" in output
    assert not any(bad in output for bad in ("<script", "<img", "javascript:", "alert(1)</"))


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("# A\n\n## B\n\n# C", [3, 4, 3]),
        ("## A\n\n##### B\n\n### C", [3, 4, 4]),
        ("### A", [3]),
        ("# A\n\n## B\n\n### C\n\n#### D\n\n##### E", [3, 4, 5, 6, 6]),
        ("no heading", []),
    ],
)
def test_headings_of_a_guideline_go_down_one_level_at_a_time(text: str, levels: list[int]) -> None:
    html = guideline_html(text)

    assert [int(level) for level in re.findall(r"<h(\d)>", html)] == levels
    assert [int(level) for level in re.findall(r"</h(\d)>", html)] == levels


def test_publishing_the_same_guideline_again_makes_no_version(scenario: LabellingScenario) -> None:
    first = guidelines.publish(scenario.project, text="New.", by=scenario.rita, at=scenario.tick())

    assert guidelines.publish(scenario.project, text="New.", by=scenario.rita, at=scenario.tick()) == first
    assert guidelines.version(scenario.project) == 2
    assert guidelines.version(make_project()) == 0
    with pytest.raises(guidelines.GuidelineProblem):
        guidelines.publish(scenario.project, text="x" * 100_001, by=scenario.rita, at=scenario.now)


def test_inputs_are_shown_by_their_type(scenario: LabellingScenario) -> None:
    inputs = {
        "message": {"type": "text"},
        "scan": {"type": "image"},
        "amount": {"type": "number"},
        "country": {"type": "category"},
    }
    project = make_project(inputs=inputs)
    sha = "ab" * 32
    Media.objects.create(
        project=project, sha256=sha, content_type="image/png", width=8, height=8, size=9, created_at=NOW
    )
    item = make_item(
        project,
        inputs={"country": "DE", "message": "hello", "amount": 1234.5, "scan": {"media": sha, "width": 8, "height": 8}},
        segment={"channel": "app"},
    )

    shown = display_item(project, item)

    assert shown.texts == (("message", "hello"),)
    assert shown.facts == (("amount", "1,234.5"), ("country", "DE"))
    assert (shown.pictures[0].src, shown.pictures[0].small) == (f"/p/{project.slug}/media/{sha}", True)
    assert shown.meta == ("channel app", "23 Nov 12:00\u00a0UTC")


def test_the_queues_page_answers_what_waits(scenario: LabellingScenario) -> None:
    scenario.ask(3)
    scenario.ask(1, cause=Cause.AUDIT)
    Queue.objects.filter(slug="audit").update(paused=True)

    page = browser(scenario.alice).get(url(scenario, "queue-list")).content.decode()

    assert "<b>3\u00a0items</b> wait in 1\u00a0queue" in page
    assert f"{url(scenario, 'desk')}?queue=uncertain" in page
    assert f"{url(scenario, 'desk')}?queue=audit" not in page and "Audit" not in page
    assert "Pause" not in page and url(scenario, "queue", "uncertain") not in page


def test_the_queues_page_counts_one_item_and_gives_minutes(scenario: LabellingScenario) -> None:
    scenario.ask(1)
    Queue.objects.filter(slug="uncertain").update(sla_hours=0.5)

    page = browser(scenario.alice).get(url(scenario, "queue-list")).content.decode()

    assert "<b>1\u00a0item</b> waits in 1\u00a0queue" in page and "30\u00a0min" in page


def test_the_queues_page_takes_few_queries(scenario: LabellingScenario, django_assert_max_num_queries: Any) -> None:
    for cause in Cause:
        scenario.ask(2, cause=cause)

    client = browser(scenario.rita)

    with django_assert_max_num_queries(15):
        client.get(url(scenario, "queue-list"))


def test_an_answer_over_the_wire_takes_twelve_statements_at_most(scenario: LabellingScenario) -> None:
    scenario.ask(1)
    client = browser(scenario.alice)
    (given,) = lease(scenario, client)

    with CaptureQueriesContext(connection) as captured:
        answers(scenario, client, {"op": "submit", "lease": given["lease"], "value": "ham"})

    asked = [query["sql"] for query in captured if not query["sql"].startswith(("SAVEPOINT", "RELEASE", "BEGIN"))]
    assert len(asked) <= 12, "\n".join(asked)


def test_a_queue_is_paused_and_resumed_by_a_reviewer_with_or_without_a_script(scenario: LabellingScenario) -> None:
    queue, client = scenario.queue(), browser(scenario.rita)

    for sent in (1, 1):
        answer = client.post(url(scenario, "queue-pause", "uncertain"), {"paused": sent})
        assert (answer.status_code, answer["Location"]) == (302, url(scenario, "queue-list"))
        queue.refresh_from_db()
        assert queue.paused
    part = client.post(url(scenario, "queue-pause", "uncertain"), {"paused": 0}, headers={"HX-Request": "true"})

    queue.refresh_from_db()
    assert not queue.paused
    assert part.content.decode().lstrip().startswith('<div id="rows">')


def disputed(scenario: LabellingScenario) -> Any:
    (item,) = scenario.ask(1, overlap=2)
    for user, value in ((scenario.alice, "ham"), (scenario.bob, "spam")):
        labels.submit(scenario.project, scenario.token(user), value=value, by=user, at=scenario.tick())
    return item


def test_a_page_that_is_closed_gives_back_as_a_form_with_its_token_and_not_without(scenario: LabellingScenario) -> None:
    scenario.ask(3)
    client = Client(enforce_csrf_checks=True)
    client.force_login(scenario.alice)
    tokens = [lease.token for lease in scenario.claim(scenario.alice, 3)]
    proof = client.get(url(scenario, "desk")).cookies["csrftoken"].value
    form = {"tokens": tokens[:2]}

    assert client.post(url(scenario, "desk-back"), form | {"csrfmiddlewaretoken": "x" * 32}).status_code == 403
    answer = client.post(
        url(scenario, "desk-back"),
        urlencode({**form, "csrfmiddlewaretoken": proof}, doseq=True),
        content_type="application/x-www-form-urlencoded",
    )

    assert (answer.status_code, answer.json()) == (200, {"freed": 2})
    assert Slot.objects.filter(state="leased").count() == 1


def test_the_desk_shows_what_the_person_did_since_their_midnight_and_what_waits_for_them(
    scenario: LabellingScenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario.ask(6, overlap=2)
    scenario.ask(2, cause=Cause.DRIFTED)
    client = browser(scenario.alice)
    for value in ("ham", "spam"):
        labels.submit(scenario.project, scenario.token(scenario.alice), value=value, by=scenario.alice, at=scenario.now)
    labels.submit(scenario.project, scenario.token(scenario.alice), skip=True, by=scenario.alice, at=scenario.now)
    labels.submit(scenario.project, scenario.token(scenario.bob), value="ham", by=scenario.bob, at=scenario.now)

    for seconds, today in ((-60, 2), (1, 0)):
        midnight = scenario.now + timedelta(seconds=seconds)
        monkeypatch.setattr(zones, "start_of_day", lambda at, midnight=midnight: midnight)
        _, body = call(client, url(scenario, "desk-leases"), {"count": 1})
        assert (body["today"], body["waiting"]) == (today, 5), "3 of 8 are answered or skipped by her"
    page = client.get(url(scenario, "desk")).content.decode()
    assert '<span id="waiting">5</span> waiting' in page
    only_drifted = client.get(url(scenario, "desk"), {"queue": "drifted"}).content.decode()
    assert '<span id="waiting">1</span> waiting' in only_drifted


def test_a_queue_shows_what_waits_and_what_needs_a_reviewer(scenario: LabellingScenario) -> None:
    item = disputed(scenario)
    scenario.ask(2)
    labels.submit(
        scenario.project,
        scenario.token(scenario.carol, queue=scenario.queue()),
        skip=True,
        flagged=True,
        comment="Two labels fit",
        by=scenario.carol,
        at=scenario.tick(),
    )

    page = re.sub(r"[ \n]+", " ", browser(scenario.rita).get(url(scenario, "queue", "uncertain")).content.decode())

    assert "<b>1\u00a0item waits</b>" in page and "2 in review" in page
    assert "nothing; 1\u00a0skip" in page and "Two labels fit" in page
    assert "ham, spam" in page and item.uid in page
    assert "alice" not in page


def test_a_reviewer_decides_what_is_in_review(scenario: LabellingScenario) -> None:
    item = disputed(scenario)

    answer = browser(scenario.rita).post(
        url(scenario, "queue-decide", "uncertain"), {"item": item.uid, "value": "spam"}
    )

    assert answer.status_code == 302
    assert Resolution.objects.current().get(item=item).method == "reviewer"


def test_a_stale_or_wrong_decision_is_refused_in_one_sentence(scenario: LabellingScenario) -> None:
    item, client = disputed(scenario), browser(scenario.rita)
    address = url(scenario, "queue-decide", "uncertain")

    wrong = client.post(address, {"item": item.uid, "value": "eggs"})
    client.post(address, {"item": item.uid, "value": "ham"})
    stale = client.post(address, {"item": item.uid, "value": "spam"})
    foreign = client.post(address, {"item": make_item(make_project()).uid, "value": "spam"})

    assert (wrong.status_code, stale.status_code, foreign.status_code) == (422, 409, 409)
    assert "is not one of the labels: ham, spam." in wrong.content.decode()
    assert "This item was settled meanwhile" in stale.content.decode()
    assert Resolution.objects.current().get(item=item).value == "ham"


@pytest.mark.parametrize(
    ("role", "name", "method", "status"),
    [
        (Role.ANNOTATOR, "queue", "get", 403),
        (Role.ANNOTATOR, "queue-pause", "post", 403),
        (Role.ANNOTATOR, "queue-decide", "post", 403),
        (Role.ANNOTATOR, "queue-list", "get", 200),
        (Role.REVIEWER, "queue", "get", 200),
        (None, "queue", "get", 404),
        (None, "queue-list", "get", 404),
        (None, "desk", "get", 404),
        (None, "desk-leases", "post", 404),
    ],
)
def test_each_page_lets_in_whom_it_is_for(
    scenario: LabellingScenario, role: Role | None, name: str, method: str, status: int
) -> None:
    scenario.queue()
    user = make_user("zoe", scenario.project if role else None, role)
    more = ["uncertain"] if name.startswith("queue-p") or name in ("queue", "queue-decide") else []

    assert getattr(browser(user), method)(url(scenario, name, *more)).status_code == status
