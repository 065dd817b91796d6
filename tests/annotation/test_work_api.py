"""Leases and labels over HTTP: who may, what is refused with which sentence, and that good rows are kept."""

import json
from typing import Any

import pytest
from django.test import Client

from annotation import labels
from annotation.models import Cause, Label, LabelRevision
from projects import members
from projects.models import User
from tests.annotation.labelling_scenario import LATER, LabellingScenario, make_scenario
from tests.factories import NOW, make_prediction, make_project, make_user

pytestmark = pytest.mark.django_db


class Caller:
    """A service with one person's key."""

    def __init__(self, scenario: LabellingScenario, user: User, scopes: tuple[str, ...] = ("annotate",)) -> None:
        _, self.secret = members.create_key(scenario.project, user, list(scopes), by=None, at=NOW)
        self.base, self.client = f"/api/v1/projects/{scenario.project.slug}", Client()

    def send(self, method: str, path: str, body: Any = None, raw: bytes | None = None) -> tuple[int, dict[str, Any]]:
        answer = self.client.generic(
            method,
            self.base + path,
            raw if raw is not None else json.dumps(body),
            content_type="application/json",
            headers={"Authorization": f"Bearer {self.secret}"},
        )
        return answer.status_code, answer.json()

    def lease(self, count: int = 1, **more: Any) -> list[dict[str, Any]]:
        status, body = self.send("POST", "/leases", {"count": count, **more})
        assert status == 200, body
        return body["leases"]

    def label(self, *rows: Any) -> list[dict[str, Any]]:
        status, body = self.send("POST", "/labels", {"labels": list(rows)})
        assert status == 200, body
        return body["results"]


@pytest.fixture
def scenario(monkeypatch: pytest.MonkeyPatch) -> LabellingScenario:
    made = make_scenario()
    monkeypatch.setattr("django.utils.timezone.now", lambda: made.now)
    return made


@pytest.fixture
def alice(scenario: LabellingScenario) -> Caller:
    return Caller(scenario, scenario.alice)


def test_a_lease_carries_what_a_screen_needs(scenario: LabellingScenario, alice: Caller) -> None:
    scenario.show_reasons()
    (item,) = scenario.ask(1)
    make_prediction(item, [0.6, 0.4], model_version="v1")

    (lease,) = alice.lease()

    assert set(lease) == {
        "lease",
        "item",
        "inputs",
        "cause",
        "reason",
        "guideline_version",
        "suggestion",
        "expires_at",
    }
    assert (lease["item"], lease["inputs"]) == (item.uid, item.inputs)
    assert (lease["cause"], lease["reason"]) == ("uncertain", "ham against spam, margin 0.03")
    assert lease["guideline_version"] == 1
    assert lease["suggestion"]["value"] == "ham" and lease["suggestion"]["model_version"] == "v1"
    assert lease["expires_at"] == "2026-11-23T12:10:01Z"


@pytest.mark.parametrize("cause", [Cause.AUDIT, Cause.GOLD, Cause.DRIFTED])
def test_an_evaluation_item_carries_no_reason_of_its_own_and_no_suggestion(
    scenario: LabellingScenario, alice: Caller, cause: Cause
) -> None:
    (item,) = scenario.ask(1, cause=cause, evaluation=True, reason="ham against spam, margin 0.03")
    make_prediction(item, [0.6, 0.4])

    scenario.show_reasons()
    (lease,) = alice.lease()

    assert (lease["cause"], lease["reason"], lease["suggestion"]) == ("typical", "drawn at random", None)
    assert "margin" not in json.dumps(lease)


def test_nothing_tells_an_evaluation_item_from_another(scenario: LabellingScenario, alice: Caller) -> None:
    (plain,) = scenario.ask(1, cause=Cause.UNCERTAIN)
    (audit,) = scenario.ask(1, cause=Cause.AUDIT, evaluation=True)
    for item in (plain, audit):
        make_prediction(item, [0.6, 0.4])

    given = {lease["item"]: lease for lease in alice.lease(2)}

    shown = [{name: given[item.uid][name] for name in ("cause", "reason", "suggestion")} for item in (plain, audit)]
    assert shown == [{"cause": "", "reason": "", "suggestion": None}] * 2


def test_the_champion_suggests_before_a_newer_version_does(scenario: LabellingScenario, alice: Caller) -> None:
    scenario.show_reasons()
    (item,) = scenario.ask(1)
    scenario.project.champion_version = "v1"
    scenario.project.save()
    make_prediction(item, [0.6, 0.4], model_version="v1")
    make_prediction(item, [0.1, 0.9], model_version="v2", at=NOW.replace(year=2027))

    assert alice.lease()[0]["suggestion"]["model_version"] == "v1"


