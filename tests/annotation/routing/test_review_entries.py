"""What signals bring to Review: escalations, comments, and what contradicts a label or another signal."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from annotation import resolution, routing
from annotation.models import Cause, Item, Resolution, RoutedItem, RoutedState
from annotation.routing import review_entries
from annotation.routing.capacity import Places
from projects.models import AuditEvent, Project, Role
from tests.annotation.routing.test_negative_signals import item, signal
from tests.factories import NOW, make_project, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make_project()


def route(project: Project) -> dict[str, int]:
    return routing.route(project, at=NOW + timedelta(minutes=1), seed=1, places=Places(0, 0)).by_cause


def reviewer(project: Project) -> Client:
    client = Client()
    client.force_login(make_user(project=project, role=Role.REVIEWER))
    return client


@pytest.mark.parametrize("label", ["", "ham", "spam"])
def test_an_escalation_and_a_comment_wait_for_a_reviewer_whatever_the_label(project: Project, label: str) -> None:
    asked, written = item(project, label=label), item(project, label=label)
    signal(asked, "escalation", "please look", actor="ada")
    signal(written, "comment", "  this is\n odd ", actor="bo")
    assert review_entries.is_due(project)
    assert route(project) == {Cause.ESCALATED: 1, Cause.COMMENTED: 1}
    assert set(resolution.in_review(project).values_list("reason", flat=True)) == {
        "Escalation by ada: please look",
        "Comment by bo: this is odd",
    }
    assert not RoutedItem.objects.filter(state=RoutedState.OPEN).exists()  # nobody labels it because of that
    assert not review_entries.is_due(project) and route(project) == {}


def test_a_second_escalation_of_a_waiting_item_is_no_second_entry(project: Project) -> None:
    about = item(project)
    signal(about, "escalation", actor="ada")
    route(project)
    signal(about, "escalation", actor="bo")
    assert route(project) == {} and resolution.in_review(project).count() == 1


@pytest.mark.parametrize(
    ("label", "said", "reason"),
    [
        ("ham", [("override", "spam", "dr-4")], "override by dr-4 says spam; labelled ham (one label)"),
        ("ham", [("outcome", "spam", "")], "outcome says spam; labelled ham (one label)"),
        ("spam", [("outcome", "ham", "")], "outcome says ham; labelled spam (one label)"),
        (
            "",
            [("override", "spam", "dr-4"), ("outcome", "ham", "")],
            "override by dr-4 says spam; outcome says ham",
        ),
        (
            "",
            [("correction", "spam", "ada"), ("correction", "ham", "bo")],
            "correction by ada says spam; correction by bo says ham",
        ),
    ],
)
def test_a_conflict_is_a_dispute_with_both_sides(
    project: Project, label: str, said: list[tuple[str, Any, str]], reason: str
) -> None:
    about = item(project, label=label)
    for kind, value, actor in said:
        signal(about, kind, value, actor=actor)
    assert route(project) == {Cause.DISPUTED: 1}
    assert about.routed_items.get().reason == reason
    assert about.routed_items.get().state == RoutedState.REVIEW
    assert route(project) == {}
    current = Resolution.objects.current().filter(item=about).first()
    assert (current.value if current else "") == label  # what was agreed stands until a reviewer decides


def test_who_says_something_else_later_takes_back_what_was_said(project: Project) -> None:
    about = item(project)
    signal(about, "correction", "ham", actor="ada", at=NOW - timedelta(hours=1))
    signal(about, "correction", "spam", actor="ada")
    assert route(project) == {Cause.OVERRIDDEN: 1}


def test_an_item_to_be_labelled_blind_is_asked_blind_and_its_remarks_come_afterwards(project: Project) -> None:
    about, escalated = item(project, audit=True), item(project, audit=True)
    signal(about, "override", "spam", actor="dr-4")
    signal(about, "outcome", "ham")
    signal(escalated, "escalation", "text", actor="ada")
    routing.route(project, at=NOW + timedelta(minutes=1), seed=1, places=Places(0, 0))
    assert not RoutedItem.objects.filter(state=RoutedState.REVIEW).exists() and not review_entries.is_due(project)
    assert about.routed_items.get().cause == Cause.AUDIT
    assert review_entries.shown_signals(project, [about.pk, escalated.pk]) == {}
    Resolution.objects.create(
        project=project, item=escalated, value="ham", method="single", quality=1, votes=1, resolved_at=NOW
    )
    assert review_entries.is_due(project)
    assert review_entries.send_to_review(project, at=NOW) == {Cause.ESCALATED: 1}


def test_the_reviewer_sees_text_actor_and_time_and_decides(project: Project) -> None:
    about = item(project, label="ham")
    signal(about, "override", "spam", actor="dr-4")
    signal(about, "comment", "<b>look</b>", actor="bo")
    route(project)
    client, where = reviewer(project), reverse("annotation:review", args=[project.slug])
    page = client.get(where)
    text = page.content.decode()
    assert page.context["in_review"] == 1 and "dr-4" in text and "&lt;b&gt;look&lt;/b&gt;" in text
    assert "<dt>override</dt>" in text and "Leave it as it is" in text
    client.post(reverse("annotation:review-decide", args=[project.slug]), {"item": about.uid, "value": "spam"})
    assert Resolution.objects.current().get(item=about).value == "spam"
    assert client.get(where).context["in_review"] == 0


def test_a_reviewer_can_leave_it_as_it_is(project: Project) -> None:
    about = item(project, label="ham")
    signal(about, "comment", "nice", actor="bo")
    route(project)
    client, where = reviewer(project), reverse("annotation:review-decide", args=[project.slug])
    assert client.post(where, {"item": about.uid, "leave": "yes"}).status_code == 302
    assert Resolution.objects.current().get(item=about).value == "ham"
    assert not resolution.in_review(project).exists()
    assert AuditEvent.objects.of(project).filter(action="item.left").count() == 1
    assert client.post(where, {"item": about.uid, "leave": "yes"}).status_code == 409


def test_what_people_disputed_cannot_be_left_as_it_is(project: Project) -> None:
    about = item(project)
    signal(about, "escalation", actor="ada")
    route(project)
    RoutedItem.objects.update(strategy="flag")
    where = reverse("annotation:review-decide", args=[project.slug])
    assert reviewer(project).post(where, {"item": about.uid, "leave": "yes"}).status_code == 422
    assert resolution.in_review(project).count() == 1


def test_an_open_question_stays_open_beside_the_entry(project: Project) -> None:
    about = item(project)
    signal(about, "thumbs_down", actor="ada")
    route(project)
    signal(about, "escalation", actor="ada")
    assert route(project) == {Cause.ESCALATED: 1}
    assert set(about.routed_items.values_list("state", flat=True)) == {"open", "review"}
    assert Item.objects.get(pk=about.pk).asked_at is not None
