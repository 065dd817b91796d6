"""Side answers leave with their items and come back: agreed ones and those of each person."""

import io
import json
from typing import Any

import pytest

from annotation import exporting, import_options, importing, labels
from annotation.capture import capture_rows
from annotation.exchange.label_config import write_label_config
from annotation.models import Resolution
from projects import specs
from projects.models import Project
from tests.annotation.labelling_scenario import LabellingScenario, make_scenario
from tests.factories import NOW

pytestmark = pytest.mark.django_db
SPEC: dict[str, Any] = {
    "title": "Replies",
    "kind": "choice",
    "labels": ["good", "bad"],
    "inputs": {"text": {"type": "text"}},
    "also_ask": [
        {"name": "failure", "kind": "choices", "labels": ["price", "tone"], "when": ["bad"]},
        {"name": "severity", "kind": "rating", "answer": {"highest": 4}, "required": True, "when": ["bad"]},
        {"name": "reason", "kind": "text"},
    ],
}
SAID: list[tuple[str, dict[str, Any]]] = [
    ("bad", {"failure": ["price", "tone"], "severity": 4}),
    ("bad", {"failure": [], "severity": 1, "reason": 'It says "no", =1+1'}),
    ("good", {}),
]


@pytest.fixture
def scenario() -> LabellingScenario:
    made = make_scenario(labels=("good", "bad"), also_ask=specs.parse_spec(SPEC).also_ask)
    for value, also in SAID:
        made.ask(1)
        token = made.token(made.alice)
        sent: dict[str, Any] = {"value": value, "also": also}
        assert labels.submit(made.project, token, **sent, by=made.alice, at=made.tick()).status == "created"
    return made


def exported(project: Project, name: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    exporting.export_file(project, stream, name, **options)
    return stream.getvalue()


def agreed(project: Project) -> dict[str, Any]:
    rows = Resolution.objects.current().filter(project=project).values_list("item__key", "value", "also")
    return {key: (value, {name: one["value"] for name, one in (also or {}).items()}) for key, value, also in rows}


@pytest.mark.parametrize("name", ["jsonl", "csv", "parquet", "label_studio"])
def test_they_go_into_another_project_as_they_were_agreed(scenario: LabellingScenario, name: str) -> None:
    other = specs.create_project("other", SPEC, by=None, at=NOW)
    data = exported(scenario.project, name)

    result = importing.import_file(other, io.BytesIO(data), name, at=NOW)

    assert (result.created, result.known, result.refused) == (3, 3, [])
    assert agreed(other) == agreed(scenario.project)
    assert sorted(map(str, (also for _, also in agreed(other).values()))) == sorted(str(also) for _, also in SAID)
    assert {one["method"] for one in Resolution.objects.filter(project=other, value="bad")[0].also.values()} == {
        "known"
    }


def test_full_rows_say_how_each_was_agreed_and_what_each_person_said(scenario: LabellingScenario) -> None:
    first = json.loads(exported(scenario.project, "jsonl", full=True).splitlines()[0])

    assert first["also"] == first["labels"][0]["also"] == SAID[0][1]
    assert first["resolution"]["also"]["severity"] == {"value": 4, "method": "single", "quality": 1.0, "votes": 1}


def test_a_flat_file_has_a_column_for_each_question(scenario: LabellingScenario) -> None:
    head, first = exported(scenario.project, "csv").decode().splitlines()[:2]

    assert head.replace('"', "").split(",")[2:8] == [
        "label",
        "predicted",
        "model_version",
        "also.failure",
        "also.severity",
        "also.reason",
    ]
    assert '"[""price"",""tone""]","4",' in first


def test_each_question_is_a_control_of_label_studio(scenario: LabellingScenario) -> None:
    config = write_label_config(import_options.project_shape(scenario.project))

    assert '<Choices name="also_failure" toName="text" visibleWhen="choice-selected" whenTagName="answer"' in config
    assert 'name="also_severity" toName="text" required="true"' in config and 'maxRating="4"' in config
    task = json.loads(exported(scenario.project, "label_studio"))[0]
    assert [part["from_name"] for part in task["annotations"][0]["result"]] == [
        "answer",
        "also_failure",
        "also_severity",
    ]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"label_known": "good", "also_known": {"severity": 1}}, "`also.severity` is not asked beside this answer"),
        ({"label_known": "bad", "also_known": {"severity": 9}}, "`also.severity`: A whole number from 1 to 4"),
        ({"also_known": {"severity": 1}}, "`also_known` stands beside `label_known`, which is missing."),
    ],
)
def test_a_captured_row_with_a_side_answer_that_does_not_fit_is_refused(
    scenario: LabellingScenario, row: dict[str, Any], why: str
) -> None:
    [refusal] = capture_rows(scenario.project, [{"key": "k", "inputs": {"text": "x"}, **row}], at=NOW).refused

    assert refusal.error.startswith(why)


def test_a_captured_row_brings_what_is_known_beside_its_label(scenario: LabellingScenario) -> None:
    known = {"label_known": "bad", "also_known": {"severity": 2}}

    assert capture_rows(scenario.project, [{"key": "k", "inputs": {"text": "x"}, **known}], at=NOW).created == 1

    made = Resolution.objects.get(item__key="k")
    assert made.also == {"severity": {"value": 2, "method": "known", "quality": 1.0, "votes": 0}}
