"""A task kind that a test adds goes from capture to a dataset without a change to any other module."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from annotation import labels, leases, queues, resolution, routing
from annotation.capture import capture_rows
from annotation.models import Cause, Item, Prediction, Resolution, RoutedItem, Signal
from annotation.routing.capacity import Places
from projects import specs
from projects.models import Project, User
from projects.specs import BadSpec
from retraining import datasets
from tests.annotation.json_kind import SPEC, registered
from tests.factories import NOW, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(settings: Any) -> Iterator[Project]:
    with registered(settings):
        yield specs.create_project("spans", SPEC, by=make_user("root", is_superuser=True), at=NOW)


def row(key: str, **fields: object) -> dict[str, object]:
    return {"key": key, "inputs": {"text": key}, "model_version": "m1", **fields}


def answer(project: Project, user: User, value: object) -> str:
    [lease] = leases.claim(project, by=user, count=1, at=NOW)
    return labels.submit(project, lease.token, value=value, by=user, at=NOW).status


def ask(project: Project, item: Item) -> None:
    queue = queues.ensure(project, Cause.UNCERTAIN, at=NOW)
    queues.add_entries(
        queue, [queues.Entry(item_id=item.pk, reason="x", numbers={}, inclusion_probability=1.0, priority=1.0)], at=NOW
    )


def test_capture_takes_its_values_and_refuses_others(project: Project) -> None:
    good, half, label, listed, scores = (
        row("a", value={"start": 1, "end": 4}, label_known={"start": 1, "end": 5}),
        row("b", value={"start": 4, "end": 1}),
        row("c", label="x"),
        row("d", label=[1, 4]),
        row("e", scores={"x": 1.0}),
    )
    kept = capture_rows(project, [good, half, label, listed, scores], at=NOW)

    assert kept.created == 1
    assert [refusal.error for refusal in kept.refused] == [
        "`value`: Start and end are whole numbers, the start first.",
        "A prediction of a task of kind interval has a `value`, no `label`.",
        "A prediction of a task of kind interval has a `value`, no `label`.",
        "A task of kind interval has no classes, so it takes no `scores`.",
    ]
    assert Prediction.objects.get().predicted_value == {"start": 1, "end": 4}
    assert Resolution.objects.get().value == {"start": 1, "end": 5}


def test_votes_are_settled_disputed_and_frozen_in_a_dataset(project: Project) -> None:
    capture_rows(project, [row("a", value={"start": 1, "end": 4}), row("b")], at=NOW)
    first, second = Item.objects.order_by("pk")
    ada, bo = make_user("ada", project), make_user("bo", project)
    ask(project, first)

    assert answer(project, ada, {"start": 9, "end": 1}) == "refused"
    lease = first.leases.get()
    assert labels.submit(project, lease.token, value={"start": 1, "end": 4}, by=ada, at=NOW).status == "created"
    assert answer(project, bo, {"start": 1, "end": 4}) == "created"
    assert Resolution.objects.get(item=first).value == {"start": 1, "end": 4}

    ask(project, second)
    assert answer(project, ada, {"start": 1, "end": 4}) == "created"
    assert answer(project, bo, {"start": 1, "end": 6}) == "created"
    disputed = RoutedItem.objects.get(item=second, cause=Cause.DISPUTED)
    assert disputed.reason == "two people disagreed: 1 to 4, 1 to 6"
    assert disputed.numbers["agreement"] == pytest.approx(0.6)
    resolution.resolve_by_person(
        second, value={"start": 1, "end": 6}, by=make_user("ruth", project, "reviewer"), at=NOW
    )

    planned = datasets.plan_dataset(project, at=NOW)
    values = sorted((row.value for row in planned.rows), key=lambda value: value["end"])  # rows are in order of uid
    assert values == [{"start": 1, "end": 4}, {"start": 1, "end": 6}]
    assert planned.train_labels() == set()
    frozen = datasets.freeze(project, at=NOW)
    assert frozen.train_rows + frozen.evaluation_rows == 2  # one of them may be an audit draw
    assert len(datasets.examples(frozen, "train")) == 0


def test_a_kind_that_is_not_registered_is_refused_in_words() -> None:
    with pytest.raises(BadSpec, match="kind is .*; this version takes .*choice"):
        specs.create_project("spans", SPEC, by=None, at=NOW)


def test_an_outcome_is_held_against_the_predicted_value(project: Project) -> None:
    """One that says what was predicted asks nobody; another one does."""
    said, other = {"start": 1, "end": 4}, {"start": 2, "end": 4}
    capture_rows(project, [row("right", value=said), row("wrong", value=said)], at=NOW)
    for item, happened in zip(Item.objects.order_by("pk"), (said, other), strict=True):
        Signal.objects.create(
            project=project,
            key=item.key,
            prediction_key=item.key,
            item=item,
            kind="outcome",
            value=happened,
            body_hash="0" * 64,
            at=NOW,
            captured_at=NOW,
        )
    routing.route(project, at=NOW + timedelta(minutes=1), seed=1, places=Places(0, 0))
    asked = RoutedItem.objects.filter(cause=Cause.OUTCOME_CONFLICT)
    assert [routed.item.key for routed in asked] == ["wrong"]


def test_a_predicted_value_is_suggested_where_reasons_are_shown(project: Project) -> None:
    project.routing = {"show_reasons": True}
    project.save()
    capture_rows(project, [row("a", value={"start": 1, "end": 4})], at=NOW)
    item = Item.objects.get()
    ask(project, item)
    given = leases.claim(project, by=make_user("ada", project), count=1, at=NOW)
    suggested = leases.suggestions(project, given)[item.pk]
    assert (suggested["value"], suggested["model_version"]) == ({"start": 1, "end": 4}, "m1")