def test_leases_come_from_the_queue_asked_for(scenario: LabellingScenario, alice: Caller) -> None:
    scenario.ask(2)
    (drifted,) = scenario.ask(1, cause=Cause.DRIFTED)

    assert [lease["item"] for lease in alice.lease(5, queue="drifted")] == [drifted.uid]


def test_who_can_only_label_cannot_ask_for_the_items_of_an_evaluation_alone(
    scenario: LabellingScenario, alice: Caller
) -> None:
    scenario.ask(3, cause=Cause.AUDIT, evaluation=True)

    refused, unknown = (alice.send("POST", "/leases", {"count": 1, "queue": name}) for name in ("audit", "nowhere"))

    assert refused == unknown and refused[0] == 404
    assert len(Caller(scenario, scenario.rita).lease(1, queue="audit")) == 1
    assert len(alice.lease(2)) == 2


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"{", 400, "The body is not JSON"),
        (b"\xff", 400, "The body is not JSON"),
        (b"[" * 100_000, 400, "The body is"),
        (b"[1]", 422, "A body is one JSON object."),
        (b"{}", 422, "`count` is missing; it takes a whole number from 1 to 20."),
        (b'{"count": 0}', 422, "`count` takes a whole number from 1 to 20; it is "),
        (b'{"count": 21}', 422, "`count` takes a whole number from 1 to 20; it is "),
        (b'{"count": true}', 422, "`count` takes a whole number from 1 to 20; it is "),
        (b'{"count": "5"}', 422, "`count` takes a whole number from 1 to 20; it is "),
        (b'{"count": 1, "queue": "nowhere"}', 404, "There is no such queue in this project."),
        (b'{"count": 1, "queue": 5}', 422, "`queue` takes the slug of one queue"),
        (b'{"count": 1, "count": 2}', 400, "The body names 'count' twice in one object."),
        (b'{"count": 1, "size": 5}', 422, "Unknown field `size`; a body takes count, queue."),
    ],
)
def test_a_malformed_call_for_leases_is_refused_in_one_sentence(
    alice: Caller, body: bytes, status: int, said: str
) -> None:
    answered, problem = alice.send("POST", "/leases", raw=body)

    assert answered == status
    assert problem["status"] == status and problem["detail"].startswith(said)


def test_labels_are_taken_replayed_and_refused_row_by_row(scenario: LabellingScenario, alice: Caller) -> None:
    scenario.ask(3)
    first, second, third = (lease["lease"] for lease in alice.lease(3))
    alice.label({"lease": first, "value": "ham"})

    results = alice.label(
        {"lease": first, "value": "ham", "seconds": 1.5},
        {"lease": first, "value": "spam"},
        {"lease": second, "value": "eggs"},
        {"lease": second, "value": "spam", "comment": "clear"},
        {"lease": third, "skip": True},
        {"lease": "lease_unknown-1", "value": "ham"},
        {"value": "ham"},
        "nonsense",
        {"lease": third, "colour": "red"},
        {"lease": third, "value": "ham", "seconds": "two"},
    )

    assert [row["status"] for row in results] == [
        "existing",
        "refused",
        "refused",
        "created",
        "created",
        "refused",
        "refused",
        "refused",
        "refused",
        "refused",
    ]
    assert results[2] == {
        "lease": second,
        "status": "refused",
        "error": '"eggs" is not one of the labels: ham, spam.',
    }
    assert results[5]["error"] == "There is no such lease in this project."
    assert results[8]["error"].startswith("Unknown field `colour`; a label takes ")
    assert Label.objects.filter(state="given").count() == 2


def test_a_label_of_another_projects_item_is_refused(scenario: LabellingScenario, alice: Caller) -> None:
    scenario.ask(1)
    other = LabellingScenario(make_project(), scenario.alice, scenario.bob, scenario.carol, scenario.rita)
    other.ask(1)

    (result,) = alice.label({"lease": other.token(scenario.alice), "value": "ham"})

    assert (result["status"], result["error"]) == ("refused", "There is no such lease in this project.")


def test_a_label_for_another_persons_lease_is_refused(scenario: LabellingScenario, alice: Caller) -> None:
    scenario.ask(1)

    (result,) = alice.label({"lease": scenario.token(scenario.bob), "value": "ham"})

    assert (result["status"], result["error"]) == ("refused", "This lease belongs to another person.")


