"""A small share of `benchmarks.malformed_bodies`: every generated body is answered, a refused one in a sentence."""

from typing import Any

import pytest
from django.test import Client

from benchmarks.generated_requests import GeneratedRequest, broken_requests, examples, schema_requests
from benchmarks.malformed_bodies import AnsweredBodies, has_sentence, project_key, send
from config.api import api

pytestmark = pytest.mark.django_db


@pytest.mark.simulation
def test_every_generated_body_is_answered_below_500_and_in_words() -> None:
    slug, secret = project_key()
    client, outcome, schema = Client(raise_request_exception=False), AnsweredBodies(), api.get_openapi_schema()

    def act(request: GeneratedRequest) -> None:
        outcome.note(request, send(client, request, secret))

    for request in broken_requests(examples(schema, slug), 120, seed=3):
        act(request)
    schema_requests(schema, slug, 30, 3, act)
    assert (outcome.failed, outcome.wordless) == ([], [])
    assert outcome.statuses[200] and outcome.statuses[400] and outcome.statuses[422]


class FakeAnswer:
    def __init__(self, content: bytes, status_code: int = 400) -> None:
        self.content, self.status_code = content, status_code


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"detail": "The body is not JSON."}', True),
        (b'{"detail": ""}', False),
        (b'{"detail": "no"}', False),
        (b"<html>Bad Request</html>", False),
        (b"[]", False),
    ],
)
def test_a_refusal_without_a_sentence_is_noticed(content: bytes, expected: bool) -> None:
    answer: Any = FakeAnswer(content)
    assert has_sentence(answer) is expected


def test_an_answer_of_500_is_noticed() -> None:
    outcome = AnsweredBodies()
    outcome.note(GeneratedRequest("cut", "/x", b"{"), FakeAnswer(b'{"detail": "It broke."}', 503))
    assert (len(outcome.failed), outcome.statuses[503]) == (1, 1)
