"""The API's description: every reference resolves, every example is what its call takes and answers."""

import html
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from django.test import Client

from config.api import api
from config.api_docs import groups
from projects import members, openapi
from projects.models import Project, Role, Scope
from tests.factories import NOW, make_project, make_user

LABELS = ("card_arrival", "exchange_rate")


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return api.get_openapi_schema()


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for inner in part.values():
            yield from references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from references(inner)


def operations(schema: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_every_reference_leads_to_a_schema(schema: dict[str, Any]) -> None:
    found = set(references(schema))
    assert "#/components/schemas/LabelRow" in found
    assert {reference.rpartition("/")[2] for reference in found} <= set(schema["components"]["schemas"])


def test_every_call_says_its_scope_its_key_and_its_errors(schema: dict[str, Any]) -> None:
    for path, method, operation in operations(schema):
        assert operation["x-scope"] in Scope.values, f"{method} {path}"
        assert operation["security"] == [{"key": []}]
        assert {200, 401, 403, 404} <= set(operation["responses"]), f"{method} {path}"


def test_every_example_is_decoded_by_the_struct_it_stands_for(schema: dict[str, Any]) -> None:
    seen = 0
    for _, _, operation in operations(schema):
        content = [
            operation["responses"][200]["content"]["application/json"],
            *(
                part
                for kind, part in operation.get("requestBody", {}).get("content", {}).items()
                if kind == "application/json"
            ),
        ]
        for media_type in content:
            part, example = media_type["schema"], media_type["example"]
            rows, reference = (example, part["items"]) if part.get("type") == "array" else ([example], part)
            kind = openapi.find_struct(reference["$ref"].rpartition("/")[2])
            for row in rows:
                msgspec.convert(row, kind)
                seen += 1
    assert seen >= 15


def test_every_field_of_a_body_says_what_it_takes(schema: dict[str, Any]) -> None:
    for _, calls in groups(schema):
        for call in calls:
            for line in (*call.fields, *call.parameters):
                assert line.takes.endswith("."), f"{call.method} {call.path}: {line.name} says nothing"


def test_no_two_structs_share_a_name() -> None:
    class Problem(msgspec.Struct):
        """Another one."""

        x: int = 0

    with pytest.raises(ValueError, match="Two structs of the API are called Problem"):
        openapi.operation(answers=Problem())


def example_of(schema: dict[str, Any], path: str, method: str = "post") -> Any:
    body = schema["paths"][f"/api/v1/projects/{{slug}}/{path}"][method]["requestBody"]
    return body["content"]["application/json"]["example"]


@pytest.mark.django_db
def test_the_page_can_try_every_call_with_examples_of_a_project_of_ones_own(schema: dict[str, Any]) -> None:
    project, foreign = make_project("mine", labels=["own label"]), make_project("other", labels=["foreign label"])
    browser = Client()
    browser.force_login(make_user(project=project, role=Role.ENGINEER), backend=BACKEND)
    pages = {slug: browser.get("/api/v1/docs", {"project": slug}).content.decode() for slug in ("mine", "other", "\0")}
    assert "own label" in pages["mine"] and 'value="mine"' in pages["mine"]
    assert not any(word in page for page in pages.values() for word in ("foreign label", foreign.title))
    for path, method, operation in operations(schema):
        known = (one for _, calls in groups(schema) for one in calls)
        [call] = [one for one in known if (one.path, one.method) == (path, method.upper())]
        assert f'<pl-call method="{call.method}" path="{path}">' in pages["mine"]
        names = [one["name"] for one in operation["parameters"] if one["name"] != "slug"]
        assert set(names) == {*call.in_path, *(line.name for line in call.parameters)} - {"slug"}, path
        for name in names:
            assert f'id="{call.anchor}-{name}"' in pages["mine"], f"{path} {name}"
        assert (f'id="{call.anchor}-body"' in pages["mine"]) == ("requestBody" in operation), path


BACKEND = "django.contrib.auth.backends.ModelBackend"


class TestTheExamplesAreTaken:
    """By the calls themselves, in a project whose labels are those of the examples."""

    @pytest.fixture
    def project(self, db: None) -> Project:
        return make_project("cards", labels=LABELS)

    @pytest.fixture
    def call(self, project: Project, client: Client) -> Any:
        person = make_user(project=project, role=Role.ENGINEER)
        secret = members.create_key(project, person, list(Scope.values), by=person, at=NOW)[1]

        def post(path: str, body: Any) -> Any:
            headers = {"Authorization": f"Bearer {secret}"}
            url = f"/api/v1/projects/{project.slug}/{path}"
            return client.post(url, msgspec.json.encode(body), content_type="application/json", headers=headers)

        return post

    def test_predictions_and_signals(self, schema: dict[str, Any], call: Any) -> None:
        captured = call("predictions", example_of(schema, "predictions")).json()
        assert (captured["created"], captured["refused"]) == (2, [])
        assert call("signals", example_of(schema, "signals")).json() == {
            "created": 1,
            "existing": 0,
            "refused": [],
            "waiting": 1,
        }

    def test_leases_and_labels(self, schema: dict[str, Any], call: Any, project: Project) -> None:
        assert call("leases", example_of(schema, "leases")).json()["leases"] == []
        [result] = call("labels", example_of(schema, "labels")).json()["results"]
        assert (result["status"], "field" in result) == ("refused", False)  # there is no such lease; all fields fit

    def test_predict(self, schema: dict[str, Any], call: Any) -> None:
        assert call("predict", example_of(schema, "predict")).status_code == 503  # nothing to serve; the body fits


@pytest.mark.django_db
def test_the_page_shows_every_call_to_anybody(client: Client, schema: dict[str, Any]) -> None:
    page = client.get("/api/v1/docs")
    text = page.content.decode()
    assert page.status_code == 200
    for path, method, operation in operations(schema):
        assert f'id="{operation["operationId"]}"' in text, f"{method} {path}"
    words = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())
    for _, calls in groups(schema):
        for call in calls:
            for line in (*call.fields, *call.parameters):
                assert f"{line.name} {line.type}" in words and line.takes in words, f"{call.path}: {line.name}"
    assert words.count("A JSON array of at most 10,000 rows") == 2  # predictions and signals
    assert "100 items a page" in words and "A whole number from 1 to 20." in words
    assert "labels[].lease" in text
    assert "thumbs_down" in text
