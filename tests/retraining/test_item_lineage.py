"""Lineage of one item: the datasets that hold it and what was fitted on them, and nothing to who may label it blind."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from annotation.models import Cause, Item
from projects.models import Project, Role
from retraining.item_lineage import item_lineage
from retraining.models import Dataset, DatasetRow, ModelVersion, TrainingRun
from tests.analysis.scenarios import route
from tests.factories import NOW, make_item, make_project, make_user
from tests.retraining.scenarios import resolve, supersede

pytestmark = pytest.mark.django_db


def make_dataset(project: Project, number: int, item: Item, split: str) -> Dataset:
    dataset = Dataset.objects.create(
        project=project,
        number=number,
        hash=str(number) * 64,
        schema_version=1,
        contract_version=1,
        cut_at=NOW,
        train_rows=1,
        evaluation_rows=1,
        created_at=NOW,
    )
    DatasetRow.objects.create(
        dataset=dataset, item=item, resolution=item.resolutions.get(superseded_at=None), split=split
    )
    return dataset


def make_run(project: Project, number: int, dataset: Dataset, state: str) -> TrainingRun:
    return TrainingRun.objects.create(
        project=project, number=number, state=state, reason="50 labels", dataset=dataset, created_at=NOW
    )


def page(item: Item, role: Role = Role.ENGINEER) -> str:
    client = Client()
    client.force_login(make_user(project=item.project, role=role))
    answer = client.get(reverse("retraining:item-lineage", args=[item.project.slug, item.uid]))
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_what_learnt_from_it_and_what_was_measured_on_it_the_newest_first() -> None:
    project = make_project(labels=("ham", "spam"))
    item = make_item(project)
    agreed = resolve(item, "ham")
    first = make_dataset(project, 1, item, "train")
    run = make_run(project, 1, first, "succeeded")
    ModelVersion.objects.create(
        project=project,
        number=1,
        run=run,
        stage="champion",
        family="linear",
        artifact_sha256="a" * 64,
        artifact_size=1,
        signature="b" * 64,
        schema_version=1,
        contract_version=1,
        created_at=NOW,
    )
    supersede(agreed, "spam", at=NOW + timedelta(hours=1))
    make_run(project, 2, make_dataset(project, 2, item, "evaluation"), "failed")

    newest, oldest = item_lineage(item)
    assert (newest.learnt, newest.outdated, [version for _, version in newest.runs]) == (False, False, [None])
    assert (oldest.learnt, oldest.outdated, oldest.runs[0][1]) == (True, True, ModelVersion.objects.get())
    text = page(item)
    assert "dataset 2" in text and "measure" in text and "(failed)" in text
    assert "superseded since" in text and "(<code>v1</code>, champion)" in text
    assert text.index("dataset 2") < text.index("dataset 1")


def test_an_item_that_nothing_learnt_from_says_so_and_a_blind_one_says_nothing() -> None:
    project = make_project(labels=("ham", "spam"))
    item = make_item(project)
    assert "No dataset holds it" in page(item)
    route(project, [item], Cause.AUDIT, probability=0.5)
    assert "No dataset holds it" not in page(item) and "You may still label this item" in page(item)
    client = Client()
    client.force_login(make_user(project=make_project(), role=Role.ENGINEER))
    assert client.get(reverse("retraining:item-lineage", args=[project.slug, item.uid])).status_code == 404
