"""Every task kind whose answers are no classes, from capture to its report: API, jobs and pages alone, as its users
meet them. The first one is added by a test."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from analysis.tasks import refresh_old
from annotation.tasks import route_what_waits
from jobs.models import Job
from projects import members, specs
from projects.models import Project, Role, User
from retraining.models import Dataset, TrainingRun
from retraining.triggers.checks import check_all_projects
from tests.annotation.json_kind import registered
from tests.factories import make_user
from tests.journey_kinds import JOURNEYS, JourneyKind

pytestmark = pytest.mark.django_db
N = 24
RunJobs = Callable[[], int]
each_kind = pytest.mark.parametrize("kind", JOURNEYS, ids=lambda kind: kind.name)


@pytest.fixture
def kind() -> JourneyKind:
    return JOURNEYS[0]


@pytest.fixture
def project(settings: Any, kind: JourneyKind) -> Iterator[Project]:
    with registered(settings):
        spec = {**kind.spec, "retraining": {"after_labels": 10}}
        yield specs.create_project("spans", spec, by=make_user("root", is_superuser=True), at=timezone.now())


class Service:
    """A program with a key for one person."""

    def __init__(self, project: Project, user: User, *scopes: str) -> None:
        _, text = members.create_key(project, user, list(scopes), by=None, at=timezone.now())
        self.client, self.path = Client(headers={"Authorization": f"Bearer {text}"}), f"/api/v1/projects/{project.slug}"

    def post(self, path: str, body: Any) -> Any:
        answer = self.client.post(f"{self.path}/{path}", json.dumps(body), content_type="application/json")
        assert answer.status_code == 200, answer.content
        return answer.json()

    def get(self, path: str) -> Any:
        answer = self.client.get(f"{self.path}/{path}")
        assert answer.status_code == 200, answer.content
        return answer.json()

    def answer_all(self, value: Callable[[int], Any]) -> None:
        """Label what waits for this person, each item by its number."""
        while given := self.post("leases", {"count": 20})["leases"]:
            rows = [
                {"lease": one["lease"], "value": value(int(re.findall(r"\d+", one["inputs"]["text"])[0]))}
                for one in given
            ]
            results = self.post("labels", {"labels": rows})["results"]
            assert {one["status"] for one in results} == {"created"}, results


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def words_of(client: Client, name: str, *args: Any) -> str:
    """The words of a page."""
    answer = client.get(reverse(name, args=["spans", *args]))
    assert answer.status_code == 200
    main = answer.content.decode().split("<main")[1].split('<dialog id="keys"')[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main))


def rows_of(kind: JourneyKind) -> list[dict[str, Any]]:
    """Items of all of which the model said the same."""
    return [
        {
            "key": f"k{n}",
            "inputs": {"text": f"message {n}", **kind.also},
            "model_version": "m1",
            "value": kind.right,
        }
        for n in range(N)
    ]


@each_kind
def test_a_kind_goes_from_capture_to_its_report(project: Project, kind: JourneyKind, run_jobs: RunJobs) -> None:
    mean = 1 - (1 - kind.score) / 4  # one item in four is resolved as `half`
    engineer, reviewer = make_user("eve", project, Role.ENGINEER), make_user("rita", project, Role.REVIEWER)
    service, eve, rita = Service(project, engineer, "ingest", "read"), browser(engineer), browser(reviewer)
    ada, bo = (Service(project, make_user(name, project), "annotate") for name in ("ada", "bo"))

    wrong = {**rows_of(kind)[0], "key": "wrong", "value": kind.wrong}
    taken = service.post("predictions", [*rows_of(kind), wrong])
    assert taken["created"] == N
    assert [one["error"] for one in taken["refused"]] == [f"`value`: {kind.refusal.format(length=9)}"]
    route_what_waits(project, timezone.now())
    run_jobs()
    assert not Job.objects.filter(error__gt="").exists()
    assert f"{N} items wait" in words_of(eve, "annotation:queue-list")

    [lease] = ada.post("leases", {"count": 1})["leases"]
    refused = ada.post("labels", {"labels": [{"lease": lease["lease"], "value": kind.wrong}]})["results"]
    why = kind.refusal.format(length=len(lease["inputs"]["text"]))
    assert [(one["status"], one["error"]) for one in refused] == [("refused", why)]
    ada.post("labels", {"labels": [{"lease": lease["lease"], "value": kind.right}]})
    ada.answer_all(lambda n: kind.right)
    bo.answer_all(lambda n: kind.half if n % 4 == 0 else kind.right)
    first, second = kind.said or kind.words
    between = ";" if "," in first + second else ","
    said = f"said {first}{between} {second} asked two people disagreed"
    assert said in words_of(rita, "annotation:review")
    review = rita.get(reverse("annotation:review", args=["spans"])).content.decode()
    disputed = re.findall(r'id="review-(item_\w+)"', review)
    assert len(disputed) == N // 4
    for uid in disputed:
        decided = {"item": uid, **kind.form}
        assert rita.post(reverse("annotation:review-decide", args=["spans"]), decided).status_code == 302
    assert "Nothing is in review" in words_of(rita, "annotation:review")

    check_all_projects(at=timezone.now())
    run_jobs()
    assert not TrainingRun.objects.exists()
    eve.post(reverse("retraining:run-start", args=["spans"]))
    run_jobs()
    dataset = Dataset.objects.get(project=project)
    assert dataset.train_rows + dataset.evaluation_rows == N and dataset.left_out == 0
    why = "Answers of this task are not classes, so no model can be trained on them here."
    for page in (words_of(eve, "retraining:run", 1), words_of(eve, "retraining:run-list")):
        assert why in page and "a run starts at" not in page

    refresh_old(project, timezone.now())
    run_jobs()
    metrics = service.get("metrics")
    score = metrics["score"]
    assert (metrics["model_version"], metrics["n"], score["value"]) == ("m1", N, pytest.approx(mean))
    assert 0 < score["low"] < mean < score["high"] < 1 and metrics["accuracy"] is None
    shown = f"{mean:.3f} [{score['low']:.3f}, {score['high']:.3f}]"
    assert f"Mean score of m1 {shown} , from 0 wrong to 1 right, n {N}" in words_of(eve, "analysis:performance")
    overview = words_of(eve, "overview:overview")
    assert f"Mean score of m1 {shown} , n {N}" in overview and "answers are not classes" in overview

    uid = disputed[0]
    (listed,) = [one for one in service.get("items")["items"] if one["id"] == uid]
    assert (listed["value"], listed["label"], listed["resolution"]) == (kind.right, None, kind.half)
    story = service.get(f"items/{uid}")
    assert [one["value"] for one in story["labels"]] == [kind.right, kind.half]
    item = words_of(eve, "analysis:item", uid)
    assert f"resolved as {kind.words[1]}" in item and f"m1 Captured why so {kind.words[0]}" in item


def test_lists_have_no_filter_by_values_that_are_on_no_list(project: Project) -> None:
    engineer = make_user("eve", project, Role.ENGINEER)
    service, eve = Service(project, engineer, "ingest", "read"), browser(engineer)
    service.post("predictions", rows_of(JOURNEYS[0]))  # those that the audit drew are hidden from who may label them

    address = reverse("analysis:item-list", args=["spans"])
    page = eve.get(address).content.decode()
    assert 'name="state"' in page and 'name="says"' not in page and 'name="truth"' not in page
    for name, title in (("says", "Model says"), ("truth", "Resolved as")):
        why = f"{title} is no filter here: answers of this task are not on a list."
        assert why in eve.get(f"{address}?{name}=narrow").content.decode()
        refused = service.client.get(f"{service.path}/items?{name}=narrow")
        assert (refused.status_code, refused.json()["detail"]) == (422, why)
    assert "1 to 5 m1" in words_of(eve, "analysis:item-list")
