"""The gate and the Compare page say the same of the same stored data: items, difference and interval."""

from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from analysis import pairs
from annotation.models import Cause, Item, RoutedItem
from projects.models import Project
from retraining import evaluation, judging, registry
from retraining.learning.fitted import Fitted
from retraining.learning.model_selection import fitting
from retraining.models import ModelVersion
from tests.analysis.scenarios import route
from tests.factories import NOW, make_item, make_prediction
from tests.retraining import scenarios
from tests.retraining.scenarios import LABELS, learn, make_champion, make_numeric_project, make_version, resolve

pytestmark = pytest.mark.django_db

DAYS, A_DAY = 4, 40


@lru_cache
def worse() -> Fitted:
    """A model that says spam only far above 0."""
    x = np.linspace(-2, 2, 40)
    columns = {"x": x.tolist(), "y": [0.0] * 40}
    types = {"x": "number", "y": "number"}
    search = fitting.ModelSearch(budget=0.0, seed=1)
    return fitting.fit(columns, types, (x > 0.8).astype(int), classes=LABELS, search=search)


def champion(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(scenarios, "fitted", worse)
        make_champion(project)


def captured(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another model answers: it is wrong on every fourth item, and its answers come with each item."""


def traffic(project: Project, *, answered: bool) -> list[Item]:
    """Four days whose audit rate and share of labels differ; asked items and drawn ones overlap."""
    rng, items = np.random.default_rng(3), []
    for place in range(DAYS * A_DAY):
        day, x = place // A_DAY, round(float(rng.normal()), 4)
        at = NOW + timedelta(days=day, minutes=place % A_DAY)
        item = make_item(project, inputs={"x": x, "y": round(float(rng.normal()), 4)}, at=at, captured_at=at)
        chance = (0.2, 0.2, 0.8, 0.6)[day]
        Item.objects.filter(pk=item.pk).update(audit_probability=chance, audit_number=float(rng.random()))
        if answered:
            says = int((x > 0) != (place % 4 == 0))
            make_prediction(item, [0.1, 0.9] if says else [0.9, 0.1], model_version="router-7")
        items.append(Item.objects.get(pk=item.pk))
    return items


def ask(project: Project, items: list[Item], minutes: int) -> None:
    """The active part asks these, drawn or not; the others of them wait or are answered as what is trained on."""
    numbers = {item.pk: (item.audit_number, item.audit_probability) for item in items}
    route(project, items, Cause.UNCERTAIN, probability=1.0, minutes=minutes)
    for pk, (number, chance) in numbers.items():
        Item.objects.filter(pk=pk).update(audit_number=number, audit_probability=chance)
    RoutedItem.objects.filter(item__in=items, item__in_pool=False).update(state="done")


def label_drawn(items: list[Item]) -> None:
    for place, item in enumerate(items):
        if item.is_drawn and place % 5:
            value = LABELS[int(item.inputs["x"] > 0)]
            resolve(item, value, evaluation=True, audit_probability=item.audit_probability)
            Item.objects.filter(pk=item.pk).update(audit_number=item.audit_number)


@pytest.mark.parametrize("incumbent", [champion, captured])
def test_say_the_same_items_difference_and_interval(
    artifact_home: Any, monkeypatch: pytest.MonkeyPatch, incumbent: Callable[..., None]
) -> None:
    project = make_numeric_project()
    learn(project, 12)
    incumbent(project, monkeypatch)
    items = traffic(project, answered=incumbent is captured)
    ask(project, items[5:60:6], minutes=5)
    version = make_version(project)
    ask(project, items[8:160:7], minutes=60)  # after the newest item that the version learnt from
    label_drawn(items)
    made = judging.judge_again(version, by=None, at=timezone.now())
    ask(project, items[3:160:11], minutes=90)
    stored, verdict, against = made.load_evaluation(), made.load_verdict(), registry.incumbent(project).tag

    found = pairs.pair(project, version.tag, against, at=NOW + timedelta(days=9))
    report = pairs.report(found)

    gate = evaluation_of(version)
    assert report.is_paired and sorted(found.item_ids.tolist()) == sorted(gate)
    assert found.inclusion_probability == pytest.approx([gate[pk] for pk in found.item_ids.tolist()])
    assert len(set(gate.values())) > 2 and max(gate.values()) < 1
    ours = [100 * value for value in (report.difference.value, report.difference.low, report.difference.high) if value]
    assert stored and verdict and verdict.difference and verdict.difference.value > 1
    judged = stored.rows[0].difference
    assert ours == pytest.approx([judged.value, judged.low, judged.high])
    assert ours[0] == pytest.approx(verdict.difference.value)


def evaluation_of(version: ModelVersion) -> dict[int, float]:
    assert version.judgement is not None
    return dict(version.judgement.evaluated.values_list("item_id", "inclusion_probability"))


def test_the_gate_leaves_out_what_the_audit_no_longer_draws(artifact_home: Any) -> None:
    """Thinned after it was drawn, and answered all the same: nothing says what it stands for."""
    project = make_numeric_project()
    learn(project, 12)
    make_champion(project)
    items = learn(project, 40, evaluation=True, seed=2, at=timezone.now())
    Item.objects.filter(pk=items[0].pk).update(audit_probability=0.1, audit_number=0.3)
    judged: evaluation.Judged = judging.judge_version(make_version(project), at=timezone.now())
    assert judged.evaluation.n == 39 and items[0].pk not in [row.item_id for row in judged.rows]
