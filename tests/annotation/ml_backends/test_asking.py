"""A backend is asked about what waits; what it says is a prediction of its version, and a suggestion where none is
measured."""

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from annotation import leases, tasks
from annotation.management.commands import ask_ml_backend
from annotation.ml_backends import asking, calls, registration
from annotation.ml_backends.asked_items import MISSING
from annotation.ml_backends.protocol import SuggestedAnswer
from annotation.ml_backends.registration import BackendFields
from annotation.models import Cause, Item, Media, MLBackend, Prediction, Source
from jobs import execution
from jobs.models import Job, JobState
from projects.models import Project
from tests.annotation.labelling_scenario import LabellingScenario, make_scenario
from tests.annotation.ml_backends.fake_backend import FakeBackend, answering, choose_first
from tests.factories import NOW, make_item, make_prediction, make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def fake(settings: Any) -> Iterator[FakeBackend]:
    settings.OUTGOING_NETWORKS = ["127.0.0.0/8"]
    with answering() as one:
        yield one


@pytest.fixture
def scenario() -> LabellingScenario:
    made = make_scenario()
    made.show_reasons()
    return made


def add(project: Project, fake: FakeBackend, **fields: Any) -> MLBackend:
    given = BackendFields(**{"name": "tiny", "url": fake.url, **fields})
    return registration.add(project, given, once="once", by=None, at=NOW)


def attempt_once(backend: MLBackend, *, again: int = 0) -> Job:
    """What a worker does with its open job."""
    Job.objects.filter(kind=registration.ASK).update(due_at=NOW - timedelta(days=1))
    job = Job.objects.filter(kind=registration.ASK).latest("pk")
    for _ in range(again + 1):
        Job.objects.filter(pk=job.pk).update(due_at=NOW - timedelta(days=1))
        execution.run(job.pk)
    backend.refresh_from_db()
    job.refresh_from_db()
    return job


def test_what_waits_is_asked_in_parts_and_kept_as_predictions(
    scenario: LabellingScenario, fake: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "AT_ONCE", 2)
    items = scenario.ask(5)
    backend = add(scenario.project, fake)
    job = attempt_once(backend)
    assert (job.state, job.result["kept"]) == (JobState.SUCCEEDED, 5)
    assert [path for path, _, _ in fake.received] == ["/health", "/setup", *["/predict"] * 3]
    assert {task["data"]["text"] for task in fake.tasks()} == {item.inputs["text"] for item in items}
    assert '<Choice value="ham"' in fake.received[1][1]["schema"]
    said = Prediction.objects.filter(project=scenario.project)
    assert {(one.model_version, one.label, one.confidence, one.source) for one in said} == {
        ("tiny-2", "ham", 0.8, Source.RESCORED)
    }
    assert (backend.model_version, backend.suggested, backend.error) == ("tiny-2", 5, "")
    assert not asking.is_due(backend, at=NOW), "each item is asked once of a version"
    assert base64.b64decode(fake.received[0][2].split()[1]).decode() == f"plumbline:{registration.password_of(backend)}"


def test_it_is_shown_before_what_the_champion_says_and_never_where_a_label_measures(
    scenario: LabellingScenario, fake: FakeBackend
) -> None:
    [plain] = scenario.ask(1)
    measured = [scenario.ask(1, cause=cause, evaluation=True)[0] for cause in (Cause.AUDIT, Cause.GOLD)]
    make_prediction(plain, [0.1, 0.9], model_version="v1", source=Source.SERVED)
    Project.objects.filter(pk=scenario.project.pk).update(champion_version="v1")
    scenario.project.refresh_from_db()
    backend = add(scenario.project, fake)
    attempt_once(backend)
    assert Prediction.objects.filter(item__in=measured, model_version="tiny-2").count() == 2
    leased = scenario.claim(scenario.alice, 5)
    shown = leases.suggestions(scenario.project, leased)
    assert len(leased) == 3 and list(shown) == [plain.pk]
    assert shown[plain.pk] == {"value": "ham", "confidence": 0.8, "model_version": "tiny-2"}
    registration.switch(backend, on=False, by=None, at=NOW)
    assert leases.suggestions(scenario.project, leased)[plain.pk]["model_version"] == "v1"


