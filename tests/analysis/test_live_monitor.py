"""The live monitor and the certificate of the version that serves, from labels to the page."""

import hashlib
from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse

from analysis import live_monitor
from analysis.live_monitor import label_order, monitored_error
from analysis.metrics.monitoring.watches import growing_watches
from analysis.metrics.risk_control.certificate import VoidReason
from analysis.reports import refreshing
from analysis.reports.kinds import monitor
from analysis.reports.kinds.monitor import MonitorBody
from analysis.reports.stored import newest
from analysis.resolution_certificates import why_void
from analysis.samples import live
from annotation.models import Cause, Item, Prediction, Resolution
from projects.models import Project, Role
from tests.analysis.scenarios import resolve, route
from tests.factories import NOW, make_item, make_prediction, make_project, make_user

pytestmark = pytest.mark.django_db
FEW = 60


@pytest.fixture(autouse=True)
def _few_labels_make_a_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_monitor, "WATCHES", growing_watches(FEW))


def audited(wrong: Sequence[bool], *, confidence: float = 0.9, version: str = "v1") -> tuple[Project, list[Item]]:
    """Audit items a quarter of an hour apart, labelled as they come; of those in `wrong` the model errs."""
    project = make_project(champion_version=version)
    items = []
    for place, _ in enumerate(wrong):
        item = make_item(project, inputs={"text": text_of(place)}, at=NOW + minutes(place))
        make_prediction(item, [confidence, 1 - confidence], model_version=version)
        items.append(item)
    route(project, items, Cause.AUDIT, probability=0.5)
    for place, (item, error) in enumerate(zip(items, wrong, strict=True)):
        resolve(item, "spam" if error else "ham", evaluation=True, resolved_at=NOW + minutes(place))
    return project, items


def text_of(place: int) -> str:
    """Words that no other place has."""
    return " ".join(hashlib.sha256(f"{place} {word}".encode()).hexdigest()[:8] for word in range(8))


def minutes(place: int) -> timedelta:
    return timedelta(minutes=15 * place)


def stored(project: Project, version: str = "v1") -> MonitorBody:
    refreshing.refresh(project, at=NOW + timedelta(days=30))
    report = newest(project, monitor.KIND, version=version)
    assert report
    return report.body


STEADY = [place % 20 == 7 for place in range(150)]
RISEN = [place % 20 == 7 if place < 90 else place % 2 == 0 for place in range(150)]


@pytest.mark.simulation
def test_a_rise_after_the_first_labels_is_an_alarm_with_its_start_rate_and_n() -> None:
    project, items = audited(RISEN)
    found = stored(project).monitored
    assert found.alarmed and (found.needed, found.watched) == (0, 90)
    assert found.reference.value == pytest.approx(0.05) and found.reference.n == FEW
    assert abs(found.since - items[90].at.timestamp()) <= 3 * 900
    since = [item for item in items if item.at.timestamp() >= found.since]
    assert found.after.n == len(since)
    assert found.after.low < 0.5 < found.after.high


def test_steady_labels_are_no_alarm() -> None:
    found = stored(audited(STEADY)[0]).monitored
    assert not found.alarmed and found.after is None
    assert found.watched == 90 and found.key


def test_before_the_first_labels_are_complete_it_says_how_many_are_missing() -> None:
    found = stored(audited(STEADY[:40])[0]).monitored
    assert (found.needed, found.reference) == (20, None) and found.key  # a certificate names the monitor from the start


def test_labels_count_in_the_order_in_which_they_came() -> None:
    project, items = audited(STEADY)
    Resolution.objects.filter(item=items[0]).update(resolved_at=NOW + timedelta(days=9))
    sample = live(project, "v1", at=NOW + timedelta(days=30))
    order = label_order(sample)
    assert sample.item_ids[order[-1]] == items[0].pk
    assert items[0].pk not in sample.item_ids[order[:FEW]]


def test_copies_of_one_item_count_once() -> None:
    project, items = audited(RISEN)
    Item.objects.filter(pk__in=[item.pk for item in items[91:]]).update(inputs=items[90].inputs)
    found = monitored_error(live(project, "v1", at=NOW + timedelta(days=30)))
    assert (found.watched, found.alarmed) == (31, False)


def test_a_label_that_waits_changes_nothing_of_what_was_seen() -> None:
    project, _ = audited(RISEN[:120])
    before = stored(project).monitored
    assert before.alarmed
    late = make_item(project, inputs={"text": text_of(999)}, at=NOW - timedelta(days=1))
    make_prediction(late, [0.9, 0.1], model_version="v1")
    route(project, [late], Cause.AUDIT, probability=0.5)
    resolve(late, "ham", evaluation=True, resolved_at=NOW + timedelta(days=20))
    assert stored(project).monitored.since == pytest.approx(before.since)


def test_only_the_version_that_serves_is_watched() -> None:
    project, items = audited(STEADY)
    for item in items:
        make_prediction(item, [0.2, 0.8], model_version="v2")
    assert stored(project, "v2") == MonitorBody()
    assert stored(project).monitored is not None


