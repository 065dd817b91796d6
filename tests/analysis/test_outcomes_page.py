"""Outcomes: weeks of predictions, what came, how complete it is, mature and provisional apart."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from analysis.outcome_cohorts import OutcomesBody
from analysis.reports import refreshing
from analysis.reports.kinds import outcomes as outcomes_report
from analysis.reports.stored import newest
from annotation.models import Signal
from projects.models import Project, Role
from tests.factories import make_item, make_prediction, make_project, make_user
from tests.test_numbers import address, walk

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    """Three predictions a day over 60 days; of every second one the outcome came after 1 to 15 days, if it could."""
    made, now = make_project(outcome_matures_after_days=30), timezone.now()
    for i in range(180):
        age = timedelta(days=60 - i / 3, hours=-1)
        item = make_item(made, at=now - age)
        make_prediction(item, [0.9, 0.1])
        delay = timedelta(days=1 + i % 15)
        if i % 2 and delay < age:
            Signal.objects.create(
                project=made,
                key=f"o{i}",
                prediction_key=item.key,
                item=item,
                kind="outcome",
                value="spam" if i % 5 == 0 else "ham",
                body_hash="0" * 64,
                at=item.at + delay,
                captured_at=item.at + delay,
            )
    return made


def stored(project: Project) -> OutcomesBody:
    refreshing.refresh(project, at=timezone.now())
    report = newest(project, outcomes_report.KIND)
    assert report
    return report.body


def test_an_old_week_is_complete_and_a_young_one_is_forecast(project: Project) -> None:
    body = stored(project)
    assert (body.horizon, sum(one.predictions for one in body.cohorts)) == (30.0, 180)
    assert sum(one.with_outcome for one in body.cohorts) == body.outcomes == Signal.objects.count()
    old, young = body.cohorts[-2], body.cohorts[1]
    assert old.mature == old.predictions and old.completeness.value == 1.0
    assert old.forecast.value == old.with_outcome
    assert young.mature == 0 and young.completeness.value is not None and 0.1 < young.completeness.value < 0.9
    low, high = young.forecast.low, young.forecast.high
    assert low is not None and high is not None and low <= young.predictions / 2 <= high
    half = next(one.days for one in body.curve if one.value is not None and one.value >= 0.5)
    assert 6.5 <= half <= 9.5  # delays are spread evenly over 1 to 15 days


def test_mature_and_provisional_outcomes_are_apart(project: Project) -> None:
    body = stored(project)
    mature, provisional = body.agrees_mature, body.agrees_provisional
    assert mature is not None and provisional is not None and mature.n + provisional.n == body.outcomes
    assert mature.n == Signal.objects.filter(item__at__lte=timezone.now() - timedelta(days=30)).count()
    assert mature.value == pytest.approx(0.8, abs=0.02)


def test_counts_of_the_page_are_those_of_their_lists(project: Project) -> None:
    stored(project)
    assert walk(project, address(project, "analysis:outcomes")) >= 16


def test_the_page_says_that_silence_is_no_label_where_nothing_came() -> None:
    made = make_project()
    client = Client()
    client.force_login(make_user(project=made, role=Role.ENGINEER))
    refreshing.refresh(made, at=timezone.now())
    text = client.get(reverse("analysis:outcomes", args=[made.slug])).content.decode()
    assert "Silence is never taken for a label" in text
