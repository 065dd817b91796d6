"""A task kind that a test adds brings its own answer control, desk module and review control; nothing else changes."""

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse

from annotation import queues
from annotation.capture import capture_rows
from annotation.models import Cause, Item, Label, Resolution
from projects import specs
from projects.models import Project, User
from tests.annotation.json_kind import SPEC, registered
from tests.annotation.labelling_scenario import make_entry
from tests.factories import NOW, make_user

pytestmark = pytest.mark.django_db
FIRST, SECOND = {"start": 1, "end": 4}, {"start": 1, "end": 6}


@pytest.fixture
def project(settings: Any) -> Iterator[Project]:
    with registered(settings):
        yield specs.create_project("spans", SPEC, by=make_user("root", is_superuser=True), at=NOW)


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def ask(project: Project) -> Item:
    capture_rows(project, [{"key": "a", "inputs": {"text": "one"}}], at=NOW)
    item = Item.objects.get(project=project)
    queues.add_entries(queues.ensure(project, Cause.UNCERTAIN, at=NOW), [make_entry(item)], at=NOW)
    return item


def post(client: Client, name: str, body: Any) -> Any:
    address = reverse(f"annotation:{name}", args=["spans"])
    return client.post(address, json.dumps(body), content_type="application/json").json()


def test_the_desk_shows_its_control_and_loads_its_module(project: Project) -> None:
    page = browser(make_user("ada", project)).get(reverse("annotation:desk", args=["spans"])).content.decode()

    assert 'id="interval"' in page and "data-value" not in page
    config = json.loads(html.unescape(re.findall(r'data-config="([^"]*)"', page)[0]))
    assert config["module"] == "/static/interval/answer.js"
    assert "js/shell.js" in page and "htmx" not in "".join(re.findall(r"<script[^>]*>", page))  # it weighs 16 KB
    assert "export class Control" in Path(str(finders.find("interval/answer.js"))).read_text()


def test_a_json_value_is_labelled_corrected_and_shown_in_the_history(project: Project) -> None:
    item = ask(project)
    ada = browser(make_user("ada", project))
    (lease,) = post(ada, "desk-leases", {"count": 1})["leases"]

    wrong = {"op": "submit", "lease": lease["lease"], "value": {"start": 4, "end": 1}}
    (refused,) = post(ada, "desk-answers", {"answers": [wrong]})["results"]
    assert (refused["status"], refused["error"]) == ("refused", "Start and end are whole numbers, the start first.")
    acts = [
        {"op": op, "lease": lease["lease"], "value": value} for op, value in (("submit", FIRST), ("revise", SECOND))
    ]
    assert [row["status"] for row in post(ada, "desk-answers", {"answers": acts})["results"]] == ["created", "created"]

    assert Label.objects.get(item=item).value == SECOND
    page = ada.get(reverse("annotation:desk", args=["spans"])).content.decode()
    assert "1 to 6" in page


def test_a_reviewer_decides_with_its_control(project: Project) -> None:
    item = ask(project)
    for name, value in (("ada", FIRST), ("bo", SECOND)):
        person = browser(make_user(name, project))
        (lease,) = post(person, "desk-leases", {"count": 1})["leases"]
        post(person, "desk-answers", {"answers": [{"op": "submit", "lease": lease["lease"], "value": value}]})
    rita = browser(make_user("rita", project, "reviewer"))

    page = rita.get(reverse("annotation:review", args=["spans"])).content.decode()
    assert f"Start of {item.uid}" in page and "1 to 4, 1 to 6" in page
    decide = reverse("annotation:review-decide", args=["spans"])
    refused = rita.post(decide, {"item": item.uid, "start": "x", "end": "2"})
    assert refused.status_code == 422 and "An interval has a start and an end." in refused.content.decode()
    done = rita.post(decide, {"item": item.uid, "start": "2", "end": "5"}, follow=True)

    assert "2 to 5" in done.content.decode()
    assert Resolution.objects.current().get(item=item).value == {"start": 2, "end": 5}
