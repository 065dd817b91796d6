"""A full export: how each item was chosen and agreed stands in its row, and an import keeps it beside the item."""

import io
import json
from typing import Any

import pytest

from annotation import labels
from annotation.exchange.rows import UnusableFile
from annotation.exporting import FULL_FORMATS, export_file, exported_rows
from annotation.importing import import_file
from annotation.models import Cause, Item, Label, Prediction, Resolution
from projects.models import Project
from tests.annotation.labelling_scenario import LabellingScenario, make_scenario
from tests.factories import NOW, make_prediction, make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def scenario() -> LabellingScenario:
    """One item of the audit that Alice labelled."""
    made = make_scenario()
    (item,) = made.ask(cause=Cause.AUDIT, inclusion_probability=0.25)
    Item.objects.filter(pk=item.pk).update(audit_number=0.1, audit_probability=0.25)
    make_prediction(item, [0.75, 0.25], threshold_version="t2", policy_version="p3")
    labels.submit(made.project, made.token(made.alice), value="ham", by=made.alice, at=made.tick())
    return made


def full_export(project: Project, name: str = "jsonl", **options: Any) -> bytes:
    stream = io.BytesIO()
    export_file(project, stream, name, full=True, **options)
    return stream.getvalue()


def test_a_row_says_by_which_probability_and_cause_its_item_was_chosen(scenario: LabellingScenario) -> None:
    row = json.loads(full_export(scenario.project))
    assert (row["sampling"]["audit_probability"], row["sampling"]["drawn"]) == (0.25, True)
    (routed,) = row["sampling"]["routed"]
    assert (routed["cause"], routed["inclusion_probability"]) == ("audit", 0.25)
    assert routed["queue"] == scenario.project.queues.get().slug


def test_a_row_says_how_its_value_was_agreed_and_under_which_rules(scenario: LabellingScenario) -> None:
    row, agreed = json.loads(full_export(scenario.project)), Resolution.objects.get()
    assert row["labels"][0]["value"] == agreed.value
    assert (row["resolution"]["method"], row["resolution"]["votes"]) == ("single", 1)
    (given,) = row["labels"]
    assert (given["cause"], given["inclusion_probability"]) == ("audit", 0.25)
    assert given["guideline_version"] == Label.objects.get().guideline_version
    assert (row["predictions"][0]["threshold_version"], row["predictions"][0]["policy_version"]) == ("t2", "p3")
    assert row["lineage"]["contract_version"] == 1


def test_none_of_it_stands_in_a_row_that_was_not_asked_to_be_full(scenario: LabellingScenario) -> None:
    (row,) = exported_rows(scenario.project)
    assert not row.extra and not row.labels[0].extra


def test_who_is_to_label_an_item_blind_does_not_see_why_it_was_chosen(scenario: LabellingScenario) -> None:
    scenario.ask(cause=Cause.AUDIT, inclusion_probability=0.25)
    settled, waiting = map(json.loads, full_export(scenario.project, viewer=scenario.bob).splitlines())
    assert "sampling" in settled and set(waiting) == {"key", "inputs", "at"}


@pytest.mark.parametrize("name", FULL_FORMATS)
def test_an_import_keeps_all_of_it_and_weighs_nothing_by_it(scenario: LabellingScenario, name: str) -> None:
    project = scenario.project
    other = make_project("other", labels=("ham", "spam"), inputs=project.contract().inputs)
    assert import_file(other, io.BytesIO(full_export(project, name)), name, at=NOW).created == 1
    (sent,), (arrived,) = exported_rows(project, full=True), exported_rows(other)
    assert arrived == sent
    assert Prediction.objects.get(project=other).threshold_version == "t2"
    assert Item.objects.get(project=other).audit_probability != 0.25


def test_a_format_of_another_tool_does_not_carry_it(scenario: LabellingScenario) -> None:
    with pytest.raises(UnusableFile, match="Only jsonl, csv, parquet carry full rows"):
        full_export(scenario.project, "doccano")
