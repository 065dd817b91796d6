"""`dry_run=1` of a batch: the answers that it would get, and nothing stored."""

import json
from typing import Any

import pytest
from django.apps import apps
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotation import capture
from annotation.models import Item, Signal
from annotation.signals.capture import capture_signals, preview_signals
from projects import members
from projects.models import ContractViolations, Project, Role, Scope, StoredAnswer
from tests.factories import NOW, make_project, make_user

pytestmark = pytest.mark.django_db
CALL = "/api/v1/projects/mail/"
KEYS = st.sampled_from(["a", "b", "c", "d", 5, ""])
PREDICTIONS = st.lists(
    st.fixed_dictionaries(
        {"key": KEYS, "inputs": st.sampled_from([{"text": "x"}, {"text": 1}, {}, [], {"text": "y", "more": 1}])},
        optional={"scores": st.sampled_from([{"ham": 1}, {"ham": 0.7, "spam": 0.301}, {"ham": 0.2}]), "at": st.just(1)},
    ),
    max_size=6,
)
SIGNALS = st.lists(
    st.fixed_dictionaries(
        {"id": KEYS, "key": KEYS, "kind": st.sampled_from(["thumbs_up", "correction", "other"])},
        optional={"value": st.sampled_from(["ham", "eggs"])},
    ),
    max_size=6,
)
SOME = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def rows_stored() -> dict[str, int]:
    """Rows of every table but the key's note of its last use."""
    return {model._meta.label: model._default_manager.count() for model in apps.get_models()}


@SOME
@given(before=PREDICTIONS, batch=PREDICTIONS, violations=st.sampled_from(ContractViolations.values))
def test_predictions_are_answered_as_they_are_then_kept(before: list[Any], batch: list[Any], violations: str) -> None:
    project = make_project(contract_violations=violations)
    capture.capture_rows(project, before, at=NOW)
    stored = rows_stored()
    tried = capture.preview_rows(project, batch, at=NOW)
    assert rows_stored() == stored
    assert tried == capture.capture_rows(project, batch, at=NOW)


@SOME
@given(predictions=PREDICTIONS, before=SIGNALS, batch=SIGNALS)
def test_signals_are_answered_as_they_are_then_kept(
    predictions: list[Any], before: list[Any], batch: list[Any]
) -> None:
    project = make_project()
    capture.capture_rows(project, predictions, at=NOW)
    capture_signals(project, before, at=NOW)
    stored = rows_stored()
    tried = preview_signals(project, batch, at=NOW)
    assert rows_stored() == stored
    assert tried == capture_signals(project, batch, at=NOW)


class TestOverHttp:
    @pytest.fixture
    def project(self) -> Project:
        return make_project("mail")

    @pytest.fixture
    def secret(self, project: Project) -> str:
        person = make_user(project=project, role=Role.ENGINEER)
        return members.create_key(project, person, [Scope.INGEST], by=person, at=NOW)[1]

    def post(self, call: str, rows: list[Any], secret: str, **headers: str) -> Any:
        headers["Authorization"] = f"Bearer {secret}"
        return Client().post(CALL + call, json.dumps(rows), content_type="application/json", headers=headers)

    @pytest.mark.parametrize(
        ("call", "row"),
        [
            ("predictions", {"key": "a", "inputs": {"text": "x"}}),
            ("signals", {"id": "s", "key": "a", "kind": "thumbs_up"}),
        ],
    )
    def test_the_idempotency_key_is_still_free_afterwards(self, secret: str, call: str, row: dict[str, Any]) -> None:
        name = {"Idempotency-Key": "once"}
        tried = self.post(f"{call}?dry_run=1", [row, {}], secret, **name)
        assert (Item.objects.count(), Signal.objects.count(), StoredAnswer.objects.count()) == (0, 0, 0)
        kept = self.post(f"{call}?dry_run=0", [row, {}], secret, **name)
        assert (tried.status_code, tried.json()) == (200, kept.json())
        assert (Item.objects.count() + Signal.objects.count(), "Idempotent-Replayed" in kept) == (1, False)

    def test_another_value_is_refused_in_words(self, secret: str) -> None:
        answer = self.post("predictions?dry_run=yes", [{"key": "a", "inputs": {"text": "x"}}], secret)
        assert (answer.status_code, answer.json()["detail"]) == (400, "dry_run takes 1 or 0.")
        assert not Item.objects.exists()
