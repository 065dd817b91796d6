"""The page Input contract: violations by input over time, freshness, versions with their differences, and skew."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from analysis.contract_violations import stretches, violation_counts
from analysis.feature_skew import KIND as SKEW
from analysis.feature_skew import FeatureSkew, SkewBody, SkewExample
from analysis.metrics.core.stored import StoredEstimate
from analysis.models import Report
from analysis.reports import refreshing
from analysis.reports.registry import Computation
from analysis.reports.stored import store_if_changed
from annotation import capture
from annotation.models import Item
from projects.models import ContractViolations, InputContract, Project, Role
from tests.factories import NOW, make_item, make_project, make_user

pytestmark = pytest.mark.django_db
INPUTS: dict[str, Any] = {"text": {"type": "text"}, "amount": {"type": "number", "min": 0}}


@pytest.fixture
def project() -> Project:
    return make_project("loans", inputs=INPUTS, contract_violations=ContractViolations.KEEP)


def send(project: Project, *amounts: Any, ago: timedelta = timedelta(0), lag: timedelta = timedelta(0)) -> None:
    now = timezone.now() - ago
    at = (now - lag).isoformat()
    rows = [
        {
            "key": f"{ago}-{place}",
            "inputs": {"text": "x", "amount": amount},
            "label": "ham",
            "model_version": "v1",
            "at": at,
        }
        for place, amount in enumerate(amounts)
    ]
    capture.capture_rows(project, rows, at=now)


def page(project: Project, query: str = "") -> str:
    client = Client()
    client.force_login(make_user(project=project, role=Role.ENGINEER))
    return client.get(f"/p/{project.slug}/input-contract/{query}").content.decode()


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.split("<main")[-1])).replace(" .", ".")


def test_every_count_of_kept_rows_opens_exactly_those_items(project: Project) -> None:
    send(project, -1, "x", 1, ago=timedelta(days=5))
    send(project, -1, 1, 2, 3)
    refreshing.refresh(project, at=timezone.now())
    html = page(project)
    links = re.findall(r'href="([^"]*violation=amount[^"]*)"[^>]*>(\d+)</a>', html)
    client = Client()
    client.force_login(make_user(project=project, role=Role.ENGINEER))
    found = []
    for address, count in links:
        listed = client.get(address.replace("&amp;", "&")).content.decode()
        keys = {key for key in Item.objects.values_list("uid", flat=True) if f"/items/{key}/" in listed}
        found.append((len(keys), int(count)))
    assert sorted(found) == [(1, 1), (2, 2), (3, 3)]  # two stretches of time, and the whole
    assert "Of 7 rows of all time, 42.9 % broke the contract in amount" in words(html)
    assert "not of its type 1, below the minimum 2" in words(html)


def test_refused_rows_count_as_rows_that_came(project: Project) -> None:
    Project.objects.filter(pk=project.pk).update(contract_violations=ContractViolations.REFUSE)
    project.refresh_from_db()
    send(project, -1, 1, 2, 3)
    window = stretches(project, 1, at=timezone.now())
    found = violation_counts(project, window)
    [amount] = [one for one in found.inputs if one.input == "amount"]
    assert (found.captured, found.refused, amount.kept_rows, amount.refused_rows) == (3, 1, 0, 1)
    assert [(one.rows, one.refused) for one in amount.series if one.rows] == [(4, 1)]


@pytest.mark.parametrize(("days", "first_day"), [(1, 1), (7, 7), (28, 28), (0, 200)])
def test_stretches_cover_the_window_without_gap(project: Project, days: int, first_day: int) -> None:
    make_item(project, "old", at=NOW - timedelta(days=200))
    window = stretches(project, days, at=NOW)
    assert 20 <= len(window) <= 28
    assert all(one[1] == after[0] for one, after in zip(window, window[1:], strict=False))
    assert window[0][0] <= NOW - timedelta(days=first_day) + timedelta(hours=1) and window[-1][1] > NOW
    assert window[0][0] >= NOW - timedelta(days=first_day + 29)


def test_a_report_is_made_again_only_when_a_row_came(project: Project) -> None:
    send(project, 1)
    at = timezone.now()
    refreshing.refresh(project, at=at)
    before = Report.objects.filter(kind="input_contract").count()
    refreshing.refresh(project, at=at)
    assert Report.objects.filter(kind="input_contract").count() == before
    send(project, "x", ago=timedelta(minutes=1))
    refreshing.refresh(project, at=at)
    assert Report.objects.filter(kind="input_contract").count() > before


def test_freshness_says_how_late_rows_of_each_version_arrive(project: Project) -> None:
    send(project, 1, 2, 3, lag=timedelta(minutes=5))
    refreshing.refresh(project, at=timezone.now())
    assert "v1" in words(page(project))
    assert "median lag 5 min" in words(page(project))


def test_versions_are_listed_with_what_changed(project: Project) -> None:
    changed = {"amount": {"type": "number", "min": 1}, "country": {"type": "category", "required": False}}
    InputContract.objects.create(project=project, version=2, inputs=changed, segments=["shop"], created_at=NOW)
    said = words(page(project))
    assert "amount: min 0 → 1" in said and "text removed: text, required" in said
    assert "country added: category, may be missing" in said and "segment shop added" in said


def test_skew_is_shown_with_interval_size_and_examples(project: Project) -> None:
    item = make_item(project, "k1", inputs={"text": "x", "amount": 1})
    feature = FeatureSkew(
        name="amount",
        rate=StoredEstimate(0.25, 0.1, 0.4, 40),
        different=10,
        missing_serving=2,
        missing_training=0,
        numbers=38,
        mean_difference=1.5,
        relative_difference=0.12,
        examples=[SkewExample(item.uid, "k1", "1", "3")],
    )
    body = SkewBody("features.parquet", "", True, 50, 0, 60, 40, [feature])
    store_if_changed(project, SKEW, Computation("0" * 64, lambda: body), version="", days=0, at=NOW)
    html = page(project)
    said = words(html)
    assert "40 items of the newest 60 have a row in features.parquet" in said
    assert "0.250 [0.10, 0.40]" in said and "12.0" in said and "2 at serving, 0 in training" in said
    assert f"/p/loans/items/{item.uid}/" in html


def test_an_unknown_window_is_said(project: Project) -> None:
    assert "takes all, 28, 7 or 1" in words(page(project, "?window=3"))
