"""Labels from signals: of reliable actors, on items that nobody was asked about, where nothing contradicts them."""

from datetime import timedelta
from typing import Any

import pytest

from annotation import routing
from annotation.models import Cause, Item, Resolution, RoutedItem, Signal, SignalReliability
from annotation.routing.capacity import Places
from annotation.signals import reliability
from annotation.signals.claims import claims_about
from annotation.signals.labelling import label_from_signals
from annotation.signals.reliability import ReliabilityBody, SignalRate
from projects.models import Project
from tests.annotation.routing.test_negative_signals import item, signal
from tests.factories import NOW, make_item, make_project

pytestmark = pytest.mark.django_db


def store(project: Project, lower: dict[str, float], *, n: int = 200) -> None:
    """Corrections of these actors are right with these lower limits; 200 audit items say so."""
    kinds = ("correction", "outcome", "thumbs_up")
    body = ReliabilityBody(
        kinds=[SignalRate(kind, "", 0.97, 0.93, 0.99, n) for kind in kinds],
        actors=[SignalRate(kind, actor, 0.98, low, 1.0, 40) for kind in kinds for actor, low in lower.items()],
    )
    reliability.store(project, body, at=NOW)


@pytest.fixture
def project() -> Project:
    made = make_project()
    store(made, {"anna": 0.96, "bert": 0.9, "public:anna": 0.99})
    return made


def label(project: Project) -> int:
    return label_from_signals(project, at=NOW + timedelta(minutes=1))


def test_a_reliable_actors_correction_resolves_the_item_and_says_what_it_came_from(project: Project) -> None:
    about = item(project)
    said = signal(about, "correction", "spam", actor="anna")
    assert label(project) == 1
    made = Resolution.objects.current().get(item=about)
    assert (made.value, made.method, made.signal, made.reliability_version) == ("spam", "signal", said, 1)
    assert (made.quality, made.votes, made.evaluation) == (0.98, 0, False)
    about.refresh_from_db()
    assert not about.in_pool and about.asked_at is None  # trained on, and stands for nothing in metrics
    assert not Resolution.objects.by_people().exists()
    assert routing.route(project, at=NOW + timedelta(minutes=2), seed=1, places=Places(0, 0)).by_cause == {}


@pytest.mark.parametrize(
    ("kind", "value", "actor"),
    [
        ("correction", "spam", "bert"),  # lower limit .90, not above .95
        ("correction", "spam", "carl"),  # never audited: the default of the kind
        ("correction", "spam", ""),
        ("correction", "spam", "public:anna"),  # with a publishable key anybody can say so
        ("thumbs_down", None, "anna"),
    ],
)
def test_any_other_signal_asks(project: Project, kind: str, value: Any, actor: str) -> None:
    about = item(project)
    signal(about, kind, value, actor=actor)
    routed = routing.route(project, at=NOW + timedelta(minutes=1), seed=1, places=Places(0, 0))
    assert routed.by_cause == {Cause.OVERRIDDEN: 1} and not Resolution.objects.exists()


def test_without_a_report_or_with_few_audited_items_nothing_is_labelled(project: Project) -> None:
    signal(item(project), "correction", "spam", actor="anna")
    store(project, {"anna": 0.96}, n=99)
    assert label(project) == 0
    SignalReliability.objects.all().delete()
    assert label(project) == 0


@pytest.mark.parametrize("routing", [{"label_signals_above": 0.97}, {"label_signals_after": 201}])
def test_the_project_says_how_reliable_is_enough(project: Project, routing: dict[str, Any]) -> None:
    signal(item(project), "correction", "spam", actor="anna")
    Project.objects.update(routing=routing)
    project.refresh_from_db()
    assert label(project) == 0


def test_an_approval_labels_what_was_predicted_unless_somebody_objects(project: Project) -> None:
    liked, disputed = item(project), item(project)
    for about in (liked, disputed):
        signal(about, "thumbs_up", actor="anna")
    signal(disputed, "thumbs_down", actor="bert")
    assert label(project) == 1
    assert Resolution.objects.get().item == liked and Resolution.objects.get().value == "ham"


def test_what_the_audit_drew_was_asked_or_is_settled_stays_with_people(project: Project) -> None:
    drawn, asked, settled = item(project, audit=True), item(project), item(project, label="ham")
    Item.objects.filter(pk=asked.pk).update(asked_at=NOW)
    for about in (drawn, asked, settled):
        signal(about, "correction", "spam", actor="anna")
    assert label(project) == 0
    assert list(Resolution.objects.values_list("item", "value")) == [(settled.pk, "ham")]


def test_an_outcome_labels_once_it_is_mature(project: Project) -> None:
    Project.objects.update(outcome_matures_after_days=30)
    project.refresh_from_db()
    about = item(project)
    signal(about, "outcome", "ham", actor="anna")
    assert label(project) == 0
    Item.objects.update(at=NOW - timedelta(days=30))
    assert label(project) == 1


def test_who_becomes_reliable_later_has_earlier_signals_weighed_again_where_they_settled_nothing(
    project: Project,
) -> None:
    agreed, asked = item(project), item(project)
    signal(agreed, "outcome", "ham", actor="bert")
    signal(asked, "outcome", "spam", actor="bert")
    routing.route(project, at=NOW + timedelta(minutes=1), seed=1, places=Places(0, 0))
    assert not Signal.objects.filter(weighed_at=None).exists() and RoutedItem.objects.get().item == asked
    store(project, {"anna": 0.96, "bert": 0.96})
    assert label(project) == 1 and label(project) == 0
    assert Resolution.objects.get().item == agreed


def test_a_version_that_made_a_label_is_kept(project: Project) -> None:
    signal(item(project), "correction", "spam", actor="anna")
    label(project)
    for _ in range(reliability.KEPT + 2):
        store(project, {"anna": 0.96})
    versions = SignalReliability.objects.values_list("version", flat=True)
    assert 1 in versions and 2 not in versions and len(versions) == reliability.KEPT + 1


def test_a_correction_that_does_not_fit_its_item_claims_nothing() -> None:
    project = make_project(kind="spans", answer={"input": "text"})
    about = make_item(project, inputs={"text": "abcde"})
    for end in (5, 6):
        signal(about, "correction", [{"start": 0, "end": end, "label": "ham"}], actor=f"to {end}")
    assert [claim.actor for claim in claims_about(project, [about.pk], at=NOW)[about.pk]] == ["to 5"]
