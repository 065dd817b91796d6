"""A small labelled project: items with a model's scores, routed by the product's own design and answered."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
from msgspec import Struct

from analysis.findings import LabelQualityBody, key_of
from analysis.models import Finding, FindingKind
from analysis.reports.kinds import label_quality, performance
from analysis.reports.kinds.performance import PerformanceBody
from analysis.reports.registry import Computation, ReportKind
from analysis.reports.stored import newest, store_if_changed
from annotation.models import Cause, Item, Resolution, RoutedItem, RoutedState
from annotation.queues import Entry, add_entries, ensure
from projects.models import Project
from tests.factories import NOW, make_item, make_prediction, make_project


def judged_project(n: int = 60, *, wrong: int = 6, version: str = "v1") -> tuple[Project, list[Item]]:
    """n audit items of which the model gets `wrong` wrong; every one of them answered."""
    project = make_project(inputs={"text": {"type": "text"}}, champion_version=version)
    items = []
    for i in range(n):
        item = make_item(project, at=NOW + timedelta(hours=i))
        says = i % 2
        make_prediction(item, [0.9, 0.1] if says == 0 else [0.1, 0.9], model_version=version)
        items.append(item)
    route(project, items, Cause.AUDIT, probability=0.5)
    for i, item in enumerate(items):
        truth = (i % 2) if i >= wrong else 1 - i % 2
        resolve(item, ["ham", "spam"][truth], evaluation=True)
    return project, items


def route(project: Project, items: list[Item], cause: Cause, *, probability: float, minutes: int = 0) -> None:
    """Let these items wait as the design has them: drawn for the audit, or asked by the active part."""
    audit, at = cause == Cause.AUDIT, NOW + timedelta(minutes=minutes)
    for rank, item in enumerate(items):
        numbers = {
            "audit_probability": probability,
            "audit_number": probability / 2,
            "sample_number": rank / len(items),
        }
        asked = {"audit_number": 0.99, "audit_probability": 0.5, "asked_at": at, "asked_rank": rank, "in_pool": False}
        Item.objects.filter(pk=item.pk).update(**numbers if audit else numbers | asked)
    entries = [
        Entry(
            item_id=item.pk,
            reason="test",
            numbers={},
            inclusion_probability=probability,
            priority=0.5,
            evaluation=audit,
            audit_probability=probability if audit else None,
        )
        for item in items
    ]
    add_entries(ensure(project, cause, at=NOW), entries, at=at)


def resolve(item: Item, value: Any, **fields: object) -> Resolution:
    RoutedItem.objects.filter(item=item).update(state=RoutedState.DONE)
    return Resolution.objects.create(
        **{
            "project": item.project,
            "item": item,
            "value": value,
            "method": "single",
            "quality": 1.0,
            "votes": 1,
            "resolved_at": NOW,
            **fields,
        }
    )


def make_finding(item: Item, given: str, suggested: str, *, save: bool = True, **fields: object) -> Finding:
    made = Finding(
        **{
            "project": item.project,
            "kind": FindingKind.LABEL_ERROR,
            "key": key_of(item.pk, given),
            "item": item,
            "given": given,
            "suggested": suggested,
            "score": 0.1,
            "expected": 0.9,
            "found_at": NOW,
            **fields,
        }
    )
    if save:
        made.save()
    return made


def store_report(project: Project, kind: ReportKind[Any], body: Struct, *, version: str = "", at: datetime) -> None:
    """A report of all time with this body."""
    store_if_changed(project, kind, Computation("x", lambda: body), version=version, days=0, at=at)


def performance_body(project: Project, version: str = "v1") -> PerformanceBody:
    report = newest(project, performance.KIND, version=version)
    assert report
    return report.body


def quality_body(project: Project) -> LabelQualityBody:
    report = newest(project, label_quality.KIND)
    assert report
    return report.body


def vectors(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, 2)).astype(np.float32)
