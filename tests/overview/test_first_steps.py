"""First steps: the programs that a project without any prediction shows are taken as they stand."""

import json
import re
import shlex
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from inputs.registry import INPUT_TYPES
from overview import actions, first_steps, loop
from projects import members, specs
from projects.models import ApiKey, Project
from projects.secrets import hashed
from tests.factories import NOW, make_item, make_prediction, make_project, make_user

pytestmark = pytest.mark.django_db
SITE = "http://127.0.0.1:8000"
RULES: dict[str, dict[str, Any]] = {
    **{name: {"type": name} for name in INPUT_TYPES.names()},
    "at least": {"type": "number", "min": 18},
    "at most": {"type": "number", "max": -2},
    "one of": {"type": "category", "values": ["red", "green"]},
}


def by_curl(code: str) -> Any:
    """The body that the shell would send."""
    words = shlex.split(code.replace("\\\n", " "))
    assert words[:2] == ["curl", f"{SITE}/api/v1/projects/x/predictions"]
    assert "Authorization: Bearer plumb_it's" in words
    return json.loads(words[words.index("--data") + 1])


def by_python(code: str) -> Any:
    """The row that the client would be given."""
    logged: list[dict[str, Any]] = []

    class FakeClient:
        predictions: Any

        def __init__(self, *given: str) -> None:
            assert given == (SITE, "x", "plumb_it's")
            self.predictions = self

        def __enter__(self) -> "FakeClient":
            return self

        def __exit__(self, *problem: object) -> None: ...

        def log(self, inputs: dict[str, Any], **fields: Any) -> None:
            logged.append({"key": "made by the client", "inputs": inputs, **fields})

        def flush(self) -> None: ...

        def counts(self) -> str:
            return ""

    exec(code.replace("from plumbline_client import Client\n", ""), {"Client": FakeClient})  # noqa: S102
    return logged


def by_javascript(code: str) -> Any:
    """The body that fetch would send; what a browser does with the program is in tests/browser."""
    assert f'fetch("{SITE}/api/v1/projects/x/predictions"' in code and '"Bearer plumb_it\'s"' in code
    return json.loads(code.partition("JSON.stringify(")[2].rpartition("),\n});")[0])


SENT = {"curl": by_curl, "python": by_python, "javascript": by_javascript}


@pytest.mark.parametrize("labels", [["it's", 'a "quote"'], [f"label {n}" for n in range(30)]])
def test_each_program_captures_a_prediction_of_every_input_type(labels: list[str]) -> None:
    inputs = {name.replace(" ", "_"): rule for name, rule in RULES.items()}
    spec = {"title": "X", "kind": "choice", "labels": labels, "inputs": inputs, "segments": ["channel", "one_of"]}
    project = specs.create_project("x", spec, by=None, at=NOW)
    ada = make_user("ada", project, "engineer")
    _, secret = members.create_key(project, ada, ["ingest"], by=ada, at=NOW)

    shown = first_steps.snippets(project, SITE, "plumb_it's")
    assert [snippet.id for snippet in shown] == list(SENT)
    for snippet in shown:
        answer = Client().post(
            "/api/v1/projects/x/predictions",
            json.dumps(SENT[snippet.id](snippet.code)),
            content_type="application/json",
            headers={"Authorization": f"Bearer {secret}"},
        )
        assert (answer.json()["refused"], answer.json()["created"]) == ([], 1), snippet.language


@pytest.fixture
def project() -> Project:
    return make_project("shop")


def signed_in(project: Project, role: str) -> Client:
    browser = Client()
    browser.force_login(make_user("", project, role), backend="django.contrib.auth.backends.ModelBackend")
    return browser


def test_an_empty_project_is_advised_to_capture_predictions_first_and_only(project: Project) -> None:
    [advice] = actions.actions(project, loop.collect(project, at=NOW, serves=""))
    browser = signed_in(project, "engineer")
    page = browser.get("/p/shop/").content.decode()

    assert (advice.words, advice.url) == ("Capture predictions", "/p/shop/#first-prediction")
    assert "curl http://testserver/api/v1/projects/shop/" in page and "Label 60 more audit items" not in page
    assert page.count(first_steps.NO_KEY) >= 3
    make_item(project)
    assert "curl http" not in browser.get("/p/shop/").content.decode()


def test_a_key_is_made_once_stands_in_every_program_and_may_only_capture(project: Project) -> None:
    browser, form = signed_in(project, "engineer"), {"once": "x"}
    part = browser.post("/p/shop/first-key/", form, headers={"HX-Request": "true"})
    whole = browser.post("/p/shop/first-key/", form)

    key = ApiKey.objects.get()
    assert key.scopes == ["ingest"] and key.expires_at and key.user.memberships.get().role == "engineer"
    for answer in (part, whole):
        assert answer["Cache-Control"].startswith("max-age=0")
        [secret] = set(re.findall(r"plumb_[0-9a-f]{64}", answer.content.decode()))
        assert hashed(secret) == key.hash
        assert answer.content.decode().count(secret) == 3 and first_steps.NO_KEY not in answer.content.decode()
    assert b"<html" not in part.content and b"<html" in whole.content
    assert secret not in browser.get("/p/shop/").content.decode()


def test_who_may_not_make_a_key_sees_who_may(project: Project) -> None:
    browser = signed_in(project, "reviewer")
    page = browser.get("/p/shop/").content.decode()
    assert "Make a key for this" not in page and "An engineer or admin" in page
    assert browser.post("/p/shop/first-key/").status_code == 403


def test_a_page_that_was_opened_before_says_that_the_first_row_is_here(project: Project) -> None:
    browser = signed_in(project, "engineer")
    [polled] = re.findall(r'hx-get="(\S+)" hx-trigger="every', browser.get("/p/shop/").content.decode())
    before = browser.get(polled, headers={"HX-Request": "true"}).content.decode()
    make_prediction(make_item(project, "row-1"), [0.9, 0.1], model_version="my-model-1")
    after = browser.get(polled, headers={"HX-Request": "true"}).content.decode()

    assert 'hx-swap-oob="morph"' in before and "Nothing has arrived yet" in before
    assert 'class="note good"' in after and "row-1" in after and "ham by my-model-1" in " ".join(after.split())


def test_the_home_page_names_a_captured_model_that_serves() -> None:
    project, other = make_project(), make_project()
    make_prediction(make_item(project), [0.9, 0.1], model_version="router-7", source="captured")
    admin = make_user("noor", is_superuser=True)
    browser = Client()
    browser.force_login(admin, backend="django.contrib.auth.backends.ModelBackend")
    page = browser.get(reverse("projects:home")).content.decode()
    assert "router-7 captured" in page and "<td>none</td>" in page, other
