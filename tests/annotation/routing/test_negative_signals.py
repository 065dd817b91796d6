"""What came back: a signal that contradicts a prediction or a label is asked about, once, whatever happened before."""

from datetime import timedelta
from typing import Any

import pytest

from annotation import routing
from annotation.models import Cause, Item, RoutedItem, RoutedState, Signal
from annotation.routing.capacity import Places
from annotation.signals import reliability
from annotation.signals.reliability import ReliabilityBody, SignalRate
from projects.models import Project
from tests.annotation import json_kind
from tests.factories import NOW, make_item, make_prediction, make_project

pytestmark = pytest.mark.django_db
NOTHING = Places(0, 0)


@pytest.fixture
def project() -> Project:
    return make_project()


def item(project: Project, *, label: str = "", says: str = "ham", audit: bool = False) -> Item:
    made = make_item(project, audit_number=0.1 if audit else 0.9, audit_probability=0.2, sample_number=0.5)
    make_prediction(made, [0.9, 0.1] if says == "ham" else [0.1, 0.9])
    if label:
        made.resolutions.create(
            project=project,
            value=label,
            method="single",
            quality=1,
            votes=1,
            evaluation=audit,
            resolved_at=NOW - timedelta(days=1),
        )
    return made


def signal(about: Item, kind: str, value: Any = None, **fields: Any) -> Signal:
    given = {"at": NOW, "captured_at": NOW, **fields}
    key = f"s{Signal.objects.count()}"
    return Signal.objects.create(
        project=about.project,
        key=key,
        prediction_key=about.key,
        item=about,
        kind=kind,
        value=value,
        body_hash="0" * 64,
        **given,
    )


def route(project: Project) -> dict[str, int]:
    return routing.route(project, at=NOW + timedelta(minutes=1), seed=1, places=NOTHING).by_cause


@pytest.mark.parametrize(
    ("label", "kind", "value", "reason"),
    [
        ("", "correction", "spam", "correction: spam, predicted ham"),
        ("", "thumbs_down", None, "thumbs down, predicted ham"),
        ("ham", "thumbs_down", None, "thumbs down, predicted ham, labelled ham before"),
    ],
)
def test_an_objection_is_asked_whatever_waits(project: Project, label: str, kind: str, value: Any, reason: str) -> None:
    about = item(project, label=label)
    signal(about, kind, value)
    assert route(project) == {Cause.OVERRIDDEN: 1}
    assert about.routed_items.get().reason == reason
    RoutedItem.objects.update(state=RoutedState.DONE, closed_at=NOW)
    assert route(project) == {}


@pytest.mark.parametrize(
    ("label", "kind", "value"),
    [
        ("spam", "correction", "spam"),
        ("spam", "thumbs_down", None),
        ("ham", "outcome", "ham"),
        ("", "outcome", "ham"),
        ("", "thumbs_up", None),
        ("", "click", None),
    ],
)
def test_what_agrees_with_what_is_known_asks_nobody(project: Project, label: str, kind: str, value: Any) -> None:
    signal(item(project, label=label), kind, value)
    assert route(project) == {}


def test_an_outcome_that_differs_is_a_conflict(project: Project) -> None:
    about = item(project)
    signal(about, "outcome", "spam")
    assert route(project) == {Cause.OUTCOME_CONFLICT: 1}
    assert about.routed_items.get().reason == "outcome: spam, predicted ham"


def test_the_signal_that_is_right_more_often_is_asked_about_first(project: Project) -> None:
    body = ReliabilityBody(kinds=[SignalRate("thumbs_down", "", 0.3, 0.2, 0.4, 160)])
    body.kinds.append(SignalRate("correction", "", 0.9, 0.8, 0.95, 160))
    reliability.store(project, body, at=NOW)
    weak, strong = item(project), item(project)
    signal(weak, "thumbs_down", at=NOW - timedelta(hours=1))
    signal(strong, "correction", "spam")
    assert route(project) == {Cause.OVERRIDDEN: 2}
    assert strong.routed_items.get().priority > weak.routed_items.get().priority


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"start": 1, "end": 4}, "outcome: 1 to 4, predicted 2 to 3"),
        ({"begin": 1}, 'outcome: {"begin": 1}, predicted 2 to 3'),
        ("none", "outcome: none, predicted 2 to 3"),
    ],
)
def test_a_reason_describes_json_values_as_their_kind_does(settings: Any, value: Any, reason: str) -> None:
    with json_kind.registered(settings):
        about = make_item(make_project(kind="interval"), audit_number=0.9, audit_probability=0.2, sample_number=0.5)
        make_prediction(about, value={"start": 2, "end": 3})
        signal(about, "outcome", value)
        assert route(about.project) == {Cause.OUTCOME_CONFLICT: 1}
        assert about.routed_items.get().reason == reason


def test_an_outcome_counts_once_it_is_mature(project: Project) -> None:
    Project.objects.filter(pk=project.pk).update(outcome_matures_after_days=30)
    project.refresh_from_db()
    about = item(project)
    signal(about, "outcome", "spam")
    assert route(project) == {}
    Item.objects.filter(pk=about.pk).update(at=NOW - timedelta(days=30))
    assert route(project) == {Cause.OUTCOME_CONFLICT: 1}


def test_a_label_given_after_the_signal_settles_it(project: Project) -> None:
    signal(item(project, label="ham"), "override", "spam", captured_at=NOW - timedelta(days=3))
    assert route(project) == {}


def test_an_item_that_waits_already_is_not_put_twice_and_stands_for_itself(project: Project) -> None:
    about = item(project, audit=True)
    routing.route(project, at=NOW, seed=1, places=Places(0, 1))
    signal(about, "correction", "spam")
    assert route(project) == {}
    about.refresh_from_db()
    row = about.routed_items.get()
    assert about.asked_at is not None
    assert (row.cause, row.inclusion_probability, row.evaluation) == (Cause.AUDIT, 1.0, True)


def test_a_signal_that_came_first_is_weighed_when_it_finds_its_item(project: Project) -> None:
    about = item(project)
    early = signal(about, "correction", "spam")
    Signal.objects.update(item=None)
    assert route(project) == {}
    Signal.objects.filter(pk=early.pk).update(item=about)
    assert route(project) == {Cause.OVERRIDDEN: 1}


def test_an_evaluation_item_that_is_asked_again_stays_one(project: Project) -> None:
    about = item(project, label="ham", audit=True)
    signal(about, "override", "spam")
    route(project)
    assert about.routed_items.get().evaluation
