"""First steps: the command that a project without any prediction shows is taken as it stands."""

import json
import shlex
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from inputs.registry import INPUT_TYPES
from overview import actions, first_steps, loop
from projects import members, specs
from projects.models import Project
from tests.factories import NOW, make_item, make_prediction, make_project, make_user

pytestmark = pytest.mark.django_db
ADDRESS = "http://127.0.0.1:8000/api/v1/projects/x/predictions"
RULES: dict[str, dict[str, Any]] = {
    **{name: {"type": name} for name in INPUT_TYPES.names()},
    "at least": {"type": "number", "min": 18},
    "at most": {"type": "number", "max": -2},
    "one of": {"type": "category", "values": ["red", "green"]},
}


def sent(project: Project) -> list[dict[str, Any]]:
    """The body that the shell would send."""
    words = shlex.split(first_steps.capture_command(project, ADDRESS).replace("\\\n", " "))
    return list(json.loads(words[words.index("--data") + 1]))


@pytest.mark.parametrize("labels", [["it's", 'a "quote"'], [f"label {n}" for n in range(30)]])
def test_the_command_captures_a_prediction_of_every_input_type(labels: list[str]) -> None:
    inputs = {name.replace(" ", "_"): rule for name, rule in RULES.items()}
    spec = {"title": "X", "kind": "choice", "labels": labels, "inputs": inputs, "segments": ["channel", "one_of"]}
    project = specs.create_project("x", spec, by=None, at=NOW)
    ada = make_user("ada", project, "engineer")
    _, secret = members.create_key(project, ada, ["ingest"], by=ada, at=NOW)

    answer = Client().post(
        "/api/v1/projects/x/predictions",
        json.dumps(sent(project)),
        content_type="application/json",
        headers={"Authorization": f"Bearer {secret}"},
    )

    assert answer.json()["refused"] == []
    assert answer.json()["created"] == 1


def test_an_empty_project_is_advised_to_capture_predictions_first_and_only() -> None:
    project = make_project()
    emil = make_user("emil", project, "engineer")
    browser = Client()
    browser.force_login(emil, backend="django.contrib.auth.backends.ModelBackend")

    [advice] = actions.actions(project, loop.collect(project, at=NOW, serves=""))
    page = browser.get(reverse("overview:overview", args=[project.slug])).content.decode()

    assert (advice.words, advice.button) == ("Capture predictions", "Make a key")
    assert "curl http://testserver/api/v1/projects/" in page and "Label 60 more audit items" not in page
    make_item(project)
    assert "curl http" not in browser.get(reverse("overview:overview", args=[project.slug])).content.decode()


def test_the_home_page_names_a_captured_model_that_serves() -> None:
    project, other = make_project(), make_project()
    make_prediction(make_item(project), [0.9, 0.1], model_version="router-7", source="captured")
    admin = make_user("noor", is_superuser=True)
    browser = Client()
    browser.force_login(admin, backend="django.contrib.auth.backends.ModelBackend")
    page = browser.get(reverse("projects:home")).content.decode()
    assert "router-7 captured" in page and "<td>none</td>" in page, other
