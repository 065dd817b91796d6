"""Signals: how often each kind and each actor is right, by the labels of people, with its interval and its items."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from analysis.reports import refreshing
from analysis.reports.kinds import signals as signals_report
from analysis.reports.kinds.signals import SignalsBody
from analysis.reports.stored import newest
from analysis.signal_reliability import how_right
from annotation import kinds as task_kinds
from annotation.models import Cause, Item, Resolution, Signal
from annotation.signals import kinds, reliability
from projects.models import Project, Role
from tests.analysis.scenarios import judged_project, route
from tests.factories import NOW, make_user
from tests.test_numbers import address, walk

LABELS = [{"value": "ham"}, {"value": "spam"}]


@pytest.mark.parametrize(
    ("kind", "value", "truth", "answer_score", "expected"),
    [
        ("correction", "spam", "spam", 0.0, 1.0),
        ("correction", "ham", "spam", 0.0, 0.0),
        ("outcome", "spam", "ham", 1.0, 0.0),
        ("outcome", "chargeback", "ham", 1.0, None),  # none of the project's labels
        ("thumbs_down", None, "ham", 0.0, 1.0),
        ("thumbs_down", None, "ham", 1.0, 0.0),
        ("thumbs_up", None, "ham", 1.0, 1.0),
        ("escalation", None, "ham", 0.0, None),
        ("click", None, "ham", 1.0, None),
        ("comment", "odd", "ham", 1.0, None),
    ],
)
def test_a_signal_is_right_about_what_it_claims(
    kind: str, value: Any, truth: str, answer_score: float, expected: float | None
) -> None:
    found = how_right(kinds.kind_named(kind), value, truth, answer_score, task_kinds.of("choice"), LABELS)
    assert found == expected


def give(items: list[Item], kind: str, *, actor: str = "", value: Any = None) -> None:
    Signal.objects.bulk_create(
        Signal(
            project=item.project,
            key=f"{kind}-{actor}-{item.pk}",
            prediction_key=item.key,
            item=item,
            kind=kind,
            value=value,
            actor=actor,
            body_hash="0" * 64,
            at=item.at,
            captured_at=item.at,
        )
        for item in items
    )


def stored(project: Project) -> SignalsBody:
    refreshing.refresh(project, at=NOW + timedelta(days=30))
    report = newest(project, signals_report.KIND)
    assert report
    return report.body


@pytest.fixture
def project() -> Project:
    """60 labelled items, the first 6 of them answered wrong: what was said of them in the way of a real product."""
    made, items = judged_project()
    give(items[:12], "thumbs_down")  # right of the 6 that are wrong
    give(items[6:26], "thumbs_up", actor="anna")
    give(items[:10], "correction", actor="bert", value="spam")
    give(items[40:43], "click")
    give([items[50]], "correction", actor="once", value="ham")
    return made


@pytest.mark.django_db
class TestTheReport:
    def test_gives_each_kind_that_claims_something_its_share_interval_and_n(self, project: Project) -> None:
        right = {one.kind: one.right for one in stored(project).right}
        down = right["thumbs_down"]
        assert (down.value, down.n) == (pytest.approx(0.5), 12) and down.low < 0.5 < down.high
        assert right["thumbs_up"].value == 1 and "click" not in right  # claims nothing

    def test_several_signals_about_one_item_count_as_one(self, project: Project) -> None:
        item = Item.objects.order_by("at").first()
        assert item
        give([item], "thumbs_down", actor="again")
        right = {one.kind: one.right for one in stored(project).right}
        assert right["thumbs_down"].n == 12

    def test_only_items_that_the_audit_drew_count(self, project: Project) -> None:
        items = list(Item.objects.order_by("at")[:12])
        route(project, items[:4], Cause.OVERRIDDEN, probability=1.0)
        right = {one.kind: one.right for one in stored(project).right}
        assert (right["thumbs_down"].n, right["thumbs_down"].value) == (8, pytest.approx(0.25))

    def test_an_outcome_counts_once_it_is_mature(self, project: Project) -> None:
        give(list(Item.objects.order_by("at")[:10]), "outcome", value="ham")
        days = (NOW + timedelta(days=30) - Item.objects.order_by("at")[5].at).days
        Project.objects.update(outcome_matures_after_days=days)
        project.refresh_from_db()
        right = {one.kind: one.right for one in stored(project).right}
        assert right["outcome"].n == 10  # all within one day of the sixth
        Project.objects.update(outcome_matures_after_days=31)
        project.refresh_from_db()
        assert "outcome" not in {one.kind for one in stored(project).right}


@pytest.mark.django_db
class TestTheStoredReliability:
    def test_is_a_version_for_routing_and_the_same_rows_make_no_further_one(self, project: Project) -> None:
        stored(project)
        known = reliability.load(project)
        assert known.version == 1 and known.kinds["thumbs_down"].n == 12
        anna, nobody = known.actors["thumbs_up", "anna"], known.rate_of("thumbs_up", "never seen")
        assert anna.n == 20 and anna.value is not None and anna.value > 0.9 and nobody == known.kinds["thumbs_up"]
        stored(project)
        assert reliability.load(project).version == 1
        give([Item.objects.latest("at")], "thumbs_up", actor="anna")
        stored(project)
        assert reliability.load(project).version == 2

    def test_an_actor_of_one_item_is_near_its_kind_and_little_is_known_of_who_was_never_audited(
        self, project: Project
    ) -> None:
        stored(project)
        known = reliability.load(project)
        one, unseen = known.actors["correction", "once"], next(row for row in known.unseen if row.kind == "correction")
        assert one.low is not None and one.high is not None and one.high - one.low > 0.4
        assert unseen.n == 0 and unseen.low is not None and unseen.low < 0.3


@pytest.mark.django_db
def test_the_page_says_what_each_kind_does_and_why(project: Project) -> None:
    client = Client()
    client.force_login(make_user(project=project, role=Role.ENGINEER))
    where = reverse("analysis:signals", args=[project.slug])
    refreshing.refresh(project, at=timezone.now())
    text = " ".join(client.get(where).content.decode().split())
    assert "asks, never labels: it names no label" in text  # thumbs down
    assert "does nothing, never labels: 20 of 100 audited items" in text  # thumbs up
    assert "asks, never labels: 11 of 100 audited items" in text  # corrections
    assert "counts as seen" in text and "It never labels." in text
    Project.objects.update(routing={"label_signals_above": 0.6, "label_signals_after": 20})
    text = " ".join(client.get(where).content.decode().split())
    assert "labels where 1 actor is reliable; of all others it does nothing" in text.replace("\xa0", " ")
    assert "labels: lower limit above 60%" in text

    def test_counts_what_came_and_what_waits(self, project: Project) -> None:
        Signal.objects.filter(kind="click").update(item=None)
        body = stored(project)
        assert {one.kind: one.signals for one in body.counts} == {"correction": 11, "thumbs_down": 12, "thumbs_up": 20}
        assert body.waiting == 3

    def test_nothing_labelled_is_nothing_known(self) -> None:
        made, items = judged_project(n=8, wrong=1)
        Resolution.objects.all().delete()
        give(items, "thumbs_down")
        assert stored(made).right == []


@pytest.mark.django_db
def test_counts_of_the_page_are_those_of_their_lists(project: Project) -> None:
    refreshing.refresh(project, at=timezone.now())
    assert walk(project, address(project, "analysis:signals")) >= 8
    walk(project, address(project, "analysis:signals", query="?window=28"))


@pytest.mark.django_db
def test_a_window_that_there_is_not_is_404_and_the_page_says_which_there_are() -> None:
    made, _ = judged_project(n=4, wrong=1)
    client = Client()
    client.force_login(make_user(project=made, role=Role.ENGINEER))
    answer = client.get(reverse("analysis:signals", args=[made.slug]) + "?window=3")
    assert answer.status_code == 404 and "it takes" in answer.content.decode()
