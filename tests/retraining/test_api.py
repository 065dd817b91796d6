"""POST predict: one call, one answer for each input, each problem with its status and sentence."""

import gzip
import json
from typing import Any

import pytest
from django.test import Client

from annotation.models import Item
from projects import members
from projects.models import Project, Role, Scope
from retraining import api
from tests.factories import NOW, make_user
from tests.retraining.scenarios import learn, make_champion, make_numeric_project

pytestmark = pytest.mark.django_db
SPAM = {"x": 1.5, "y": 0.0}


@pytest.fixture
def project(artifact_home: Any) -> Project:
    project = make_numeric_project("mail", safe_default="ham")
    learn(project, 4)
    make_champion(project)
    return project


@pytest.fixture
def secret(project: Project) -> str:
    return key(project, Scope.INGEST)


def key(project: Project, *scopes: str) -> str:
    person = make_user(project=project, role=Role.ENGINEER)
    return members.create_key(project, person, list(scopes), by=person, at=NOW)[1]


def post(client: Client, body: Any, secret: str = "", *, slug: str = "mail", **headers: str) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    if secret:
        headers["Authorization"] = f"Bearer {secret}"
    return client.post(f"/api/v1/projects/{slug}/predict", data, content_type="application/json", headers=headers)


def test_answers_and_captures(client: Client, project: Project, secret: str) -> None:
    answer = post(client, {"inputs": [SPAM], "keys": ["a"]}, secret)
    assert answer.status_code == 200
    body = answer.json()
    one = body["predictions"][0]
    assert (body["model_version"], body["stage"], body["degraded"]) == ("v1", "champion", False)
    assert (one["key"], one["label"], one["decision"], set(one["scores"])) == ("a", "spam", "approve", {"ham", "spam"})
    item = Item.objects.get(project=project, key="a")
    kept = item.predictions.get(source="served")
    assert item.inputs == SPAM and (kept.stage, kept.decision) == ("champion", "approve") and kept.latency_ms > 0


def test_the_same_call_again_gets_the_same_answer(client: Client, project: Project, secret: str) -> None:
    calls = [post(client, {"inputs": [SPAM], "keys": ["a"]}, secret).json() for _ in range(2)]
    first, again = (call["predictions"][0] for call in calls)
    assert first["scores"] == pytest.approx(again["scores"], abs=1e-6) and first["label"] == again["label"]
    assert Item.objects.filter(project=project, key="a").count() == 1


def test_takes_gzip(client: Client, project: Project, secret: str) -> None:
    body = gzip.compress(json.dumps({"inputs": [SPAM]}).encode())
    assert post(client, body, secret, **{"Content-Encoding": "gzip"}).status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"{", 400, "The body is not JSON"),
        (b'{"inputs": [{"x": NaN, "y": 0}]}', 422, "Input 0: `x` is nan; a finite number is expected."),
        pytest.param(b'{"inputs": ' + b"[" * 100_000, 400, "The body is nested too deeply.", id="deep"),
        (b'{"inputs": [], "inputs": [{"x": 1, "y": 0}]}', 400, "The body names 'inputs' twice in one object."),
        ([], 422, "A body is one JSON object."),
        ({}, 422, "`inputs` is missing"),
        ({"inputs": []}, 422, "`inputs` takes a list with one object of named inputs for each prediction; it is []."),
        ({"inputs": [SPAM], "more": 1}, 422, "Unknown field `more`; a body takes entity, inputs, keys."),
        ({"inputs": [SPAM], "keys": [1]}, 422, "`keys` takes a list with one key for each of the inputs"),
        ({"inputs": [SPAM], "keys": []}, 422, "There are 1 inputs and 0 keys"),
        ({"inputs": ["text"]}, 422, "Input 0: `inputs` is not an object of named inputs."),
        ({"inputs": [{"x": 1.0}]}, 422, "Input 0: `y` is missing."),
        ({"inputs": [SPAM] * (api.MOST_INPUTS + 1)}, 413, "There are 1,001 inputs; at most 1,000"),
    ],
)
def test_a_body_that_does_not_fit(
    client: Client, project: Project, secret: str, body: Any, status: int, words: str
) -> None:
    answer = post(client, body, secret)
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert words in answer.json()["detail"]
    assert Item.objects.filter(project=project, predictions__source="served").count() == 0


def test_names_every_bad_input(client: Client, project: Project, secret: str) -> None:
    answer = post(client, {"inputs": [{"x": "1", "y": 0}, SPAM, {"x": 1, "z": 0}]}, secret)
    assert [error["index"] for error in answer.json()["errors"]] == [0, 2]


def test_a_key_with_other_inputs_is_a_conflict(client: Client, project: Project, secret: str) -> None:
    post(client, {"inputs": [SPAM], "keys": ["a"]}, secret)
    answer = post(client, {"inputs": [{"x": -1, "y": 0}], "keys": ["a"]}, secret)
    assert answer.status_code == 409 and "Key a was captured before" in answer.json()["detail"]


def test_says_when_to_try_again_where_nothing_can_answer(client: Client, secret: str, project: Project) -> None:
    other = make_numeric_project("bare")
    answer = post(client, {"inputs": [SPAM]}, key(other, Scope.INGEST), slug="bare")
    assert (answer.status_code, answer["Retry-After"]) == (503, "30")


def test_says_degraded(client: Client, project: Project) -> None:
    other = make_numeric_project("bare", safe_default="ham")
    body = post(client, {"inputs": [SPAM]}, key(other, Scope.INGEST), slug="bare").json()
    assert (body["model_version"], body["degraded"]) == ("safe_default", True)
    assert body["predictions"][0] | {"key": ""} == {"key": "", "label": "ham", "scores": {}, "decision": "review"}


@pytest.mark.parametrize(("scope", "status"), [(Scope.INGEST, 200), (Scope.READ, 403), (Scope.ENGINEER, 403)])
def test_needs_the_scope(client: Client, project: Project, scope: str, status: int) -> None:
    assert post(client, {"inputs": [SPAM]}, key(project, scope)).status_code == status


def test_needs_a_key_and_the_keys_own_project(client: Client, project: Project, secret: str) -> None:
    make_numeric_project("other")
    assert post(client, {"inputs": [SPAM]}).status_code == 401
    assert post(client, {"inputs": [SPAM]}, secret, slug="other").status_code == 404


def test_stands_in_the_openapi_document(client: Client, db: None) -> None:
    paths = client.get("/api/v1/openapi.json").json()["paths"]
    call = paths["/api/v1/projects/{slug}/predict"]["post"]
    assert set(call["responses"]) >= {"200", "409", "422", "503"}