def test_the_items_of_another_queue_are_left_alone(scenario: LabellingScenario, fake: FakeBackend) -> None:
    scenario.ask(2, cause=Cause.UNCERTAIN)
    [drifted] = scenario.ask(1, cause=Cause.DRIFTED)
    queue = scenario.queue(Cause.DRIFTED)
    attempt_once(add(scenario.project, fake, queue_slug=queue.slug))
    assert [one.item_id for one in Prediction.objects.all()] == [drifted.pk]


@pytest.mark.parametrize(
    ("fails", "words"),
    [
        ({"status": 500}, "/predict answered 500."),
        ({"status": 302}, "/predict answered 302: redirects are not followed."),
        ({"slow": 0.1}, "within 0 s."),
    ],
)
def test_a_failure_is_tried_three_times_and_said_in_one_line(
    scenario: LabellingScenario, fake: FakeBackend, monkeypatch: pytest.MonkeyPatch, fails: dict[str, Any], words: str
) -> None:
    monkeypatch.setattr(calls, "PATIENT", 0.3)
    for name, value in fails.items():
        setattr(fake, name, value)
    scenario.ask(1)
    backend = add(scenario.project, fake)
    job = attempt_once(backend)
    assert job.state == JobState.QUEUED and words in backend.error and "\n" not in backend.error
    assert attempt_once(backend, again=1).state == JobState.DEAD
    assert not asking.is_due(backend, at=backend.failed_at) and asking.is_due(
        backend, at=backend.failed_at + asking.PAUSE
    )
    assert not Prediction.objects.exists()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"<html>", "The answer to /predict is not JSON."),
        (b"[1]", "an object is expected"),
        (b'{"results": 3}', "a list is expected"),
        (b'{"results": []}', "0 results for 1 tasks"),
        (b"[" * 100_000, "The answer to /predict is not JSON."),
    ],
)
def test_an_answer_of_another_shape_ends_the_job_with_its_reason(
    scenario: LabellingScenario, fake: FakeBackend, answer: bytes, words: str
) -> None:
    fake.raw = answer
    scenario.ask(1)
    backend = add(scenario.project, fake)
    job = attempt_once(backend)
    assert job.state == JobState.DEAD and words in job.error and words in backend.error


@pytest.mark.parametrize(
    "result",
    [
        {"value": {"choices": ["nonsense"]}, "type": "choices"},
        {"value": {"choices": [7]}, "type": "choices"},
        {"value": {"choices": ["ham", "spam"]}, "type": "choices"},
        {"value": {"rating": 3}, "type": "rating"},
        "ham",
    ],
)
def test_an_answer_that_is_no_value_costs_only_itself(
    scenario: LabellingScenario, fake: FakeBackend, result: Any
) -> None:
    good = {"value": {"choices": ["spam"]}, "type": "choices"}
    fake.predicts = lambda body: {"results": [{"result": [result]}, {"result": [good], "score": "high"}]}
    scenario.ask(2)
    backend = add(scenario.project, fake)
    job = attempt_once(backend)
    assert (job.state, job.result["kept"], job.result["unusable"]) == (JobState.SUCCEEDED, 1, 1)
    assert (backend.suggested, backend.unusable, bool(backend.error)) == (1, 1, True)
    assert Prediction.objects.exclude(label="").get().confidence is None
    assert not asking.waiting_items(backend).exists(), "it is not asked again for ever"


