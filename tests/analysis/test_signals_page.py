"""Signals: how often each kind and each actor is right, by the labels of people, with its interval and its items."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from analysis.metrics.core import weighted
from analysis.reports import refreshing
from analysis.reports.kinds import signals as signals_report
from analysis.reports.kinds.signals import SignalsBody
from analysis.reports.stored import newest
from analysis.signal_reliability import how_right
from annotation import kinds as task_kinds
from annotation.models import Item, Resolution, Signal
from annotation.signals import kinds
from projects.models import Project, Role
from tests.analysis.scenarios import judged_project
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
        right = {(one.kind, one.actor): one.right for one in stored(project).right}
        down = right["thumbs_down", ""]
        assert (down.value, down.n) == (pytest.approx(0.5), 12) and down.low < 0.5 < down.high
        assert right["thumbs_up", ""].value == 1 and right["thumbs_up", "anna"].n == 20
        assert ("click", "") not in right and ("correction", "once") not in right  # claims nothing; of one item

    def test_several_signals_about_one_item_count_as_one(self, project: Project) -> None:
        item = Item.objects.order_by("at").first()
        assert item
        give([item], "thumbs_down", actor="again")
        right = {one.kind: one.right for one in stored(project).right if not one.actor}
        assert right["thumbs_down"].n == 12

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


@pytest.mark.simulation
@pytest.mark.django_db
def test_the_interval_covers_the_true_share_although_objections_are_asked_about_more_often() -> None:
    """A thumb down that is right in 30 %: of 200 draws at least 93 % of the intervals hold it."""
    rng, covered = np.random.default_rng(0), 0
    for _ in range(200):
        right = rng.random(400) < 0.3
        chance = np.where(rng.random(400) < 0.5, 1.0, 0.2)  # asked because of it, or drawn by the audit
        drawn = rng.random(400) < chance
        found = weighted.score(right[drawn].astype(float), chance[drawn])
        covered += found.low <= 0.3 <= found.high
    assert covered >= 186
