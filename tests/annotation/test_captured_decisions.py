"""A captured prediction says its stage, how long it took and what was decided, as far as its service knows."""

from typing import Any

import pytest

from annotation import capture
from annotation.exporting import exported_rows
from annotation.models import Prediction
from projects.models import Project
from tests.factories import NOW, make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make_project("mail", labels=("ham", "spam"))


def row(key: str, **fields: Any) -> dict[str, Any]:
    return {"key": key, "inputs": {"text": key}, "label": "ham", "model_version": "router-7", **fields}


def test_what_is_said_is_kept_and_the_rest_is_unknown(project: Project) -> None:
    said = {"stage": "canary", "latency_ms": 12.5, "decision": "approve"}
    kept = capture.capture_rows(project, [row("a", **said), row("b"), row("c", latency_ms=0)], at=NOW)
    assert (kept.created, kept.refused) == (3, ())
    found = Prediction.objects.order_by("item__key").values_list("stage", "latency_ms", "decision")
    assert list(found) == [("canary", 12.5, "approve"), ("", None, ""), ("", 0.0, "")]
    assert capture.capture_rows(project, [row("a", **said)], at=NOW).existing == 1
    changed = capture.capture_rows(project, [row("a", **{**said, "decision": "review"})], at=NOW)
    assert "another body" in changed.refused[0].error


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("stage", 3), ("stage", ""), ("stage", "x" * 41), ("stage", "two\nlines")),
        *(("latency_ms", -1), ("latency_ms", "fast"), ("latency_ms", 1e10), ("latency_ms", True)),
        *(("decision", ["approve"]), ("decision", "x" * 41)),
    ],
)
def test_a_row_with_another_value_is_refused_alone(project: Project, field: str, value: Any) -> None:
    kept = capture.capture_rows(project, [row("a", **{field: value}), row("b")], at=NOW)
    assert kept.created == 1 and (kept.refused[0].key, kept.refused[0].field) == ("a", field)


def test_a_full_export_says_it_and_another_one_does_not(project: Project) -> None:
    capture.capture_rows(project, [row("a", stage="canary", latency_ms=12.5, decision="approve"), row("b")], at=NOW)
    full = {one.key: one.predictions[0].extra for one in exported_rows(project, full=True)}
    assert full == {"a": {"stage": "canary", "latency_ms": 12.5, "decision": "approve"}, "b": {}}
    assert all(one.predictions[0].extra == {} for one in exported_rows(project))