@pytest.mark.parametrize(("said", "kept_as"), [("v1", "tiny v1"), ("", "tiny"), (None, "tiny"), (3.5, "3.5")])
def test_a_version_never_takes_the_name_of_one_trained_here(
    scenario: LabellingScenario, fake: FakeBackend, said: Any, kept_as: str
) -> None:
    good = {"value": {"choices": ["spam"]}, "type": "choices"}
    fake.version, fake.predicts = said, lambda body: {"results": [{"result": [good], "model_version": said}]}
    scenario.ask(1)
    attempt_once(add(scenario.project, fake))
    assert Prediction.objects.get().model_version == kept_as


def test_two_backends_of_one_version_are_both_asked_about_every_item(
    scenario: LabellingScenario, fake: FakeBackend
) -> None:
    scenario.ask(2)
    first = add(scenario.project, fake)
    attempt_once(first)
    second = registration.add(scenario.project, BackendFields("other", fake.url), once="two", by=None, at=NOW)
    assert attempt_once(second).result["kept"] == 2
    assert (first.model_version, second.model_version) == ("tiny-2", "other tiny-2")
    registration.remove(first, by=None, at=NOW)
    scenario.ask(1)
    tasks.ask_backends(scenario.project, NOW)
    assert attempt_once(second).result["kept"] == 1 and second.model_version == "other tiny-2"