@pytest.mark.simulation
def test_the_certificate_names_version_rows_and_monitor_and_is_void_with_another_version_or_an_alarm() -> None:
    body = stored(audited([False] * 150)[0])
    made = body.certified.certificate
    assert (made.model_version, made.n, made.monitor) == ("v1", 150, live_monitor.key_of(body.watched))
    assert body.certified.threshold == pytest.approx(0.9)
    assert made.share.value == pytest.approx(1.0)
    assert why_void(body.certified, body.watched, serves="v1") is None
    assert why_void(body.certified, body.watched, serves="v2") == VoidReason.MODEL
    risen = stored(audited([False] * 90 + [True] * 30)[0])
    assert why_void(risen.certified, risen.watched, serves="v1") in (VoidReason.ALARM, VoidReason.NOTHING)


def test_the_same_rows_make_no_new_report() -> None:
    project, _ = audited(STEADY)
    refreshing.refresh(project, at=NOW + timedelta(days=30))
    later = refreshing.refresh(project, at=NOW + timedelta(days=31))
    assert monitor.KIND.name not in [report.kind for report in later]


def test_the_pages_say_the_alarm_and_link_to_exactly_its_items() -> None:
    project, _ = audited(RISEN)
    found = stored(project).monitored
    client = Client()
    client.force_login(make_user(project=project, role=Role.ENGINEER))
    for name in ("analysis:performance", "overview:overview"):
        page = client.get(reverse(name, args=[project.slug])).content.decode()
        assert "Alarm: the error of v1 has risen from 5.0" in " ".join(page.split())
        url = page.partition("Alarm: ")[2].partition('href="')[2].partition('"')[0].replace("&amp;", "&")
        listed = client.get(url).content.decode()
        assert f"{found.after.n}" in listed.partition('<p class="answer">')[2][:200]


def test_the_page_says_what_may_be_answered_alone() -> None:
    project, _ = audited([False] * 150)
    stored(project)
    client = Client()
    client.force_login(make_user(project=project, role=Role.ENGINEER))
    page = " ".join(client.get(reverse("analysis:performance", args=[project.slug])).content.decode().split())
    assert "What may v1 answer alone?" in page
    assert "confidence of at least <b>0.900</b>" in page
    assert "Nothing acts on it" in page


def test_without_a_label_after_the_first_ones_the_page_says_that_nothing_is_known_yet() -> None:
    project, _ = audited([place % 20 == 7 for place in range(FEW)])
    stored(project)
    client = Client()
    client.force_login(make_user(project=project, role=Role.ENGINEER))
    page = " ".join(client.get(reverse("analysis:performance", args=[project.slug])).content.decode().split())
    assert f"Not known yet: no label came after the first {FEW}" in page
    assert "No sign of it" not in page


def test_a_certificate_holds_also_before_the_first_labels_are_complete() -> None:
    body = stored(audited([False] * (FEW - 1))[0])
    assert body.monitored.needed == 1 and body.certified.certificate is not None
    assert why_void(body.certified, body.watched, serves="v1") is None


def priced(project: Project, **costs: float) -> Project:
    project.positive, project.costs = "spam", costs
    project.save()
    return project


def test_costs_are_watched_apart_from_errors_in_the_unit_of_the_project() -> None:
    """As many errors as before, but now all of the kind that costs something."""
    project, items = audited([place % 4 == 3 for place in range(150)])
    for place in range(3, 90, 4):
        if place % 20 != 7:  # a false positive instead of a false negative
            scores = np.array([0.1, 0.9], dtype="<f4").tobytes()
            Prediction.objects.filter(item=items[place]).update(label="spam", scores=scores)
            Resolution.objects.filter(item=items[place]).update(value="ham")
    body = stored(priced(project, false_positive=0, false_negative=8))
    assert not body.monitored.alarmed and body.cost.alarmed
    assert body.cost.reference.value == pytest.approx(0.4) and body.cost.after.value > 1.5
    assert body.cost.reference.low < 0.4 < body.cost.reference.high
    assert body.cost.shift == pytest.approx(0.4)  # five points more mistakes that cost 8
    assert why_void(body.certified, body.watched, serves="v1") in (VoidReason.ALARM, VoidReason.NOTHING)
    client = Client()
    client.force_login(make_user(project=project, role=Role.ENGINEER))
    page = " ".join(client.get(reverse("analysis:performance", args=[project.slug])).content.decode().split())
    assert "Has the error or the cost per decision risen?" in page
    assert "Alarm: the cost per decision of v1 has risen from 0.400 over its first 60 labels to <b>" in page
    assert "of either, at most twice as often" in page
    home = " ".join(client.get(reverse("overview:overview", args=[project.slug])).content.decode().split())
    assert "Alarm: the cost per decision of v1" in home


def test_a_project_without_costs_has_none_to_watch_and_other_costs_are_another_monitor() -> None:
    project, _ = audited([False] * 150)
    plain = stored(project)
    assert plain.cost is None and plain.watched == [plain.monitored]
    one, other = (stored(priced(project, false_positive=1, false_negative=dear)) for dear in (5, 10))
    assert len({live_monitor.key_of(body.watched) for body in (plain, one, other)}) == 3
    assert one.monitored.key == other.monitored.key == plain.monitored.key
    assert why_void(one.certified, other.watched, serves="v1") == VoidReason.MONITOR
    assert stored(priced(project, false_positive=0, false_negative=0)).cost is None
