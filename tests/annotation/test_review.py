"""The Review page: every item that waits for a reviewer once, with its decision, "no label fits" among them."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from analysis import items, samples
from analysis.item_filters import Filters
from analysis.item_story import story
from annotation import answers, guidelines, labels, queue_counts, queues, resolution
from annotation.models import Cause, Item, Media, NoLabelDecision, Resolution, RoutedItem, RoutedState
from annotation.routing import audit_draw
from overview import actions, loop
from projects.models import AuditEvent, User
from retraining import datasets
from tests.annotation.labelling_scenario import LabellingScenario, make_entry, make_scenario
from tests.factories import make_item, make_prediction, make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def scenario(monkeypatch: pytest.MonkeyPatch) -> LabellingScenario:
    made = make_scenario()
    monkeypatch.setattr("django.utils.timezone.now", lambda: made.now)
    return made


def disputed(scenario: LabellingScenario) -> Item:
    """An item about which two people disagreed."""
    (item,) = scenario.ask(1, overlap=2)
    for person, value in ((scenario.alice, "ham"), (scenario.bob, "spam")):
        token = scenario.token(person)
        labels.submit(scenario.project, token, value=value, comment=f"{value}!", by=person, at=scenario.tick())
    assert set(RoutedItem.objects.filter(item=item).values_list("state", flat=True)) == {"review", "open"}
    return item


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def address(scenario: LabellingScenario, name: str, *more: str) -> str:
    return reverse(f"annotation:{name}", args=[scenario.project.slug, *more])


def test_lists_each_item_once_with_what_people_said(scenario: LabellingScenario) -> None:
    item = disputed(scenario)
    page = browser(scenario.rita).get(address(scenario, "review"))
    assert [card["routed"].item_id for card in page.context["review"]] == [item.pk]
    assert page.context["in_review"] == 1
    text = page.content.decode()
    assert text.count(f'name="item" value="{item.uid}"') == 2  # a label, or none
    assert "two people disagreed: ham, spam" in text and "ham!" in text


def test_the_guideline_stands_beside_with_its_images_and_not_in_a_refresh(scenario: LabellingScenario) -> None:
    disputed(scenario)
    size = {"width": 2, "height": 2, "size": 9, "created_at": scenario.now}
    Media.objects.create(project=scenario.project, sha256="ab" * 32, content_type="image/png", **size)
    text = f"Torn ones are spam.\n\n![torn](image:{'ab' * 32})"
    guidelines.publish(scenario.project, text=text, by=None, at=scenario.tick())
    page = browser(scenario.rita).get(address(scenario, "review")).content.decode()
    assert "Torn ones are spam." in page and f'src="/p/{scenario.project.slug}/media/{"ab" * 32}"' in page
    part = browser(scenario.rita).get(address(scenario, "review"), headers={"HX-Request": "true"}).content.decode()
    assert "Torn ones are spam." not in part and "two people disagreed" in part


def test_the_overview_leads_to_the_decisions_and_counts_the_same(scenario: LabellingScenario) -> None:
    disputed(scenario)
    facts = loop.collect(scenario.project, at=scenario.now, serves="")
    (action,) = [act for act in actions.actions(scenario.project, facts) if "dispute" in act.words]
    assert (action.url, facts.review, facts.waiting) == (address(scenario, "review"), 1, 0)
    assert items.select(scenario.project, Filters(state="review"), at=scenario.now).count() == 1
    (row,) = [
        row for row in queue_counts.count_queues(scenario.project, at=scenario.now) if row.queue.cause == Cause.DISPUTED
    ]
    assert (row.waiting, row.review) == (0, 1)


def test_a_label_decides_and_the_item_leaves_the_list(scenario: LabellingScenario) -> None:
    item = disputed(scenario)
    answer = browser(scenario.rita).post(
        address(scenario, "review-decide"), {"item": item.uid, "value": "spam"}, follow=True
    )
    assert "Decided:" in answer.content.decode() and answer.context["in_review"] == 0
    assert Resolution.objects.current().get(item=item).value == "spam"


@pytest.mark.parametrize("name", ["review-decide", "queue-decide"])
def test_no_label_fits_needs_a_reason_and_is_counted(scenario: LabellingScenario, name: str) -> None:
    item = disputed(scenario)
    where = address(scenario, name, *(["disputed"] if name == "queue-decide" else []))
    client = browser(scenario.rita)
    for why in ("", "   ", "x" * 301, "a\x00b"):
        refused = client.post(where, {"item": item.uid, "no_label": "yes", "why": why})
        assert refused.status_code == 422 and "Say why no label fits" in refused.content.decode()
    assert not NoLabelDecision.objects.exists()

    client.post(where, {"item": item.uid, "no_label": "yes", "why": " it is  no message "})

    made = NoLabelDecision.objects.get(item=item)
    assert (made.reason, made.decided_by) == ("it is no message", scenario.rita)
    assert AuditEvent.objects.of(scenario.project).filter(action="item.no_label").count() == 1
    assert items.select(scenario.project, Filters(state="no_label"), at=scenario.now).get() == item
    page = client.get(address(scenario, "review"))
    assert (page.context["in_review"], page.context["no_label"]) == (0, 1)
    assert "?state=no_label" in page.content.decode()
    known = story(item)
    assert (known["standing"], known["none_fits"].reason) == ("no label fits", "it is no message")
    again = client.post(where, {"item": item.uid, "no_label": "yes", "why": "twice"})
    assert again.status_code == 409


def test_the_item_leaves_training_and_metrics_and_is_not_asked_again(scenario: LabellingScenario) -> None:
    item = disputed(scenario)
    make_prediction(item, [0.9, 0.1], model_version="v1")
    Item.objects.filter(pk=item.pk).update(audit_number=0.1, audit_probability=0.5)
    item.refresh_from_db()
    resolution.resolve_by_person(item, value="ham", by=scenario.rita, at=scenario.tick())
    assert len(samples.live(scenario.project, "v1", at=scenario.tick())) == 1

    resolution.decide_no_label(item, reason="no message", by=scenario.rita, at=scenario.tick())

    assert len(samples.live(scenario.project, "v1", at=scenario.tick())) == 0
    assert not Resolution.objects.current().filter(item=item).exists()
    assert datasets._known(scenario.project, scenario.tick()) == []
    assert not audit_draw._waiting(scenario.project).exists()
    assert not audit_draw.not_asked(scenario.project).exists()
    assert not RoutedItem.objects.filter(item=item, state__in=[RoutedState.OPEN, RoutedState.REVIEW]).exists()
    assert scenario.claim(scenario.carol) == []


def test_a_vote_cannot_be_taken_back_after_it(scenario: LabellingScenario) -> None:
    (item,) = scenario.ask(1)
    token = scenario.token(scenario.alice)
    labels.submit(scenario.project, token, value="ham", by=scenario.alice, at=scenario.tick())
    resolution.decide_no_label(item, reason="no message", by=scenario.rita, at=scenario.tick())
    with pytest.raises(answers.AnswerRefused, match="no label fits"):
        labels.undo(scenario.project, token, by=scenario.alice, at=scenario.tick())


def test_a_label_agreed_later_withdraws_it(scenario: LabellingScenario) -> None:
    item = disputed(scenario)
    resolution.decide_no_label(item, reason="no message", by=scenario.rita, at=scenario.tick())
    queues.add_entries(scenario.queue(Cause.OVERRIDDEN), [make_entry(item)], at=scenario.tick())
    token = scenario.token(scenario.carol)
    labels.submit(scenario.project, token, value="ham", by=scenario.carol, at=scenario.tick())
    assert Resolution.objects.current().get(item=item).value == "ham"
    assert NoLabelDecision.objects.get(item=item).withdrawn_at
    assert items.select(scenario.project, Filters(state="no_label"), at=scenario.now).count() == 0


def test_it_stands_again_where_that_label_is_taken_back(scenario: LabellingScenario) -> None:
    item = disputed(scenario)
    resolution.decide_no_label(item, reason="no message", by=scenario.rita, at=scenario.tick())
    queues.add_entries(scenario.queue(Cause.OVERRIDDEN), [make_entry(item)], at=scenario.tick())
    token = scenario.token(scenario.carol)
    standing = NoLabelDecision.objects.filter(item=item, withdrawn_at=None)
    for _ in range(2):
        labels.submit(scenario.project, token, value="ham", by=scenario.carol, at=scenario.tick())
        assert not standing.exists()
        labels.undo(scenario.project, token, by=scenario.carol, at=scenario.tick())
        assert not Resolution.objects.current().filter(item=item).exists()
        assert (standing.get().reason, standing.get().decided_by) == ("no message", scenario.rita)


def test_a_foreign_item_is_not_there(scenario: LabellingScenario) -> None:
    foreign = make_project()
    item = make_item(foreign)
    queue = queues.ensure(foreign, Cause.DISPUTED, at=scenario.now)
    queues.add_entries(queue, [make_entry(item)], at=scenario.now)
    answer = browser(scenario.rita).post(
        address(scenario, "review-decide"), {"item": item.uid, "no_label": "yes", "why": "mine"}
    )
    assert answer.status_code == 409 and not NoLabelDecision.objects.exists()


def test_shows_what_was_answered_beside_the_decision(scenario: LabellingScenario, client: Client) -> None:
    scenario.project.also_ask = [{"name": "severity", "kind": "rating"}]
    scenario.project.save()
    scenario.ask(1, overlap=2)
    for person, value, severity in ((scenario.alice, "ham", 2), (scenario.bob, "spam", 5)):
        sent: dict[str, Any] = {"value": value, "also": {"severity": severity}}
        labels.submit(scenario.project, scenario.token(person), **sent, by=person, at=scenario.tick())
    client.force_login(scenario.rita)

    page = client.get(f"/p/{scenario.project.slug}/review/").content.decode()

    assert "<dt>severity</dt>" in page and "<dd>2 of 5, 5 of 5</dd>" in page
    item = Item.objects.get()
    decide = reverse("annotation:review-decide", args=[scenario.project.slug])
    assert client.post(decide, {"item": item.uid, "value": "ham"}).status_code == 302
    answer = client.get(reverse("analysis:item", args=[scenario.project.slug, item.uid]))
    assert answer.status_code == 200
    shown = answer.content.decode()
    assert "Severity: 2 of 5" in shown and "Severity: votes differ (unsettled, 2" in shown
