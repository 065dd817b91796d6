"""A candidate and what serves, the traffic on which they differ, and people who label it."""

from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from annotation.models import Item, RoutedItem, RoutedState, Source
from jobs.models import Job
from projects.models import Project, User
from retraining import disagreements
from retraining.bodies import DisagreementBody
from retraining.models import DisagreementSample, ModelVersion
from retraining.window_bodies import WindowBody, load_window
from tests.factories import make_item, make_prediction, make_user
from tests.retraining.scenarios import learn, make_champion, make_numeric_project, make_version

ITEMS = 120


@pytest.fixture
def ada() -> User:
    return make_user("ada")


@pytest.fixture
def version(artifact_home: Any) -> ModelVersion:
    return differing_versions()


def differing_versions(slug: str = "") -> ModelVersion:
    """v2, which says spam where x is above 0, as is true; v1 serves and has said ham up to x = 1."""
    project = make_numeric_project(slug)
    learn(project, 12)
    make_champion(project)
    made = make_version(project)
    rng = np.random.default_rng(5)
    for x, y in rng.normal(size=(ITEMS, 2)):
        said(project, float(x), float(y))
    Job.objects.all().delete()
    return made


def said(project: Project, x: float, y: float, **fields: Any) -> Item:
    now = timezone.now()
    item = make_item(project, inputs={"x": round(x, 4), "y": round(y, 4)}, at=now, captured_at=now, **fields)
    item.audit_probability, item.audit_number = 0.01, 0.5
    item.save()
    make_prediction(item, [0.1, 0.9] if x > 1 else [0.9, 0.1], model_version="v1", source=Source.SERVED)
    return item


@pytest.fixture
def sample(version: ModelVersion, ada: User, run_jobs: Any) -> DisagreementSample:
    disagreements.request(version, by=ada, at=timezone.now())
    run_jobs()
    return version.disagreement_samples.get()


def window_of(sample: DisagreementSample) -> WindowBody:
    return load_window(sample.window)


def verdict_of(sample: DisagreementSample) -> DisagreementBody:
    found = disagreements.verdict_of(DisagreementSample.objects.get(pk=sample.pk))
    assert found is not None
    return found


def label(sample: DisagreementSample, places: Any, *, right: bool = True) -> None:
    """People agree on these drawn items; with the candidate, or with what serves."""
    for place in places:
        drawn = window_of(sample).drawn[place]
        routed = RoutedItem.objects.filter(item=drawn.item, state=RoutedState.OPEN)
        routed.update(state=RoutedState.DONE)
        Item.objects.get(pk=drawn.item).resolutions.create(
            project=sample.version.project,
            value=drawn.candidate if right else drawn.champion,
            method="single",
            quality=1.0,
            votes=1,
            evaluation=True,
            resolved_at=timezone.now(),
        )
