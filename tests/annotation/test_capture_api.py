"""POST predictions and signals over HTTP: good rows kept, each bad one named, each bad body with its status."""

import gzip
import json
from typing import Any

import pytest
from django.test import Client

from annotation.models import Item, Signal
from projects import members
from projects.models import Role, Scope
from tests.factories import NOW, make_project, make_user

pytestmark = pytest.mark.django_db
CALL = "/api/v1/projects/mail/"
GOOD = {"key": "good", "inputs": {"text": "hello"}, "scores": {"ham": 0.7, "spam": 0.3}}


def row(**changes: Any) -> dict[str, Any]:
    return {**GOOD, "key": "bad", **changes}


@pytest.fixture
def secret() -> str:
    project = make_project("mail", inputs={"text": {"type": "text"}, "scan": {"type": "image", "required": False}})
    person = make_user(project=project, role=Role.ENGINEER)
    return members.create_key(project, person, [Scope.INGEST], by=person, at=NOW)[1]


def post(call: str, body: Any, secret: str, content_type: str = "application/json", **headers: str) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers["Authorization"] = f"Bearer {secret}"
    return Client().post(CALL + call, data, content_type=content_type, headers=headers)


class TestBatches:
    def test_answer_what_became_of_them(self, secret: str) -> None:
        answer = post("predictions", [GOOD], secret)
        assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
        assert answer.json() == {"created": 1, "existing": 0, "refused": []}

    def test_say_how_many_rows_had_their_scores_divided_by_their_sum(self, secret: str) -> None:
        rows = [GOOD, row(key="odd", scores={"ham": 0.7, "spam": 0.301})]
        assert post("predictions", rows, secret).json() == {
            "created": 2,
            "existing": 0,
            "refused": [],
            "renormalised": 1,
        }

    def test_sent_again_are_existing(self, secret: str) -> None:
        post("predictions", [GOOD], secret)
        assert post("predictions", [GOOD], secret).json() == {"created": 0, "existing": 1, "refused": []}

    def test_with_another_body_under_the_key_are_refused(self, secret: str) -> None:
        post("predictions", [GOOD], secret)
        refused = post("predictions", [{**GOOD, "inputs": {"text": "other"}}], secret).json()["refused"]
        assert [(one["index"], one["key"]) for one in refused] == [(0, "good")]
        assert refused[0]["error"] == "Key good was captured before with another body; the first is kept."
        assert Item.objects.get().inputs["text"] == "hello"

    @pytest.mark.parametrize("pack", [lambda data: data, gzip.compress], ids=["plain", "gzip"])
    def test_come_as_ndjson_too(self, secret: str, pack: Any) -> None:
        body = b"\n".join(json.dumps({**GOOD, "key": key}).encode() for key in "abc")
        more = {} if pack(b"") == b"" else {"Content-Encoding": "gzip"}
        assert post("predictions", pack(body), secret, "application/x-ndjson", **more).json()["created"] == 3

    @pytest.mark.parametrize(
        ("bad", "words"),
        [
            (row(scores={"ham": 0.5, "spam": 0.4}), "The scores sum to 0.9000, 0.1000 less than 1."),
            (row(scores={"ham": 0.9, "spam": 0.4}), "The scores sum to 1.3000, 0.3000 more than 1."),
            (row(scores={"ham": float("nan"), "spam": 1}), "The score of 'ham' is nan; a finite number from 0 to 1"),
            (row(scores={"ham": 1.5, "spam": -0.5}), "The score of 'ham' is 1.5; a number from 0 to 1"),
            (row(label="eggs"), "`label` is 'eggs'; the labels are ham, spam."),
            (row(scores={"eggs": 1}), "`scores` has 'eggs'; the labels are ham, spam."),
            (row(inputs={"text": "x", "scan": "aGVsbG8="}), "`scan` is no image"),
            (row(inputs={}), "`text` is missing."),
            (row(at="yesterday"), "`at`"),
            (row(colour="red"), "Unknown field `colour`"),
            ("text", "A row is one JSON object."),
        ],
    )
    def test_keep_the_good_rows_and_name_the_bad(self, secret: str, bad: Any, words: str) -> None:
        answer = post("predictions", [bad, GOOD], secret)
        assert answer.status_code == 200
        result = answer.json()
        assert (result["created"], len(result["refused"]), result["refused"][0]["index"]) == (1, 1, 0)
        assert words in result["refused"][0]["error"]
        assert list(Item.objects.values_list("key", flat=True)) == ["good"]


class TestSignals:
    def test_that_come_first_wait_for_their_prediction(self, secret: str) -> None:
        signal = {"id": "s1", "key": "good", "kind": "correction", "value": "spam"}
        waits = {"created": 0, "existing": 0, "refused": [], "waiting": 1}
        assert post("signals", [signal], secret).json() == waits
        assert Signal.objects.get().item is None
        post("predictions", [GOOD], secret)
        assert Signal.objects.get().item == Item.objects.get(key="good")

    def test_keep_the_good_rows_and_name_the_bad(self, secret: str) -> None:
        rows = [
            {"id": "1", "key": "a", "kind": "wave"},
            {"id": "2", "key": "a", "kind": "correction", "value": "eggs"},
            {"id": "3", "key": "a", "kind": "thumbs_up"},
        ]
        result = post("signals", rows, secret).json()
        assert (result["waiting"], [one["index"] for one in result["refused"]]) == (1, [0, 1])
        assert (
            'A correction needs `value`: "eggs" is not one of the labels: ham, spam.' in result["refused"][1]["error"]
        )


@pytest.mark.parametrize("call", ["predictions", "signals"])
class TestBodies:
    @pytest.mark.parametrize(
        ("body", "status", "words"),
        [
            (b"[{", 400, "The body is not JSON"),
            (b"\xff", 400, "The body is not JSON"),
            (b'{"key": "a"}', 400, "The body is not a JSON array of rows."),
            (b"[" * 100_000, 400, "nested too deeply"),
            (b"[" + b"{}," * 10_000 + b"{}]", 413, "The batch has 10,001 rows; at most 10,000 are taken at once."),
            (b"a" * (17 * 2**20), 413, "The body is 17.0 MiB; at most 16 MiB are taken at once."),
        ],
        ids=["half", "bytes", "object", "deep", "rows", "17 MiB"],
    )
    def test_that_are_no_batch_are_refused_in_one_sentence(
        self, secret: str, call: str, body: bytes, status: int, words: str
    ) -> None:
        answer = post(call, body, secret)
        assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
        assert words in answer.json()["detail"] and "\n" not in answer.json()["detail"]

    def test_that_unpack_to_too_much_are_refused(self, secret: str, call: str) -> None:
        answer = post(call, gzip.compress(b" " * (17 * 2**20)), secret, **{"Content-Encoding": "gzip"})
        assert answer.status_code == 413
        assert answer.json()["detail"] == "The body is more than 16 MiB unpacked; send it in parts."

    def test_packed_in_an_unknown_way_are_refused(self, secret: str, call: str) -> None:
        assert post(call, b"[]", secret, **{"Content-Encoding": "br"}).status_code == 415