@pytest.mark.parametrize("at_once", [1, 2, 20])
def test_an_item_on_which_the_backend_fails_keeps_no_other_waiting(
    scenario: LabellingScenario, fake: FakeBackend, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(asking, "AT_ONCE", at_once)
    bad = scenario.ask(5)[4].pk
    fake.predicts = lambda body: {"results": 3} if bad in [one["id"] for one in body["tasks"]] else choose_first(body)
    backend = add(scenario.project, fake)
    job = attempt_once(backend)
    assert (job.state, job.result["kept"], job.result["unusable"]) == (JobState.SUCCEEDED, 4, 1)
    assert "a list is expected" in backend.error and not asking.is_due(backend, at=NOW)


def test_a_backend_that_fails_on_everything_is_called_a_few_times_alone(
    scenario: LabellingScenario, fake: FakeBackend
) -> None:
    fake.status = 500
    scenario.ask(30)
    attempt_once(add(scenario.project, fake))
    assert [len(body["tasks"]) for path, body, _ in fake.received if path == "/predict"] == [20, 10, 1, 1, 1]
    assert not Prediction.objects.exists()


@pytest.mark.parametrize("status", [500, 503, None])
def test_a_backend_that_goes_away_in_the_middle_costs_no_item(
    scenario: LabellingScenario, fake: FakeBackend, monkeypatch: pytest.MonkeyPatch, status: int | None
) -> None:
    monkeypatch.setattr(asking, "AT_ONCE", 2)

    def answer_twice(body: dict[str, Any]) -> Any:
        if len([path for path, _, _ in fake.received if path == "/predict"]) > 2:
            fake.status = status or fake.status
            fake.raw = b"" if status else None
            if status is None:
                raise ConnectionAbortedError  # nothing is answered
        return choose_first(body)

    fake.predicts = answer_twice
    scenario.ask(24)
    backend = add(scenario.project, fake)
    job = attempt_once(backend)
    assert (job.state, job.result["kept"], job.result["unusable"]) == (JobState.SUCCEEDED, 4, 0)
    assert Prediction.objects.count() == 4 and asking.waiting_items(backend).count() == 20
    in_a_row = [len(body["tasks"]) for path, body, _ in fake.received if path == "/predict"]
    assert in_a_row[:5] == [2] * 5 and set(in_a_row[5:]) == {1} and len(in_a_row) <= 7
    assert "/predict" in backend.error and not asking.is_due(backend, at=backend.failed_at)
    assert asking.is_due(backend, at=backend.failed_at + asking.PAUSE)


@pytest.mark.parametrize(("status", "unusable"), [(500, 2), (429, 0), (503, 0)])
def test_items_that_fail_between_others_are_unusable_unless_the_backend_was_busy(
    scenario: LabellingScenario, fake: FakeBackend, status: int, unusable: int
) -> None:
    bad = {item.pk for item in scenario.ask(6)[2:4]}

    def refuse_bad(body: dict[str, Any]) -> Any:
        fake.status = status if bad & {one["id"] for one in body["tasks"]} else 200
        return choose_first(body)

    fake.predicts = refuse_bad
    backend = add(scenario.project, fake)
    job = attempt_once(backend)
    assert (job.state, job.result["kept"], job.result["unusable"]) == (JobState.SUCCEEDED, 4, unusable)
    assert f"answered {status}" in backend.error
    assert asking.waiting_items(backend).count() == 2 - unusable == 2 * (backend.failed_at is not None)


@pytest.mark.parametrize("has_row", [True, False])
def test_an_item_whose_image_is_missing_costs_only_itself(
    scenario: LabellingScenario, fake: FakeBackend, has_row: bool
) -> None:
    good, lost = scenario.ask(2)
    image = {"media": "ab" * 32, "width": 2, "height": 2}
    Item.objects.filter(pk=lost.pk).update(inputs={"picture": image})
    if has_row:
        size = {"width": 2, "height": 2, "size": 9, "created_at": NOW}
        Media.objects.create(project=scenario.project, sha256="ab" * 32, content_type="image/png", **size)
    backend = add(scenario.project, fake)
    job = attempt_once(backend)
    assert (job.state, job.result["kept"], job.result["unusable"]) == (JobState.SUCCEEDED, 1, 1)
    assert backend.error == MISSING and [one["id"] for one in fake.tasks()] == [good.pk]


def test_the_periodic_look_asks_for_what_came_meanwhile(scenario: LabellingScenario, fake: FakeBackend) -> None:
    backend = add(scenario.project, fake)
    assert attempt_once(backend).result["kept"] == 0
    tasks.ask_backends(scenario.project, NOW)
    assert Job.objects.filter(kind=registration.ASK).count() == 1
    scenario.ask(1)
    tasks.ask_backends(scenario.project, NOW)
    assert attempt_once(backend).result["kept"] == 1
    registration.remove(backend, by=None, at=NOW)
    assert Prediction.objects.count() == 1


def test_the_command_adds_it_once_and_waits(
    scenario: LabellingScenario, fake: FakeBackend, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ask_ml_backend, "PATIENCE", 0.0)
    monkeypatch.setattr(ask_ml_backend, "POLL", 0.0)
    scenario.ask(1)
    for kept in (1, 0):
        call_command("ask_ml_backend", scenario.project.slug, fake.url, "--name", "tiny", "--wait", "--json")
        assert json.loads(capsys.readouterr().out)["kept"] == kept
    assert MLBackend.objects.count() == 1
    with pytest.raises(CommandError, match="no project"):
        call_command("ask_ml_backend", "nowhere", fake.url)
    with pytest.raises(CommandError, match="never called"):
        call_command("ask_ml_backend", scenario.project.slug, "https://169.254.169.254", "--name", "other")


@pytest.mark.parametrize(
    ("kind", "answer", "value", "usable"),
    [
        ("rating", {"highest": 10}, 7, True),
        ("rating", {"highest": 10}, 11, False),
        ("spans", {"input": "text"}, [{"start": 0, "end": 5, "label": "ham"}], True),
        ("spans", {"input": "text"}, [{"start": 0, "end": 6, "label": "ham"}], False),
    ],
)
def test_an_answer_is_judged_by_the_options_of_the_kind_and_by_its_item(
    kind: str, answer: dict[str, Any], value: Any, usable: bool
) -> None:
    item = make_item(make_project(kind=kind, answer=answer), inputs={"text": "abcde"})
    kept, error = asking._to_suggestion(item.project, item, SuggestedAnswer(value))
    assert (kept.value is not None, error == "") == (usable, usable)