def test_a_label_for_an_expired_lease_is_taken_or_kept_as_extra(scenario: LabellingScenario, alice: Caller) -> None:
    scenario.ask(2)
    first, second = (lease["lease"] for lease in alice.lease(2))
    scenario.tick(LATER)
    taken = scenario.claim(scenario.bob, 1)[0]
    labels.submit(scenario.project, taken.token, value="spam", by=scenario.bob, at=scenario.tick())

    results = alice.label({"lease": first, "value": "ham"}, {"lease": second, "value": "ham"})

    assert [row["status"] for row in results] == ["extra", "created"]


def test_labels_take_a_list_of_at_most_a_thousand(alice: Caller) -> None:
    assert alice.send("POST", "/labels", {"labels": {}})[0] == 422
    status, body = alice.send("POST", "/labels", {"labels": [{}] * 1001})
    assert (status, body["detail"]) == (413, "The batch has 1,001 labels; at most 1,000 are taken at once.")


def test_undo_gives_the_lease_back_and_can_be_sent_twice(scenario: LabellingScenario, alice: Caller) -> None:
    scenario.ask(1)
    (lease,) = alice.lease()
    alice.label({"lease": lease["lease"], "value": "ham"})

    for _ in range(2):
        status, body = alice.send("DELETE", f"/labels/{lease['lease']}")
        assert status == 200
        assert (body["lease"], body["status"], body["expires_at"]) == (
            lease["lease"],
            "undone",
            "2026-11-23T12:10:01Z",
        )

    assert LabelRevision.objects.count() == 2
    assert alice.label({"lease": lease["lease"], "value": "spam"})[0]["status"] == "created"


def test_undo_of_nothing_of_anothers_and_of_the_unknown_have_their_status(
    scenario: LabellingScenario, alice: Caller
) -> None:
    scenario.ask(2)
    (mine,) = alice.lease()
    theirs = scenario.token(scenario.bob)
    labels.submit(scenario.project, theirs, value="ham", by=scenario.bob, at=scenario.tick())

    statuses = [alice.send("DELETE", f"/labels/{token}")[0] for token in (mine["lease"], theirs, "lease_unknown-1")]

    assert statuses == [409, 403, 404]


def test_work_needs_the_annotate_scope_of_this_project(scenario: LabellingScenario) -> None:
    reader = Caller(scenario, scenario.rita, ("read",))
    alice, bob, carol, rita = (make_user(project=None) for _ in range(4))
    foreign = LabellingScenario(make_project("foreign"), alice, bob, carol, rita)

    assert reader.send("POST", "/leases", {"count": 1})[0] == 403
    caller = Caller(scenario, scenario.alice)
    caller.base = f"/api/v1/projects/{foreign.project.slug}"
    assert caller.send("POST", "/leases", {"count": 1})[0] == 404
    caller.secret = "plumb_nonsense"
    assert caller.send("POST", "/leases", {"count": 1})[0] == 401


def test_leases_say_what_is_asked_beside_and_labels_answer_it_row_by_row(scenario: LabellingScenario) -> None:
    scenario.project.also_ask = [{"name": "severity", "kind": "rating", "required": True, "when": ["spam"]}]
    scenario.project.save()
    scenario.ask(3)
    caller = Caller(scenario, scenario.rita, scopes=("annotate", "read"))

    _, body = caller.send("POST", "/leases", {"count": 3})
    first, second, third = (lease["lease"] for lease in body["leases"])
    results = caller.label(
        {"lease": first, "value": "spam", "also": {"severity": 4}},
        {"lease": second, "value": "spam"},
        {"lease": third, "value": "ham", "also": {"severity": 4}},
    )

    assert body["also_ask"] == [
        {
            "name": "severity",
            "kind": "rating",
            "title": "Severity",
            "labels": [],
            "answer": {"lowest": 1, "highest": 5, "lowest_means": "", "highest_means": ""},
            "required": True,
            "when": ["spam"],
        }
    ]
    assert [result["status"] for result in results] == ["created", "refused", "refused"]
    assert results[1]["error"] == "`also.severity` is missing: it is required beside this answer."
    assert results[2]["error"] == "`also.severity` is not asked beside this answer, only beside spam."
    _, shown = caller.send("GET", f"/items/{body['leases'][0]['item']}")
    assert shown["labels"][0]["also"] == {"severity": 4}
    assert shown["also"] == {"severity": {"value": 4, "method": "single", "quality": 1.0, "votes": 1}}
    _, listed = caller.send("GET", "/items?truth=spam")
    assert [row["also"] for row in listed["items"]] == [{"severity": 4}]
