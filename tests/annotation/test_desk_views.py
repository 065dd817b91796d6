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
from annotation.models import Cause, Label, Media, Queue, Resolution, Slot
from annotation.views.showing import show
from projects import zones
from projects.models import Role
from tests.annotation.rooms import Room, make_entry, make_room
from tests.factories import NOW, make_item, make_prediction, make_project, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Room:
    made = make_room()
    monkeypatch.setattr("django.utils.timezone.now", lambda: made.now)
    return made


def browser(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def url(room: Room, name: str, *more: str) -> str:
    return reverse(f"annotation:{name}", args=[room.project.slug, *more])


def call(client: Client, address: str, body: Any) -> tuple[int, Any]:
    answer = client.post(address, json.dumps(body), content_type="application/json")
    return answer.status_code, answer.json()


def lease(room: Room, client: Client, count: int = 1, **more: Any) -> list[dict[str, Any]]:
    status, body = call(client, url(room, "desk-leases"), {"count": count, **more})
    assert status == 200, body
    return body["leases"]


def answers(room: Room, client: Client, *rows: Any) -> list[dict[str, Any]]:
    status, body = call(client, url(room, "desk-answers"), {"answers": list(rows)})
    assert status == 200, body
    return body["results"]


def test_opening_the_page_shows_the_ways_to_answer_and_leases_nothing(room: Room) -> None:
    room.ask(3)

    page = browser(room.alice).get(url(room, "desk")).content.decode()

    assert 'data-value="ham"' in page and 'data-value="spam"' in page
    assert "Look twice." in page and "version 1" in page
    assert not Slot.objects.filter(state="leased").exists()


def test_the_page_takes_few_queries(room: Room, django_assert_max_num_queries: Any) -> None:
    room.ask(25)
    for given in room.claim(room.alice, 20):
        labels.submit(room.project, given.token, value="ham", by=room.alice, at=room.tick())

    client = browser(room.alice)

    with django_assert_max_num_queries(15):
        client.get(url(room, "desk"))


@pytest.mark.parametrize("name", ["nowhere", "a\x00b"])
def test_a_queue_that_is_not_there_is_404(room: Room, name: str) -> None:
    assert browser(room.alice).get(url(room, "desk"), {"queue": name}).status_code == 404


def test_a_lease_shows_the_item_with_its_reason(room: Room) -> None:
    (item,) = room.ask(1)

    (given,) = lease(room, browser(room.alice))

    assert item.inputs["text"] in given["html"]
    assert 'class="cause uncertain"' in given["html"] and "margin 0.03" in given["html"]
    assert given["guideline"] == 1


@pytest.mark.parametrize("cause", [Cause.AUDIT, Cause.GOLD])
def test_an_evaluation_item_carries_no_reason_cause_or_suggestion_anywhere(room: Room, cause: Cause) -> None:
    (item,) = room.ask(1, cause=cause, evaluation=True, reason="drawn uniformly, probability 0.100")
    # Words too long to turn up by chance in the random tokens of the page.
    make_prediction(item, [0.9137, 0.0863], model_version="walnut-seven")
    client = browser(room.alice)

    (given,) = lease(room, client)
    again = client.get(url(room, "desk-lease", given["lease"])).content.decode()
    page = client.get(url(room, "desk")).content.decode()

    secrets = ("uniformly", "audit", "gold", "Audit", "Gold", "walnut-seven", "0.91", "91 %")
    for told in (json.dumps(given), again, page):
        assert not [word for word in secrets if word in told]


def test_the_text_of_an_item_is_escaped(room: Room) -> None:
    item = make_item(room.project, inputs={"text": "<img src=x onerror=alert(1)>"})
    queues.put(room.queue(), [make_entry(item)], at=room.now)

    (given,) = lease(room, browser(room.alice))

    assert "<img" not in given["html"] and "&lt;img" in given["html"]


def test_after_a_reload_the_desk_gets_what_it_held(room: Room) -> None:
    room.ask(8)
    client = browser(room.alice)
    held = [given["lease"] for given in lease(room, client, 5)]

    again = lease(room, client, 5, resume=[held[2], held[0]])

    assert [given["lease"] for given in again][:2] == [held[2], held[0]]
    assert len(again) == 5 and not {given["lease"] for given in again[2:]} & set(held)


def test_an_empty_queue_says_so_and_names_the_next(room: Room) -> None:
    room.ask(4, cause=Cause.AUDIT)
    room.queue()
    client = browser(room.alice)
    labels.submit(room.project, room.token(room.alice), value="ham", by=room.alice, at=room.tick())

    status, body = call(client, url(room, "desk-leases"), {"count": 5, "queue": "uncertain"})

    assert (status, body["leases"]) == (200, [])
    assert "Nothing waits here" in body["nothing"] and "You labelled 1" in body["nothing"]
    assert "?queue=audit" in body["nothing"] and "Next queue: Audit, 3" in body["nothing"]


def test_an_empty_queue_says_how_much_is_with_others(room: Room) -> None:
    room.ask(2)
    room.token(room.bob)
    room.token(room.alice)

    _, body = call(browser(room.alice), url(room, "desk-leases"), {"count": 5})

    words = re.sub(r"[ \n]+", " ", body["nothing"])
    assert "1\u00a0item is with other people and comes back here if not answered." in words


def test_a_paused_queue_says_that_it_is_paused(room: Room) -> None:
    room.ask(1)
    Queue.objects.update(paused=True)

    _, body = call(browser(room.alice), url(room, "desk-leases"), {"count": 5, "queue": "uncertain"})

    assert "This queue is paused" in body["nothing"]


def test_answers_undoings_and_corrections_are_done_in_order(room: Room) -> None:
    room.ask(2)
    client = browser(room.alice)
    first, second = (given["lease"] for given in lease(room, client, 2))

    results = answers(
        room,
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


def test_nobody_corrects_another_persons_answer(room: Room) -> None:
    room.ask(1)
    token = room.token(room.bob)
    labels.submit(room.project, token, value="ham", by=room.bob, at=room.tick())

    (result,) = answers(room, browser(room.alice), {"op": "revise", "lease": token, "value": "spam"})

    assert result["error"] == "There is no answer of yours to correct for this lease."
    assert browser(room.alice).get(url(room, "desk-lease", token)).status_code == 404


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
def test_a_body_that_does_not_fit_has_its_status(room: Room, name: str, body: str, status: int) -> None:
    answer = browser(room.alice).post(url(room, name), body.encode("latin-1"), content_type="application/json")

    assert answer.status_code == status


def test_a_heartbeat_names_what_is_held_and_a_break_gives_it_back(room: Room) -> None:
    room.ask(2)
    client = browser(room.alice)
    tokens = [given["lease"] for given in lease(room, client, 2)]

    assert call(client, url(room, "desk-beat"), {"tokens": [*tokens, "x\x00"]})[1] == {"held": tokens}
    assert call(client, url(room, "desk-back"), {"tokens": tokens})[1] == {"freed": 2}
    assert call(client, url(room, "desk-beat"), {"tokens": tokens})[1] == {"held": []}


def test_the_history_tells_the_last_twenty_answers_and_which_were_edited(room: Room) -> None:
    room.ask(22)
    tokens = [given.token for given in [*room.claim(room.alice, 20), *room.claim(room.alice, 2)]]
    for token in tokens:
        labels.submit(room.project, token, value="ham", by=room.alice, at=room.tick())
    labels.revise(Label.objects.get(lease__token=tokens[-1]), value="spam", by=room.alice, at=room.tick())
    labels.undo(room.project, tokens[-2], by=room.alice, at=room.tick())

    page = browser(room.alice).get(url(room, "desk"))
    history = json.loads(page.context["config"])["history"]

    assert [entry["lease"] for entry in history] == [*tokens[1:20], tokens[-1]]
    assert (history[-1]["words"], history[-1]["edited"]) == ("spam", True)
    assert not history[0]["edited"]


def test_the_guideline_is_cleaned_of_what_could_run_or_load(room: Room) -> None:
    text = '# Top\n\n<script>alert(1)</script><img src="https://x"> [a](javascript:alert(1)) <kbd>Space</kbd> **bold**'
    guidelines.publish(room.project, text=text, by=room.rita, at=room.tick())

    told = browser(room.alice).get(url(room, "desk-guideline")).content.decode()

    assert "<h3>Top</h3>" in told and "<kbd>Space</kbd>" in told and "<strong>bold</strong>" in told
    assert not any(bad in told for bad in ("<script", "<img", "javascript:", "alert(1)</"))


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
    html = guidelines.html(text)

    assert [int(level) for level in re.findall(r"<h(\d)>", html)] == levels
    assert [int(level) for level in re.findall(r"</h(\d)>", html)] == levels


def test_publishing_the_same_guideline_again_makes_no_version(room: Room) -> None:
    first = guidelines.publish(room.project, text="New.", by=room.rita, at=room.tick())

    assert guidelines.publish(room.project, text="New.", by=room.rita, at=room.tick()) == first
    assert guidelines.version(room.project) == 2
    assert guidelines.version(make_project()) == 0
    with pytest.raises(guidelines.GuidelineProblem):
        guidelines.publish(room.project, text="x" * 100_001, by=room.rita, at=room.now)


def test_inputs_are_shown_by_their_type(room: Room) -> None:
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

    shown = show(project, item)

    assert shown.texts == (("message", "hello"),)
    assert shown.facts == (("amount", "1,234.5"), ("country", "DE"))
    assert (shown.pictures[0].src, shown.pictures[0].small) == (f"/p/{project.slug}/media/{sha}", True)
    assert shown.meta == ("channel app", "23 Nov 12:00\u00a0UTC")


def test_the_queues_page_answers_what_waits(room: Room) -> None:
    room.ask(3)
    room.ask(1, cause=Cause.AUDIT)
    Queue.objects.filter(slug="audit").update(paused=True)

    page = browser(room.alice).get(url(room, "queue-list")).content.decode()

    assert "<b>3\u00a0items</b> wait in 1\u00a0queue" in page
    assert f"{url(room, 'desk')}?queue=uncertain" in page
    assert f"{url(room, 'desk')}?queue=audit" not in page
    assert "Pause" not in page and url(room, "queue", "uncertain") not in page


def test_the_queues_page_takes_few_queries(room: Room, django_assert_max_num_queries: Any) -> None:
    for cause in Cause:
        room.ask(2, cause=cause)

    client = browser(room.rita)

    with django_assert_max_num_queries(15):
        client.get(url(room, "queue-list"))


def test_an_answer_over_the_wire_takes_twelve_statements_at_most(room: Room) -> None:
    room.ask(1)
    client = browser(room.alice)
    (given,) = lease(room, client)

    with CaptureQueriesContext(connection) as captured:
        answers(room, client, {"op": "submit", "lease": given["lease"], "value": "ham"})

    asked = [query["sql"] for query in captured if not query["sql"].startswith(("SAVEPOINT", "RELEASE", "BEGIN"))]
    assert len(asked) <= 12, "\n".join(asked)


def test_a_queue_is_paused_and_resumed_by_a_reviewer_with_or_without_a_script(room: Room) -> None:
    queue, client = room.queue(), browser(room.rita)

    for sent in (1, 1):
        answer = client.post(url(room, "queue-pause", "uncertain"), {"paused": sent})
        assert (answer.status_code, answer["Location"]) == (302, url(room, "queue-list"))
        queue.refresh_from_db()
        assert queue.paused
    part = client.post(url(room, "queue-pause", "uncertain"), {"paused": 0}, headers={"HX-Request": "true"})

    queue.refresh_from_db()
    assert not queue.paused
    assert part.content.decode().lstrip().startswith('<div id="rows">')


def disputed(room: Room) -> Any:
    (item,) = room.ask(1, overlap=2)
    for user, value in ((room.alice, "ham"), (room.bob, "spam")):
        labels.submit(room.project, room.token(user), value=value, by=user, at=room.tick())
    return item


def test_a_page_that_is_closed_gives_back_as_a_form_with_its_token_and_not_without(room: Room) -> None:
    room.ask(3)
    client = Client(enforce_csrf_checks=True)
    client.force_login(room.alice)
    tokens = [lease.token for lease in room.claim(room.alice, 3)]
    proof = client.get(url(room, "desk")).cookies["csrftoken"].value
    form = {"tokens": tokens[:2]}

    assert client.post(url(room, "desk-back"), form | {"csrfmiddlewaretoken": "x" * 32}).status_code == 403
    answer = client.post(
        url(room, "desk-back"),
        urlencode({**form, "csrfmiddlewaretoken": proof}, doseq=True),
        content_type="application/x-www-form-urlencoded",
    )

    assert (answer.status_code, answer.json()) == (200, {"freed": 2})
    assert Slot.objects.filter(state="leased").count() == 1


def test_the_desk_is_told_what_the_person_did_since_their_midnight_and_what_waits_for_them(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.ask(6, overlap=2)
    room.ask(2, cause=Cause.AUDIT)
    client = browser(room.alice)
    for value in ("ham", "spam"):
        labels.submit(room.project, room.token(room.alice), value=value, by=room.alice, at=room.now)
    labels.submit(room.project, room.token(room.alice), skip=True, by=room.alice, at=room.now)
    labels.submit(room.project, room.token(room.bob), value="ham", by=room.bob, at=room.now)

    for seconds, today in ((-60, 2), (1, 0)):
        midnight = room.now + timedelta(seconds=seconds)
        monkeypatch.setattr(zones, "start_of_day", lambda at, midnight=midnight: midnight)
        _, body = call(client, url(room, "desk-leases"), {"count": 1})
        assert (body["today"], body["waiting"]) == (today, 5), "3 of 8 are answered or skipped by her"
    page = client.get(url(room, "desk")).content.decode()
    assert '<span id="waiting">5</span> waiting' in page
    only_audit = client.get(url(room, "desk"), {"queue": "audit"}).content.decode()
    assert '<span id="waiting">1</span> waiting' in only_audit


def test_a_queue_shows_what_waits_and_what_needs_a_reviewer(room: Room) -> None:
    item = disputed(room)
    room.ask(2)
    labels.submit(
        room.project,
        room.token(room.carol, queue=room.queue()),
        skip=True,
        flagged=True,
        comment="Two labels fit",
        by=room.carol,
        at=room.tick(),
    )

    page = re.sub(r"[ \n]+", " ", browser(room.rita).get(url(room, "queue", "uncertain")).content.decode())

    assert "<b>1\u00a0item waits</b>" in page and "2 in review" in page
    assert "nothing; 1\u00a0skip" in page and "Two labels fit" in page
    assert "ham, spam" in page and item.uid in page
    assert "alice" not in page


def test_a_reviewer_decides_what_is_in_review(room: Room) -> None:
    item = disputed(room)

    answer = browser(room.rita).post(url(room, "queue-decide", "uncertain"), {"item": item.uid, "value": "spam"})

    assert answer.status_code == 302
    assert Resolution.objects.current().get(item=item).method == "reviewer"


def test_a_stale_or_wrong_decision_is_refused_in_one_sentence(room: Room) -> None:
    item, client = disputed(room), browser(room.rita)
    address = url(room, "queue-decide", "uncertain")

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
def test_each_page_lets_in_whom_it_is_for(room: Room, role: Role | None, name: str, method: str, status: int) -> None:
    room.queue()
    user = make_user("zoe", room.project if role else None, role)
    more = ["uncertain"] if name.startswith("queue-p") or name in ("queue", "queue-decide") else []

    assert getattr(browser(user), method)(url(room, name, *more)).status_code == status
